"""Onsets found by one pack, sound made by another; packs that can do one of the two only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bridge import app, demo_scene
from bridge.config import Settings
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.engine.engine import Engine
from bridge.errors import BridgeError, PackError
from bridge.media import mux
from tests.packs import finder_pack, sounder_pack, tiny_pack
from tests.wave_pack import wave_pack

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs")
    for write in (tiny_pack, finder_pack, sounder_pack, wave_pack):
        write(folder)
    return folder


@pytest.fixture
def opened(folder: Path) -> Callable[..., Engine]:
    def open_engine(pack: str, onset_pack: str = "") -> Engine:
        settings = Settings(packs_dir=str(folder), pack=pack, onset_pack=onset_pack, threads=1, provider="cpu")
        return app.open_engine(settings)

    return open_engine


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    scene = demo_scene.Scene(length_s=3.5)
    path = mux.encode_frames(tmp_path_factory.mktemp("film") / "film.mp4", scene.frames(), scene.rate_hz)
    return Clip.whole(str(path), 3.5)


def request() -> Request:
    return Request(length_samples=RATE_HZ, rate_hz=RATE_HZ, onsets=(Onset(time_s=0.2),), prompt="wood")


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(BridgeError) as caught:
        work()
    assert caught.value.hint
    return caught.value.sentence


def test_engine_when_another_pack_finds_the_onsets_then_each_does_its_part_and_no_other(
    opened: Callable[..., Engine], clip: Clip
) -> None:
    both, alone, sound = opened("wave", "tiny"), opened("tiny"), opened("wave")
    assert both.pack_names == ("wave", "tiny")
    assert both.detect(clip).peaks == alone.detect(clip).peaks != sound.detect(clip).peaks
    assert np.array_equal(both.render(request()).samples, sound.render(request()).samples)
    assert "onset" not in both.pack.providers()
    assert set(both.onset_pack.providers()) == {"onset"}
    assert {"onset", "denoiser", "clap_text"} <= set(both.providers())


@pytest.mark.parametrize("onset_pack", ["", "tiny"])
def test_engine_when_one_pack_does_both_then_it_is_loaded_once(opened: Callable[..., Engine], onset_pack: str) -> None:
    engine = opened("tiny", onset_pack)
    assert engine.onset_pack is engine.pack
    assert engine.pack_names == ("tiny",)
    engine.warm_up()
    assert engine.release() == ("onset", "text", "denoiser", "decoder")


def test_warm_up_and_release_when_there_are_two_packs_then_graphs_of_both(opened: Callable[..., Engine]) -> None:
    engine = opened("sounder", "finder")
    engine.warm_up()
    assert set(engine.providers()) == {"onset", "text", "denoiser", "decoder"}
    assert sorted(engine.release()) == ["decoder", "denoiser", "onset", "text"]
    assert engine.providers() == {}


def test_engine_when_the_pack_only_finds_onsets_then_it_does_and_a_sentence_says_what_it_cannot(
    opened: Callable[..., Engine], clip: Clip
) -> None:
    engine = opened("finder")
    engine.warm_up()
    assert engine.detect(clip).peaks
    for work in (lambda: engine.render(request()), lambda: engine.check_prompt("wood"), lambda: engine.rate_hz):
        sentence = refusal(work)
        assert 'pack "finder" cannot make sound' in sentence
        assert "--pack" in sentence


def test_engine_when_the_pack_only_makes_sound_then_it_does_and_a_sentence_says_what_it_cannot(
    opened: Callable[..., Engine], clip: Clip
) -> None:
    engine = opened("sounder")
    engine.warm_up()
    assert engine.render(request()).samples.any()
    sentence = refusal(lambda: engine.detect(clip))
    assert 'pack "sounder" cannot find onsets' in sentence
    assert "onset_pack" in sentence


def test_engine_when_the_onset_pack_makes_sound_only_or_is_not_there_then_it_is_named(
    opened: Callable[..., Engine], clip: Clip
) -> None:
    engine = opened("tiny", "sounder")
    engine.warm_up()
    assert 'pack "sounder" cannot find onsets' in refusal(lambda: engine.detect(clip))
    with pytest.raises(PackError, match='no pack "gone"'):
        opened("tiny", "gone")


def test_recipe_when_another_pack_found_the_onsets_then_it_is_named_if_that_is_known(
    opened: Callable[..., Engine], clip: Clip
) -> None:
    both, alone = opened("tiny", "finder"), opened("tiny")
    told = both.recipe(request(), clip, found_by=both.found_by)
    assert (told.pack, told.onset_pack, told.onset_pack_digest) == ("tiny", "finder", both.onset_pack.digest)
    assert Recipe.from_json(told.to_json()) == told
    for recipe in (both.recipe(request(), clip), alone.recipe(request(), clip, found_by=alone.found_by)):
        assert (recipe.onset_pack, recipe.onset_pack_digest) == ("", "")
