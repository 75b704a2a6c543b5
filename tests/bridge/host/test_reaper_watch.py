"""What the daemon hears of a project that is live: each new score once, the last one always."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host import endpoint
from bridge.host.base import Change
from bridge.host.reaper import ReaperHost
from reaper_scripts.foley_inside import osc_packet
from tests.reaper_sim.client import SimReaper
from tests.tokens import TOKEN

LONGER_THAN_BETWEEN_LOOKS_S = 0.5


@dataclass
class Ear:
    """The daemon's UDP port."""

    line: socket.socket

    def heard(self, *, seconds: float = LONGER_THAN_BETWEEN_LOOKS_S) -> list[str]:
        """The tokens of what was told until nothing came for so long."""
        self.line.settimeout(seconds)
        found: list[str] = []
        while True:
            try:
                address, arguments = osc_packet.decode(self.line.recv(65536))
            except TimeoutError:
                return found
            assert address == "/foley/touched"
            found.append(str(arguments[3]))

    def one(self) -> str:
        """The next token, as soon as it comes."""
        self.line.settimeout(5.0)
        return str(osc_packet.decode(self.line.recv(65536))[1][3])


@pytest.fixture
def ear(free_port: int) -> Iterator[Ear]:
    endpoint.announce_daemon(free_port, TOKEN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", free_port))
        yield Ear(line)


def live(reaper: SimReaper, host: ReaperHost) -> str:
    """The token of a project that is live and has a marker."""
    reaper.add_marker(1.0, "foley")
    token = host.read().token
    host.watch(token, on=True)
    return token


def test_watch_when_markers_move_quickly_then_few_changes_are_told_and_the_last_one_is(
    reaper: SimReaper, host: ReaperHost, ear: Ear
) -> None:
    token = live(reaper, host)
    guid = reaper.markers()[0]["guid"]
    begun = time.monotonic()
    for step in range(40):
        reaper.move_marker(guid, 2.0 + 0.1 * step)
        reaper.wait_ticks(2)
    dragged_s = time.monotonic() - begun
    told = ear.heard()
    assert 1 <= len(told) <= dragged_s / 0.15 + 2
    assert set(told) == {token}
    reaper.move_marker(guid, 10.0)
    assert ear.one() == token
    reaper.move_marker(guid, 11.0)
    reaper.wait_ticks(2)
    assert ear.heard() == [token], "what moved between two looks is told by the next"


def test_watch_when_nothing_of_the_score_changes_then_nothing_is_told(
    reaper: SimReaper, host: ReaperHost, ear: Ear
) -> None:
    live(reaper, host)
    reaper.add_track("drums")
    assert ear.heard() == []


def test_watch_when_a_move_is_undone_then_it_is_not_told_and_redo_still_works_until_the_next_move(
    reaper: SimReaper, host: ReaperHost, ear: Ear
) -> None:
    token = live(reaper, host)
    guid = reaper.markers()[0]["guid"]
    for place in (2.0, 3.0):
        reaper.move_marker(guid, place)
        assert ear.heard() == [token]
    reaper.undo()
    reaper.undo()
    assert ear.heard() == []
    reaper.redo()
    assert ear.heard() == []
    reaper.move_marker(guid, 4.0)
    assert ear.heard() == [token]
    assert reaper.redo() == ""


def test_watch_when_the_project_is_saved_under_another_name_then_it_is_followed_under_the_token_that_is_known(
    reaper: SimReaper, host: ReaperHost, ear: Ear, tmp_path: Path
) -> None:
    reaper.save(tmp_path / "show.rpp")
    token = live(reaper, host)
    guid = reaper.markers()[0]["guid"]
    for number, name in enumerate(["show 2.rpp", "show 3.rpp"]):
        reaper.save(tmp_path / name)
        assert ear.heard() == []
        reaper.move_marker(guid, 3.0 + number)
        assert ear.heard() == [token]
        view = host.read(project=token)
        assert (view.path, view.token) == (str(tmp_path / name), token)
        assert host.read().token == token, "the key that switches live mode off means the same project"
        host.write(Change(token=token, undo_title="Foley: set prompt", prompt=name))
        assert ear.heard() == []
    assert reaper.ext_state("FOLEY", "status") == ""


@pytest.mark.parametrize("edited", [True, False])
def test_watch_when_another_project_is_opened_in_the_tab_then_it_ends_and_that_is_said(
    reaper: SimReaper, host: ReaperHost, ear: Ear, tmp_path: Path, edited: bool
) -> None:
    """The other is a copy, of which every track and marker has the GUID of the one that was live."""
    live(reaper, host)
    reaper.save(tmp_path / "show.rpp")
    reaper.save(tmp_path / "copy.rpp")
    if not edited:
        reaper.open(tmp_path / "show.rpp")
    token = host.read().token
    host.watch(token, on=True)
    reaper.open(tmp_path / ("show.rpp" if edited else "copy.rpp"))
    assert ear.heard() == []
    reaper.add_marker(7.0, "foley")
    assert ear.heard() == []
    assert "Live mode ended" in reaper.ext_state("FOLEY", "status")
    with pytest.raises(HostError, match="now holds"):
        host.read(project=token)
