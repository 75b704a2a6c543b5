"""The OSC control surface, over real UDP: what a device hears, what it may do, and what it can not rely on."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .client import SimReaper
from .osc_config import RECEIVE, SEND, OscConfig
from .osc_device import Heard, OscDevice, message

Desk = tuple[SimReaper, OscDevice]
Script = Callable[[str, str], Path]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A REAPER with a device on REAPER's own patterns; what REAPER says at its start was heard.

    Positions are looked at each round here, so that a test need not wait for fifteen times a second.
    """
    with started(tmp_path) as running:
        yield running


@contextlib.contextmanager
def started(tmp_path: Path, *, assume: dict[str, Any] | None = None, **config: Any) -> Iterator[Desk]:
    assume = {"SURFACE_RATE_HZ": 1000, **(assume or {})}
    with (
        OscDevice() as device,
        SimReaper.start(tmp_path / "reaper", tick_s=0.01, osc=[device.config(**config)], assume=assume) as reaper,
    ):
        device.settle = lambda: reaper.wait_ticks(4)
        device.hear()
        device.packets.clear()
        yield reaper, device


def slots(heard: list[Heard], slot: int) -> dict[str, Any]:
    """The last values of a slot of the marker bank."""
    head = f"/marker/{slot}/"
    return {address.removeprefix(head): value for address, value in heard if address.startswith(head)}


def shown(reaper: SimReaper) -> list[tuple[str, float, int]]:
    return [(marker["name"], marker["position_s"], marker["number"]) for marker in reaper.markers()]


# -- what the device hears ---------------------------------------------------------------------------------------------


def test_start_when_a_device_listens_then_it_hears_the_transport_and_the_last_marker(tmp_path: Path) -> None:
    with OscDevice() as device, SimReaper.start(tmp_path / "reaper", osc=[device.config()]):
        heard = dict(device.hear(0.3))
    assert {"/play": 0.0, "/stop": 1.0, "/record": 0.0, "/lastmarker/name": ""}.items() <= heard.items()
    assert not [address for address in heard if address.startswith(("/marker/", "/time"))]


def test_cursor_when_it_moves_then_its_time_is_heard_once(desk: Desk) -> None:
    reaper, device = desk
    reaper.set_cursor(83.25)
    heard = device.hear()
    assert dict(heard) == {
        "/time": 83.25,
        "/time/str": "1:23.250",
        "/beat/str": "42.3.50",
        "/samples": 3996000.0,
        "/samples/str": "3996000",
        "/frames/str": "00:01:23:07",
    }
    assert len(heard) == 6
    reaper.set_cursor(83.25)
    assert device.hear() == []


def test_positions_when_told_then_only_32_bits_of_them_count(desk: Desk) -> None:
    reaper, device = desk
    reaper.set_cursor(36000.0001)
    assert dict(device.hear())["/time"] == 36000.0
    reaper.set_cursor(36000.0004)
    assert "/time" not in dict(device.hear()), "the same float on the wire: not sent again"


def test_positions_when_the_cursor_runs_then_they_are_heard_fifteen_times_a_second(tmp_path: Path) -> None:
    with started(tmp_path, assume={"SURFACE_RATE_HZ": 15}) as (reaper, device):
        begun = time.monotonic()
        for step in range(60):
            reaper.set_cursor(1.0 + step)
            reaper.wait_ticks(1)
        heard = [address for address, _ in device.hear(0.2)].count("/time")
        assert 5 <= heard <= 15 * (time.monotonic() - begun) + 1


