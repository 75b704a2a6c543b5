"""A reference placed on onsets: where, how loud, how unlike, and the same again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.engine.place import APART, BLOCK_SAMPLES, Placement, Placer
from bridge.errors import BridgeError, JobCancelled, MediaError, RequestError
from bridge.media import reference as references

RATE_HZ = 48000
TAKES_HZ = (500.0, 700.0, 900.0, 1150.0, 1450.0)


def knock(pitch_hz: float, *, level: float = 0.4, decay_s: float = 0.02, rate_hz: int = RATE_HZ) -> np.ndarray:
    times = np.arange(round(8 * decay_s * rate_hz)) / rate_hz
    return level * np.cos(2 * np.pi * pitch_hz * times) * np.exp(-times / decay_s)


def written(path: Path, samples: np.ndarray, *, rate_hz: int = RATE_HZ) -> Reference:
    soundfile.write(path, samples, rate_hz, subtype="FLOAT")
    return references.named(path)


def knocks(path: Path, pitches: Sequence[float] = TAKES_HZ, *, rate_hz: int = RATE_HZ) -> Reference:
    """One knock after the other, 0.2 s apart, the first after 30 ms."""
    samples = np.zeros(round((0.1 + 0.2 * len(pitches)) * rate_hz))
    for index, pitch in enumerate(pitches):
        start = round((0.03 + 0.2 * index) * rate_hz)
        sound = knock(pitch, rate_hz=rate_hz)
        samples[start : start + len(sound)] += sound
    return written(path, samples, rate_hz=rate_hz)


def ask(
    reference: Reference | None,
    times: Sequence[float],
    *,
    seconds: float = 8.0,
    strengths: Sequence[float] | None = None,
    seed: int = 7,
    mix: tuple[tuple[int, float], ...] = (),
    rate_hz: int = RATE_HZ,
) -> Request:
    strengths = [1.0] * len(times) if strengths is None else strengths
    return Request(
        length_samples=round(seconds * rate_hz),
        rate_hz=rate_hz,
        onsets=tuple(Onset(time_s=at, strength=hard) for at, hard in zip(times, strengths, strict=True)),
        prompt="",
        seed=seed,
        reference=reference,
        mix=mix,
    )


def sound(request: Request, *, variation: float = 1.0) -> np.ndarray:
    audio = Placer(variation=variation).render(request)
    assert audio.samples.shape == (1, request.length_samples)
    assert audio.rate_hz == request.rate_hz
    return audio.samples[0]


def heard_at(samples: np.ndarray, near_s: float, *, rate_hz: int = RATE_HZ) -> float:
    """Where the level jumps, in seconds: a third of the loudest around."""
    first = max(0, round((near_s - 0.05) * rate_hz))
    around = np.abs(samples[first : round((near_s + 0.05) * rate_hz)])
    return (first + int(np.flatnonzero(around > around.max() / 3)[0])) / rate_hz


def after(samples: np.ndarray, at_s: float, *, seconds: float = 0.12, rate_hz: int = RATE_HZ) -> np.ndarray:
    start = round(at_s * rate_hz)
    return samples[start : start + round(seconds * rate_hz)]


def take_at(samples: np.ndarray, at_s: float) -> int:
    """Which of the knocks sounds, by its pitch."""
    spectrum = np.abs(np.fft.rfft(after(samples, at_s), 1 << 16))
    pitch = np.argmax(spectrum) * RATE_HZ / (1 << 16)
    return int(np.argmin(np.abs(np.log(np.array(TAKES_HZ) / pitch))))


def level_db(samples: np.ndarray, at_s: float) -> float:
    return float(10 * np.log10(np.mean(after(samples, at_s) ** 2)))


EVENTS = tuple(0.2 + 0.31 * index + 0.013 * (index % 5) for index in range(24))


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


def test_stream_when_joined_is_render_and_pieces_stay_small(tmp_path: Path) -> None:
    times = np.arange(4 * RATE_HZ) / RATE_HZ
    rng = np.random.default_rng(2)
    reference = written(tmp_path / "long.wav", 0.4 * rng.standard_normal(len(times)) * np.exp(-times / 0.8))
    edge_s = BLOCK_SAMPLES / RATE_HZ
    request = ask(reference, (edge_s - 0.001, edge_s, edge_s + 0.03, 5.0, 9.999), seconds=10.0)
    pieces = list(Placer().stream(request))
    assert len(pieces) > 2
    assert all(piece.dtype == np.float32 and piece.ndim == 1 and len(piece) <= BLOCK_SAMPLES for piece in pieces)
    assert np.concatenate(pieces).tobytes() == sound(request).tobytes()
    seam = np.abs(np.diff(np.concatenate(pieces)[BLOCK_SAMPLES - 20 : BLOCK_SAMPLES + 20]))
    assert seam.max() < 1.5


def test_stream_when_the_block_is_another_length_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(knocks(tmp_path / "five.wav"), EVENTS)
    whole = sound(request)
    monkeypatch.setattr("bridge.engine.place.BLOCK_SAMPLES", 1777)
    assert sound(request).tobytes() == whole.tobytes()


def test_render_when_nothing_sounds_is_digital_silence(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "one.wav", (900.0,))
    samples = sound(ask(reference, (2.0, 5.0, 9.0), strengths=(1.0, 0.0, 1.0)))
    assert not samples[: round(1.99 * RATE_HZ)].any()
    assert samples[round(2.0 * RATE_HZ) : round(2.1 * RATE_HZ)].any()
    assert not samples[round(2.4 * RATE_HZ) :].any()
    assert not sound(ask(reference, ())).any()


def test_render_when_tails_meet_adds_them(tmp_path: Path) -> None:
    reference = written(tmp_path / "ring.wav", knock(300.0, level=0.2, decay_s=0.3))
    both, first = (sound(ask(reference, times), variation=0.0) for times in ((1.0, 1.3), (1.0,)))
    second = sound(ask(reference, (1.3,)), variation=0.0)
    assert np.allclose(both, first + second, atol=1e-6)


def test_render_when_much_sounds_at_once_stays_below_full_scale(tmp_path: Path) -> None:
    reference = written(tmp_path / "ring.wav", knock(300.0, level=0.9, decay_s=0.3))
    samples = sound(ask(reference, [1.0 + 0.01 * index for index in range(40)], seconds=3.0))
    assert 0.9 < np.abs(samples).max() < 1.0


def test_render_when_the_item_ends_within_a_sound_ends_without_a_click(tmp_path: Path) -> None:
    reference = written(tmp_path / "ring.wav", knock(100.0, level=0.5, decay_s=0.5))
    for seconds in (1.2, 1.2345, 1.005):
        samples = sound(ask(reference, (1.0,), seconds=seconds))
        assert samples[-1] == 0.0
        assert np.abs(samples[-10:]).max() < 0.01
        assert np.abs(samples[-500:-300]).max() > 0.0


def test_render_when_an_onset_lies_at_the_very_edges_makes_sound_of_the_items_length(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "one.wav", (900.0,))
    samples = sound(ask(reference, (0.0, 0.001), seconds=0.5))
    assert np.abs(samples[0]) > 0.05
    for length in (1, 2, 7):
        request = Request(
            length_samples=length, rate_hz=RATE_HZ, onsets=(Onset(time_s=0.0),), prompt="", reference=reference
        )
        assert np.isfinite(sound(request)).all()


def test_render_when_several_onsets_share_a_sample_sounds_once_with_the_strongest(tmp_path: Path) -> None:
    reference = knocks(tmp_path / "one.wav", (900.0,))
    double = sound(ask(reference, (1.0, 1.0, 1.0), strengths=(0.2, 0.8, 0.5)))
    assert np.array_equal(double, sound(ask(reference, (1.0,), strengths=(0.8,))))


def test_render_when_the_reference_is_none_to_place_says_why_and_names_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bad: list[tuple[Reference | None, type[BridgeError], str]] = [
        (None, RequestError, "no sound to place"),
        (written(tmp_path / "mute.wav", np.zeros(RATE_HZ)), RequestError, r"mute\.wav is silent"),
        (written(tmp_path / "offset.wav", np.full(RATE_HZ, 0.1)), RequestError, r"offset\.wav is silent"),
        (written(tmp_path / "tick.wav", rng.uniform(-1, 1, 239)), RequestError, r"tick\.wav is shorter than 5 ms"),
    ]
    gone = written(tmp_path / "gone.wav", np.ones(RATE_HZ))
    Path(gone.path).unlink()
    text = tmp_path / "notes.txt"
    text.write_text("no sound")
    bad += [(gone, MediaError, r"gone\.wav"), (references.named(text), MediaError, r"notes\.txt")]
    for reference, kind, said in bad:
        for start in (Placer().render, Placer().stream):
            with pytest.raises(kind, match=said) as caught:
                start(ask(reference, EVENTS))
            assert "\n" not in caught.value.sentence
    short = written(tmp_path / "click.wav", rng.uniform(-1, 1, 240))
    assert sound(ask(short, (1.0,))).any()


def test_render_when_cancelled_stops_and_progress_ends_at_one(tmp_path: Path) -> None:
    request = ask(knocks(tmp_path / "five.wav"), EVENTS, seconds=20.0)
    told: list[float] = []
    Placer().render(request, progress=told.append)
    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == 1.0
    with pytest.raises(JobCancelled):
        Placer().render(request, progress=told.append, cancelled=lambda: len(told) > 9)


def test_render_when_a_minute_has_120_onsets_is_done_at_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    times = np.arange(RATE_HZ) / RATE_HZ
    reference = written(tmp_path / "second.wav", 0.3 * rng.standard_normal(RATE_HZ) * np.exp(-times / 0.2))
    request = ask(reference, list(np.sort(rng.uniform(0, 60, 120))), seconds=60.0)
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        Placer().render(request)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.3


def test_render_when_the_room_is_heard_before_the_knock_begins_earlier_and_later_but_never_moves_it(
    tmp_path: Path,
) -> None:
    room = np.random.default_rng(6).standard_normal(RATE_HZ // 2) * 0.001
    room[RATE_HZ // 4 :] += np.pad(knock(900.0), (0, RATE_HZ // 4))[: RATE_HZ // 4]
    samples = sound(ask(written(tmp_path / "room.wav", room), EVENTS))
    begins = []
    for at in EVENTS:
        begins.append(
            heard_at(samples, at) - (round(at * RATE_HZ) - 480 + np.flatnonzero(after(samples, at - 0.01))[0]) / RATE_HZ
        )
        assert abs(heard_at(samples, at) - at) <= 0.001
    assert 0.0 < min(begins) < 0.003
    assert 0.004 < max(begins) < 0.012
