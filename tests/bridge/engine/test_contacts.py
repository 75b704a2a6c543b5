"""Contacts that were made are kept: the next render makes only what is new, and gives the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.contacts import Contacts
from bridge.engine.engine import Engine
from bridge.engine.what import Generator
from tests.bridge.engine.waves import Counting, alone

RATE_HZ = 48_000
WINDOW_BYTES = 512 * 128 * 4
PLAIN = Request(
    length_samples=4 * RATE_HZ,
    rate_hz=RATE_HZ,
    onsets=tuple(Onset(time_s=time) for time in (0.2, 0.9, 1.7, 3.0)),
    prompt="wood",
    seed=3,
    mix=((8, 0.3),),
)


@pytest.fixture
def pack(tmp_path: Path) -> Counting:
    return alone(tmp_path)


def made(pack: Counting, generator: Generator, request: Request) -> tuple[bytes, int]:
    """The sound, and how many contacts were made for it."""
    pack.roles.clear()
    sound = generator.render(request).samples.tobytes()
    return sound, pack.roles.count("decoder")


def test_render_when_made_again_then_no_contact_is_made_and_the_bytes_are_the_same(pack: Counting) -> None:
    keeping, plain = Generator(pack), Generator(pack, keep_bytes=0)
    first = made(pack, keeping, PLAIN)
    assert first[1] == 4
    assert made(pack, keeping, PLAIN) == (first[0], 0)
    assert "denoiser" not in pack.roles
    assert [made(pack, plain, PLAIN) for _ in range(2)] == [first, first]


def test_render_when_one_onset_moved_then_only_that_contact_is_made(pack: Counting) -> None:
    generator = Generator(pack)
    made(pack, generator, PLAIN)
    moved = replace(PLAIN, onsets=(*PLAIN.onsets[:2], Onset(time_s=1.8), PLAIN.onsets[3]))
    assert made(pack, generator, moved) == (made(pack, Generator(pack), moved)[0], 1)


def test_render_when_only_levels_changed_then_no_contact_is_made(pack: Counting) -> None:
    """Where the level is set elsewhere the net is told the same, so a fader costs nothing."""
    asked = replace(PLAIN, onsets=tuple(replace(onset, force=1.0) for onset in PLAIN.onsets))
    softer = replace(PLAIN, onsets=tuple(replace(onset, force=1.0, strength=0.3) for onset in PLAIN.onsets))
    generator = Generator(pack)
    made(pack, generator, asked)
    assert made(pack, generator, softer) == (made(pack, Generator(pack), softer)[0], 0)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"mix": ((8, 0.31),)},
        {"mix": ()},
        {"prompt": "glass"},
        {"steps": 2},
        {"guidance": 2.0},
        {"sampler": "deis2"},
        {"onsets": tuple(replace(onset, force=0.5) for onset in PLAIN.onsets)},
    ],
    ids=["seed", "amount", "no mix", "prompt", "steps", "guidance", "sampler", "force"],
)
def test_render_when_anything_that_is_heard_differs_then_contacts_are_made_anew(
    pack: Counting, change: dict[str, Any]
) -> None:
    generator = Generator(pack)
    made(pack, generator, PLAIN)
    other = replace(PLAIN, **change)
    assert made(pack, generator, other) == (made(pack, Generator(pack), other)[0], 4)


def test_render_when_less_fits_than_it_needs_then_the_latest_are_kept_and_the_bytes_are_the_same(
    pack: Counting,
) -> None:
    small = Generator(pack, keep_bytes=2 * WINDOW_BYTES + 100)
    whole, _ = made(pack, small, PLAIN)
    last = replace(PLAIN, onsets=PLAIN.onsets[2:])
    assert made(pack, small, last)[1] == 0
    assert made(pack, small, PLAIN) == (whole, 4)


def test_render_when_contacts_are_kept_then_progress_still_rises_to_the_end(pack: Counting) -> None:
    generator = Generator(pack)
    generator.render(replace(PLAIN, onsets=PLAIN.onsets[1:3]))
    told: list[float] = []
    generator.render(PLAIN, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert told[0] < 0.3
    assert [fraction for fraction in told if fraction < 1.0] == told[:-2]


def test_render_when_the_card_gave_way_to_the_cpu_then_contacts_are_made_anew(pack: Counting) -> None:
    """A take is not put together of both: their last digits differ."""
    generator = Generator(pack)
    for pack.provider in ("CUDAExecutionProvider", "CPUExecutionProvider"):
        assert made(pack, generator, PLAIN)[1] == 4
        assert made(pack, generator, PLAIN)[1] == 0


def test_engine_when_released_then_no_contact_is_kept(pack: Counting) -> None:
    engine = Engine(pack)  # pyright: ignore[reportArgumentType]
    sounds = [engine.render(PLAIN).samples.tobytes() for _ in range(2)]
    assert pack.roles.count("decoder") == 4
    engine.release()
    sounds.append(engine.render(PLAIN).samples.tobytes())
    assert pack.roles.count("decoder") == 8
    assert len(set(sounds)) == 1


def test_contacts_when_full_let_the_least_recently_used_go() -> None:
    kept = Contacts(keep_bytes=3 * 400)
    for key in "abc":
        kept.made(key, lambda: np.zeros(100, np.float32))
    assert kept.get("a") is not None
    kept.made("d", lambda: np.zeros(100, np.float32))
    assert [key for key in "abcd" if kept.get(key) is not None] == ["a", "c", "d"]
    assert kept.held_bytes == 1200
    kept.made("e", lambda: np.zeros(1000, np.float32))
    assert kept.get("e") is None
    with pytest.raises(ValueError, match="read-only"):
        kept.made("a", lambda: np.ones(1, np.float32))[0] = 1.0
