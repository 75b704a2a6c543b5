"""A reference placed on onsets: where, how loud, how unlike, and the same again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.place import APART, Placement, Placer
from bridge.errors import RequestError
from tests.bridge.engine.placed import (
    EVENTS,
    RATE_HZ,
    TAKES_HZ,
    after,
    ask,
    heard_at,
    knocks,
    level_db,
    sound,
    take_at,
    written,
)


@pytest.mark.parametrize(("own_hz", "rate_hz"), [(48000, 48000), (44100, 48000), (48000, 44100), (96000, 16000)])
def test_render_when_knocks_are_placed_puts_each_attack_on_its_onset(tmp_path: Path, own_hz: int, rate_hz: int) -> None:
    reference = knocks(tmp_path / "five.wav", rate_hz=own_hz)
    samples = sound(ask(reference, EVENTS, rate_hz=rate_hz))
    errors = [heard_at(samples, at, rate_hz=rate_hz) - at for at in EVENTS]
    assert np.abs(errors).max() <= 0.001


def test_render_when_there_are_several_takes_uses_them_all_and_none_twice_in_a_row(tmp_path: Path) -> None:
    for pitches in (TAKES_HZ, TAKES_HZ[:3], TAKES_HZ[:2]):
        for seed in range(4):
            reference = knocks(tmp_path / "some.wav", pitches)
            samples = sound(ask(reference, EVENTS, seed=seed))
            takes = [take_at(samples, at) for at in EVENTS]
            assert set(takes) == set(range(len(pitches)))
            assert all(one != other for one, other in itertools.pairwise(takes))


def test_render_when_there_is_one_take_no_two_neighbours_sound_alike(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "one.wav", (900.0,))
    for seed in range(4):
        samples = sound(ask(reference, EVENTS, seed=seed))
        sounds = [after(samples, at).astype(np.float64) for at in EVENTS]
        for one, other in itertools.pairwise(sounds):
            assert np.linalg.norm(one - other) > 0.05 * np.linalg.norm(one)


def test_plan_when_there_is_one_take_keeps_neighbours_apart_and_all_amounts_within_their_limits(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "one.wav", (900.0,))
    times = tuple(np.sort(np.random.default_rng(3).uniform(0, 60, 400)))
    strengths = np.random.default_rng(4).uniform(0.1, 1.0, 400)
    for length_s in (0.2, 8.0):
        plan = Placer().plan(ask(reference, times, seconds=60.0, strengths=list(strengths)), 1, length_s)
        assert [one.at for one in plan] == sorted({round(at * RATE_HZ) for at in times})
        assert min(one.apart(other) for one, other in itertools.pairwise(plan)) >= APART
        for name, low, high, spread in (
            ("cents", -60, 60, 80),
            ("bright_db", -3, 3, 3),
            ("level_db", -1.5, 1.5, 2),
            ("lead_s", 0, 0.006, 0.004),
        ):
            values = [getattr(one, name) for one in plan]
            assert low <= min(values) < max(values) <= high
            assert max(values) - min(values) > spread
    quiet = [one.bright_db for one in plan if one.strength < 0.3]
    loud = [one.bright_db for one in plan if one.strength > 0.8]
    assert -1.2 < np.mean(quiet) - np.mean(loud) < -0.2


def test_render_when_the_seed_is_the_same_repeats_and_another_differs(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "five.wav")
    first = sound(ask(reference, EVENTS))
    assert first.tobytes() == sound(ask(reference, EVENTS)).tobytes()
    other = sound(ask(reference, EVENTS, seed=8))
    differing = [not np.array_equal(after(first, at), after(other, at)) for at in EVENTS]
    assert all(differing)


@pytest.mark.parametrize("pitches", [TAKES_HZ, TAKES_HZ[:2], TAKES_HZ[:1]])
def test_render_when_one_onset_moves_changes_its_neighbourhood_only(tmp_path: Path, pitches: Sequence[float]) -> None:
    reference = knocks(tmp_path / "some.wav", pitches)
    for seed in range(6):
        moved = [*EVENTS[:12], EVENTS[12] + 0.05, *EVENTS[13:]]
        old, new = sound(ask(reference, EVENTS, seed=seed)), sound(ask(reference, moved, seed=seed))
        changed = np.flatnonzero(old != new) / RATE_HZ
        assert changed.min() > EVENTS[8]
        assert changed.max() < EVENTS[16]


def test_render_when_an_onset_is_taken_out_of_many_leaves_those_far_away(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "five.wav")
    fewer = [*EVENTS[:12], *EVENTS[13:]]
    old, new = sound(ask(reference, EVENTS)), sound(ask(reference, fewer))
    changed = np.flatnonzero(old != new) / RATE_HZ
    assert EVENTS[8] < changed.min() <= EVENTS[12] + 0.01
    assert changed.max() < EVENTS[16]


def test_render_when_a_take_is_varied_a_little_stays_nearer_than_when_varied_a_lot(tmp_path: Path) -> None:
    request = ask(knocks(tmp_path / "one.wav", (900.0,)), EVENTS)

    def plan(amount: float) -> list[Placement]:
        mixed = ask(request.reference, EVENTS, mix=((99, amount),) if amount else ())
        return Placer().plan(mixed, 1, 0.2)

    def far(amount: float) -> float:
        return float(np.mean([one.apart(other) for one, other in zip(plan(0.0), plan(amount), strict=True)]))

    assert 0.0 < far(0.15) < 0.5 * far(1.0)
    assert [one.cents for one in plan(1.0)] == [
        one.cents for one in Placer().plan(ask(request.reference, EVENTS, seed=99), 1, 0.2)
    ]


def test_render_when_strengths_differ_follows_them_in_decibels(tmp_path: Path) -> None:
    strengths = [1.0, 0.5, 0.25, 0.1] * 6
    for pitches in (TAKES_HZ, (900.0,)):
        reference = knocks(tmp_path / "some.wav", pitches)
        samples = sound(ask(reference, EVENTS, strengths=strengths), variation=0.0)
        for at, strength in zip(EVENTS, strengths, strict=True):
            assert level_db(samples, at) - level_db(samples, EVENTS[0]) == pytest.approx(
                20 * np.log10(strength), abs=0.05
            )
        samples = sound(ask(reference, EVENTS, strengths=strengths))
        levels = np.array([level_db(samples, at) for at in EVENTS]) - 20 * np.log10(strengths)
        assert 1.0 < np.ptp(levels) < 4.0


def test_render_when_an_onset_has_force_besides_strength_colours_it_and_leaves_its_level(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "one.wav", (900.0,))
    hard, soft = (
        Request(
            length_samples=RATE_HZ,
            rate_hz=RATE_HZ,
            onsets=(Onset(time_s=0.5, strength=1.0, force=force),),
            prompt="",
            reference=reference,
        )
        for force in (1.0, 0.0)
    )
    (one,), (other,) = Placer().plan(hard, 1, 0.2), Placer().plan(soft, 1, 0.2)
    assert one.bright_db - other.bright_db == pytest.approx(1.0)
    assert (one.strength, one.level_db) == (other.strength, other.level_db)
    assert not np.array_equal(sound(hard), sound(soft))


def test_render_when_variation_is_none_places_the_same_sound_and_a_half_varies_half_as_much(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "five.wav")
    samples = sound(ask(reference, EVENTS), variation=0.0)
    first = samples[round(EVENTS[0] * RATE_HZ) - 200 :][:6000]
    for at in EVENTS:
        assert np.array_equal(samples[round(at * RATE_HZ) - 200 :][:6000], first)
    whole, half = (Placer(variation=v).plan(ask(reference, EVENTS), 5, 1.0) for v in (1.0, 0.5))
    for one, other in zip(whole, half, strict=True):
        assert (other.cents, other.bright_db, other.level_db) == pytest.approx(
            (one.cents / 2, one.bright_db / 2, one.level_db / 2)
        )
    with pytest.raises(RequestError, match=r"0\.\.1"):
        Placer(variation=1.1)


def test_render_when_a_brighter_placement_is_asked_for_raises_the_top(tmp_path: Path) -> None:
    """The plan's decibels are those that are heard."""
    rng = np.random.default_rng(2)
    times = np.arange(round(0.3 * RATE_HZ)) / RATE_HZ
    reference = written(tmp_path / "noise.wav", 0.05 * rng.standard_normal(len(times)) * np.exp(-times / 0.04))
    request = ask(reference, EVENTS)
    varied, plain = sound(request), sound(request, variation=0.0)
    for one in Placer().plan(request, 1, 0.3):
        ratio_db = []
        for low, high in ((10000, 20000), (60, 500)):
            power = []
            for samples in (varied, plain):
                spectrum = np.abs(np.fft.rfft(samples[one.at : one.at + 9600])) ** 2
                power.append(spectrum[low // 5 : high // 5].mean())
            ratio_db.append(10 * np.log10(power[0] / power[1]))
        assert ratio_db[0] - one.level_db == pytest.approx(one.bright_db, abs=0.6)
