"""Only what changed is given, nothing outside a time selection changes, and its seams cannot be heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.patches import InMemory, Patch, Stretch, joined, only_within, patched
from bridge.engine.what import Generator
from bridge.errors import RequestError
from tests.bridge.engine.waves import alone, opened

RATE_HZ = 48_000
LENGTH = 7 * RATE_HZ
TIMES = (0.2, 0.9, 1.5, 2.6, 3.4, 5.0)
PLAIN = Request(
    length_samples=LENGTH,
    rate_hz=RATE_HZ,
    onsets=tuple(Onset(time_s=time, strength=0.4 + 0.1 * n) for n, time in enumerate(TIMES)),
    prompt="wood",
    seed=3,
)
WITHIN = (round(1.3 * RATE_HZ), round(4.2 * RATE_HZ))


class Noted(InMemory):
    """A sound that notes what is read of it."""

    def __init__(self, audio: Audio) -> None:
        super().__init__(audio)
        self.read_samples = 0

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        assert 0 <= start <= stop <= self.length_samples
        self.read_samples += stop - start
        return super().read(start, stop)


@pytest.fixture(scope="module", params=["onset", "local", "whole"])
def generator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder = tmp_path_factory.mktemp("packs")
    if request.param == "whole":
        return Generator(opened(folder))
    return Generator(alone(folder) if request.param == "onset" else alone(folder, windows="local", overlap_frames=128))


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return Generator(alone(tmp_path_factory.mktemp("packs")))


def changed(
    generator: Generator, after: Request, old: Audio, within: tuple[int, int] | None, before: Request = PLAIN
) -> tuple[Audio, list[Patch]]:
    patches = generator.changes(after, previous_request=before, previous=InMemory(old), within=within)
    return patched(old, patches, after), patches


@pytest.mark.parametrize(
    "change", [{"seed": 9}, {"mix": ((9, 0.5),)}, {"prompt": "glass"}, {"onsets": PLAIN.onsets[::2]}]
)
def test_changes_when_time_is_selected_then_all_inside_may_be_new_and_nothing_outside_is(
    generator: Generator, change: dict[str, object]
) -> None:
    old = generator.render(PLAIN)
    new, _ = changed(generator, replace(PLAIN, **change), old, WITHIN)
    differs = np.flatnonzero(new.samples[0] != old.samples[0])
    assert WITHIN[0] <= differs[0] <= differs[-1] < WITHIN[1]
    assert new.samples.shape == old.samples.shape
    for time in (1.5, 2.6, 3.4) if "onsets" not in change else (2.6,):
        hit = slice(round(time * RATE_HZ), round((time + 0.05) * RATE_HZ))
        assert np.abs(new.samples[0, hit] - old.samples[0, hit]).max() > 1e-3


def test_changes_when_time_is_selected_and_contacts_stand_alone_then_what_is_new_is_a_fresh_renders(
    apart: Generator,
) -> None:
    after = replace(PLAIN, seed=9)
    old, fresh = apart.render(PLAIN), apart.render(after)
    new, (patch,) = changed(apart, after, old, WITHIN)
    fade = round(0.015 * RATE_HZ)
    inside = slice(patch.span[0] + fade, patch.span[1] - fade)
    assert np.array_equal(new.samples[0, inside], fresh.samples[0, inside])
    assert patch.span[0] - WITHIN[0] <= 0.25 * RATE_HZ
    assert WITHIN[1] - patch.span[1] <= 0.25 * RATE_HZ


def test_changes_when_nothing_changed_then_there_is_none_and_nothing_is_read(generator: Generator) -> None:
    sound = Noted(Audio.silence(length_samples=LENGTH, rate_hz=RATE_HZ))
    for within in (None, WITHIN):
        assert generator.changes(PLAIN, previous_request=PLAIN, previous=sound, within=within) == []
    assert sound.read_samples == 0


def test_changes_when_one_contact_moved_then_little_is_read(apart: Generator) -> None:
    after = replace(PLAIN, onsets=(*PLAIN.onsets[:5], replace(PLAIN.onsets[5], time_s=5.1)))
    sound = Noted(apart.render(PLAIN))
    (patch,) = apart.changes(after, previous_request=PLAIN, previous=sound)
    assert sound.read_samples < 0.3 * LENGTH
    assert len(patch.samples) < 0.3 * LENGTH


def test_changes_when_an_onset_outside_the_selection_moved_then_it_stays_as_it_was(generator: Generator) -> None:
    after = replace(PLAIN, onsets=(*PLAIN.onsets[:5], replace(PLAIN.onsets[5], time_s=5.1)))
    assert changed(generator, after, generator.render(PLAIN), (0, round(4.9 * RATE_HZ)))[1] == []
    kept = only_within(after, PLAIN, (0, round(4.9 * RATE_HZ)))
    assert kept == PLAIN
    assert only_within(after, PLAIN, (round(4.9 * RATE_HZ), LENGTH)) == after


@pytest.mark.parametrize("within", [(LENGTH, LENGTH + 5), (-9, 0), (500, 500), (900, 300)])
def test_changes_when_the_selection_is_not_on_the_item_then_the_way_out_is_named(
    apart: Generator, within: tuple[int, int]
) -> None:
    with pytest.raises(RequestError, match="selection") as caught:
        changed(apart, replace(PLAIN, seed=4), apart.render(PLAIN), within)
    assert caught.value.hint


def test_changes_when_the_item_has_another_length_then_a_part_is_refused_and_all_is_made(apart: Generator) -> None:
    longer = replace(PLAIN, length_samples=LENGTH + 100)
    old = apart.render(PLAIN)
    with pytest.raises(RequestError, match="length changed"):
        changed(apart, longer, old, WITHIN)
    new, _ = changed(apart, longer, old, None)
    assert new.samples.tobytes() == apart.render(longer).samples.tobytes()


def seam(old: NDArray[np.float32], new: NDArray[np.float32], within: tuple[int, int], *onsets: float) -> Patch:
    """The patch that two sounds make; onsets are those of the new."""
    request = replace(PLAIN, onsets=tuple(Onset(time_s=time) for time in onsets), length_samples=len(old))
    audio = Audio(samples=old[None], rate_hz=RATE_HZ)
    stretch = Stretch(span=within, cut=(True, True))
    return joined(stretch, new[within[0] : within[1]], InMemory(audio), (replace(request, onsets=()), request))


def noise(seed: int, *quiet: tuple[float, float]) -> NDArray[np.float32]:
    """2 s of noise with quiet stretches."""
    sound = 0.3 * np.random.default_rng(seed).standard_normal(2 * RATE_HZ).astype(np.float32)
    for start, stop in quiet:
        sound[round(start * RATE_HZ) : round(stop * RATE_HZ)] *= np.float32(0.01)
    return sound


def test_seam_when_both_sounds_have_a_pause_near_the_edge_then_it_lies_in_it() -> None:
    old, new = noise(1, (0.55, 0.62), (0.7, 0.8), (1.2, 1.3)), noise(2, (0.58, 0.65), (1.25, 1.4))
    patch = seam(old, new, (RATE_HZ // 2, round(1.4 * RATE_HZ)))
    assert 0.58 <= patch.start / RATE_HZ <= 0.605
    assert 1.265 <= patch.span[1] / RATE_HZ <= 1.3


def test_seam_when_the_pause_lies_further_in_than_a_quarter_second_then_it_is_not_there() -> None:
    patch = seam(noise(1, (0.8, 0.9)), noise(2, (0.8, 0.9)), (RATE_HZ // 2, round(1.6 * RATE_HZ)))
    assert patch.start <= 0.751 * RATE_HZ
    assert patch.span[1] >= 1.349 * RATE_HZ


@pytest.mark.parametrize("onset", [0.5, 0.501, 0.51, 0.56])
def test_seam_when_an_attack_comes_first_then_it_is_not_crossed(onset: float) -> None:
    """The pause behind the attack is quieter, and is not taken."""
    old, new = noise(1, (0.6, 0.7)), noise(2, (0.6, 0.7))
    patch = seam(old, new, (RATE_HZ // 2, round(1.6 * RATE_HZ)), onset)
    attack = round(max(onset, 0.501) * RATE_HZ) - patch.start
    assert attack >= 0
    assert np.array_equal(patch.samples[attack : attack + 900], new[patch.start + attack :][:900])


@pytest.mark.parametrize("onset", [1.3, 1.45, 1.56])
def test_seam_when_an_attack_comes_last_then_it_is_new(onset: float) -> None:
    old, new = noise(1, (1.36, onset)), noise(2, (1.36, onset))
    patch = seam(old, new, (RATE_HZ // 2, round(1.6 * RATE_HZ)), onset)
    attack = round(onset * RATE_HZ)
    assert np.array_equal(patch.samples[attack - patch.start :][:1400], new[attack : attack + 1400])


def test_seam_when_two_sounds_meet_then_they_give_way_within_5_to_20_ms_and_keep_their_level() -> None:
    ones = np.ones(2 * RATE_HZ, np.float32)
    patch = seam(-ones, ones, (RATE_HZ // 2, round(1.6 * RATE_HZ)))
    mixed = np.flatnonzero(np.abs(patch.samples) < 1.0)
    rising = mixed[mixed < len(patch.samples) // 2]
    assert 0.005 <= len(rising) / RATE_HZ <= 0.020
    assert np.all(np.diff(patch.samples[rising]) > 0)
    same = seam(ones, ones, (RATE_HZ // 2, round(1.6 * RATE_HZ)))
    assert np.allclose(same.samples, 1.0, atol=1e-6)


def test_seam_when_the_selection_reaches_the_items_ends_then_there_is_none() -> None:
    old, new = noise(1), noise(2)
    patch = seam(old, new, (0, len(old)))
    assert np.array_equal(patch.samples, new)


@pytest.mark.parametrize("length", [1, 2, 3, 40, 700])
def test_seam_when_the_selection_is_very_short_then_nothing_breaks(length: int) -> None:
    patch = seam(noise(1), noise(2), (1000, 1000 + length))
    assert 1000 <= patch.start <= patch.span[1] <= 1000 + length
    assert np.isfinite(patch.samples).all()
