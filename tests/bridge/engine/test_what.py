"""The generator over the tiny pack: bursts of noise at the onsets, in the colour of the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.dsp.attacks import attacks
from bridge.dsp.matching import f_score
from bridge.engine.loader import LoadedPack, load
from bridge.engine.what import Generator
from bridge.errors import JobCancelled, PackError, RequestError
from bridge.packs.store import Store
from tests.packs import NAME, tiny_pack

RATE_HZ = 48000
SEVERAL = (0.25, 0.7, 1.3, 1.55, 2.6)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> LoadedPack:
    folder = tmp_path_factory.mktemp("packs")
    tiny_pack(folder)
    return load(Store([folder]), NAME, provider="cpu", threads=1)


@pytest.fixture(scope="module")
def generator(pack: LoadedPack) -> Generator:
    return Generator(pack)


def request(times: Sequence[float] = SEVERAL, *, length_s: float = 3.0, **fields: Any) -> Request:
    onsets = tuple(Onset(time_s=time) for time in times)
    defaults: dict[str, Any] = {"rate_hz": RATE_HZ, "onsets": onsets, "prompt": "wood hit", "seed": 3}
    defaults |= fields
    return Request(length_samples=round(length_s * defaults["rate_hz"]), **defaults)


def centroid_hz(samples: np.ndarray, rate_hz: int = RATE_HZ) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(np.sum(power * np.fft.rfftfreq(len(samples), 1 / rate_hz)) / np.sum(power))


def test_render_when_onsets_are_asked_attacks_are_there_and_nowhere_else(generator: Generator) -> None:
    sound = generator.render(request())
    found = attacks(sound.samples[0], rate_hz=RATE_HZ)
    assert f_score(SEVERAL, found, 0.010) == 1.0


def test_render_when_made_twice_or_by_another_generator_is_the_same_bytes(pack: LoadedPack) -> None:
    first, again = Generator(pack), Generator(pack)
    sounds = [first.render(request()), first.render(request()), again.render(request())]
    assert len({sound.samples.tobytes() for sound in sounds}) == 1


def test_render_before_the_first_onset_is_digital_silence(generator: Generator) -> None:
    sound = generator.render(request([1.0])).samples[0]
    assert not sound[: round(0.995 * RATE_HZ)].any()
    assert np.abs(sound[RATE_HZ : RATE_HZ + 2000]).max() > 0.05


def test_render_when_the_net_hisses_is_still_silent_before_the_onset_and_after_the_tail(pack: LoadedPack) -> None:
    sound = Generator(Hissing(pack)).render(request([0.5, 2.0])).samples[0]
    tail_s = Generator(pack).tail_s
    assert not sound[: round(0.497 * RATE_HZ)].any()
    assert np.abs(sound[round(0.6 * RATE_HZ) : round(0.65 * RATE_HZ)]).max() > 0.005
    quiet = sound[round((0.5 + tail_s + 0.05) * RATE_HZ) : round(1.997 * RATE_HZ)]
    assert len(quiet) > RATE_HZ
    assert not quiet.any()
    assert np.abs(np.diff(sound)).max() < 1.0


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
@pytest.mark.parametrize("length_samples", [1, 127, 48001, 100003])
def test_render_at_any_rate_and_length_is_exactly_as_long(
    generator: Generator, rate_hz: int, length_samples: int
) -> None:
    asked = replace(request([0.0, 0.4], rate_hz=rate_hz), length_samples=length_samples)
    sound = generator.render(asked)
    assert sound.samples.shape == (1, length_samples)
    assert sound.rate_hz == rate_hz
    assert sound.samples.dtype == np.float32


def test_render_at_another_rate_has_its_attacks_at_the_same_times(generator: Generator) -> None:
    sound = generator.render(request(rate_hz=44100))
    assert f_score(SEVERAL, attacks(sound.samples[0], rate_hz=44100), 0.010) == 1.0


def test_render_without_onsets_is_silence_and_calls_no_network(pack: LoadedPack) -> None:
    calls = Counting(pack)
    assert not Generator(calls).render(request([])).samples.any()
    assert not Generator(calls).render(request([5.0])).samples.any()
    assert not Generator(calls).render(replace(request(), onsets=(Onset(time_s=0.5, strength=0.0),))).samples.any()
    assert "denoiser" not in calls.roles


def test_render_with_long_gaps_is_exact_zero_between_and_skips_the_work(pack: LoadedPack) -> None:
    calls = Counting(pack)
    sound = Generator(calls).render(request([0.5, 9.0], length_s=10.0)).samples[0]
    assert not sound[1 * RATE_HZ : 8 * RATE_HZ].any()
    few = len(calls.roles)
    assert few < 20


@pytest.mark.parametrize(
    "change",
    [{"seed": 4}, {"prompt": "glass hit"}, {"guidance": 3.0}],
    ids=["seed", "prompt", "guidance"],
)
def test_render_when_a_control_moves_sounds_different(generator: Generator, change: dict[str, Any]) -> None:
    plain, other = generator.render(request()).samples, generator.render(request(**change)).samples
    assert np.abs(plain - other).max() > 0.01


def test_render_when_strength_falls_is_quieter(generator: Generator) -> None:
    weak = replace(request(), onsets=tuple(Onset(time_s=time, strength=0.3) for time in SEVERAL))
    assert np.abs(generator.render(weak).samples).max() < 0.5 * np.abs(generator.render(request()).samples).max()


def test_render_when_steps_change_reaches_the_same_sound_by_another_way(generator: Generator) -> None:
    few, many = generator.render(request(steps=2)).samples, generator.render(request(steps=9)).samples
    assert np.allclose(few, many, atol=2e-3)
    with pytest.raises(RequestError, match="steps"):
        generator.render(request(steps=0))
    with pytest.raises(RequestError, match="guidance"):
        generator.render(request(guidance=-1.0))


def test_render_with_a_prompt_per_onset_gives_each_its_own_colour(generator: Generator) -> None:
    asked = replace(request(), onsets=(Onset(time_s=0.5, prompt="wood"), Onset(time_s=1.5, prompt="glass")))
    sound = generator.render(asked).samples[0]
    wood, glass = sound[24000:36000], sound[72000:84000]
    assert centroid_hz(glass) > 1.5 * centroid_hz(wood)


def test_render_with_two_prompts_is_the_sum_of_the_layers(generator: Generator) -> None:
    one, other = Onset(time_s=0.5, prompt="wood"), Onset(time_s=0.6, prompt="glass")
    together = generator.render(replace(request(), onsets=(one, other)))
    apart = [generator.render(replace(request(), onsets=(onset,))).samples for onset in (one, other)]
    assert np.allclose(together.samples, apart[0] + apart[1], atol=1e-6)


def test_render_when_an_onset_is_at_the_very_end_sounds_there(generator: Generator) -> None:
    last = request((1.0 - 1 / RATE_HZ,), length_s=1.0)
    assert np.abs(generator.render(last).samples[0, -RATE_HZ // 100 :]).max() > 1e-4


class _Altered:
    """A loaded pack whose manifest says something else of its sound."""

    def __init__(self, pack: LoadedPack, **fields: Any) -> None:
        self.manifest = replace(pack.manifest, what=replace(pack.manifest.require_what(), **fields))
        self.graph, self.path = pack.graph, pack.path


@pytest.mark.parametrize("fields", [{"hop_samples": 64}, {"overlap_frames": 0}])
def test_generator_when_the_packs_numbers_do_not_fit_its_graphs_refuses(
    pack: LoadedPack, fields: dict[str, int]
) -> None:
    with pytest.raises(PackError, match="export it again"):
        Generator(_Altered(pack, **fields)).warm_up()


def test_render_when_words_are_unknown_says_which(generator: Generator) -> None:
    with pytest.raises(RequestError, match="zebra"):
        generator.render(request(prompt="zebra"))
    with pytest.raises(RequestError, match="empty"):
        generator.check_prompt("")
    assert generator.check_prompt("wooden zebra") == ("zebra",)


def test_render_when_loud_onsets_coincide_never_clips(generator: Generator) -> None:
    crowd = tuple(
        Onset(time_s=0.5, prompt=f"{word} {action}")
        for word in ("wood", "metal", "glass")
        for action in ("hit", "scrape", "knock drag")
    )
    sound = generator.render(replace(request(), onsets=crowd)).samples
    assert 0.85 < np.abs(sound).max() < 1.0


def test_render_when_long_has_no_seam_where_windows_meet(pack: LoadedPack) -> None:
    """Windows of 4 s against one window of everything: an onset just before, in and after the border."""
    border_s = 384 * 128 / RATE_HZ
    times = [0.1, 0.4, 0.7, border_s - 0.005, border_s + 0.15, 2 * border_s, 2 * border_s + 0.2]
    asked = request(times, length_s=3.0)
    pieces = Generator(pack).render(asked).samples[0]
    whole = Generator(Wide(pack)).render(asked).samples[0]
    assert np.abs(pieces - whole).max() < 1e-3
    assert f_score(times, attacks(pieces, rate_hz=RATE_HZ), 0.010) == 1.0


def test_render_when_a_pack_with_a_decoder_wants_whole_windows_is_the_same_sound(pack: LoadedPack) -> None:
    """The tiny net looks at a neighbourhood only, so it must not matter which windows it runs in."""
    times = [0.1 + 0.15 * index for index in range(25)]
    asked = request(times, length_s=4.0)
    whole = Generator(Wide(pack, windows="whole"))
    assert np.abs(whole.render(asked).samples - Generator(pack).render(asked).samples).max() < 2e-3
    moved = request([*times[:12], times[12] + 0.05, *times[13:]], length_s=4.0)
    old = whole.render(asked)
    new, spans = whole.remake(moved, previous_request=asked, previous=old)
    differs = np.flatnonzero(new.samples[0] != old.samples[0])
    assert len(differs)
    assert all(any(start <= index < end for start, end in spans) for index in differs)


def test_render_when_cancelled_stops_before_the_next_call_of_the_network(pack: LoadedPack) -> None:
    calls = Counting(pack)
    generator = Generator(calls)
    with pytest.raises(JobCancelled):
        generator.render(request(), cancelled=lambda: calls.roles.count("denoiser") >= 2)
    assert calls.roles.count("denoiser") == 2


def test_render_tells_progress_that_only_grows_and_ends_at_one(generator: Generator) -> None:
    told: list[float] = []
    generator.render(request(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 3


def test_remake_when_nothing_changed_gives_the_same_sound_back(generator: Generator) -> None:
    asked = request()
    sound = generator.render(asked)
    again, spans = generator.remake(asked, previous_request=asked, previous=sound)
    assert again is sound
    assert spans == []


@pytest.mark.parametrize(
    ("times", "last_s"),
    [
        ((0.25, 0.7, 1.35, 1.55, 2.6), 1.607),
        ((0.25, 0.7, 1.55, 2.6), 1.557),
        ((0.25, 0.7, 1.1, 1.3, 1.55, 2.6), 1.357),
    ],
    ids=["moved", "deleted", "added"],
)
def test_remake_when_a_marker_changed_differs_only_near_it(
    generator: Generator, times: tuple[float, ...], last_s: float
) -> None:
    before = request()
    old = generator.render(before)
    new, spans = generator.remake(request(times), previous_request=before, previous=old)
    differs = np.flatnonzero(new.samples[0] != old.samples[0])
    assert spans
    assert len(differs)
    assert all(any(start <= index < end for start, end in spans) for index in differs)
    assert differs[0] >= 1.09 * RATE_HZ
    assert differs[-1] <= last_s * RATE_HZ + 1
    assert f_score(times, attacks(new.samples[0], rate_hz=RATE_HZ), 0.010) == 1.0


def test_remake_when_a_hit_just_before_another_is_deleted_leaves_no_ghost_of_it(generator: Generator) -> None:
    double = replace(request((0.25, 1.0, 1.06, 2.6)), prompt="glass")
    single = replace(double, onsets=tuple(onset for onset in double.onsets if onset.time_s != 1.0))
    new, _ = generator.remake(single, previous_request=double, previous=generator.render(double))
    fresh = generator.render(single)
    after = slice(round(1.07 * RATE_HZ), round(1.3 * RATE_HZ))
    assert np.allclose(new.samples[0, after], fresh.samples[0, after], atol=2e-4)


def test_remake_when_a_marker_got_words_of_its_own_changes_that_one(generator: Generator) -> None:
    before = request(prompt="wood")
    old = generator.render(before)
    after = replace(before, onsets=(*before.onsets[:2], Onset(time_s=1.3, prompt="glass"), *before.onsets[3:]))
    new, _ = generator.remake(after, previous_request=before, previous=old)
    here = slice(round(1.3 * RATE_HZ), round(1.5 * RATE_HZ))
    assert centroid_hz(new.samples[0, here]) > 1.5 * centroid_hz(old.samples[0, here])
    assert np.array_equal(new.samples[0, : here.start - 500], old.samples[0, : here.start - 500])


def test_remake_makes_the_neighbourhood_almost_as_a_fresh_render_does(generator: Generator) -> None:
    before, after = request(), request((0.25, 0.7, 1.35, 1.55, 2.6))
    new, spans = generator.remake(after, previous_request=before, previous=generator.render(before))
    fresh = generator.render(after)
    start, end = spans[0]
    inside = slice(start + 400, end - 400)
    assert np.abs(new.samples[0, inside] - fresh.samples[0, inside]).max() < 0.01


def test_remake_of_a_long_item_runs_only_the_windows_near_the_change(pack: LoadedPack) -> None:
    times = [0.2 + 0.2 * index for index in range(100)]
    calls = Counting(pack)
    generator = Generator(calls)
    before = request(times, length_s=21.0)
    old = generator.render(before)
    whole = calls.roles.count("denoiser")
    calls.roles.clear()
    generator.remake(request([*times[:50], *times[51:]], length_s=21.0), previous_request=before, previous=old)
    assert 0 < calls.roles.count("denoiser") < whole / 4


@pytest.mark.parametrize(
    "change", [{"seed": 9}, {"steps": 5}, {"guidance": 2.0}, {"prompt": "glass"}, {"rate_hz": 44100}]
)
def test_remake_when_more_than_onsets_changed_makes_everything_again(
    generator: Generator, change: dict[str, Any]
) -> None:
    before, after = request(), request(**change)
    old = generator.render(before)
    new, spans = generator.remake(after, previous_request=before, previous=old)
    assert spans == [(0, after.length_samples)]
    assert np.array_equal(new.samples, generator.render(after).samples)


def test_remake_when_the_previous_sound_does_not_fit_makes_everything_again(generator: Generator) -> None:
    before = request()
    short = Audio(samples=np.zeros((1, 100), np.float32), rate_hz=RATE_HZ)
    new, _ = generator.remake(request(SEVERAL[:4]), previous_request=before, previous=short)
    assert np.array_equal(new.samples, generator.render(request(SEVERAL[:4])).samples)


def test_generator_when_warm_has_opened_every_graph(pack: LoadedPack) -> None:
    calls = Counting(pack)
    Generator(calls).warm_up()
    assert {"text", "denoiser", "decoder"} <= set(calls.roles)


def test_generator_when_the_pack_asks_for_an_unknown_sampler_refuses_it(pack: LoadedPack) -> None:
    with pytest.raises(PackError, match="euler"):
        Generator(Wide(pack, sampler="euler"))


class Counting:
    """The pack, noting each call of a graph."""

    def __init__(self, pack: LoadedPack) -> None:
        self._pack, self.roles = pack, []
        self.manifest, self.path = pack.manifest, pack.path

    def graph(self, role: str):
        def call(arrays):
            self.roles.append(role)
            return self._pack.graph(role)(arrays)

        return call


class Hissing(Counting):
    """The pack with a decoder that is never silent."""

    def graph(self, role: str):
        plain = super().graph(role)

        def call(arrays):
            answer = plain(arrays)
            return {name: array + np.float32(0.01) for name, array in answer.items()} if role == "decoder" else answer

        return call


class Wide:
    """The pack with other numbers: by default a window that holds everything."""

    def __init__(self, pack: LoadedPack, **fields: Any) -> None:
        what = replace(pack.manifest.require_what(), **(fields or {"window_frames": 1 << 20}))
        self.manifest, self.graph, self.path = replace(pack.manifest, what=what), pack.graph, pack.path