def test_last_marker_when_the_cursor_passes_it_then_it_is_heard(desk: Desk) -> None:
    reaper, device = desk
    reaper.add_marker(1.0, "foley")
    reaper.add_marker(2.0, "scene", end_s=5.0, number=4)
    assert device.hear() == []
    reaper.set_cursor(3.0)
    heard = dict(device.hear())
    assert (heard["/lastmarker/name"], heard["/lastmarker/number/str"], heard["/lastmarker/time"]) == ("foley", "1", 1)
    region = {key.removeprefix("/lastregion/"): value for key, value in heard.items() if "/lastregion/" in key}
    assert region == {"name": "scene", "number/str": "4", "time": 2.0, "length": 3.0}
    reaper.set_cursor(6.0)
    assert dict(device.hear())["/lastregion/name"] == ""


def test_markers_when_no_count_was_sent_then_nothing_is_heard(desk: Desk) -> None:
    reaper, device = desk
    reaper.add_marker(1.0, "foley")
    assert device.hear() == []


def test_bank_when_a_count_is_sent_then_every_slot_is_heard(desk: Desk) -> None:
    reaper, device = desk
    reaper.add_marker(2.0, "b")
    reaper.add_marker(1.0, "a", number=9)
    reaper.add_marker(0.5, "region", end_s=3.0)
    device.send("/device/marker/count", 3)
    heard = device.hear()
    assert slots(heard, 1) == {"name": "a", "number/str": "9", "time": 1.0}
    assert slots(heard, 2) == {"name": "b", "number/str": "1", "time": 2.0}
    assert slots(heard, 3) == {"name": "", "number/str": ""}, "an empty slot has no time"
    assert not [address for address, _ in heard if address.startswith("/region")]
    device.send("/device/region/count/2")
    assert ("/region/1/length", 2.5) in device.hear()


def test_bank_when_a_marker_changes_then_only_that_is_heard(desk: Desk) -> None:
    reaper, device = desk
    first, second = reaper.add_marker(1.0, "a"), reaper.add_marker(2.0, "b")
    device.send("/device/marker/count", 2)
    device.hear()
    reaper.rename_marker(second, "c")
    assert device.hear() == [("/marker/2/name", "c")]
    reaper.move_marker(first, 3.0)
    heard = device.hear()
    assert (slots(heard, 1)["name"], slots(heard, 2)["name"]) == ("c", "a"), "two slots seem to swap"
    reaper.undo()
    assert slots(device.hear(), 1)["name"] == "a"
    reaper.delete_marker(first)
    heard = device.hear()
    assert slots(heard, 1)["name"] == "c"
    assert slots(heard, 2) == {"name": "", "number/str": ""}


def test_bank_when_a_script_or_another_tab_changes_markers_then_heard(desk: Desk, script: Script) -> None:
    reaper, device = desk
    device.send("/device/marker/count", 1)
    device.hear()
    reaper.run_script(script("mark.py", 'RPR_AddProjectMarker2(0, False, 4.0, 0.0, "by script", -1, 0)'))
    assert slots(device.hear(), 1)["name"] == "by script"
    reaper.new_tab()
    assert slots(device.hear(), 1)["name"] == ""


def test_bank_when_stepped_and_selected_then_another_part_is_shown(desk: Desk) -> None:
    reaper, device = desk
    for index in range(5):
        reaper.add_marker(1.0 + index, f"m{index}")
    device.send("/device/marker/count", 2)
    device.hear()
    names = []
    for address, value in (("bank/+", 1), ("bank/+", 1), ("bank/+", 1), ("bank/-", 1), ("bank/select", 2)):
        device.send("/device/marker/" + address, value)
        names.append(slots(device.hear(), 1)["name"])
    assert names == ["m2", "m4", "m0", "m4", "m2"], "around at both ends"
    device.send("/marker/1/name", "renamed")
    reaper.wait_ticks(2)
    device.send("/device/marker/bank/select/99")
    assert slots(device.hear(), 1)["name"] == "m4", "beyond the end: the last bank"
    assert [name for name, _, _ in shown(reaper)] == ["m0", "m1", "renamed", "m3", "m4"]


