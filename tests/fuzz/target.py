"""What a fuzzing target is, and how one case is judged.

Convention: a case is bytes, so that a case which broke something is kept as a file. A target reads it and gives True
if it was good. Bad ones end in a ``BridgeError`` that is one short line and a way out, or in an exception that the
reader's docstring names; in bounded processor time and memory. Anything else is a finding.
"""

from __future__ import annotations

import hashlib
import signal
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hypothesis.strategies import SearchStrategy

from bridge.errors import BridgeError

T = TypeVar("T")
FIXTURES = Path(__file__).with_name("fixtures")
LONGEST_S = 2.0
"""Processor time of one case: the slowest good ones take a hundredth of it."""
HANG_S = 20.0
MOST_BYTES = 256 * 1024 * 1024
"""By so much one case may raise the most memory that the process ever held."""
LONGEST_SENTENCE = 1500
BIDIRECTIONAL = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Hang(BaseException):
    """A case that would not end."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A reader of foreign bytes.

    Attributes:
        name: also that of its folder of fixtures.
        check: reads a case; True if it was taken, False or an exception if not. What it holds true of a case that was
            taken (it round-trips, say) it asserts itself.
        hostile: cases of all kinds. valid: cases that must be taken; None if there are none to speak of.
        raises: exceptions that the reader's docstring names, beside ``BridgeError``.
        hint: whether every sentence must name a way out. quick: how many hostile cases the short run takes.
    """

    name: str
    check: Callable[[bytes], bool]
    hostile: SearchStrategy[bytes]
    valid: SearchStrategy[bytes] | None = None
    raises: tuple[type[Exception], ...] = ()
    hint: bool = True
    quick: int = 100


def judge(target: Target, case: bytes, *, must_be_taken: bool = False) -> bool:
    """Reads one case and raises AssertionError, or what came out, for a finding; True if the case was taken."""
    before_bytes, before_s = _most_bytes(), time.process_time()
    taken, refused = False, None
    with _bounded():
        try:
            taken = target.check(case)
        except (BridgeError, *target.raises) as error:
            refused = error
    if isinstance(refused, BridgeError):
        _check_sentence(refused, hint=target.hint)
    spent_s = time.process_time() - before_s
    assert spent_s < LONGEST_S, f"a case of {len(case)} bytes took {spent_s:.1f} s"
    grown = _most_bytes() - before_bytes
    assert grown < MOST_BYTES, f"a case of {len(case)} bytes took {grown >> 20} MB"
    assert taken or not must_be_taken, f"a good case was not taken: {refused}"
    return taken


def again(read: Callable[..., T], *given: Any, **named: Any) -> T:
    """Reads what was written from a case that was taken: to refuse that is a finding."""
    try:
        return read(*given, **named)
    except BridgeError as error:
        raise AssertionError(f"what was taken once is refused when it is written again: {error.sentence}") from error


def fixtures(name: str) -> list[Path]:
    """The cases that once broke a target."""
    return sorted((FIXTURES / name).glob("*")) if (FIXTURES / name).is_dir() else []


def keep(name: str, case: bytes) -> Path:
    """Writes a case that broke something among the fixtures."""
    path = FIXTURES / name / hashlib.sha256(case).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(case)
    return path


def signature(error: BaseException) -> str:
    """Which finding an error is: its kind, and the deepest line of the project that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f"{FIXTURES.parents[2]}/" in f.filename and "/.venv/" not in f.filename]
    ours = [f for f in ours if not f.filename.endswith("fuzz/target.py") or isinstance(error, AssertionError)] or ours
    text = "" if not isinstance(error, AssertionError) else str(error).split(":")[0].split(" bytes took")[0][:40]
    text = "".join(sign for sign in text if not sign.isdigit())
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} {text}at {place}"


def _check_sentence(error: BridgeError, *, hint: bool) -> None:
    said = error.sentence
    assert error.message.strip(), "an error without a message"
    assert error.hint.strip() or not hint, f"an error without a way out: {said[:200]}"
    assert len(said) <= LONGEST_SENTENCE, f"a sentence of {len(said)} letters"
    bad = {sign for sign in said if unicodedata.category(sign) in ("Cc", "Cs") or sign in BIDIRECTIONAL}
    assert not bad, f"a sentence with signs that cannot be shown: {said[:200]!r}"


@contextmanager
def _bounded() -> Iterator[None]:
    """Ends with ``Hang`` when the processor was busy for too long."""
    if sys.platform == "win32":
        yield
        return

    def ring(*_: Any) -> None:
        raise Hang(f"not done after {HANG_S:.0f} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def _most_bytes() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
