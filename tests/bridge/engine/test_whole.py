"""Whole windows over the wave pack, whose result is known on paper: bursts of noise and tones at the onsets."""

from __future__ import annotations

import math
import tracemalloc
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bridge.domain.onsets import Onset
from bridge.engine import samplers
from bridge.engine.loader import LoadedPack
from bridge.engine.tiles import noise
from bridge.engine.what import Generator
from bridge.engine.whole import Known
from bridge.errors import JobCancelled, PackError
from tests.bridge.engine.waves import Counting, at, opened
from tests.wave_pack import ALIGN, NULL, OVERLAP, RATE_HZ, STEPS, WINDOW, envelope, result, tones

STRIDE = WINDOW - OVERLAP
SEAM = 240
WOOD = np.array([1, 0, 0, 0], np.float32)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> LoadedPack:
    return opened(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def generator(pack: LoadedPack) -> Generator:
    return Generator(pack)


def track_of(samples: Sequence[int], length: int = WINDOW) -> np.ndarray:
    track = np.zeros(length, np.float32)
    track[list(samples)] = 1.0
    return track


def test_render_of_one_window_is_the_authors_procedure_bit_for_bit(generator: Generator, pack: LoadedPack) -> None:
    """Noise, their sampler with guidance 2, nothing before the first onset; written out here once more."""
    asked = at([5000, 20003], length=30000, sampler="ddim", steps=5)
    track = pack.graph("onset_encoder")({"onset_track": track_of([5000, 20003])[None, None]})
    prompted, unprompted = (pack.graph("embedding_encoder")({"embedding": e}) for e in (WOOD[None], NULL))
    x = noise((0, WINDOW), seed=3, channels=1, block=ALIGN)[None]
    turn = math.pi / 2 / 5
    angles = pack.graph("time_encoder")({"sigma": np.array([1 - step / 5 for step in range(5)], np.float32)})["angle"]
    for step in range(5):
        angle = {"angle": angles[step : step + 1]}
        yes, no = (
            pack.graph("denoiser")({"noisy": x, **angle, **track, **meaning})["velocity"]
            for meaning in (prompted, unprompted)
        )
        v = no + np.float32(2.0) * (yes - no)
        x = np.float32(math.cos(turn)) * x - np.float32(math.sin(turn)) * v
    sound = generator.render(asked).samples[0]
    assert np.array_equal(sound[5000:], x[0, 0, 5000:30000])
    assert not sound[: 5000 - 72].any()
    assert np.abs(sound[5000:6000]).max() > 0.1


@pytest.mark.parametrize("fields", [{"steps": 1}, {}, {"steps": 7, "sampler": "ddim"}], ids=["one", "pack's", "ddim"])
def test_render_of_one_window_is_what_the_paper_says_for_any_solver(
    generator: Generator, fields: dict[str, Any]
) -> None:
    sound = generator.render(at([5000, 20003], length=WINDOW, **fields)).samples[0]
    start = noise((0, WINDOW), seed=3, channels=1, block=ALIGN)[0]
    expected = result(start, track_of([5000, 20003]), WOOD)
    assert np.allclose(sound[5000:], expected[5000:], atol=5e-6)


def test_render_when_an_onset_lies_between_samples_takes_the_one_it_lies_in(generator: Generator) -> None:
    late = at([], length=20000, onsets=(Onset(time_s=5000.9 / RATE_HZ),))
    assert np.array_equal(generator.render(late).samples, generator.render(at([5000], length=20000)).samples)


def test_render_of_an_item_that_fits_one_window_does_not_depend_on_where_it_ends(generator: Generator) -> None:
    """The net sees the whole window in both: a window cut to the item would give another sound."""
    short, long = (generator.render(at([4000], length=length)).samples[0] for length in (9000, WINDOW))
    assert np.array_equal(short, long[:9000])


def test_render_prepares_times_once_words_once_and_onsets_once_a_window(pack: LoadedPack) -> None:
    calls = Counting(pack)
    Generator(calls).render(at(range(2000, 3 * STRIDE, 9000), length=WINDOW + 2 * STRIDE))
    counts = {role: calls.roles.count(role) for role in sorted(set(calls.roles))}
    assert counts == {
        "clap_text": 1,
        "denoiser": 3 * STEPS * 2,
        "embedding_encoder": 2,
        "onset_encoder": 3,
        "time_encoder": 1,
    }
    assert calls.batches["time_encoder"] == STEPS
    assert calls.batches["denoiser"] == 1


def test_render_without_guidance_asks_half_as_often_and_for_no_null(pack: LoadedPack) -> None:
    calls = Counting(pack)
    sound = Generator(calls).render(at([5000], length=20000, guidance=1.0)).samples[0]
    assert (calls.roles.count("denoiser"), calls.roles.count("embedding_encoder")) == (STEPS, 1)
    start = noise((0, WINDOW), seed=3, channels=1, block=ALIGN)[0]
    expected = result(start, track_of([5000]), WOOD, guidance=1.0)[:20000]
    assert np.allclose(sound[5000:], expected[5000:], atol=5e-6)


def test_render_when_guidance_comes_in_one_call_is_the_same_sound(pack: LoadedPack, generator: Generator) -> None:
    calls = Counting(pack, guidance_batched=True)
    asked = at([5000], length=20000)
    assert np.allclose(Generator(calls).render(asked).samples, generator.render(asked).samples, atol=1e-6)
    assert (calls.roles.count("denoiser"), calls.batches["denoiser"]) == (STEPS, 2)


@pytest.mark.parametrize("name", sorted(samplers.SAMPLERS))
def test_known_sound_when_sampled_is_landed_on_and_carried_on(name: str) -> None:
    """A net that takes the level of the first half for the level of everything."""
    start = np.random.default_rng(0).standard_normal((1, 4000), dtype=np.float32)
    half = np.arange(4000) < 2000

    def velocity(x: np.ndarray, sigma: float) -> np.ndarray:
        a, b = math.cos(math.pi / 2 * sigma), math.sin(math.pi / 2 * sigma)
        level = x[:, half].mean() * a / (a * a + 1e-3 * b * b)
        return np.asarray((a * x - level) / b, np.float32)

    def sampled(known: Known) -> np.ndarray:
        return samplers.SAMPLERS[name](known.held(velocity, start), start, steps=25)[0]

    wave = np.where(half, 0.5 + 0.1 * np.sin(np.arange(4000)), 9.0).astype(np.float32)[None]
    landed = sampled(Known(latent=wave, mask=half))
    assert np.allclose(landed[half], wave[0, half], atol=1e-5)
    assert np.allclose(landed[~half].mean(), 0.5, atol=0.05)
    assert abs(sampled(Known(latent=wave, mask=np.zeros(4000, np.bool_)))[~half].mean()) < 0.2


def test_render_when_a_window_follows_leaves_the_one_before_as_it_was_up_to_the_seam(generator: Generator) -> None:
    hits = [3000, STRIDE + 1500, STRIDE + 7000]
    alone = generator.render(at(hits, length=WINDOW)).samples[0]
    followed = generator.render(at([*hits, WINDOW + 5000], length=WINDOW + STRIDE)).samples[0]
    assert np.array_equal(followed[: WINDOW - SEAM], alone[: WINDOW - SEAM])


def test_render_when_a_window_follows_its_net_sees_the_sound_before_where_they_overlap(
    pack: LoadedPack, generator: Generator
) -> None:
    hits, length = [3000, STRIDE + 1500, STRIDE + 7000], WINDOW + STRIDE
    seen: list[tuple[float, np.ndarray]] = []

    class Looking(Counting):
        def graph(self, role: str):
            plain = super().graph(role)

            def call(arrays):
                if role == "denoiser":
                    seen.append((float(arrays["angle"][0, 0]), arrays["noisy"][0, 0].copy()))
                return plain(arrays)

            return call

    Generator(Looking(pack)).render(at(hits, length=length))
    before = generator.render(at(hits, length=WINDOW)).samples[0, STRIDE : WINDOW - SEAM]
    start = noise((STRIDE, WINDOW - SEAM), seed=3, channels=1, block=ALIGN)[0]
    assert len(seen) == 2 * 2 * STEPS
    for a, x in seen[2 * STEPS :]:
        expected = a * before + math.sqrt(1 - a * a) * start
        assert np.allclose(x[: len(expected)], expected, atol=1e-5)


def test_render_when_a_hit_rings_across_a_seam_goes_on(generator: Generator) -> None:
    """Against the paper: but for an offset of its own in each window, the sound is one sound."""
    hits = [3000, WINDOW - 1000, 2 * STRIDE - 3000, 2 * STRIDE + OVERLAP - 500]
    length = WINDOW + 2 * STRIDE
    sound = generator.render(at(hits, length=length)).samples[0]
    start = noise((0, length), seed=3, channels=1, block=ALIGN)[0]
    shape = envelope(track_of(hits, length))
    expected = shape * (start + tones(NULL[0] + 2 * (WOOD - NULL[0]), length))
    for seam in (WINDOW, STRIDE + WINDOW):
        near = slice(seam - 2000, seam + 3000)
        assert np.abs(sound[near] - expected[near]).max() < 0.05
        assert np.abs(sound[seam : seam + 1000]).max() > 0.1


@pytest.mark.parametrize("rate_hz", [44100, 48000])
@pytest.mark.parametrize("length", [1, ALIGN + 1, WINDOW - 1, WINDOW, WINDOW + 1, 10 * STRIDE + 77])
def test_render_at_any_length_is_exactly_as_long(generator: Generator, length: int, rate_hz: int) -> None:
    sound = generator.render(at([0, max(0, length - 800)], length=length, rate_hz=rate_hz, steps=1))
    assert sound.samples.shape == (1, length)
    assert sound.rate_hz == rate_hz
    assert np.abs(sound.samples[0, -700:]).max() > 0


def test_render_when_nothing_can_sound_for_long_skips_windows_and_is_exactly_silent(pack: LoadedPack) -> None:
    calls = Counting(pack)
    length = 20 * STRIDE
    sound = Generator(calls).render(at([2000, 18 * STRIDE + 100], length=length)).samples[0]
    assert calls.roles.count("onset_encoder") == 3
    assert not sound[WINDOW : 18 * STRIDE + 100 - 72].any()
    assert np.abs(sound[WINDOW - 2400 : WINDOW]).max() < 1e-3
    assert np.abs(sound[18 * STRIDE + 100 :]).max() > 0.1


@pytest.mark.parametrize(("hit", "windows"), [(STRIDE - 1, 2), (STRIDE - WINDOW // 2 + OVERLAP, 1), (STRIDE, 2)])
def test_render_lets_a_hit_ring_for_half_a_window_and_makes_no_more(pack: LoadedPack, hit: int, windows: int) -> None:
    calls = Counting(pack)
    Generator(calls).render(at([hit], length=3 * STRIDE))
    assert calls.roles.count("onset_encoder") == windows


def test_render_without_onsets_is_silence_and_calls_no_network(pack: LoadedPack) -> None:
    calls = Counting(pack)
    assert not Generator(calls).render(at([], length=50000)).samples.any()
    assert not Generator(calls).render(at([60000], length=50000)).samples.any()
    assert not {"denoiser", "onset_encoder"} & set(calls.roles)


def test_render_when_made_twice_is_the_same_bytes_and_with_another_seed_another(generator: Generator) -> None:
    asked = at(range(2000, 60000, 7000), length=60000)
    sounds = [generator.render(one).samples.tobytes() for one in (asked, asked, replace(asked, seed=4))]
    assert sounds[0] == sounds[1] != sounds[2]


@pytest.mark.parametrize("change", [{"prompt": "glass"}, {"guidance": 3.0}], ids=["prompt", "guidance"])
def test_render_when_a_control_moves_sounds_different(generator: Generator, change: dict[str, Any]) -> None:
    plain, other = (generator.render(at([5000], length=20000, **fields)).samples for fields in ({}, change))
    assert np.abs(plain - other).max() > 0.01


def test_render_with_two_prompts_is_the_sum_of_the_layers(generator: Generator) -> None:
    one, other = Onset(time_s=0.1, prompt="wood"), Onset(time_s=0.9, prompt="glass")
    together, *apart = (
        generator.render(at([], length=70000, onsets=onsets)).samples for onsets in ((one, other), (one,), (other,))
    )
    assert np.allclose(together, apart[0] + apart[1], atol=1e-5)


def test_render_of_a_long_item_holds_one_window_only(pack: LoadedPack) -> None:
    alive: list[weakref.ref[Any]] = []

    class Watching(Counting):
        def graph(self, role: str):
            plain = super().graph(role)

            def call(arrays):
                if role == "onset_encoder":
                    assert not any(one() is not None for one in alive)
                answer = plain(arrays)
                if role == "onset_encoder":
                    alive.extend(weakref.ref(array) for array in answer.values())
                return answer

            return call

    generator = Generator(Watching(pack))
    peaks = []
    for windows in (2, 12):
        length = windows * STRIDE
        tracemalloc.start()
        generator.render(at(range(0, length, 5000), length=length, steps=2))
        peaks.append(tracemalloc.get_traced_memory()[1] / 4)
        tracemalloc.stop()
    assert len(alive) == 14
    assert peaks[1] - peaks[0] < 6 * 10 * STRIDE


def test_render_when_cancelled_stops_before_the_next_call_of_the_network(pack: LoadedPack) -> None:
    calls = Counting(pack)
    with pytest.raises(JobCancelled):
        Generator(calls).render(at([5000], length=20000), cancelled=lambda: calls.roles.count("denoiser") >= 3)
    assert calls.roles.count("denoiser") == 3


def test_render_tells_progress_call_by_call_that_ends_at_one(pack: LoadedPack) -> None:
    calls = Counting(pack)
    told: list[float] = []
    Generator(calls).render(at([5000, STRIDE + 9000], length=STRIDE + WINDOW), progress=told.append)
    assert told == sorted(told)
    assert len(told) == calls.roles.count("denoiser") + 1
    assert told[-2:] == [1.0, 1.0]
    assert told[0] == pytest.approx(1 / calls.roles.count("denoiser"))


def test_generator_when_warm_has_opened_every_graph_that_a_prompt_needs(pack: LoadedPack) -> None:
    calls = Counting(pack)
    Generator(calls).warm_up()
    assert {"clap_text", "denoiser", "onset_encoder", "time_encoder", "embedding_encoder"} == set(calls.roles)


def test_generator_when_windows_overlap_by_more_than_half_refuses_the_pack(pack: LoadedPack) -> None:
    with pytest.raises(PackError, match="more than half"):
        Generator(Counting(pack, overlap_frames=WINDOW // 2 + ALIGN))
