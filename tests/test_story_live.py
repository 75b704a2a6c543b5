"""Live mode: the sound follows the markers after each pause, in the project that is live and in no other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.install import osc
from tests.reaper_sim.osc_config import OscConfig
from tests.story import Studio, daemon, free_udp_port, taken_back, tiny_studio

LONGER_THAN_THE_PAUSE_S = 0.7
EVENTS = 30


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[Studio]:
    with tiny_studio(tmp_path_factory.mktemp("live"), film) as desk:
        desk.press_and_wait("set_prompt")
        yield desk


@pytest.fixture
def desk(house: Studio) -> Iterator[Studio]:
    with taken_back(house):
        sounding(house)
        yield house


@pytest.fixture
def listening(tmp_path: Path, film: Path) -> Iterator[Studio]:
    """A studio whose REAPER has a control surface that tells the daemon of markers."""
    ear = free_udp_port()
    patterns = tmp_path / "reaper" / osc.FILE
    patterns.parent.mkdir(parents=True)
    patterns.write_text(osc.PATTERNS)
    surface = OscConfig(receive_port=free_udp_port(), send_port=ear, patterns="Foley")
    with tiny_studio(
        tmp_path, film, osc=[surface], env={"FOLEY_BRIDGE_REAPER_OSC_PORT": str(ear)}, profile="7.30"
    ) as desk:
        desk.press_and_wait("set_prompt")
        sounding(desk)
        yield desk


def sounding(desk: Studio) -> None:
    for at in (11.0, 12.0, 14.0):
        desk.reaper.add_marker(at, "foley")
    desk.press_and_wait("generate")
    desk.until_said("3 onsets sounded")


def switch(desk: Studio, to: str) -> None:
    desk.press_and_hear("live_mode", f"Live mode is {to}")


def drag(desk: Studio, to_s: float, *, notify: str = "during") -> None:
    """The last marker under the mouse, through thirty places."""
    marker = [marker for marker in desk.reaper.markers() if marker["name"] == "foley"][-1]
    places = np.linspace(marker["position_s"], to_s, EVENTS + 1)[1:]
    desk.reaper.drag_marker(marker["guid"], places.tolist(), notify=notify)


def renders(desk: Studio) -> int:
    return desk.reaper.undo_labels().count("Foley: live")


def files(desk: Studio) -> int:
    return len(list((desk.folder / "project").rglob("*.wav")))


def last_onset(desk: Studio) -> float:
    return 10.0 + desk.recipe().request.onsets[-1].time_s


def until_followed(desk: Studio, before: int) -> None:
    """Waits for one render, and that no other comes."""
    desk.until(lambda: renders(desk) > before)
    time.sleep(LONGER_THAN_THE_PAUSE_S)
    assert renders(desk) == before + 1


def test_live_when_switched_on_and_off_then_each_drag_of_thirty_events_is_one_render(desk: Studio) -> None:
    drag(desk, 14.5)
    time.sleep(LONGER_THAN_THE_PAUSE_S)
    assert (renders(desk), files(desk)) == (0, 1), "live mode is on before anybody switched it on"

    switch(desk, "on")
    drag(desk, 14.75)
    until_followed(desk, 0)
    (item,) = desk.foley_items()
    assert (len(item["takes"]), files(desk)) == (2, 2)
    assert last_onset(desk) == pytest.approx(14.75)
    silent = desk.sound()[round(4.1 * 48000) : round(4.74 * 48000)]
    assert np.abs(silent[-4800:]).max() < 0.2 * np.abs(desk.sound()[round(4.75 * 48000) :]).max()

    drag(desk, 13.5, notify="release")
    until_followed(desk, 1)
    (item,) = desk.foley_items()
    assert len(item["takes"]) == 2, "live mode owns one take"
    assert last_onset(desk) == pytest.approx(13.5)
    assert desk.reaper.undo_labels()[-2:] == ["Move marker", "Foley: live"]

    switch(desk, "off")
    drag(desk, 15.0)
    time.sleep(LONGER_THAN_THE_PAUSE_S)
    assert renders(desk) == 2
    assert last_onset(desk) == pytest.approx(13.5)


def test_live_when_undone_then_the_take_before_sounds_again_and_nothing_is_made(desk: Studio) -> None:
    switch(desk, "on")
    first = desk.active_audio(desk.foley_items()[0])
    drag(desk, 14.5)
    until_followed(desk, 0)
    second = desk.active_audio(desk.foley_items()[0])
    drag(desk, 14.75)
    until_followed(desk, 1)
    assert desk.reaper.undo() == "Foley: live"
    assert desk.active_audio(desk.foley_items()[0]) == second
    time.sleep(LONGER_THAN_THE_PAUSE_S)
    assert desk.reaper.undo_labels()[-1] == "Move marker"
    switch(desk, "off")
    while desk.active_audio(desk.foley_items()[0]) != first:
        assert desk.reaper.undo()
    assert len(desk.foley_items()[0]["takes"]) == 1


def test_live_when_two_tabs_hold_foley_then_only_the_live_one_follows(desk: Studio) -> None:
    reaper = desk.reaper
    copy = desk.folder / "project" / "other.rpp"
    reaper.save()
    copy.write_bytes((desk.folder / "project" / "show.rpp").read_bytes())
    switch(desk, "on")
    tab = reaper.new_tab()
    reaper.open(copy)
    drag(desk, 14.25)
    time.sleep(LONGER_THAN_THE_PAUSE_S)
    assert renders(desk) == 0
    reaper.switch_tab(0)
    assert renders(desk) == 0
    drag(desk, 14.5)
    reaper.switch_tab(tab)
    time.sleep(LONGER_THAN_THE_PAUSE_S)
    assert renders(desk) == 0
    assert last_onset(desk) == pytest.approx(14.0)
    reaper.close_tab(tab)
    reaper.switch_tab(0)
    until_followed(desk, 0)
    assert last_onset(desk) == pytest.approx(14.5)
    switch(desk, "off")


def test_live_when_reaper_tells_by_osc_too_then_one_render_and_a_restart_ends_it_silently(listening: Studio) -> None:
    desk, reaper = listening, listening.reaper
    switch(desk, "on")
    for number, (to_s, notify) in enumerate([(14.5, "during"), (13.5, "release")]):
        drag(desk, to_s, notify=notify)
        until_followed(desk, number)
        assert last_onset(desk) == pytest.approx(to_s)

    reaper.save()
    reaper.restart()
    reaper.open(desk.folder / "project" / "show.rpp")
    reaper.set_cursor(10.1)
    drag(desk, 15.0)
    time.sleep(2 * LONGER_THAN_THE_PAUSE_S)
    assert (renders(desk), reaper.console(), reaper.help_text()) == (0, "", "")

    switch(desk, "on")
    drag(desk, 14.0)
    until_followed(desk, 0)
    assert last_onset(desk) == pytest.approx(14.0)
    assert "restarted" not in reaper.console()


def test_live_when_the_live_project_is_closed_then_nothing_is_said_of_it(listening: Studio) -> None:
    desk, reaper = listening, listening.reaper
    switch(desk, "on")
    reaper.new_tab()
    reaper.close_tab(0)
    console = reaper.console()
    reaper.add_marker(1.0, "foley")
    time.sleep(LONGER_THAN_THE_PAUSE_S)
    assert reaper.console() == console


def test_live_when_the_daemon_was_killed_and_started_again_then_the_next_drag_is_told_that_it_ended(
    tmp_path: Path, film: Path
) -> None:
    with tiny_studio(tmp_path, film) as desk:
        desk.reaper.add_marker(12.0, "foley")
        switch(desk, "on")
        desk.daemon.kill()
        desk.daemon.wait()
        announced = tmp_path / "endpoint" / "daemon.json"
        announced.unlink()
        env = {"FOLEY_BRIDGE_ENDPOINT": str(announced.parent), "FOLEY_BRIDGE_OSC_PORT": str(free_udp_port())}
        flags = ["--packs-dir", str(tmp_path / "packs"), "--pack", "tiny", "--threads", "1"]
        with daemon(tmp_path, *flags, env=env) as process:
            desk.daemon = process
            desk.until(announced.exists)
            drag(desk, 13.0)
            desk.until_console("Live mode ended when the bridge was restarted. Press its key again")
            console = desk.reaper.console()
            drag(desk, 14.0)
            time.sleep(LONGER_THAN_THE_PAUSE_S)
            assert (renders(desk), desk.reaper.console()) == (0, console)
            switch(desk, "on")
