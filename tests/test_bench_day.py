"""The bench of a designer's day runs, with a tiny pack and seconds of film: it must not rot. Times are not asserted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bridge.config import Settings
from tests import bench_day
from tests.bench_desk import Look
from tests.packs import tiny_pack


@pytest.fixture
def size(tmp_path: Path) -> bench_day.Size:
    pack = tiny_pack(tmp_path / "packs")
    settings = Settings(packs_dir=str(pack.parent), pack=pack.name, threads=1)
    return bench_day.Size(
        length_s=4.0,
        repeats=1,
        placed=8,
        drag_events=5,
        short_s=2.0,
        looked=(1, 2),
        long_s=12.0,
        sparse_s=2.0,
        flags=("--packs-dir", settings.packs_dir, "--pack", settings.pack, "--threads", "1"),
        settings=settings,
    )


def test_moved_when_measured_then_every_way_and_step_is_timed(tmp_path: Path, size: bench_day.Size) -> None:
    figures = bench_day.moved(tmp_path, size)
    steps = {"reading the project", "the pack", "writing the project", "the sound file, and all else"}
    assert figures.pop("renders") == [1.0]
    assert set(figures) == {"warm", "cold", "whole", "live"} | steps
    assert all(len(times) == 1 and 0.0 < times[0] < 60.0 for times in figures.values())


def test_place_when_measured_then_by_key_alone_and_by_the_pack(tmp_path: Path, size: bench_day.Size) -> None:
    assert all(0.0 < times[0] < 60.0 for times in bench_day.place(tmp_path, size).values())


def test_many_when_renders_pass_then_memory_threads_and_files_are_read(tmp_path: Path, size: bench_day.Size) -> None:
    held = bench_day.many(tmp_path, size)
    assert [look.renders for look in held] == [1, 2]
    assert all(look.mib > 10.0 and look.threads > 0 and look.files > 0 for look in held)


def test_long_when_measured_then_beside_a_short_item(tmp_path: Path, size: bench_day.Size) -> None:
    figures = bench_day.long(tmp_path, size)
    assert figures["long MiB"] > 10.0
    assert figures["short MiB"] > 10.0
    assert math.isnan(figures["long cancel s"]) or figures["long cancel s"] > 0.0


def test_slope_when_memory_grows_evenly_in_the_later_half_then_what_each_render_adds() -> None:
    def held(*looks: tuple[int, float]) -> list[Look]:
        return [Look(renders=renders, mib=mib, threads=9, files=9) for renders, mib in looks]

    assert bench_day.slope(held((20, 10.0), (100, 120.0), (200, 145.0))) == pytest.approx(0.25)
    assert bench_day.slope(held((20, 100.0), (200, 300.0))) == 0.0
