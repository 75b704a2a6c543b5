"""A reference placed on onsets: pieces, edges, tails, refusals and speed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.engine.place import BLOCK_SAMPLES, Placer
from bridge.errors import BridgeError, JobCancelled, MediaError, RequestError
from bridge.media import reference as references
from tests.bridge.engine.placed import (
    EVENTS,
    RATE_HZ,
    after,
    ask,
    heard_at,
    knock,
    knocks,
    sound,
    written,
)


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


@pytest.mark.parametrize("rise_s", [0.0, 0.030])
def test_stream_when_the_block_is_another_length_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rise_s: float
) -> None:
    brushed = knock(900.0, decay_s=0.04)
    rising = np.clip(np.arange(len(brushed)) / max(1.0, rise_s * RATE_HZ), 0.0, 1.0)
    reference = written(tmp_path / "brush.wav", np.pad(brushed * rising**2, (2000, 0)))
    for times in (EVENTS, EVENTS[::5]):
        request = ask(reference, times)
        monkeypatch.setattr("bridge.engine.place.BLOCK_SAMPLES", BLOCK_SAMPLES)
        whole = sound(request)
        monkeypatch.setattr("bridge.engine.place.BLOCK_SAMPLES", 1777)
        assert sound(request).tobytes() == whole.tobytes()
        monkeypatch.setattr("bridge.engine.place.BLOCK_SAMPLES", 100)
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


def rumbling(path: Path) -> Reference:
    """A knock over a loud hum, after a quarter of a second."""
    room = 0.02 * np.cos(2 * np.pi * 60 * np.arange(RATE_HZ // 2) / RATE_HZ)
    sound = knock(900.0)
    room[RATE_HZ // 4 : RATE_HZ // 4 + len(sound)] += sound
    return written(path, room)


def test_render_when_the_item_begins_just_before_an_onset_begins_without_a_click(tmp_path: Path) -> None:
    reference = rumbling(tmp_path / "hum.wav")
    for seed in range(8):
        samples = sound(ask(reference, (0.0015,), seconds=1.0, seed=seed))
        assert abs(samples[0]) < 0.001
        assert abs(heard_at(samples, 0.0015) - 0.0015) <= 0.001


def test_render_when_onsets_make_no_sound_they_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    reference = rumbling(tmp_path / "hum.wav")
    for seed in range(8):
        plain = sound(ask(reference, EVENTS, seed=seed))
        silent = sorted([*EVENTS, 1.0, 2.5, 8.001, 9.0])
        strengths = [1.0 if at in EVENTS or at > 8.0 else 0.0 for at in silent]
        assert np.array_equal(plain, sound(ask(reference, silent, strengths=strengths, seed=seed)))
