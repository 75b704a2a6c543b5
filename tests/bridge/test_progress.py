"""The daemon's terminal: a bar while a job runs, whole lines around it, and no fault that reaches a job."""

from __future__ import annotations

import io
import logging
import os
import re
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bridge.domain.job import Job, JobState
from bridge.progress import Terminal

ESCAPE = re.compile(r"\x1b\[(\?25[lh]|[0-9;]*[A-Za-z])")


class Tty(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


class Broken(Tty):
    """A terminal that fails once it is told to."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self._fault = fault

    def write(self, text: str) -> int:
        raise self._fault


class Halted(Tty):
    """A terminal that was stopped with Ctrl+S."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.go_on.wait(10.0)
        return super().write(text)


def screen(text: str) -> list[str]:
    """The lines that one sees after all of this was written; knows the codes that a bar uses."""
    lines, row, column = [""], 0, 0
    while text:
        if found := ESCAPE.match(text):
            code, text = found.group(1), text[found.end() :]
            if code == "2K":
                lines[row] = ""
            elif code.endswith("A"):
                row -= int(code[:-1] or 1)
            else:
                assert code[-1] in "mlh", code
            continue
        letter, text = text[0], text[1:]
        if letter == "\r":
            column = 0
        elif letter == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        else:
            lines[row] = lines[row][:column].ljust(column) + letter + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]


def eventually(stream: io.StringIO, seen: Callable[[list[str]], bool]) -> list[str]:
    """The screen as soon as it looks like that."""
    ends = time.monotonic() + 3.0
    while time.monotonic() < ends:
        lines = screen(stream.getvalue())
        if seen(lines):
            return lines
        time.sleep(0.01)
    raise AssertionError(f"never seen; the screen is {screen(stream.getvalue())}")


def job(progress: float, sentence: str = "", *, state: JobState = JobState.RUNNING, job_id: str = "j1") -> Job:
    return Job(id=job_id, verb="generate", state=state, progress=progress, sentence=sentence)


def done(job_id: str = "j1") -> Job:
    return job(1.0, "3 onsets sounded for 'clip.mp4' as 'wood'.", state=JobState.DONE, job_id=job_id)


@pytest.fixture(autouse=True)
def _window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def stream() -> Tty:
    return Tty()


@pytest.fixture
def logged(stream: Tty) -> Iterator[logging.StreamHandler[Tty]]:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def test_bar_when_a_job_runs_then_verb_sentence_percentage_and_time_are_seen(stream: Tty) -> None:
    with Terminal(stream) as terminal:
        terminal.changed(job(0.0, "Finding onsets in 'clip.mp4'"))
        terminal.changed(job(0.42, "Making sound for 'clip.mp4'"))
        (line,) = eventually(stream, lambda lines: any("42%" in line for line in lines))
        assert line.startswith("generate: Making sound for 'clip.mp4' ")
        assert "0:00:0" in line


def test_bar_when_the_job_ends_then_it_is_gone_and_one_line_without_words_stays(stream: Tty) -> None:
    with Terminal(stream) as terminal:
        terminal.changed(job(0.5, "Making sound"))
        eventually(stream, lambda lines: any("50%" in line for line in lines))
        terminal.changed(done())
        (line,) = eventually(stream, lambda lines: len(lines) == 1 and "after" in lines[0])
    assert re.fullmatch(r"j1 generate: done after \d\.\d s", line)
    assert "wood" not in stream.getvalue()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") == 1


def test_log_when_lines_come_while_the_bar_is_drawn_then_every_line_is_whole(
    stream: Tty, logged: logging.StreamHandler[Tty]
) -> None:
    log = logging.getLogger("bridge.test")
    log.info("before")
    with Terminal(stream) as terminal:
        for number in range(40):
            terminal.changed(job(number / 40, "Making sound for 'clip.mp4'"))
            if number % 4 == 0:
                log.info("line %d with [brackets] and a very long %s end", number, "tail " * 30)
            time.sleep(0.005)
        during = eventually(stream, lambda lines: bool(lines) and "98%" in lines[-1])
        terminal.changed(done())
    log.info("after")
    lines = screen(stream.getvalue())
    expected = [f"INFO line {n} with [brackets] and a very long {'tail ' * 30} end" for n in range(0, 40, 4)]
    assert during[:-1] == ["INFO before", *expected]
    assert lines[:11] == ["INFO before", *expected]
    assert lines[11].startswith("j1 generate: done after")
    assert lines[12:] == ["INFO after"]
    assert logged.stream is stream


def test_bars_when_two_jobs_run_then_each_has_a_line(stream: Tty) -> None:
    with Terminal(stream) as terminal:
        terminal.changed(job(0.1))
        terminal.changed(job(0.2, job_id="j2"))
        lines = eventually(stream, lambda lines: len(lines) == 2 and "20%" in lines[1])
        assert "10%" in lines[0]
        terminal.changed(done("j1"))
        eventually(stream, lambda lines: len(lines) == 2 and "done" in lines[0] and "20%" in lines[1])