def test_bank_when_it_shrinks_and_grows_then_its_slots_are_told_anew(desk: Desk) -> None:
    reaper, device = desk
    for index in range(2):
        reaper.add_marker(1.0 + index, f"m{index}")
    device.send("/device/marker/count", 2)
    device.hear()
    device.send("/device/marker/count", 1)
    assert device.hear() == []
    device.send("/device/marker/count", 2)
    assert slots(device.hear(), 2) == {"name": "m1", "number/str": "2", "time": 2.0}


def test_packets_when_there_is_much_to_tell_then_bundles_up_to_the_size(tmp_path: Path) -> None:
    with started(tmp_path, largest_packet_bytes=256) as (reaper, device):
        for index in range(40):
            reaper.add_marker(1.0 + index, f"marker {index}")
        device.send("/device/marker/count", 40)
        assert len(device.hear()) == 120
        assert len(device.packets) > 10
        assert max(map(len, device.packets)) <= 256
        assert all(packet.startswith(b"#bundle\0" + struct.pack(">Q", 1)) for packet in device.packets[:-1])


def test_packet_when_one_message_is_told_then_it_goes_bare(desk: Desk) -> None:
    reaper, device = desk
    guid = reaper.add_marker(1.0, "a")
    device.send("/device/marker/count", 1)
    device.hear()
    device.packets.clear()
    reaper.rename_marker(guid, "b")
    device.hear()
    assert device.packets == [message("/marker/1/name", "b")]


@pytest.mark.parametrize("clears", [False, True])
def test_refresh_when_asked_for_then_told_anew_if_it_clears_what_was_sent(tmp_path: Path, clears: bool) -> None:
    with started(tmp_path, assume={"REFRESH_CLEARS_OSC_CACHE": clears}) as (reaper, device):
        reaper.set_cursor(2.0)
        reaper.add_marker(1.0, "foley")
        device.send("/device/marker/count", 1)
        device.hear()
        device.send("/action/41743")
        heard = dict(device.hear())
        assert heard.get("/marker/1/name") == ("foley" if clears else None)
        assert heard.get("/time") == (2.0 if clears else None)
        assert heard.get("/stop") == (1.0 if clears else None)


# -- drags -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notify", ["during", "release"])
def test_drag_when_notified_then_the_device_hears_each_step_or_the_end_alone(desk: Desk, notify: str) -> None:
    reaper, device = desk
    guid = reaper.add_marker(1.0, "a")
    reaper.add_marker(2.0, "b")
    device.send("/device/marker/count", 2)
    device.hear()
    steps, count = [1.25, 1.5, 1.75, 2.5], reaper.change_count()
    reaper.drag_marker(guid, steps, notify=notify, ticks_per_step=3)
    times = [value for address, value in device.hear() if address in ("/marker/1/time", "/marker/2/time")]
    assert times == ([1.25, 1.5, 1.75, 2.0, 2.5] if notify == "during" else [2.0, 2.5])
    assert reaper.change_count() - count == (6 if notify == "during" else 2)
    assert shown(reaper) == [("b", 2.0, 2), ("a", 2.5, 1)]
    assert reaper.undo_labels()[-2:] == ["Insert marker", "Move marker"]
    reaper.undo()
    assert shown(reaper) == [("a", 1.0, 1), ("b", 2.0, 2)]


@pytest.mark.parametrize("live", [False, True])
def test_drag_when_the_project_follows_the_mouse_then_the_last_marker_is_polled(tmp_path: Path, live: bool) -> None:
    with started(tmp_path, assume={"MARKER_DRAG_MOVES_THE_MARKER": live}) as (reaper, device):
        guid = reaper.add_marker(1.0, "a")
        reaper.set_cursor(9.0)
        device.hear()
        reaper.drag_marker(guid, [2.0, 3.0, 4.0], notify="release", ticks_per_step=20)
        times = [value for address, value in device.hear() if address == "/lastmarker/time"]
        assert times == ([2.0, 3.0, 4.0] if live else [4.0])


