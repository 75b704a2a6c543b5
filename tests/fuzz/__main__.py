"""``python -m tests.fuzz --minutes 10 [TARGET...]``: every target for a while with random seeds, then a table.

Convention: each target runs in a process of its own, so that one that ends or hangs in foreign code is a finding like
any other; the case it was at lies in a file. What breaks a target is made smaller and kept among the fixtures.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.fuzz.groups import ALL
from tests.fuzz.target import Hang, Target, fixtures, judge, keep, signature

ROUND = 500
"""Cases from one seed."""
MEMORY_BYTES = 6 * 1024**3
GRACE_S = 60.0
SMALLER_S = 20.0
SHOWN = 160


@dataclass
class Tally:
    """What one target came to."""

    cases: int = 0
    taken: int = 0
    seconds: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(ALL)}; all of them if none")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; a random one if none")
    parser.add_argument("--child", metavar="FOLDER", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    unknown = [name for name in chosen.targets if name not in ALL]
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}; there are {', '.join(ALL)}")
    first = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(2**32)
    if chosen.child:
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        tally = run(ALL[chosen.targets[0]], chosen.minutes * 60.0, first, Path(chosen.child))
        Path(chosen.child, "tally.json").write_text(json.dumps(vars(tally)))
        return 0
    return _parent(chosen.targets or list(ALL), chosen.minutes, chosen.jobs, first)


def run(target: Target, seconds: float, first: int, where: Path) -> Tally:
    """Throws cases at a target until the time is over; every kind of finding is told and kept once."""
    tally, began = Tally(), time.monotonic()
    _limit_memory()
    for path in fixtures(target.name):
        _one(target, path.read_bytes(), tally, must=False, where=where)
    number = first
    while time.monotonic() - began < seconds:
        for cases, must in ((target.hostile, False), (target.valid, True)):
            if cases is not None:
                _round(cases, number, lambda case, must=must: _one(target, case, tally, must=must, where=where), must)
        number += 1
    tally.seconds = time.monotonic() - began
    return tally


def _round(cases: SearchStrategy[bytes], number: int, one: Callable[[bytes], None], must: bool) -> None:
    @seed(number)
    @settings(
        max_examples=ROUND // 10 if must else ROUND,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(cases)
    def each(case: bytes) -> None:
        one(case)

    each()


def _one(target: Target, case: bytes, tally: Tally, *, must: bool, where: Path) -> None:
    (where / "case").write_bytes(case)
    tally.cases += 1
    found = _finding(target, case, must)
    if found is None:
        tally.taken += 1
    elif found and found not in tally.findings:
        tally.findings[found] = "?"
        small = case if must else _smaller(target, case, found)
        path = keep(target.name, small)
        tally.findings[found] = path.name
        print(f"{target.name}: {found} ({len(small)} bytes, {path.name}): {small[:SHOWN]!r}", flush=True)


def _finding(target: Target, case: bytes, must: bool = False) -> str | None:
    """The finding that a case is; "" if it was refused as it should be, None if it was taken."""
    try:
        return None if judge(target, case, must_be_taken=must) else ""
    except (Exception, Hang) as error:
        return signature(error)


def _smaller(target: Target, case: bytes, found: str) -> bytes:
    """A case with everything cut out that the finding does not need."""
    until, size = time.monotonic() + SMALLER_S, max(len(case) // 2, 1)
    while size and time.monotonic() < until:
        at = 0
        while at < len(case) and time.monotonic() < until:
            less = case[:at] + case[at + size :]
            if _finding(target, less) == found:
                case = less
            else:
                at += size
        size //= 2
    return case


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))


def _parent(names: list[str], minutes: float, jobs: int, first: int) -> int:
    waiting, running, done = list(names), {}, {}
    with tempfile.TemporaryDirectory(prefix="foley-fuzz-") as place:
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop(0)
                where = Path(place, name)
                where.mkdir()
                given = ["--minutes", str(minutes), "--seed", str(first), "--child", str(where), name]
                with (where / "noise").open("wb") as noise:  # some decoders talk to the terminal
                    child = subprocess.Popen([sys.executable, "-m", "tests.fuzz", *given], stderr=noise)
                running[name] = (child, where, time.monotonic() + minutes * 60.0 + GRACE_S + SMALLER_S * 5)
            time.sleep(0.2)
            for name in _ended(running):
                child, where, _ = running.pop(name)
                done[name] = _told(name, child.returncode, where)
                print(_row(name, done[name]), flush=True)
    print(f"\nfirst seed {first}\n{'target':20} {'cases':>9} {'taken':>9} {'seconds':>8}  findings")
    for name in names:
        print(_row(name, done[name]))
        for found, file in done[name].findings.items():
            print(f"{'':20} {found} -> {file}")
    return int(any(tally.findings for tally in done.values()))


def _row(name: str, tally: Tally) -> str:
    return f"{name:20} {tally.cases:9} {tally.taken:9} {tally.seconds:8.0f}  {len(tally.findings)}"


def _ended(running: dict[str, tuple[subprocess.Popen[bytes], Path, float]]) -> Iterator[str]:
    for name, (child, _, until) in list(running.items()):
        if child.poll() is None and time.monotonic() > until:
            child.kill()
            child.wait()
        if child.poll() is not None:
            yield name


def _told(name: str, code: int | None, where: Path) -> Tally:
    if code == 0 and (where / "tally.json").is_file():
        return Tally(**json.loads((where / "tally.json").read_text()))
    print((where / "noise").read_text("utf-8", "replace")[-2000:], flush=True)
    case = (where / "case").read_bytes() if (where / "case").is_file() else b""
    return Tally(findings={f"the process ended with {code}": keep(name, case).name})


if __name__ == "__main__":
    sys.exit(main())
