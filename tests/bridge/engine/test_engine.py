"""Both stages behind one door, with a real pack and a real video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.engine import Engine
from bridge.engine.loader import load
from bridge.engine.patches import InMemory, patched
from bridge.errors import MediaError, RequestError
from bridge.media import mux
from bridge.packs.store import Store
from tests.packs import tiny_pack


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    pack = tiny_pack(tmp_path_factory.mktemp("packs"))
    return Engine(load(Store([pack.parent]), pack.name, provider="cpu", threads=1))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    grey = (np.full((48, 64, 3), 40 * number, np.uint8) for number in range(5))
    path = mux.encode_frames(tmp_path_factory.mktemp("film") / "short.mp4", grey, 25.0)
    return Clip(source_path=str(path), source_length_s=0.2, length_s=0.2)


def test_check_clip_when_it_shows_a_frame_or_more_then_it_passes(engine: Engine, film: Clip) -> None:
    engine.check_clip(film)
    engine.check_clip(replace(film, length_s=0.0401))


@pytest.mark.parametrize("fields", [{"length_s": 0.039}, {"length_s": 0.07, "play_rate": 0.5}])
def test_check_clip_when_shorter_than_a_frame_then_item_and_way_out_are_named(
    engine: Engine, film: Clip, fields: dict[str, float]
) -> None:
    with pytest.raises(RequestError) as caught:
        engine.check_clip(replace(film, **fields))
    for word in ("short.mp4", "40.0 ms", "Lengthen"):
        assert word in caught.value.sentence


def test_check_clip_when_the_file_is_no_video_then_it_is_named(engine: Engine, film: Clip, tmp_path: Path) -> None:
    path = tmp_path / "fake.mp4"
    path.write_bytes(b"nothing")
    with pytest.raises(MediaError, match=r"fake\.mp4"):
        engine.check_clip(replace(film, source_path=str(path)))


def test_changes_when_one_onset_moves_then_the_sound_before_it_is_identical(engine: Engine) -> None:
    onsets = tuple(Onset(time_s=time_s) for time_s in (0.5, 1.5, 2.5))
    request = Request(length_samples=4 * 48000, rate_hz=48000, onsets=onsets, prompt="wood", seed=2)
    first = engine.render(request)
    moved = replace(request, onsets=(*onsets[:2], Onset(time_s=2.75)))
    patches = engine.changes(moved, previous_request=request, previous=InMemory(first))
    second = patched(first, patches, moved)
    differs = np.flatnonzero(first.samples[0] != second.samples[0]) / 48000
    assert 2.4 < differs[0] < 2.51
    assert second.length_samples == first.length_samples
