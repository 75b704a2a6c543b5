"""How long a key press waits for its answer while and after somebody floods the daemon's door.

``python -m tests.bench_doors [--count N]``: the real daemon with the tiny pack, one burst of each kind, and meanwhile a
good key press (*status*) every few milliseconds. Convention: milliseconds of the wall as the sender sees them; a press
that is not answered within 0.3 s counts as lost, one that is told to come again as busy. "sent" is how long the burst
took to send, "MiB" what the daemon grew by, "log" its new lines.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bridge.host import endpoint
from bridge.osc import client
from tests import bursts
from tests.packs import tiny_pack
from tests.story import daemon, free_udp_port

COUNT = 10_000
LIMIT_S = 0.3
AFTER = 50


@dataclass(frozen=True, kw_only=True)
class Row:
    """One burst: seconds it took; answer times of key presses while it ran and after, in ms; presses lost; growth."""

    kind: str
    sent_s: float
    during_ms: list[float]
    after_ms: list[float]
    lost: int
    busy: int
    grown_mib: float
    log_lines: int

    def __str__(self) -> str:
        return (
            f"{self.kind:15s} {self.sent_s:7.2f} {len(self.during_ms):6d} {_two(self.during_ms)} {_two(self.after_ms)} "
            f"{self.lost:5d} {self.busy:5d} {self.grown_mib:7.2f} {self.log_lines:6d}"
        )


HEAD = (
    f"{'burst':15s} {'sent s':>7s} {'during':>6s} {'median':>7s} {'worst':>7s} {'after':>7s} {'worst':>7s} "
    f"{'lost':>5s} {'busy':>5s} {'MiB':>7s} {'log':>6s}"
)


def _two(values: list[float]) -> str:
    return f"{statistics.median(values):7.2f} {max(values):7.2f}" if values else f"{'-':>7s} {'-':>7s}"


@contextmanager
def door(folder: Path) -> Iterator[tuple[psutil.Process, int, str]]:
    """A daemon with the tiny pack and no REAPER; gives its process, port and token."""
    pack = tiny_pack(folder / "packs")
    port = free_udp_port()
    before = dict(os.environ)
    os.environ["FOLEY_BRIDGE_ENDPOINT"] = str(folder / "endpoint")
    env = {name: str(folder / "home") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    flags = ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]
    try:
        with daemon(folder, *flags, env={**env, "FOLEY_BRIDGE_OSC_PORT": str(port)}) as process:
            until = time.monotonic() + 60
            while True:
                answer = client.ask(port, "status")
                if answer is not None and answer.ok and "loading" not in answer.sentence:
                    break
                if time.monotonic() > until or process.poll() is not None:
                    raise AssertionError((folder / "daemon.log").read_text())
                time.sleep(0.05)
            yield psutil.Process(process.pid), port, str(endpoint.announced_daemon()["token"])
    finally:
        os.environ.clear()
        os.environ.update(before)


def pressed_ms(port: int, token: str, busy: list[str] | None = None) -> float | None:
    """How long a good key press waited for its answer; None when it got none in time."""
    began = time.perf_counter()
    answer = client.ask(port, "status", token=token, timeout_s=LIMIT_S)
    if answer is not None and not answer.ok and busy is not None:
        busy.append(answer.sentence)
    return None if answer is None else 1e3 * (time.perf_counter() - began)


def measured(process: psutil.Process, port: int, token: str, kind: str, count: int, log: Path) -> Row:
    """One burst."""
    memory, lines = process.memory_info().rss, _lines(log)
    during: list[float | None] = []
    said_busy: list[str] = []
    with bursts.started(port, token, kind, count) as burst:
        while burst.poll() is None:
            during.append(pressed_ms(port, token, said_busy))
            time.sleep(0.005)
        assert burst.stdout is not None
        sent_s = float(burst.stdout.read())
    busy = during[-max(3, int(sent_s / 0.007)) :]
    after = [pressed_ms(port, token, said_busy) for _ in range(AFTER)]
    return Row(
        kind=kind,
        sent_s=sent_s,
        during_ms=[one for one in busy if one is not None],
        after_ms=[one for one in after if one is not None],
        lost=[*during, *after].count(None),
        busy=len(said_busy),
        grown_mib=(process.memory_info().rss - memory) / 2**20,
        log_lines=_lines(log) - lines,
    )


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def main() -> int:
    """Prints the table; 1 when a key press was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    count = parser.parse_args().count
    lost = 0
    with tempfile.TemporaryDirectory() as folder, door(Path(folder)) as (process, port, token):
        quiet = [one for _ in range(200) if (one := pressed_ms(port, token)) is not None]
        print(f"A key press while nothing happens: median {statistics.median(quiet):.2f} ms, worst {max(quiet):.2f} ms")
        print(f"{count} packets a burst\n{HEAD}")
        for kind in (*bursts.KINDS, bursts.MIXED):
            row = measured(process, port, token, kind, count, Path(folder) / "daemon.log")
            print(row, flush=True)
            lost += row.lost
    print(f"{lost} key presses had no answer within {LIMIT_S} s")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
