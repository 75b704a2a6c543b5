"""What Python scripts see of the API: shapes of results, conversion of arguments, what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reaper_sim.apigen import load_signatures
from tests.reaper_sim.client import SimReaper, SimReaperError

from .conftest import Answer

SHAPES = {
    "GetSetMediaTrackInfo_String": ("bool", True, ["char*"]),
    "GetMediaSourceFileName": ("void", True, ["char*"]),
    "CountProjectMarkers": ("int", True, ["int*", "int*"]),
    "GetMediaSourceLength": ("double", True, ["bool*"]),
    "EnumProjects": ("ReaProject*", True, ["char*"]),
    "GetTrackFromPoint": ("MediaTrack*", True, ["int*"]),
    "SetTakeMarker": ("int", True, ["double*", "int*"]),
    "SetTakeStretchMarker": ("int", True, ["double*"]),
    "MIDI_SetNote": ("bool", True, ["bool*", "bool*", "double*", "double*", "int*", "int*", "int*", "bool*"]),
    "GetTrack": ("MediaTrack*", False, []),
    "SetExtState": ("void", False, []),
    "GetExtState": ("const char*", False, []),
    "AddRegionOrMarker": ("ProjectMarker*", False, []),
    "SetMediaItemTake_Source": ("bool", False, []),
}
"""Result type, whether a tuple comes back, which arguments come back changed, as REAPER documents it."""


@pytest.mark.parametrize("name", SHAPES)
def test_signature_when_compared_with_known_shapes_then_equal(name: str) -> None:
    signature = load_signatures("7.78")[name]
    outputs = [
        kind
        for kind, const in zip(signature.types, signature.const, strict=True)
        if kind in ("int*", "bool*", "double*") or (kind == "char*" and not const)
    ]
    assert (signature.returns, signature.has_outputs, outputs) == SHAPES[name]


def test_signatures_when_python_cannot_hold_their_types_then_absent() -> None:
    names = load_signatures("7.78")
    absent = {"get_config_var", "plugin_register", "GetSetMediaTrackInfo", "LICE_Blit", "MIDI_eventlist_Create"}
    assert absent.isdisjoint(names)
    assert len(names) > 650


@pytest.mark.parametrize(("profile", "present"), [("7.78", True), ("7.30", False), ("6.80", False)])
def test_marker_pointer_functions_when_reaper_is_old_then_absent(profile: str, present: bool) -> None:
    names = load_signatures(profile)
    assert ("GetRegionOrMarker" in names) == present
    assert ("GetSetRegionOrMarkerInfo_String" in names) == present
    assert "EnumProjectMarkers3" in names


def test_old_reaper_when_a_script_uses_a_new_function_then_name_error_in_console(tmp_path: Path) -> None:
    script = tmp_path / "new.py"
    script.write_text("from reaper_python import *\nRPR_GetNumRegionsOrMarkers(0)\n")
    with SimReaper.start(tmp_path / "reaper", profile="7.30") as reaper:
        reaper.run_script(script)
        assert "NameError" in reaper.console()


def test_outputs_when_called_then_every_argument_is_echoed(answer: Answer) -> None:
    out = answer("""
        RPR_InsertTrackAtIndex(0, True)
        track = RPR_GetTrack(0, 0)
        RPR_GetSetMediaTrackInfo_String(track, "P_NAME", "Höhe 🎬", 1)
        out = [
            [track, *RPR_GetSetMediaTrackInfo_String(track, "P_NAME", "", 0)],
            RPR_CountProjectMarkers(0, 0, 0),
            RPR_GetProjExtState(0, "s", "k", "", 64),
            RPR_GetSet_LoopTimeRange2(0, True, False, 1, 2.5, False),
            RPR_GetUserInputs.__name__,
            RPR_GetTrackName(track, "", 3),
        ]
        """)
    track = out[0][0]
    assert track.startswith("(MediaTrack*)0x")
    assert len(track) == len("(MediaTrack*)0x") + 16
    assert out[0][1:] == [1, track, "P_NAME", "Höhe 🎬", 0]
    assert out[1] == [0, 0, 0, 0]
    assert out[2] == [0, 0, "s", "k", "", 64]
    assert out[3] == [0, True, False, 1.0, 2.5, False]
    assert out[5] == [1, track, "H", 3], "cut to two bytes, never inside a character"


def test_null_when_it_comes_back_then_it_is_a_truthy_text_or_an_attribute_error(answer: Answer) -> None:
    out = answer("""
        out = [RPR_GetTrack(0, 7)]
        try:
            RPR_Undo_CanUndo2(0)
        except AttributeError as error:
            out.append("AttributeError")
        RPR_SetExtState("a", "b", None, 0)
        out.append(RPR_GetExtState("a", "b"))
        """)
    assert out == ["(MediaTrack*)0x0000000000000000", "AttributeError", "None"]


def test_marker_name_when_asked_through_the_old_function_then_only_ctypes_reads_it(
    reaper: SimReaper, answer: Answer
) -> None:
    reaper.add_marker(1.25, "glass")
    out = answer("""
        import ctypes as ct, reaper_python
        kind = ct.CFUNCTYPE(ct.c_int, ct.c_uint64, ct.c_int, *[ct.c_void_p] * 6)
        call = kind(reaper_python._ft["EnumProjectMarkers3"])
        region, pos, end = ct.c_byte(), ct.c_double(), ct.c_double()
        name, number, color = ct.c_char_p(), ct.c_int(), ct.c_int()
        cells = [ct.byref(cell) for cell in (region, pos, end, name, number, color)]
        out = [RPR_EnumProjectMarkers3(0, 0, 0, 0, 0, "", 0, 0), call(0, 0, *cells), pos.value, name.value.decode()]
        """)
    assert out == [[1, 0, 0, 0, 1.25, 0.0, "", 1, 0], 1, 1.25, "glass"]


def test_function_when_not_simulated_then_error_in_script_and_fault(reaper: SimReaper, script) -> None:
    reaper.run_script(
        script("x.py", 'RPR_ShowConsoleMsg("before ")\nRPR_Track_GetPeakInfo(0, 0)\nRPR_ShowConsoleMsg("after")')
    )
    assert "Track_GetPeakInfo is not simulated" in reaper.console()
    assert "after" not in reaper.console().split("Traceback")[0]
    assert [(fault["kind"], fault["function"]) for fault in reaper.forgive_faults()] == [
        ("unimplemented", "Track_GetPeakInfo")
    ]


def test_parameter_when_misspelt_then_fault_and_not_a_silent_zero(reaper: SimReaper, script) -> None:
    reaper.add_track()
    reaper.run_script(script("x.py", 'RPR_GetMediaTrackInfo_Value(RPR_GetTrack(0, 0), "D_VOLUME")'))
    assert "D_VOLUME" in reaper.forgive_faults()[0]["message"]
    assert "Unsimulated: Track has no simulated parameter D_VOLUME" in reaper.console()


def test_api_exists_when_asked_then_depends_on_the_version(tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text(
        "from reaper_python import *\n"
        'for name in ("GetRegionOrMarker", "EnumProjectMarkers3", "BR_PositionAtMouseCursor"):\n'
        "    RPR_ShowConsoleMsg(str(RPR_APIExists(name)))\n"
    )
    for profile, found in (("7.78", "110"), ("7.30", "010")):
        with SimReaper.start(tmp_path / profile, profile=profile) as reaper:
            reaper.run_script(script)
            assert reaper.console() == found


def test_start_when_a_startup_script_crashes_reaper_then_error_and_no_process(tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text("from reaper_python import *\nRPR_DeleteTrack(RPR_GetTrack(0, 0))\n")
    with pytest.raises(SimReaperError, match="NULL"):
        SimReaper.start(tmp_path / "reaper", startup_scripts=[script])