# -- what the device may do --------------------------------------------------------------------------------------------


def test_edit_when_sent_to_a_slot_then_that_marker_changes_and_is_not_echoed(desk: Desk) -> None:
    reaper, device = desk
    reaper.add_marker(1.0, "a")
    reaper.add_marker(2.0, "b", number=8)
    device.send("/device/marker/count", 2)
    device.hear()
    device.send("/marker/2/name", "foley: wood")
    assert device.hear() == []
    device.send("/marker/2/time", 0.5)
    heard = device.hear()
    assert slots(heard, 1) == {"name": "foley: wood", "number/str": "8", "time": 0.5}
    assert slots(heard, 2) == {"name": "a", "number/str": "1"}, "the address that was written is not echoed"
    assert shown(reaper) == [("foley: wood", 0.5, 8), ("a", 1.0, 1)]


def test_edit_when_notified_later_then_it_comes_back_as_an_echo(tmp_path: Path) -> None:
    with started(tmp_path, assume={"OSC_EDIT_IS_NOTIFIED_AT_ONCE": False}) as (reaper, device):
        reaper.add_marker(1.0, "a")
        device.send("/device/marker/count", 1)
        device.hear()
        device.send("/marker/1/name", "b")
        assert device.hear() == [("/marker/1/name", "b")]


def test_edit_when_sent_by_number_then_made_at_the_beginning_if_missing(desk: Desk) -> None:
    reaper, device = desk
    reaper.add_marker(1.0, "a", number=3)
    device.send("/marker_id/3/time", 4)
    device.send("/marker_id/12/name", "new")
    device.send("/region_id/2/name", "scene")
    device.wait_for("/lastmarker/name", "new")
    assert shown(reaper) == [("scene", 0.0, 2), ("new", 0.0, 12), ("a", 4.0, 3)]
    assert [(marker["position_s"], marker["end_s"]) for marker in reaper.markers() if marker["is_region"]] == [(0, 1)]
    device.send("/region_id/2/time", 5.0)
    device.send("/region_id/2/length", 2.5)
    device.send("/marker_id/3/number", 7.0)
    device.send("/marker_id/12/name", "")
    device.wait_for("/lastmarker/name", "")
    assert shown(reaper) == [("", 0.0, 12), ("a", 4.0, 7), ("scene", 5.0, 2)]
    assert reaper.markers()[2]["end_s"] == 7.5


def test_edit_when_the_argument_has_the_wrong_type_or_no_slot_then_nothing_happens(desk: Desk) -> None:
    reaper, device = desk
    reaper.add_marker(1.0, "a")
    for address, value in (("/marker/1/name", 5), ("/marker/1/time", "3"), ("/marker/2/name", "x")):
        device.send(address, value)
    reaper.wait_ticks(3)
    assert shown(reaper) == [("a", 1.0, 1)]


@pytest.mark.parametrize("one_step", [True, False])
def test_edits_when_they_come_in_a_row_then_one_undo_step_or_one_each(tmp_path: Path, one_step: bool) -> None:
    with started(tmp_path, assume={"OSC_EDITS_ARE_ONE_UNDO_STEP": one_step}) as (reaper, device):
        reaper.add_marker(1.0, "a")
        for index in range(3):
            device.send("/marker/1/name", f"n{index}")
        device.send("/marker/1/time", 2.0)
        reaper.wait_ticks(10)
        titles = reaper.undo_labels()[1:]
        assert titles[-1] == "Set marker position via OSC"
        assert len(titles) == (1 if one_step else 4)
        reaper.undo()
        assert shown(reaper) == ([("a", 1.0, 1)] if one_step else [("n2", 1.0, 1)])


