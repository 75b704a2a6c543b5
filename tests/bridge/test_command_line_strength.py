"""Strengths on the command line: written by detect, heard by render, shown in the demo's project."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bridge import demo_scene
from bridge.__main__ import main
from bridge.domain.render import Recipe
from bridge.media import mux, onset_table, wav
from tests.packs import tiny_pack


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = demo_scene.scene()
    return mux.encode_frames(tmp_path_factory.mktemp("film") / "film.mp4", scene.frames(), scene.rate_hz)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    pack = tiny_pack(tmp_path_factory.mktemp("packs"), strength=True)
    return ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]


def test_detect_then_render_when_the_pack_tells_strengths_then_the_table_carries_them(
    film: Path, settings: list[str], tmp_path: Path
) -> None:
    table = tmp_path / "onsets.csv"
    assert main([*settings, "detect", str(film), "--out", str(table), "--start", "1"]) == 0
    found = onset_table.read(table)
    assert len({onset.strength for onset in found}) > 3
    render = [*settings, "render", str(film), "--onsets", str(table), "--prompt", "wood", "--start", "1", "--end", "4"]
    assert main([*render, "--out", str(tmp_path / "s.wav")]) == 0
    recipe = Recipe.from_json(json.dumps(wav.read_provenance(tmp_path / "s.wav")))
    assert [onset.strength for onset in recipe.request.onsets] == [o.strength for o in found if o.time_s < 4]


def test_render_when_the_table_has_no_strengths_then_full_and_with_them_softer(
    film: Path, settings: list[str], tmp_path: Path
) -> None:
    peaks = []
    for name, rows in (("full", "time_s\n1.0\n"), ("half", "time_s,strength\n1.0,0.5\n")):
        table, out = tmp_path / f"{name}.csv", tmp_path / f"{name}.wav"
        table.write_text(rows)
        assert (
            main([*settings, "render", str(film), "--onsets", str(table), "--prompt", "wood", "--out", str(out)]) == 0
        )
        peaks.append(float(np.abs(wav.read(out).samples).max()))
    assert peaks[1] / peaks[0] == pytest.approx(0.5, rel=0.02)


def test_demo_when_the_pack_tells_strengths_then_its_projects_markers_are_named_by_level(
    film: Path, settings: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "demo"
    assert main([*settings, "demo", "--out", str(out), "--video", str(film)]) == 0
    project = (out / "project.RPP").read_text()
    levels = re.findall(r'MARKER \d+ \S+ "foley @(0\.\d\d)"', project)
    assert len(set(levels)) > 3
    recipe = Recipe.from_json(json.dumps(wav.read_provenance(out / "foley.wav")))
    written = sorted(f"{onset.strength:.2f}" for onset in recipe.request.onsets if onset.strength < 1)
    assert written == sorted(levels)
