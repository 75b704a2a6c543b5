"""What the embedder hears in training: never a held-out original, every material, and it bears some weather."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.errors import RequestError
from onnx_export.nets.embed import CLIP_SAMPLES, MEL
from onnx_export.train.captions import Known
from onnx_export.train.embed_data import Mixer, Sound, disturbed, load_sounds, plain_clips
from onnx_export.train.what_data import HELD_OUT_OF_256
from tests.onnx_export.embed_data import write_sounds


def sound(material: str, place: int) -> Sound:
    known = Known(material=material, action="hit", detail=(), name=())
    level = np.full(4800, 0.1 + 0.001 * place, np.float32)
    return Sound(samples=level, known=known, family=f"{material}{place}", original=str(place), held_out=False)


def test_sounds_when_their_original_is_held_out_then_training_never_draws_them(tmp_path: Path) -> None:
    sounds = load_sounds(write_sounds(tmp_path), frozenset({"door"}))
    held_out = {one.original for one in sounds if one.held_out}
    assert held_out == {one.original for one in sounds if int(one.original[:2], 16) < HELD_OUT_OF_256}
    assert len(held_out) == 4
    clips, drawn = Mixer(sounds).draw(np.random.default_rng(0), 200)
    assert clips.shape == (200, CLIP_SAMPLES)
    assert not {one.original for one in drawn} & held_out
    assert {one.known.detail for one in drawn} == {("door",), ("bell",)}


def test_mixer_when_one_material_has_few_sounds_then_it_is_heard_more_often_than_its_count() -> None:
    mixer = Mixer([sound("wood", place) for place in range(200)] + [sound("water", 0), sound("water", 1)])
    _, drawn = mixer.draw(np.random.default_rng(0), 400)
    assert sum(one.known.material == "water" for one in drawn) > 24


def test_mixer_when_all_originals_are_held_out_then_says_so() -> None:
    with pytest.raises(RequestError, match="no sound to train on"):
        Mixer([replace(sound("wood", 0), held_out=True)])


def test_sounds_when_one_is_missing_then_it_is_named(tmp_path: Path) -> None:
    write_sounds(tmp_path)
    (tmp_path / "wood_thing_a_0.wav").unlink()
    with pytest.raises(RequestError, match="wood_thing_a_0"):
        load_sounds(tmp_path, frozenset())
    with pytest.raises(RequestError, match=r"no .*manifest\.csv"):
        load_sounds(tmp_path / "elsewhere", frozenset())


def test_sounds_when_a_material_has_no_words_then_the_row_is_named(tmp_path: Path) -> None:
    table = write_sounds(tmp_path) / "manifest.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",wood,hit,", ",jelly,hit,", 1), encoding="utf-8")
    with pytest.raises(RequestError, match=r"wood_thing_a_0.*jelly"):
        load_sounds(tmp_path, frozenset())


def test_plain_clips_when_made_then_a_short_sound_is_repeated_whole() -> None:
    clip = plain_clips([sound("wood", 0)])[0]
    assert clip.shape == (CLIP_SAMPLES,)
    assert np.all(clip > 0.09)


def test_disturbed_when_drawn_twice_with_one_seed_then_is_the_same_finite_and_not_the_original() -> None:
    picture = -40.0 + 10.0 * torch.randn(3, 1, MEL.frames, MEL.bands, generator=torch.Generator().manual_seed(0))
    first, again, other = (disturbed(picture, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == picture.shape
    assert torch.isfinite(first).all()
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert (first - picture).abs().mean() > 0.5
