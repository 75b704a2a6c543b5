"""Track volume envelopes: creation, fader scaling, points, switches, undo, files."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import assumptions
from .client import SimReaper
from .conftest import Answer

NULL = "(TrackEnvelope*)0x0000000000000000"
HEAD = """
track = RPR_GetTrack(0, 0)
def volume():
    return RPR_GetTrackEnvelopeByChunkName(track, "<VOLENV2")
def points():
    env = volume()
    return [list(RPR_GetEnvelopePoint(env, i, 0, 0, 0, 0, 0)[3:]) for i in range(RPR_CountEnvelopePoints(env))]
"""
SHOW = HEAD + "RPR_SetOnlyTrackSelected(track)\nRPR_Main_OnCommand(40406, 0)\n"
FADE = """
env = volume()
for time, gain in ((3.0, 0.5), (1.0, 0.25), (2.0, 0.0)):
    RPR_InsertEnvelopePoint(env, time, RPR_ScaleToEnvelopeMode(1, gain), 2, 0.0, False, True)
RPR_Envelope_SortPoints(env)
"""


def _volume(reaper: SimReaper) -> dict:
    (envelope,) = reaper.tracks()[0]["envelopes"]
    return envelope


def test_envelope_when_not_created_then_null_and_after_the_action_there(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    body = (
        '\nout = [RPR_CountTrackEnvelopes(track), volume(), RPR_GetTrackEnvelopeByName(track, "Volume"), '
        "RPR_GetTrackEnvelope(track, 0)]\n"
    )
    assert answer(HEAD + body) == [0, NULL, NULL, NULL]
    count, *pointers = answer(SHOW + body)
    assert count == 1
    assert len(set(pointers)) == 1
    assert pointers[0] != NULL
    envelope = _volume(reaper)
    assert (envelope["active"], envelope["visible"], envelope["points"]) == (True, True, [[0.0, 1.0, 0, 0.0, False]])
    assert reaper.undo() == "Toggle track volume envelope visible"
    assert reaper.tracks()[0]["envelopes"] == []


def test_action_when_run_again_then_hides_and_inside_a_block_no_point_of_its_own(
    reaper: SimReaper, answer: Answer
) -> None:
    reaper.add_track("Foley")
    answer(SHOW)
    answer(SHOW)
    assert (_volume(reaper)["active"], _volume(reaper)["visible"]) == (True, False)
    steps = len(reaper.undo_labels())
    answer('RPR_Undo_BeginBlock2(0)\nRPR_Main_OnCommand(40406, 0)\nRPR_Undo_EndBlock2(0, "Draw", -1)\nout = 1')
    assert reaper.undo_labels()[steps:] == ["Draw"]
    assert _volume(reaper)["visible"]


def test_values_when_scaled_then_zero_decibel_is_716_and_the_way_back_is_exact_enough(answer: Answer) -> None:
    out = answer("""
        gains = [0.0, 0.001, 0.1, 0.5, 1.0, 1.5, 2.0]
        scaled = [RPR_ScaleToEnvelopeMode(1, gain) for gain in gains]
        out = [scaled, [RPR_ScaleFromEnvelopeMode(1, value) for value in scaled], RPR_ScaleToEnvelopeMode(0, 0.5),
               RPR_ScaleFromEnvelopeMode(1, 0.5)]
        """)
    scaled, back, plain, raw_half = out
    assert scaled == sorted(scaled)
    assert (scaled[0], scaled[4], scaled[6]) == (
        0.0,
        pytest.approx(assumptions.FADER_OF_UNITY_GAIN),
        assumptions.FADER_TOP,
    )
    assert back == pytest.approx([0.0, 0.001, 0.1, 0.5, 1.0, 1.5, 2.0])
    assert plain == 0.5
    assert raw_half < 1e-5, "a gain written without scaling is silence"


def test_points_when_inserted_unsorted_then_sorted_by_time_and_scaled(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    out = answer(SHOW + FADE + "\nout = [points(), RPR_GetEnvelopeScalingMode(env)]")
    assert [point[0] for point in out[0]] == [0.0, 1.0, 2.0, 3.0]
    assert out[0][3][1] == pytest.approx(answer("out = RPR_ScaleToEnvelopeMode(1, 0.5)"))
    assert out[1] == 1
    assert [point[1] for point in _volume(reaper)["points"]] == pytest.approx([1.0, 0.25, 0.0, 0.5])
    assert reaper.warnings() == []
    body = "\nRPR_InsertEnvelopePoint(volume(), 0.5, 0.0, 0, 0.0, 0, 0)\nout = [p[0] for p in points()]"
    assert answer(HEAD + body) == [0.0, 0.5, 1.0, 2.0, 3.0], "sorted at once unless asked not to"


def test_points_when_a_script_forgets_to_sort_then_warned(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    answer(SHOW + FADE.replace("RPR_Envelope_SortPoints(env)", ""))
    assert ["Envelope_SortPoints missing" in warning for warning in reaper.warnings()] == [True]


def test_point_when_louder_than_the_lane_then_cut_at_six_decibel(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    answer(SHOW + "RPR_InsertEnvelopePoint(volume(), 1.0, 5000.0, 0, 0.0, 0, 0)")
    assert _volume(reaper)["points"][1][1] == 2.0


def test_point_when_set_then_every_value_is_the_given_one(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    body = """
        env = volume()
        done = RPR_SetEnvelopePoint(env, 1, 5.0, 1000.0, 1, 0.0, 1, 0)[0]
        out = [done, RPR_SetEnvelopePointEx(env, -1, 9, 0.0, 0.0, 0, 0.0, 0, 0)[0]]
        out += [RPR_GetEnvelopePointByTime(env, t) for t in (-1.0, 0.0, 4.9, 5.0)]
        """
    assert answer(SHOW + FADE + _flat(body)) == [1, 0, -1, 0, 2, 3]
    assert _volume(reaper)["points"][3] == [5.0, 2.0, 1, 0.0, True]


def test_range_when_deleted_then_start_goes_and_end_stays(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    body = "\nRPR_DeleteEnvelopePointRange(env, 1.0, 3.0)\nout = [p[0] for p in points()]"
    assert answer(SHOW + FADE + body) == [0.0, 3.0]
    body = "\nenv = volume()\nout = [RPR_DeleteEnvelopePointEx(env, -1, 0), RPR_DeleteEnvelopePointEx(env, -1, 7)]"
    assert answer(HEAD + body) == [1, 0]
    assert [point[0] for point in _volume(reaper)["points"]] == [3.0]


def test_value_when_evaluated_between_points_then_along_the_shape(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    body = """
        env = volume()
        RPR_DeleteEnvelopePointEx(env, -1, 0)
        for time, value, shape in ((1.0, 100.0, 0), (2.0, 200.0, 1), (3.0, 400.0, 0)):
            RPR_InsertEnvelopePointEx(env, -1, time, value, shape, 0.0, 0, 0)
        out = [RPR_Envelope_Evaluate(env, t, 48000.0, 1, 0, 0, 0, 0)[5] for t in (0.0, 1.5, 2.9, 3.0, 9.0)]
        """
    assert answer(SHOW + _flat(body)) == pytest.approx([100.0, 150.0, 200.0, 400.0, 400.0])


def test_switches_when_set_as_text_then_seen_and_undone(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    body = """
        env = volume()
        RPR_Undo_BeginBlock2(0)
        for name in ("VISIBLE", "SHOWLANE", "ARM"):
            RPR_GetSetEnvelopeInfo_String(env, name, "0", 1)
        RPR_GetSetEnvelopeInfo_String(env, "P_EXT:foley", "mine", 1)
        RPR_Undo_EndBlock2(0, "Switches", 32)
        names = ("ACTIVE", "VISIBLE", "SHOWLANE", "ARM", "GUID", "P_EXT:foley")
        out = [RPR_GetSetEnvelopeInfo_String(env, name, "", 0)[3] for name in names]
        """
    out = answer(SHOW + _flat(body))
    assert out == ["1", "0", "0", "0", _volume(reaper)["guid"], "mine"]
    assert reaper.undo() == "Switches"
    assert (_volume(reaper)["visible"], _volume(reaper)["ext"]) == (True, {})


def test_step_when_its_flags_miss_envelopes_then_undo_leaves_the_points(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    answer(SHOW + "RPR_Undo_BeginBlock2(0)\n" + FADE + 'RPR_Undo_EndBlock2(0, "Fade", 1)\nout = 1')
    reaper.undo()
    assert len(_volume(reaper)["points"]) == 4
    reaper.redo()
    answer(HEAD + 'RPR_Undo_BeginBlock2(0)\nRPR_DeleteEnvelopePointEx(volume(), -1, 0)\nRPR_Undo_EndBlock2(0, "x", 32)')
    reaper.undo()
    assert len(_volume(reaper)["points"]) == 4


def test_pointer_when_undone_then_stale(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    body = """
        number = int(volume().split("0x")[1], 16)
        out = [RPR_ValidatePtr(number, "TrackEnvelope*"), RPR_ValidatePtr(number, "MediaTrack*")]
        RPR_Undo_DoUndo2(0)
        out.append(RPR_ValidatePtr(number, "TrackEnvelope*"))
        """
    assert answer(SHOW + _flat(body)) == [1, 0, 0]


def test_project_when_saved_and_opened_then_envelope_is_the_same(
    reaper: SimReaper, answer: Answer, tmp_path: Path
) -> None:
    reaper.add_track("Foley")
    answer(
        SHOW
        + FADE
        + "RPR_InsertEnvelopePoint(env, 4.0, 1000.0, 5, -0.5, 1, 0)\n"
        + 'RPR_GetSetEnvelopeInfo_String(env, "P_EXT:foley", "mine", 1)'
    )
    before = _volume(reaper)
    reaper.save(tmp_path / "film.rpp")
    assert "VOLTYPE 1" in (tmp_path / "film.rpp").read_text()
    assert "PT 3 0.5 2\n" in (tmp_path / "film.rpp").read_text(), "linear gain in files"
    reaper.open(tmp_path / "film.rpp")
    after = _volume(reaper)
    assert [point[1] for point in after["points"]] == pytest.approx([point[1] for point in before["points"]], abs=1e-8)
    assert [point[::2] for point in after["points"]] == [point[::2] for point in before["points"]]
    assert {**after, "points": []} == {**before, "points": []}


def test_hidden_active_envelope_when_saved_then_lost(reaper: SimReaper, answer: Answer, tmp_path: Path) -> None:
    reaper.add_track("Foley")
    answer(SHOW)
    answer(SHOW)
    reaper.save(tmp_path / "film.rpp")
    reaper.open(tmp_path / "film.rpp")
    assert reaper.tracks()[0]["envelopes"] == []


def test_name_when_reaper_is_german_then_only_the_chunk_name_finds_it(tmp_path: Path) -> None:
    with SimReaper.start(tmp_path / "reaper", arguments=("--language", "german")) as reaper:
        reaper.add_track("Foley")
        script = tmp_path / "x.py"
        script.write_text(
            "from reaper_python import *\n"
            + SHOW
            + 'found = [RPR_GetTrackEnvelopeByName(track, name) == volume() for name in ("Volume", "Lautstärke")]\n'
            + 'RPR_ShowConsoleMsg(repr(found + [RPR_GetEnvelopeName(volume(), "", 99)[2]]))'
        )
        reaper.run_script(script)
        assert reaper.console() == "[False, True, 'Lautstärke']"


@pytest.mark.parametrize(("profile", "there"), [("6.80", False), ("7.30", True), ("7.78", True)])
def test_switch_function_when_reaper_is_old_then_absent(tmp_path: Path, profile: str, there: bool) -> None:
    with SimReaper.start(tmp_path / "reaper", profile=profile) as reaper:
        script = tmp_path / "x.py"
        script.write_text(
            "import reaper_python as r\n"
            "NAMES = ('GetSetEnvelopeInfo_String', 'GetTrackEnvelopeByChunkName')\n"
            "found = [hasattr(r, 'RPR_' + name) for name in NAMES]\n"
            "r.RPR_ShowConsoleMsg(repr(found))"
        )
        reaper.run_script(script)
        assert reaper.console() == repr([there, True])


def _flat(body: str) -> str:
    return "\n".join(line[8:] for line in body.splitlines())


def test_key_v_when_pressed_then_the_selected_tracks_envelope_is_shown_by_hand(reaper: SimReaper) -> None:
    reaper.select(reaper.add_track("Foley"))
    reaper.press_key(1, "v")
    assert _volume(reaper)["visible"]
    assert reaper.undo_labels()[-1] == "Toggle track volume envelope visible"
