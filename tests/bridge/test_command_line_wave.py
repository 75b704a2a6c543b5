"""``render`` with a pack that listens: an example sound instead of words, another sampler."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.__main__ import main
from bridge.domain.render import Recipe
from bridge.media import mux, wav
from tests.packs import tiny_pack
from tests.wave_pack import RATE_HZ, TONES_HZ, wave_pack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both packs, a film, a table of onsets and an example sound."""
    folder = tmp_path_factory.mktemp("work")
    wave_pack(folder / "packs")
    tiny_pack(folder / "packs")
    grey = (np.full((48, 64, 3), 8 * number, np.uint8) for number in range(25))
    mux.encode_frames(folder / "film.mp4", grey, 25.0)
    (folder / "onsets.csv").write_text("time_s,confidence\n0.2,1\n0.6,1\n")
    soundfile.write(folder / "ping.wav", 0.5 * np.sin(2 * np.pi * TONES_HZ[2] * np.arange(20000) / RATE_HZ), RATE_HZ)
    return folder


def render(folder: Path, out: Path, *more: str, pack: str = "wave") -> int:
    settings = ["--packs-dir", str(folder / "packs"), "--pack", pack, "--threads", "1"]
    given = ["render", str(folder / "film.mp4"), "--onsets", str(folder / "onsets.csv"), "--out", str(out)]
    return main([*settings, *given, *more])


def test_render_when_a_reference_is_given_then_it_sounds_like_it_and_the_recipe_names_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ping = str(folder / "ping.wav")
    assert render(folder, tmp_path / "heard.wav", "--reference", ping) == 0
    assert render(folder, tmp_path / "words.wav", "--prompt", "glass") == 0
    assert render(folder, tmp_path / "other.wav", "--prompt", "wood") == 0
    heard, words, other = (wav.read(tmp_path / f"{name}.wav").samples for name in ("heard", "words", "other"))
    assert heard.shape == (1, RATE_HZ)
    assert np.abs(heard - words).max() < 0.05 < np.abs(heard - other).max()
    recipe = Recipe.from_json(json.dumps(wav.read_provenance(tmp_path / "heard.wav")))
    assert recipe.request.reference is not None
    assert Path(recipe.request.reference.path) == folder / "ping.wav"
    assert recipe.provider == "CPUExecutionProvider"
    assert render(folder, tmp_path / "both.wav", "--reference", ping, "--prompt", "wood") == 0
    assert np.array_equal(wav.read(tmp_path / "both.wav").samples, heard)
    assert "made after ping.wav" in capsys.readouterr().out


def test_render_when_another_sampler_is_asked_then_the_recipe_holds_it(folder: Path, tmp_path: Path) -> None:
    assert render(folder, tmp_path / "a.wav", "--prompt", "wood", "--sampler", "ddim", "--steps", "3") == 0
    recipe = Recipe.from_json(json.dumps(wav.read_provenance(tmp_path / "a.wav")))
    assert (recipe.request.sampler, recipe.request.steps) == ("ddim", 3)


@pytest.mark.parametrize(
    ("pack", "given", "words"),
    [
        ("wave", [], ["--prompt", "--reference"]),
        ("wave", ["--prompt", "wood", "--sampler", "euler"], ["euler", "ddim", "deis2"]),
        ("wave", ["--reference", "gone.wav"], ["gone.wav"]),
        ("wave", ["--reference", "onsets.csv"], ["onsets.csv", "no sound"]),
        ("tiny", ["--reference", "ping.wav"], ["tiny", "ping.wav", "prompt"]),
    ],
)
def test_render_when_something_is_wrong_then_one_sentence_names_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], pack: str, given: list[str], words: list[str]
) -> None:
    given = [str(folder / text) if "." in text else text for text in given]
    assert render(folder, tmp_path / "n.wav", *given, pack=pack) == 2
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 1
    for word in words:
        assert word in said
    assert not (tmp_path / "n.wav").exists()
