"""Levels in a designer's hands: found with the onsets, read on the markers, edited there, heard where they changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.media import wav
from tests.packs import tiny_pack
from tests.story import Studio, studio


@pytest.fixture(params=["7.78", "6.80"])
def desk(tmp_path: Path, film: Path, free_port: int, request: pytest.FixtureRequest) -> Iterator[Studio]:
    pack = tiny_pack(tmp_path / "packs", strength=True)
    flags = ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]
    placing = {"length_s": 6.0, "start_offset_s": 0.5, "profile": request.param}
    with studio(tmp_path, film, flags=flags, port=free_port, **placing) as desk:
        yield desk


def sound(desk: Studio) -> np.ndarray:
    (item,) = desk.foley_items()
    return wav.read(desk.active_audio(item)).samples[0]


def strengths(desk: Studio) -> list[float]:
    (item,) = desk.foley_items()
    recipe = wav.read_provenance(desk.active_audio(item))
    assert recipe is not None
    return [onset["strength"] for onset in recipe["request"]["onsets"]]


def test_levels_when_found_edited_and_mistyped_then_sound_recipe_and_sentence_follow(desk: Studio) -> None:
    reaper = desk.reaper
    desk.press_and_wait("find_onsets")
    names = [name for _, name in desk.markers()]
    assert len(names) > 3
    assert all(name == "foley" or name.startswith("foley @0.") for name in names)
    assert len(set(names)) > 3

    desk.press_and_wait("generate")
    assert strengths(desk) == [float((name + "@1").split("@")[1]) for name in names]
    before = sound(desk)

    last = reaper.markers()[-1]
    level = float((last["name"] + "@1").split("@")[1])
    reaper.rename_marker(last["guid"], f"Foley: @ {20 * np.log10(level / 2):.4f} dB")
    desk.press_and_wait("make_again_from_markers")
    assert strengths(desk)[-1] == pytest.approx(level / 2, rel=1e-4)
    after = sound(desk)
    differs = np.flatnonzero(before != after) / 48000
    assert differs.min() > last["position_s"] - 10.0 - 0.05
    start = round((last["position_s"] - 10.0) * 48000)
    ratio = np.abs(after[start : start + 2400]).max() / np.abs(before[start : start + 2400]).max()
    assert ratio == pytest.approx(0.5, rel=0.05)

    reaper.rename_marker(reaper.markers()[0]["guid"], "foley @loud")
    desk.press_and_wait("make_again_from_markers")
    desk.until(lambda: "'@loud' at" in reaper.help_text() + reaper.console())
    assert strengths(desk)[0] == 1.0
    assert reaper.markers()[0]["name"] == "foley @loud"