@pytest.mark.parametrize(("value", "type_"), [(True, "T"), (None, "N"), (1.0, "d"), (1, "h"), (b"x", "b")])
def test_message_when_an_argument_is_of_another_type_then_it_is_discarded_whole(
    desk: Desk, value: Any, type_: str
) -> None:
    reaper, device = desk
    reaper.add_marker(1.0, "a")
    device.send("/marker/1/name", "lost", value, types="s" + type_)
    device.send("/time", 1.0, value, types="f" + type_)
    device.send("/time", 3.0)
    device.wait_for("/time", 3.0)
    assert shown(reaper) == [("a", 1.0, 1)]


def test_bundle_when_nested_then_all_of_it_is_done(desk: Desk) -> None:
    reaper, device = desk

    def bundle(*parts: bytes) -> bytes:
        sized = b"".join(struct.pack(">i", len(part)) + part for part in parts)
        return b"#bundle\0" + struct.pack(">Q", 99 << 32) + sized

    inner = bundle(message("/marker_id/2/name", "two"), message("/marker_id/3/name", "three"))
    device.send_bytes(bundle(message("/marker_id/1/name", "one"), inner, message("/time", 5.0)))
    device.wait_for("/lastmarker/name", "three")
    assert [name for name, _, _ in shown(reaper)] == ["one", "two", "three"]


def test_junk_when_it_comes_then_reaper_goes_on(desk: Desk) -> None:
    reaper, device = desk
    for packet in (b"", b"\0", b"/", b"junk", b"#bundle\0" + b"\xff" * 20, b"/time\0\0\0,f\0\0", b"x" * 2000):
        device.send_bytes(packet)
        reaper.wait_ticks(2)
    device.send_bytes(b"/play\0\0\0")
    device.wait_for("/play", 1.0)
    assert any("the rest of the round is lost" in warning for warning in reaper.warnings())


def test_transport_when_told_then_it_follows_and_is_heard(desk: Desk) -> None:
    reaper, device = desk
    device.send("/play")
    assert {"/play": 1.0, "/stop": 0.0}.items() <= dict(device.hear()).items()
    device.send("/stop", 0.0)
    assert device.hear() == [], "a trigger of 0 is none"
    device.send("/stop", 1.0)
    assert {"/play": 0.0, "/stop": 1.0}.items() <= dict(device.hear()).items()
    device.send("/time/str", "1:02.5")
    device.send("/loop/end/time", 9.0)
    reaper.wait_ticks(3)
    state = reaper.state()
    assert (state["cursor_s"], state["loop_points"], state["time_selection"]) == (62.5, [0.0, 9.0], [0.0, 0.0])


def test_go_to_when_told_then_the_cursor_is_at_the_marker(desk: Desk) -> None:
    reaper, device = desk
    for position_s in (3.0, 4.0):
        reaper.add_marker(position_s, "m")
    device.send("/marker/2")
    device.wait_for("/time", 4.0)
    device.send("/marker", 1)
    device.wait_for("/time", 3.0)
    assert reaper.state()["cursor_s"] == 3.0


# -- actions -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pressed(desk: Desk, script: Script) -> Callable[[], int]:
    """A script in the action list, as ``_RS...`` in ext state; tells how often it ran."""
    reaper, _ = desk
    body = """
    RPR_SetExtState("test", "runs", str(int(RPR_GetExtState("test", "runs") or 0) + 1), 0)
    """
    path = script("press.py", body)
    number = f"number = RPR_AddRemoveReaScript(True, 0, {str(path)!r}, False)"
    tell = 'RPR_SetExtState("test", "{}", {}, 0)'
    name = tell.format("name", '"_" + RPR_ReverseNamedCommandLookup(number)')
    reaper.run_script(script("add.py", "\n".join([number, name, tell.format("number", "str(number)")])))
    return lambda: int(reaper.ext_state("test", "runs") or 0)


