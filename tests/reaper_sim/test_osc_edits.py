"""What a device on an OSC control surface may do in REAPER, over real UDP: edits of markers, transport, actions."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .osc_device import Desk, message, shown, slots, started

Script = Callable[[str, str], Path]


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


def test_edit_when_another_marker_changes_then_the_written_value_is_told_after_all(desk: Desk) -> None:
    reaper, device = desk
    guid = reaper.add_marker(1.0, "a")
    device.send("/device/marker/count", 1)
    device.hear()
    device.send("/marker/1/name", "a")
    assert device.hear() == []
    reaper.move_marker(guid, 2.0)
    assert device.hear() == [("/marker/1/name", "a"), ("/marker/1/time", 2.0)]


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
    device.send("/marker/1/name", value, "lost", types=type_ + "s")
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
    assert sum("the rest of the round is lost" in warning for warning in reaper.warnings()) == 2


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
