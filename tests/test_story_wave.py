"""The designer's keys with a pack of the other kind: pictures, any words, a waveform in whole windows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.media import wav
from tests.story import Studio, studio
from tests.wave_pack import wave_pack


@pytest.fixture
def desk(tmp_path: Path, film: Path, free_port: int) -> Iterator[Studio]:
    pack = wave_pack(tmp_path / "packs")
    flags = ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]
    words = "a zebra on steel"
    with studio(tmp_path, film, flags=flags, port=free_port, prompt=words, length_s=6.0, start_offset_s=0.5) as desk:
        yield desk


def sound(path: Path) -> np.ndarray:
    return wav.read(path).samples[0]


def test_keys_when_the_pack_makes_a_waveform_in_whole_windows_then_every_one_works(desk: Studio, film: Path) -> None:
    before_bytes = hashlib.sha256(film.read_bytes()).hexdigest()
    reaper = desk.reaper
    desk.press_and_wait("find_onsets")
    found = [position for position, name in desk.markers() if name == "foley"]
    assert len(found) > 3
    assert all(10.0 <= position < 16.0 for position in found)

    desk.press_and_wait("generate")
    (item,) = desk.foley_items()
    first = desk.active_audio(item)
    assert len(sound(first)) == 6 * 48000
    start = round((found[0] - 10.0) * 48000)
    assert not sound(first)[: start - 100].any()
    assert np.abs(sound(first)[start : start + 2400]).max() > 0.05
    recipe = wav.read_provenance(first)
    assert recipe is not None
    assert (recipe["pack"], recipe["request"]["prompt"]) == ("wave", "a zebra on steel")

    desk.press_and_wait("new_variation")
    (item,) = desk.foley_items()
    second = desk.active_audio(item)
    assert not np.array_equal(sound(first), sound(second))

    ours = [marker for marker in reaper.markers() if marker["name"] == "foley"]
    moved = ours[-1]
    reaper.move_marker(moved["guid"], moved["position_s"] + 0.2)
    desk.press_and_wait("make_again_from_markers")
    (item,) = desk.foley_items()
    third = desk.active_audio(item)
    assert len(item["takes"]) == 3
    differs = 10.0 + np.flatnonzero(sound(second) != sound(third)) / 48000
    assert len(differs)
    assert differs[0] > moved["position_s"] - 0.05
    after = round((moved["position_s"] + 0.2 - 10.0) * 48000)
    assert np.abs(sound(third)[after : after + 2400]).max() > 0.05
    assert json.dumps(wav.read_provenance(third))
    assert hashlib.sha256(film.read_bytes()).hexdigest() == before_bytes