def test_action_when_asked_for_in_every_way_then_it_runs(desk: Desk, pressed: Callable[[], int]) -> None:
    reaper, device = desk
    name, number = reaper.ext_state("test", "name"), int(reaper.ext_state("test", "number"))
    assert name.startswith("_RS")
    asked: list[tuple[str, list[Any], int]] = [
        ("/action/str", [name], 1),
        ("/action/str", [name, name], 2),
        ("/action", [number], 1),
        ("/action", [number, 0.5, number], 2),
        (f"/action/{number}", [], 1),
        (f"/action/{number}", [1], 1),
        (f"/action/{name}", [], 1),
        (f"/action/{number}/cc", [0.25], 1),
        (f"/action/{number}", [0.0], 0),
        ("/action/str", ["_RSunknown"], 0),
        ("/action/str", [name[1:]], 0),
        ("/action", [0], 0),
    ]
    for address, arguments, times in asked:
        before = pressed()
        device.send(address, *arguments)
        reaper.wait_ticks(5)
        assert pressed() - before == times, (address, arguments)


def test_action_when_a_dialog_is_open_then_it_waits_and_is_not_lost(desk: Desk, pressed: Callable[[], int]) -> None:
    reaper, device = desk
    reaper.open_modal()
    device.send("/action/str", reaper.ext_state("test", "name"))
    reaper.set_cursor(5.0)
    assert device.hear() == []
    assert pressed() == 0
    reaper.close_modal()
    device.wait_for("/time", 5.0)
    assert pressed() == 1


def test_action_when_it_is_not_simulated_then_a_fault(desk: Desk) -> None:
    reaper, device = desk
    device.send("/action/40364")
    device.send("/repeat", 1.0)
    device.send("/no/such/address", 1.0)
    reaper.wait_ticks(5)
    assert [fault["message"].split(":")[0] for fault in reaper.forgive_faults()] == [
        "Main_OnCommand 40364",
        "/repeat (REPEAT)",
    ]


# -- configuration -----------------------------------------------------------------------------------------------------

OURS = """
# only what concerns us
DEVICE_MARKER_COUNT 4
MARKER_NAME s/foley/@/name
MARKER_TIME f/foley/@/time

SOMETHING_ELSE f/else
ACTION s/foley/action
"""


