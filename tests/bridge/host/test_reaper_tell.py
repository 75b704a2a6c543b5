"""What the designer is told comes: at once, after a dialog, after a restart; and nobody waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host import reaper as reaper_module
from bridge.host.base import Change
from bridge.host.reaper import ReaperHost
from tests.bridge.host.conftest import SERVER, TICK_S
from tests.reaper_sim.client import SimReaper


@pytest.fixture
def lonely() -> Iterator[ReaperHost]:
    """A host without a REAPER."""
    host = ReaperHost(read_timeout_s=1.0, write_timeout_s=1.0)
    yield host
    host.close()


def shown(reaper: SimReaper, sentence: str, *, within_s: float = 5.0) -> bool:
    """Whether REAPER's console comes to hold a sentence."""
    until = time.monotonic() + within_s
    while sentence not in reaper.console() and time.monotonic() < until:
        reaper.wait_ticks(5)
    return sentence in reaper.console()


def test_tell_when_progress_then_only_the_hint_line_shows_it(reaper: SimReaper, host: ReaperHost) -> None:
    host.tell("Making sound, 40 %", kind="progress")
    host.read()
    assert reaper.help_text() == "Making sound, 40 %"
    assert reaper.console() == ""
    assert reaper.ext_state("FOLEY", "status") == "Making sound, 40 %"


@pytest.mark.parametrize("kind", ["info", "error"])
def test_tell_when_news_or_error_then_the_console_holds_the_sentence(
    reaper: SimReaper, host: ReaperHost, kind: str
) -> None:
    host.tell("The prompt is empty.\nType ä one.", kind=kind)
    host.tell("", kind=kind)
    host.read()
    assert reaper.console() == "Foley Bridge: The prompt is empty. Type ä one.\n"
    assert reaper.help_text() == "The prompt is empty. Type ä one."


def test_tell_when_reaper_is_busy_then_the_caller_does_not_wait_and_progress_gives_way(
    reaper: SimReaper, host: ReaperHost
) -> None:
    host.read()
    reaper.open_modal()
    began = time.monotonic()
    for percent in range(100):
        host.tell(f"{percent} %", kind="progress")
    assert time.monotonic() - began < 0.1
    reaper.close_modal()
    host.read()
    assert reaper.help_text() == "99 %"


def test_tell_when_a_dialog_is_open_then_the_failure_is_shown_once_it_is_closed(reaper: SimReaper) -> None:
    host = ReaperHost(read_timeout_s=0.3)
    host.read()
    reaper.open_modal()
    with pytest.raises(HostError, match="dialog") as caught:
        host.read()
    host.tell("Looking for onsets: 10 %", kind="progress")
    host.tell(caught.value.sentence, kind="error")
    time.sleep(1.3)  # longer than one try takes
    assert reaper.console() == ""
    reaper.close_modal()
    assert shown(reaper, "Close it and press the key again.")
    assert reaper.console().count("dialog may be open") == 1
    assert "10 %" not in reaper.help_text()
    host.close()


def test_tell_when_a_dialog_was_open_then_the_next_call_brings_it_at_once(
    reaper: SimReaper, host: ReaperHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper_module, "RETRY_S", 60.0)
    monkeypatch.setattr(reaper_module, "TELL_S", 0.2)
    reaper.open_modal()
    host.tell("The render failed.", kind="error")
    time.sleep(0.5)
    reaper.close_modal()
    host.read()
    assert shown(reaper, "The render failed.", within_s=1.0)


def test_tell_when_reaper_is_away_then_it_hears_the_newest_sentences_when_it_is_back(
    tmp_path: Path, lonely: ReaperHost
) -> None:
    for number in range(100):
        lonely.tell(f"Error {number:02}.", kind="error")
        lonely.tell(f"{number} %", kind="progress")
    with SimReaper.start(tmp_path / "reaper", tick_s=TICK_S, web_port=None, startup_scripts=[SERVER]) as reaper:
        assert shown(reaper, "Error 99.")
        heard = reaper.console().split("Foley Bridge: ")[1:]
        assert heard == [f"Error {number:02}.\n" for number in range(100 - len(heard), 100)]
        assert 20 < len(heard) < 50


def test_tell_when_the_reaper_that_took_the_change_was_killed_then_its_successor_hears_that_it_may_be_gone(
    reaper: SimReaper, host: ReaperHost
) -> None:
    host.write(Change(token=host.read().token, undo_title="Foley: set prompt", prompt="wood"))
    reaper.kill()
    host.tell("6 onsets sounded.", kind="info")
    reaper.restart(clean=False)
    assert shown(reaper, "Before REAPER was restarted: 6 onsets sounded.")
    assert "press the key again" in reaper.console()
    host.write(Change(token=host.read().token, undo_title="Foley: set prompt", prompt="wood"))
    host.tell("2 onsets sounded.", kind="info")
    assert shown(reaper, "Foley Bridge: 2 onsets sounded.")


def test_tell_when_nothing_was_written_since_it_was_read_then_a_restart_rewords_nothing(
    reaper: SimReaper, host: ReaperHost
) -> None:
    host.write(Change(token=host.read().token, undo_title="Foley: set prompt", prompt="wood"))
    host.watch(host.read().token, on=True)
    reaper.kill()
    host.tell("Live mode is on.", kind="info")
    reaper.restart(clean=False)
    assert shown(reaper, "Foley Bridge: Live mode is on.")


def test_tell_when_another_thread_wrote_then_a_restart_rewords_only_the_news_of_that_one(
    reaper: SimReaper, host: ReaperHost
) -> None:
    host.write(Change(token=host.read().token, undo_title="Foley: set prompt", prompt="wood"))
    reaper.kill()
    other = threading.Thread(target=host.tell, args=("2 graphs closed.",))
    other.start()
    other.join()
    host.tell("The prompt is wood.")
    reaper.restart(clean=False)
    assert shown(reaper, "Before REAPER was restarted: The prompt is wood.")
    assert "Foley Bridge: 2 graphs closed.\n" in reaper.console()


def test_tell_when_only_the_asking_after_said_that_a_change_landed_then_its_news_is_of_that_reaper(
    reaper: SimReaper, host: ReaperHost
) -> None:
    token = host.read().token
    host.write(Change(token=token, undo_title="Foley: set prompt", prompt="wood", mark="job.1"))
    host.read()
    assert host.landed(token, ("job.1",)) == ("job.1",)
    reaper.kill()
    host.tell("The prompt is wood.")
    reaper.restart(clean=False)
    assert shown(reaper, "Before REAPER was restarted: The prompt is wood.")


def test_tell_when_reaper_is_busy_for_long_then_reads_are_not_kept_waiting_by_it(reaper: SimReaper) -> None:
    host = ReaperHost(read_timeout_s=3.0)
    host.read()
    reaper.open_modal()
    for number in range(30):
        host.tell(f"Error {number}.", kind="error")
    time.sleep(0.1)
    reaper.close_modal()
    began = time.monotonic()
    host.read()
    assert time.monotonic() - began < 1.5
    host.close()
