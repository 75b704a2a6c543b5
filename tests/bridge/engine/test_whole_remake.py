"""Whole windows made again: what stays is known to the net and stays to the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.loader import LoadedPack
from bridge.engine.what import Generator
from tests.bridge.engine.waves import Counting, at, opened
from tests.wave_pack import OVERLAP, RATE_HZ, WINDOW

STRIDE = WINDOW - OVERLAP


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> LoadedPack:
    return opened(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def generator(pack: LoadedPack) -> Generator:
    return Generator(pack)


HITS = tuple(range(6000, 5 * STRIDE, 30000))


def changed(hits: Sequence[int]) -> Request:
    return at(sorted(hits), length=5 * STRIDE + 1000)


@pytest.mark.parametrize(
    "hits",
    [(*HITS[:2], HITS[2] + 2000, *HITS[3:]), (*HITS[:2], *HITS[3:]), (*HITS, 71000)],
    ids=["moved", "deleted", "added"],
)
def test_remake_when_a_marker_changed_differs_only_near_it_and_is_what_a_fresh_one_is(
    generator: Generator, hits: tuple[int, ...]
) -> None:
    before, after = changed(HITS), changed(hits)
    old, fresh = generator.render(before), generator.render(after)
    new, spans = generator.remake(after, previous_request=before, previous=old)
    inside = np.zeros(before.length_samples, np.bool_)
    for start, end in spans:
        inside[start:end] = True
    assert np.array_equal(new.samples[0, ~inside], old.samples[0, ~inside])
    assert np.flatnonzero(new.samples[0] != old.samples[0])[0] > HITS[1] + 20000
    assert np.abs(new.samples[0, inside] - fresh.samples[0, inside]).max() < 0.05


def test_remake_when_a_hit_is_deleted_leaves_silence_and_no_ghost(generator: Generator) -> None:
    before, after = changed(HITS), changed((*HITS[:2], *HITS[3:]))
    new, _ = generator.remake(after, previous_request=before, previous=generator.render(before))
    gone = slice(HITS[2] - 200, HITS[2] + 6000)
    assert np.abs(generator.render(before).samples[0, gone]).max() > 0.1
    assert np.abs(new.samples[0, gone]).max() < 1e-4


def test_remake_samples_only_the_windows_that_meet_the_change(pack: LoadedPack) -> None:
    calls = Counting(pack)
    generator = Generator(calls)
    before, after = changed(HITS), changed((*HITS[:-1], HITS[-1] + 800))
    old = generator.render(before)
    assert calls.roles.count("onset_encoder") == 5
    calls.roles.clear()
    generator.remake(after, previous_request=before, previous=old)
    assert 0 < calls.roles.count("onset_encoder") <= 2


@pytest.mark.parametrize(("hit", "windows"), [(STRIDE + 6000, 1), (STRIDE + 1000, 2), (5000, 1)])
def test_remake_when_windows_share_the_change_takes_as_few_as_hold_it_with_what_comes_before(
    pack: LoadedPack, hit: int, windows: int
) -> None:
    """Span: to the next hit that stays, half a second later."""
    calls = Counting(pack)
    generator = Generator(calls)
    before, after = (at([one, hit + 24500, 3 * STRIDE], length=4 * STRIDE) for one in (hit + 400, hit))
    old = generator.render(before)
    calls.roles.clear()
    new, ((start, end),) = generator.remake(after, previous_request=before, previous=old)
    assert calls.roles.count("onset_encoder") == windows
    fresh = generator.render(after)
    assert np.abs(new.samples[0, start + 300 : end - 300] - fresh.samples[0, start + 300 : end - 300]).max() < 0.05
    assert np.abs(new.samples[0, hit : hit + 500]).max() > 0.1


def test_remake_when_the_sound_around_was_another_knows_it(generator: Generator) -> None:
    """What is known reaches the net: another previous sound outside the span gives another sound inside."""
    before, after = changed(HITS), changed((*HITS[:2], HITS[2] + 2000, *HITS[3:]))
    old = generator.render(before)
    louder = Audio(samples=old.samples + np.float32(0.3), rate_hz=RATE_HZ)
    sounds = [generator.remake(after, previous_request=before, previous=one)[0].samples[0] for one in (old, louder)]
    middle = slice(HITS[2] + 2000, HITS[2] + 4000)
    assert np.abs(sounds[0][middle] - sounds[1][middle]).max() > 1e-3


def test_remake_of_one_of_two_layers_keeps_what_lies_outside(generator: Generator) -> None:
    onsets = [Onset(time_s=hit / RATE_HZ, prompt=("wood", "glass")[n % 2]) for n, hit in enumerate(HITS)]
    before = at([], length=5 * STRIDE + 1000, onsets=tuple(onsets))
    onsets[3] = replace(onsets[3], time_s=onsets[3].time_s + 0.02)
    after = replace(before, onsets=tuple(onsets))
    old = generator.render(before)
    new, spans = generator.remake(after, previous_request=before, previous=old)
    differs = np.flatnonzero(new.samples[0] != old.samples[0])
    assert len(differs)
    assert all(any(start <= index < end for start, end in spans) for index in differs)


def test_remake_at_another_rate_keeps_what_lies_outside(generator: Generator) -> None:
    before, after = (replace(changed(hits), rate_hz=44100) for hits in (HITS, (*HITS[:2], *HITS[3:])))
    old = generator.render(before)
    new, spans = generator.remake(after, previous_request=before, previous=old)
    assert new.samples.shape == old.samples.shape
    differs = np.flatnonzero(new.samples[0] != old.samples[0])
    assert all(any(start <= index < end for start, end in spans) for index in differs)


@pytest.mark.parametrize("change", [{"sampler": "ddim"}, {"steps": 2}, {"seed": 9}])
def test_remake_when_more_than_onsets_changed_makes_everything_again(
    generator: Generator, change: dict[str, Any]
) -> None:
    before = changed(HITS[:3])
    after = replace(before, **change)
    old = generator.render(before)
    new, spans = generator.remake(after, previous_request=before, previous=old)
    assert spans == [(0, after.length_samples)]
    assert np.array_equal(new.samples, generator.render(after).samples)