def with_patterns(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "reaper" / "OSC"
    folder.mkdir(parents=True)
    (folder / "Foley.ReaperOSC").write_text(text, "utf-8")


def test_pattern_file_when_it_is_ours_then_only_its_lines_count(tmp_path: Path) -> None:
    with_patterns(tmp_path, OURS)
    with started(tmp_path, patterns="Foley") as (reaper, device):
        reaper.set_cursor(3.0)
        reaper.add_marker(1.0, "a")
        assert device.hear() == [("/foley/1/name", "a"), ("/foley/1/time", 1.0)]
        device.send("/marker/1/name", "lost")
        device.send("/foley/1/name", "b")
        reaper.wait_ticks(5)
        assert shown(reaper) == [("b", 1.0, 1)]
        assert [warning for warning in reaper.warnings() if "SOMETHING_ELSE" in warning]


@pytest.mark.parametrize("line", ["MARKER_NAME x/foley", "MARKER_TIME f", "MARKER_TIME f/foley # a remark"])
def test_pattern_file_when_one_line_is_wrong_then_reapers_own_patterns_count(tmp_path: Path, line: str) -> None:
    with_patterns(tmp_path, OURS + line)
    with started(tmp_path, patterns="Foley") as (reaper, device):
        reaper.set_cursor(3.0)
        device.wait_for("/time", 3.0)
        if line != "MARKER_TIME f":
            assert any("Foley.ReaperOSC" in warning for warning in reaper.warnings())


def test_pattern_file_when_it_is_missing_then_reapers_own_patterns_count(tmp_path: Path) -> None:
    with started(tmp_path, patterns="Foley") as (reaper, device):
        reaper.set_cursor(3.0)
        device.wait_for("/time", 3.0)


def test_surface_when_it_may_only_send_or_only_receive_then_so(tmp_path: Path) -> None:
    with started(tmp_path / "1", flags=SEND) as (reaper, device):
        device.send("/marker_id/1/name", "x")
        reaper.set_cursor(3.0)
        device.wait_for("/time", 3.0)
        assert shown(reaper) == []
    with started(tmp_path / "2", flags=RECEIVE) as (reaper, device):
        device.send("/marker_id/1/name", "x")
        reaper.set_cursor(3.0)
        assert device.hear() == []
        assert [name for name, _, _ in shown(reaper)] == ["x"]


def test_surface_when_it_has_no_device_then_the_last_sender_is_told(tmp_path: Path) -> None:
    with started(tmp_path, send_port=0) as (reaper, device):
        reaper.set_cursor(1.0)
        assert device.hear() == []
        device.send("/marker_id/1/name", "x")
        device.hear()
        reaper.set_cursor(2.0)
        device.wait_for("/time", 2.0)


def test_surface_when_it_has_no_port_then_the_device_answers_to_the_one_it_hears_from(tmp_path: Path) -> None:
    with OscDevice() as device:
        ours = device.config(receive_port=0)
        with SimReaper.start(tmp_path / "reaper", tick_s=0.01, osc=[ours]) as reaper:
            device.hear(0.3)
            assert device.heard_from is not None
            device.reaper_port = device.heard_from
            device.send("/time", 7.0)
            reaper.wait_ticks(5)
            assert reaper.state()["cursor_s"] == 7.0


def test_surface_when_its_port_is_taken_then_it_is_deaf_and_speaks(tmp_path: Path) -> None:
    with OscDevice() as device, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", device.reaper_port))
        with SimReaper.start(tmp_path / "reaper", tick_s=0.01, osc=[device.config()]) as reaper:
            reaper.set_cursor(2.0)
            device.wait_for("/time", 2.0)
            assert any("cannot be listened on" in warning for warning in reaper.warnings())


def test_reaper_ini_when_a_line_lies_beyond_the_count_then_it_is_ignored(tmp_path: Path) -> None:
    with OscDevice() as first, OscDevice() as second:
        folder = tmp_path / "reaper"
        folder.mkdir()
        lines = ["csurf_cnt=2", "csurf_0=HTTP 0 8080 '' 'index.html' 0 ''", f"csurf_1={first.config().text()}"]
        lines += [f"csurf_2={second.config().text()}", "", "[other]", "csurf_cnt=9"]
        (folder / "reaper.ini").write_text("\n".join(["[REAPER]", "undomaxmem=256", *lines]))
        with SimReaper.start(folder, tick_s=0.01) as reaper:
            reaper.set_cursor(2.0)
            first.wait_for("/time", 2.0)
            assert second.hear() == []


def test_reaper_ini_when_surfaces_are_added_then_the_rest_stays_and_restart_reads_it(tmp_path: Path) -> None:
    with OscDevice() as device:
        folder = tmp_path / "reaper"
        folder.mkdir()
        (folder / "reaper.ini").write_text("[reaper]\nundomaxmem=256\ncsurf_cnt=1\ncsurf_0=HTTP 0\n[x]\na=b\n")
        with SimReaper.start(folder, tick_s=0.01, osc=[device.config(name="our own")]) as reaper:
            device.hear()
            reaper.restart()
            reaper.set_cursor(2.0)
            device.wait_for("/time", 2.0)
        lines = (folder / "reaper.ini").read_text().splitlines()
        assert {"undomaxmem=256", "csurf_0=HTTP 0", "csurf_cnt=2", "a=b"} <= set(lines)
        line = next(line for line in lines if line.startswith("csurf_1="))
        assert OscConfig.parse(line.removeprefix("csurf_1=")) == device.config(name="our own")


def test_assumption_when_it_does_not_exist_then_the_start_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no assumption"):
        SimReaper.start(tmp_path / "reaper", assume={"SUCH": True})
