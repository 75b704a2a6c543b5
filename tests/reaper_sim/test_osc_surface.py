"""What a device on an OSC control surface hears, over real UDP, and what it can not rely on."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .client import SimReaper
from .osc_device import Desk, OscDevice, message, shown, slots, started

Script = Callable[[str, str], Path]


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
