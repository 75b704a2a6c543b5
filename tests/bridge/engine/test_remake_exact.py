"""Where every contact stands alone, what is made again is what a fresh render gives, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.what import Generator
from bridge.media import wav
from tests.bridge.engine.waves import Counting, alone

RATE_HZ = 48_000
TIMES = (0.2, 0.9, 1.0, 1.7, 3.4, 5.0)
PLAIN = Request(
    length_samples=7 * RATE_HZ,
    rate_hz=RATE_HZ,
    onsets=tuple(Onset(time_s=time, strength=0.4 + 0.1 * n) for n, time in enumerate(TIMES)),
    prompt="wood",
    seed=3,
)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Counting:
    """Its contacts still ring where their windows end."""
    return alone(tmp_path_factory.mktemp("packs"), window_frames=64)


@pytest.fixture(scope="module")
def generator(pack: Counting) -> Generator:
    return Generator(pack)


def with_onset(number: int, **fields: object) -> Callable[[Request], Request]:
    def changed(request: Request) -> Request:
        onsets = [*request.onsets[:number], replace(request.onsets[number], **fields), *request.onsets[number + 1 :]]
        return replace(request, onsets=tuple(sorted(onsets, key=lambda onset: onset.time_s)))

    return changed


CHANGES = {
    "moved": with_onset(2, time_s=1.33),
    "moved far": with_onset(0, time_s=4.4),
    "softer": with_onset(3, strength=0.1),
    "told otherwise": with_onset(3, force=0.1),
    "other words": with_onset(1, prompt="glass"),
    "other words on one sample": with_onset(1, time_s=1.0, prompt="glass"),
    "deleted": lambda request: replace(request, onsets=request.onsets[:2] + request.onsets[3:]),
    "added": lambda request: replace(request, onsets=(*request.onsets, Onset(time_s=6.9))),
}


@pytest.mark.parametrize("rate_hz", [48_000, 44_100, 96_000])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_remake_when_an_onset_changed_then_the_bytes_of_a_fresh_render(
    generator: Generator, change: Callable[[Request], Request], rate_hz: int
) -> None:
    before = replace(PLAIN, rate_hz=rate_hz, length_samples=7 * rate_hz)
    after = change(before)
    old, fresh = generator.render(before), generator.render(after)
    new, spans = generator.remake(after, previous_request=before, previous=old)
    assert new.samples.tobytes() == fresh.samples.tobytes()
    assert old.samples.tobytes() != fresh.samples.tobytes()
    assert sum(stop - start for start, stop in spans) < 0.7 * before.length_samples


@pytest.mark.parametrize("change", ["moved", "other words", "deleted"])
def test_remake_when_the_old_sound_was_read_from_a_file_then_the_file_is_that_of_a_fresh_render(
    generator: Generator, tmp_path: Path, change: str
) -> None:
    """Others ring across the ends of what is made again."""
    others = tuple(Onset(time_s=0.5 + 0.03 * n, prompt="metal") for n in range(200))
    before, after = (
        replace(one, onsets=tuple(sorted((*one.onsets, *others), key=lambda onset: onset.time_s)))
        for one in (PLAIN, CHANGES[change](PLAIN))
    )
    written = wav.read(wav.write(tmp_path / "old.wav", generator.render(before)))
    new, _ = generator.remake(after, previous_request=before, previous=written)
    one = wav.write(tmp_path / "new.wav", new)
    other = wav.write(tmp_path / "fresh.wav", generator.render(after))
    assert one.read_bytes() == other.read_bytes()


def test_remake_when_loud_contacts_are_bent_by_the_limiter_then_still_the_bytes_of_a_fresh_render(
    generator: Generator,
) -> None:
    crowd = tuple(Onset(time_s=1.0 + 0.0004 * n) for n in range(40))
    before = replace(PLAIN, onsets=(*crowd, Onset(time_s=6.0)))
    after = replace(PLAIN, onsets=(*crowd[:5], *crowd[6:], Onset(time_s=6.0)))
    old, fresh = generator.render(before), generator.render(after)
    assert 10 ** (-1 / 20) < np.abs(old.samples).max() < 1.0
    new, _ = generator.remake(after, previous_request=before, previous=old)
    assert new.samples.tobytes() == fresh.samples.tobytes()


def test_remake_when_the_old_sound_is_another_then_it_is_joined_without_a_click(generator: Generator) -> None:
    """A take that was changed in parts before is not what one render gives; its ends give way softly."""
    after = CHANGES["moved"](PLAIN)
    hum = np.sin(np.arange(PLAIN.length_samples) * 0.01).astype(np.float32) * np.float32(0.5)
    new, spans = generator.remake(after, previous_request=PLAIN, previous=Audio(samples=hum[None], rate_hz=RATE_HZ))
    steps = np.abs(np.diff(new.samples[0]))
    for start, stop in spans:
        assert steps[start - 20 : start + 200].max() < 0.02
        assert steps[stop - 200 : stop + 20].max() < 0.02


def test_remake_when_words_come_in_another_order_then_the_bytes_do_not_care(generator: Generator) -> None:
    """Three things on one sample: sums of three numbers depend on their order."""
    words = ("wood", "glass", "metal")
    onsets = tuple(Onset(time_s=1.0, prompt=word) for word in words)
    sounds = [
        generator.render(replace(PLAIN, onsets=order)).samples.tobytes()
        for order in (onsets, onsets[::-1], (onsets[1], onsets[2], onsets[0]))
    ]
    assert len(set(sounds)) == 1


def test_stream_when_joined_then_the_bytes_of_a_render(generator: Generator) -> None:
    for rate_hz in (48_000, 44_100):
        request = replace(PLAIN, rate_hz=rate_hz, length_samples=7 * rate_hz)
        blocks = list(generator.stream(request))
        assert len(blocks) > 3
        assert np.concatenate(blocks).tobytes() == generator.render(request).samples.tobytes()
