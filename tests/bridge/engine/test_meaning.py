"""Words and example sounds over packs that understand both, one, or the other."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.loader import LoadedPack, load
from bridge.engine.meaning import Meaning
from bridge.engine.what import Generator
from bridge.errors import PackError, RequestError
from bridge.media import reference
from bridge.packs.store import Store
from onnx_export.bundle import bundle
from tests import packs, wave_pack
from tests.wave_pack import NULL, RATE_HZ, TONES_HZ, null_file


def opened(folder: Path, name: str) -> LoadedPack:
    return load(Store([folder]), name, provider="cpu", threads=1)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> LoadedPack:
    folder = tmp_path_factory.mktemp("packs")
    wave_pack.wave_pack(folder)
    return opened(folder, wave_pack.NAME)


def sine(path: Path, hz: float, *, rate_hz: int = RATE_HZ, seconds: float = 0.4, channels: int = 1) -> Path:
    wave = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate_hz)
    return path


def request(**fields) -> Request:
    onsets = (Onset(time_s=0.1), Onset(time_s=0.3))
    return Request(**{"length_samples": 24000, "rate_hz": RATE_HZ, "onsets": onsets, "prompt": "wood"} | fields)


def without(folder: Path, *roles: str) -> LoadedPack:
    """The wave pack, but for some of its graphs."""
    draft = wave_pack.draft()
    graphs = {role: graph for role, graph in draft.graphs.items() if role not in roles}
    assert draft.what is not None
    what = draft.what if "clap_text" not in roles else replace(draft.what, tokenizer="")
    bundle(replace(draft, graphs=graphs, what=what), folder / wave_pack.NAME)
    return opened(folder, wave_pack.NAME)


def test_prompt_when_any_words_are_typed_is_understood(pack: LoadedPack) -> None:
    meaning = Meaning(pack)
    assert meaning.check("a zebra on a xylophone") == ()
    assert np.allclose(meaning.of_prompt("Wood"), [[1, 0, 0, 0]], atol=1e-6)
    assert np.allclose(meaning.of_prompt("wood metal"), [[0.5**0.5, 0.5**0.5, 0, 0]], atol=1e-6)
    assert np.array_equal(meaning.of_nothing(), NULL)


def worded(folder: Path, *words: str) -> LoadedPack:
    """The wave pack with a tokeniser that knows a few words, and a token for all others."""
    names = ["<s>", "<pad>", "</s>", "[UNK]", *words]
    inner = tokenizers.Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, "[UNK]"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.enable_truncation(8)
    inner.enable_padding(length=8, pad_id=1, pad_token="<pad>")
    draft = wave_pack.draft()
    files = {**draft.files, "tokenizer.json": inner.to_str().encode()}
    bundle(replace(draft, files=files), folder / wave_pack.NAME)
    return opened(folder, wave_pack.NAME)


def test_prompt_when_the_pack_knows_some_words_only_then_the_others_are_named_and_none_known_is_refused(
    tmp_path: Path,
) -> None:
    generator = Generator(worded(tmp_path, "metal", "plate"))
    generator.warm_up()
    assert generator.check_prompt("Metal plate") == ()
    assert generator.check_prompt("a Quartz metal plate on a zebra") == ("Quartz", "zebra")
    assert generator.render(request(prompt="quartz metal")).samples.any()
    for prompt in ("quartz", "dead silence", "the sound of"):
        with pytest.raises(RequestError, match="not understood"):
            generator.check_prompt(prompt)
        with pytest.raises(RequestError, match="not understood"):
            generator.render(request(prompt=prompt))


def test_prompt_when_longer_than_the_net_reads_names_what_is_left_out(pack: LoadedPack) -> None:
    assert Meaning(pack).check("wood " * 10 + "metal glass") == ("metal", "glass")


def test_prompt_when_empty_says_so(pack: LoadedPack) -> None:
    for prompt in ("", "  "):
        with pytest.raises(RequestError, match="prompt is empty"):
            Meaning(pack).check(prompt)
        with pytest.raises(RequestError, match="prompt is empty"):
            Generator(pack).render(request(prompt=prompt))


@pytest.mark.parametrize("rate_hz", [44100, RATE_HZ])
def test_reference_when_it_sounds_like_glass_means_glass(pack: LoadedPack, tmp_path: Path, rate_hz: int) -> None:
    heard = reference.named(sine(tmp_path / "ping.wav", TONES_HZ[2], rate_hz=rate_hz, channels=2))
    embedding = Meaning(pack).of_reference(heard)
    assert embedding.shape == (1, wave_pack.DIM)
    assert embedding[0, 2] > 0.95


def test_render_when_a_reference_is_given_follows_it_and_words_of_an_onset_win(
    pack: LoadedPack, tmp_path: Path
) -> None:
    generator = Generator(pack)
    glass, metal = (reference.named(sine(tmp_path / f"{hz:g}.wav", hz)) for hz in (TONES_HZ[2], TONES_HZ[1]))
    by_words = generator.render(request(prompt="glass")).samples
    by_sound = generator.render(request(prompt="", reference=glass)).samples
    assert np.abs(by_words - by_sound).max() < 0.05
    assert np.array_equal(generator.render(request(reference=glass)).samples, by_sound)
    assert np.abs(generator.render(request(reference=metal)).samples - by_sound).max() > 0.1
    own = (Onset(time_s=0.1, prompt="wood"), Onset(time_s=0.3, prompt="wood"))
    assert np.array_equal(
        generator.render(request(onsets=own, reference=glass)).samples, generator.render(request()).samples
    )


def test_remake_when_the_reference_is_another_makes_every_onset_that_follows_it_again(
    pack: LoadedPack, tmp_path: Path
) -> None:
    generator = Generator(pack)
    glass, metal = (reference.named(sine(tmp_path / f"{hz:g}.wav", hz)) for hz in (TONES_HZ[2], TONES_HZ[1]))
    before, after = request(reference=glass), request(reference=metal)
    old = generator.render(before)
    new, _ = generator.remake(after, previous_request=before, previous=old)
    assert np.array_equal(new.samples, generator.render(after).samples)
    moved = Path(shutil.copy(tmp_path / f"{TONES_HZ[2]:g}.wav", tmp_path / "moved.wav"))
    same, spans = generator.remake(request(reference=reference.named(moved)), previous_request=before, previous=old)
    assert same is old
    assert spans == []


def test_reference_when_the_pack_cannot_listen_names_pack_file_and_way_out(tmp_path: Path) -> None:
    packs.tiny_pack(tmp_path)
    heard = reference.named(sine(tmp_path / "ping.wav", 1000.0))
    for generator in (Generator(opened(tmp_path, packs.NAME)), Generator(without(tmp_path, "clap_audio"))):
        with pytest.raises(RequestError) as caught:
            generator.check_reference(heard)
        for word in ("cannot listen", "ping.wav", "prompt"):
            assert word in caught.value.sentence
        with pytest.raises(RequestError, match="cannot listen"):
            generator.render(request(reference=heard))


def test_prompt_when_the_pack_only_listens_names_pack_and_way_out(tmp_path: Path) -> None:
    generator = Generator(without(tmp_path, "clap_text"))
    generator.warm_up()
    with pytest.raises(RequestError) as caught:
        generator.check_prompt("wood")
    for word in ("wave", "does not understand words", "reference"):
        assert word in caught.value.sentence
    heard = reference.named(sine(tmp_path / "ping.wav", TONES_HZ[2]))
    assert generator.render(request(prompt="", reference=heard)).samples.any()


def test_sampler_when_unknown_is_named_with_those_that_are_known(pack: LoadedPack) -> None:
    with pytest.raises(RequestError) as caught:
        Generator(pack).render(request(sampler="euler"))
    for word in ("euler", "ddim", "deis2"):
        assert word in caught.value.sentence


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (null_file(NULL[0]), r"float32 \(1, 4\), it is float32 \(4,\)"),
        (null_file(NULL.astype(np.float64)), "it is float64"),
        (null_file(np.array([[1.0, np.nan, 0, 0]], np.float32)), "not finite"),
        (null_file(np.array([["a", None]], object)), "cannot be read"),
        (null_file(NULL)[:-3], "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_null_embedding_when_it_is_none_is_refused_by_name(tmp_path: Path, stored: bytes, said: str) -> None:
    draft = wave_pack.draft()
    files = {**draft.files, "null_embedding.npy": stored}
    bundle(replace(draft, files=files), tmp_path / wave_pack.NAME)
    with pytest.raises(PackError, match=said) as caught:
        Generator(opened(tmp_path, wave_pack.NAME))
    assert "null_embedding.npy" in caught.value.sentence
