"""A take that was made step by step is made again from nothing: the file's bytes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.engine.engine import Engine
from bridge.engine.parts import Part, parts_of, quantised, replay
from bridge.engine.patches import InMemory, patched
from bridge.engine.what import Generator
from bridge.errors import JobCancelled, RequestError
from bridge.media import wav
from tests.bridge.engine.waves import alone, opened

RATE_HZ = 44_100
PLAIN = Request(
    length_samples=4 * RATE_HZ,
    rate_hz=RATE_HZ,
    onsets=tuple(Onset(time_s=time, strength=0.7, force=0.9) for time in (0.2, 0.9, 1.5, 2.6)),
    prompt="wood",
    seed=3,
)
MOVED = replace(PLAIN, onsets=(*PLAIN.onsets[:2], Onset(time_s=1.62), PLAIN.onsets[3]))
CHAIN = (
    Part(request=PLAIN),
    Part(request=MOVED),
    Part(request=replace(MOVED, seed=8, mix=((4, 0.25),)), within=(RATE_HZ // 3, 2 * RATE_HZ)),
    Part(request=replace(MOVED, seed=8, mix=((4, 0.25),), onsets=MOVED.onsets[1:])),
)


@pytest.fixture(scope="module", params=["onset", "local", "whole"])
def generator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder = tmp_path_factory.mktemp("packs")
    if request.param == "whole":
        return Generator(opened(folder))
    return Generator(alone(folder) if request.param == "onset" else alone(folder, windows="local", overlap_frames=128))


def step_by_step(generator: Generator, parts: Sequence[Part], folder: Path, subtype: str) -> Path:
    """The file of the last step; each step reads the file of the one before."""
    path = wav.write(folder / "0.wav", generator.render(parts[0].request), subtype=subtype)
    for number, (before, part) in enumerate(itertools.pairwise(parts), start=1):
        old = wav.read(path)
        patches = generator.changes(
            part.request, previous_request=before.request, previous=InMemory(old), within=part.within
        )
        path = wav.write(folder / f"{number}.wav", patched(old, patches, part.request), subtype=subtype)
    return path


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_16"])
def test_replay_when_a_take_was_made_in_steps_then_its_file_again_to_the_byte(
    generator: Generator, tmp_path: Path, subtype: str
) -> None:
    file = step_by_step(generator, CHAIN, tmp_path, subtype)
    again = wav.write(tmp_path / "again.wav", replay(generator, CHAIN, subtype=subtype), subtype=subtype)
    assert again.read_bytes() == file.read_bytes()
    fresh = wav.write(tmp_path / "fresh.wav", generator.render(CHAIN[-1].request), subtype=subtype)
    assert fresh.read_bytes() != file.read_bytes()


def test_replay_when_a_take_was_made_at_once_then_it_is_a_render(generator: Generator) -> None:
    told: list[float] = []
    sound = replay(generator, CHAIN[:1], progress=told.append)
    assert sound.samples.tobytes() == generator.render(PLAIN).samples.tobytes()
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_replay_when_it_is_made_then_progress_rises_and_cancelling_stops_it(tmp_path: Path) -> None:
    generator = Generator(alone(tmp_path))
    told: list[float] = []
    replay(generator, CHAIN, progress=told.append)
    assert told == sorted(told)
    assert told[0] < 0.3
    assert told[-1] == pytest.approx(1.0)
    with pytest.raises(JobCancelled):
        replay(generator, CHAIN, cancelled=lambda: True)


@pytest.mark.parametrize("parts", [(), CHAIN[2:]], ids=["none", "kept something"])
def test_replay_when_the_chain_has_no_beginning_then_the_way_out_is_named(
    generator: Generator, parts: tuple[Part, ...]
) -> None:
    with pytest.raises(RequestError, match="how its sound began") as caught:
        replay(generator, parts)
    assert caught.value.hint


def recipe(**fields: Any) -> Recipe:
    return Recipe(
        request=PLAIN,
        pack="tiny",
        pack_version="1",
        pack_digest="d",
        licence="MIT",
        commercial_use="yes",
        video_item_guid="",
        source_path="film.mp4",
        time_map={},
        **fields,
    )


def test_parts_when_kept_in_a_recipe_then_they_read_back_equal() -> None:
    heard = Part(request=replace(PLAIN, reference=Reference(path="/s/ping.wav", sha256="a" * 64)), within=(3, 9))
    chain = (*CHAIN, heard)
    written = replace(
        recipe(parts=tuple(part.to_table() for part in chain[:-1])), request=heard.request, within=heard.within
    )
    again = Recipe.from_json(written.to_json())
    assert again == written
    assert parts_of(again) == chain
    assert parts_of(recipe()) == CHAIN[:1]


@pytest.mark.parametrize("table", [{}, {"request": 3, "within": None}, {"request": {}, "within": [1]}])
def test_parts_when_a_recipe_is_damaged_then_the_way_out_is_named(table: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="cannot be read") as caught:
        parts_of(recipe(parts=(table,)))
    assert caught.value.hint


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32"])
def test_quantised_when_written_or_not_then_the_same_samples(tmp_path: Path, subtype: str) -> None:
    samples = np.random.default_rng(1).uniform(-1.0, 1.0, (1, 50_000)).astype(np.float32)
    samples[0, :4] = (1.0, -1.0, 0.0, 1.5)
    sound = Audio(samples=samples, rate_hz=RATE_HZ)
    read = wav.read(wav.write(tmp_path / "sound.wav", sound, subtype=subtype))
    once = quantised(sound, subtype=subtype)
    assert np.array_equal(once.samples, read.samples)
    assert np.array_equal(quantised(once, subtype=subtype).samples, once.samples)
    assert quantised(sound, subtype="FLOAT") is sound


def test_engine_when_it_is_asked_for_parts_then_it_makes_them(tmp_path: Path) -> None:
    engine = Engine(alone(tmp_path))  # pyright: ignore[reportArgumentType]
    fresh = Audio(samples=np.concatenate(list(engine.stream(MOVED)))[None], rate_hz=RATE_HZ)
    assert np.array_equal(quantised(replay(engine, CHAIN[:2])).samples, quantised(fresh).samples)
    told = engine.recipe(
        MOVED, Clip.whole("film.mp4", 4.0), parts=(CHAIN[0].to_table(),), controls={"variation": 0.5}, within=(1, 2)
    )
    assert (told.controls, told.within, parts_of(told)[0]) == ({"variation": 0.5}, (1, 2), CHAIN[0])
