"""How hard each onset is: what the graph says at its peak, in windows, spans and clip time, in one run of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.domain.clip import Clip, Section
from bridge.domain.onsets import Activation
from bridge.engine.loader import LoadedPack, load
from bridge.engine.when import Detector
from bridge.media.video import Frame
from bridge.packs import contract
from bridge.packs.manifest import Manifest
from bridge.packs.store import Store
from tests.packs import tiny_pack

LENGTH_S = 6.0
STOPS_S = (1.0, 2.5, 4.0, 5.2)
SPEEDS = (0.25, 1.0, 0.5, 0.125)
_WALL = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (120, 200), np.uint8), (0, 0), 1.5) // 2


def frames(start_s: float = 0.0, end_s: float = LENGTH_S) -> Iterator[Frame]:
    """A square that stops dead at each of ``STOPS_S``, after moving at another speed each time."""
    for number in range(int(start_s * 30), int(end_s * 30)):
        time_s = number / 30
        moved = (150 * v * np.clip(time_s - stop + 0.4, 0, 0.4) for stop, v in zip(STOPS_S, SPEEDS, strict=True))
        x = round(20 + sum(moved))
        image = _WALL.copy()
        cv2.rectangle(image, (x, 40), (x + 40, 80), 240, -1)
        cv2.rectangle(image, (x + 10, 50), (x + 20, 60), 30, -1)
        yield Frame(time_s=time_s, image=np.repeat(image[..., None], 3, 2))


def decode(path: Path | str, *, start_s: float, end_s: float | None, max_width: int | None) -> Iterator[Frame]:
    return frames(start_s, LENGTH_S if end_s is None else end_s)


class Pack:
    """A loaded pack that counts how often its graph runs, and whose manifest may say something else."""

    def __init__(self, pack: LoadedPack, manifest: Manifest | None = None) -> None:
        self.manifest = manifest or pack.manifest
        self.calls = 0
        self._pack = pack

    def graph(self, role: str) -> Any:
        inner = self._pack.graph(role)

        def run(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            self.calls += 1
            return inner(arrays)

        return run


def opened(folder: Path, *, strength: bool) -> LoadedPack:
    tiny_pack(folder, strength=strength)
    return load(Store((folder,)), "tiny", provider="cpu", threads=1)


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> LoadedPack:
    return opened(tmp_path_factory.mktemp("strong"), strength=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> LoadedPack:
    return opened(tmp_path_factory.mktemp("plain"), strength=False)


def whole() -> Clip:
    return Clip.whole("film.mp4", LENGTH_S)


def test_detect_when_the_graph_tells_strength_then_each_onset_is_as_hard_as_its_motion_was(strong: LoadedPack) -> None:
    found = Detector(strong, decode=decode).detect(whole(), threshold=0.6).onsets
    assert [onset.time_s for onset in found] == pytest.approx(STOPS_S, abs=0.06)
    order = np.argsort([onset.strength for onset in found])
    assert order.tolist() == np.argsort(SPEEDS).tolist()
    assert found[order[0]].strength < 0.5 * found[order[-1]].strength
    assert all(0.0 < onset.strength <= 1.0 for onset in found)


def test_detect_when_the_graph_tells_none_then_every_onset_is_full_and_lies_where_it_did(
    plain: LoadedPack, strong: LoadedPack
) -> None:
    without, given = (Detector(pack, decode=decode).detect(whole()) for pack in (plain, strong))
    assert without.activation.strengths is None
    assert {onset.strength for onset in without.peaks} == {1.0}
    assert without.peaks == tuple(replace(onset, strength=1.0) for onset in given.peaks)


def test_detect_when_windows_fall_elsewhere_then_the_strengths_are_the_same_and_no_run_is_added(
    plain: LoadedPack, strong: LoadedPack
) -> None:
    def run(pack: LoadedPack, window: int) -> tuple[int, list[float]]:
        assert pack.manifest.when is not None
        counted = Pack(pack, replace(pack.manifest, when=replace(pack.manifest.when, window_steps=window)))
        found = Detector(counted, decode=decode).detect(whole()).peaks
        return counted.calls, [onset.strength for onset in found]

    (few, long), (many, short) = run(strong, 1000), run(strong, 37)
    assert long == pytest.approx(short, abs=1e-5)
    assert (few, many) == (run(plain, 1000)[0], run(plain, 37)[0])
    assert many > few == 1


def test_detect_when_the_item_skips_and_repeats_picture_then_strength_goes_with_the_onset(strong: LoadedPack) -> None:
    plain = Detector(strong, decode=decode).detect(whole(), threshold=0.6).onsets
    section = Section(offset_s=0.0, length_s=3.0)
    clip = Clip(source_path="f", source_length_s=LENGTH_S, length_s=6.0, start_offset_s=2.0, loop=True, section=section)
    found = Detector(strong, decode=decode).detect(clip, threshold=0.6)
    expected = [plain[1], plain[0], plain[1], plain[0]]
    assert [onset.time_s for onset in found.onsets] == pytest.approx([0.5, 2.0, 3.5, 5.0], abs=0.06)
    assert [onset.strength for onset in found.onsets] == pytest.approx([o.strength for o in expected], abs=1e-5)
    assert found.activation.strengths is not None
    assert found.activation.strengths.shape == found.activation.values.shape


def test_detect_when_the_graph_leaves_0_to_1_then_strengths_are_cut(strong: LoadedPack) -> None:
    class Loud(Pack):
        def graph(self, role: str) -> Any:
            inner = super().graph(role)
            return lambda arrays: {**(a := inner(arrays)), contract.STRENGTH: 9 * a[contract.STRENGTH] - 1}

    found = Detector(Loud(strong), decode=decode).detect(whole()).peaks
    strengths = [onset.strength for onset in found]
    assert min(strengths) >= 0.0
    assert max(strengths) == 1.0


def test_strength_at_when_between_steps_then_in_a_straight_line_and_held_at_the_ends() -> None:
    strengths = np.array([0.2, 0.4, 0.8], np.float32)
    curve = Activation(values=np.zeros(3, np.float32), rate_hz=10, start_s=5.0, strengths=strengths)
    assert [curve.strength_at(t) for t in (4.0, 5.05, 5.1, 5.175, 9.0)] == pytest.approx([0.2, 0.3, 0.4, 0.7, 0.8])
    assert Activation(values=np.zeros(3, np.float32), rate_hz=10).strength_at(5.0) == 1.0