def test_bar_when_the_name_steers_terminals_or_looks_like_markup_then_it_is_only_text(stream: Tty) -> None:
    with Terminal(stream) as terminal:
        terminal.changed(job(0.5, "Making sound for '[red]a\x1b[2J\x07\nb[/red]'"))
        (line,) = eventually(stream, lambda lines: any("50%" in line for line in lines))
    assert line.startswith("generate: Making sound for '[red]a [2J b[/red]'")
    assert "\x1b[2J" not in stream.getvalue()


def test_bar_when_the_sentence_is_long_then_the_percentage_is_still_seen(stream: Tty) -> None:
    with Terminal(stream) as terminal:
        terminal.changed(job(0.5, "Making sound for " + "x" * 400))
        (line,) = eventually(stream, lambda lines: any("50%" in line for line in lines))
    assert len(line) <= 100
    assert "\u2026" in line


def test_lines_when_the_stream_is_no_terminal_then_begin_and_end_only(
    logged: logging.StreamHandler[io.StringIO],
) -> None:
    plain = io.StringIO()
    with Terminal(plain) as terminal:
        terminal.changed(job(0.0))
        eventually(plain, lambda lines: bool(lines))
        for number in range(100):
            terminal.changed(job(number / 100, "Making sound for 'clip.mp4'"))
            time.sleep(0.001)
        terminal.changed(done())
        terminal.changed(job(0.0, state=JobState.QUEUED, job_id="j2"))
        terminal.changed(job(0.0, state=JobState.CANCELLED, job_id="j2"))
    began, ended, cancelled = plain.getvalue().splitlines()
    assert began == "j1 generate: begun"
    assert re.fullmatch(r"j1 generate: done after \d\.\d s", ended)
    assert cancelled == "j2 generate: cancelled"


def test_mode_when_on_then_there_are_bars_anywhere_and_when_off_nothing() -> None:
    forced, off = io.StringIO(), Tty()
    with Terminal(forced, "on") as one, Terminal(off, "off") as two, Terminal(None, "on") as three:
        for terminal in (one, two, three):
            terminal.changed(job(0.5))
        eventually(forced, lambda lines: any("50%" in line for line in lines))
        for terminal in (one, two, three):
            terminal.changed(done())
    assert off.getvalue() == ""


def test_terminal_when_it_is_dumb_or_closed_then_it_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    dumb = Tty()
    with Terminal(dumb) as terminal:
        terminal.changed(job(0.5))
        terminal.changed(done())
    assert "\x1b" not in dumb.getvalue()
    closed = Tty()
    closed.close()
    with Terminal(closed) as terminal:
        terminal.changed(done())


@pytest.mark.parametrize(
    "fault", [OSError(5, "gone"), UnicodeEncodeError("ascii", "x", 0, 1, "no"), ValueError("shut")]
)
def test_fault_when_the_terminal_breaks_then_jobs_and_log_go_on(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with Terminal(Broken(fault)) as terminal:
        for number in range(20):
            terminal.changed(job(number / 20))
            time.sleep(0.002)
        terminal.changed(done())
    assert caplog.text.count("the terminal shows no progress any more") == 1


def test_fault_when_nobody_reads_on_then_neither_job_nor_log_ends_the_program(stream: Tty) -> None:
    pipe = Broken(BrokenPipeError(32, "nobody reads"))
    handler = logging.StreamHandler(pipe)
    logging.getLogger().addHandler(handler)
    try:
        with Terminal(pipe) as terminal:
            terminal.changed(job(0.5))
            time.sleep(0.05)
            logging.getLogger("bridge.test").warning("still here")
            terminal.changed(done())
    finally:
        logging.getLogger().removeHandler(handler)
    assert handler.stream is pipe


def test_changed_when_the_terminal_is_halted_then_the_job_does_not_wait() -> None:
    halted = Halted()
    terminal = Terminal(halted)
    terminal.start()
    began = time.monotonic()
    for number in range(1000):
        terminal.changed(job(number / 1000))
    assert time.monotonic() - began < 1.0
    halted.go_on.set()
    terminal.changed(done())
    terminal.close()
    assert screen(halted.getvalue())[-1].startswith("j1 generate: done after")


def test_close_when_a_job_still_runs_then_the_bar_is_gone_and_the_log_has_its_stream(
    stream: Tty, logged: logging.StreamHandler[Tty]
) -> None:
    terminal = Terminal(stream)
    terminal.start()
    terminal.changed(job(0.5))
    eventually(stream, lambda lines: any("50%" in line for line in lines))
    terminal.close()
    terminal.close()
    assert screen(stream.getvalue()) == []
    assert logged.stream is stream
    terminal.changed(job(0.6))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals here")
def test_terminal_when_it_is_a_real_one_then_the_bar_is_drawn_and_cleared() -> None:
    ours, theirs = os.openpty()
    shown = b""

    def read_until(words: bytes) -> None:
        nonlocal shown
        while words not in shown:
            assert select.select([ours], [], [], 3.0)[0], shown
            shown += os.read(ours, 65536)

    with os.fdopen(theirs, "w", encoding="utf-8") as stream, Terminal(stream) as terminal:
        terminal.changed(job(0.5, "Making sound"))
        read_until(b"50%")
        terminal.changed(done())
        read_until(b" s\r\n")
    os.close(ours)
    (line,) = screen(shown.decode())
    assert line.startswith("j1 generate: done after")
