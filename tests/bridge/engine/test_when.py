"""The *when* stage: windows, spans and clip time, with a real graph that answers one step after a sudden stop."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bridge.domain.clip import Clip, Section
from bridge.engine.loader import LoadedPack, load
from bridge.engine.when import Detector, in_windows
from bridge.errors import JobCancelled, PackError, RequestError
from bridge.media.video import Frame
from bridge.packs.manifest import Manifest
from bridge.packs.stages import Frontend
from bridge.packs.store import Store
from tests.packs import tiny_pack

STOPS_S = (1.0, 2.4, 3.1, 5.7, 7.9)
LENGTH_S = 9.0
_WALL = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (120, 200), np.uint8), (0, 0), 1.5) // 2


def _frame(time_s: float) -> Frame:
    """A bright square that moves for 0.4 s and stops dead at each of ``STOPS_S``."""
    x = 20 + sum(150 * np.clip(time_s - stop + 0.4, 0, 0.4) * (-1) ** i for i, stop in enumerate(STOPS_S))
    image = _WALL.copy()
    cv2.rectangle(image, (round(x), 40), (round(x) + 40, 80), 240, -1)
    cv2.rectangle(image, (round(x) + 10, 50), (round(x) + 20, 60), 30, -1)
    return Frame(time_s=time_s, image=np.repeat(image[..., None], 3, 2))


class _Film:
    """Frames at 30 per second; remembers what was asked and how many are held."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, float | None]] = []
        self.most_held = 0

    def __call__(
        self, path: Path | str, *, start_s: float, end_s: float | None, max_width: int | None
    ) -> Iterator[Frame]:
        self.asked.append((start_s, end_s))
        held: weakref.WeakSet[Frame] = weakref.WeakSet()
        for number in range(int(start_s * 30), int((end_s or LENGTH_S) * 30)):
            frame = _frame(number / 30)
            held.add(frame)
            self.most_held = max(self.most_held, len(held))
            yield frame


class _Altered:
    """A loaded pack whose manifest says something else."""

    def __init__(self, pack: LoadedPack, manifest: Manifest) -> None:
        self.manifest = manifest
        self.graph = pack.graph


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> LoadedPack:
    folder = tmp_path_factory.mktemp("packs")
    tiny_pack(folder)
    return load(Store((folder,)), "tiny", provider="cpu", threads=1)


def _windowed(pack: LoadedPack, window: int) -> _Altered:
    assert pack.manifest.when is not None
    return _Altered(pack, replace(pack.manifest, when=replace(pack.manifest.when, window_steps=window)))


def _whole() -> Clip:
    return Clip.whole("film.mp4", LENGTH_S)


def _times(onsets: tuple) -> list[float]:
    return [onset.time_s for onset in onsets]


@pytest.mark.parametrize("length", [1, 7, 40, 41, 57, 200])
@pytest.mark.parametrize("pieces", [1, 3, 64])
def test_in_windows_when_the_sequence_is_of_any_length_then_as_in_one_pass(length: int, pieces: int) -> None:
    sequence = np.random.default_rng(length).standard_normal((length, 2)).astype(np.float32)

    def run(part: np.ndarray) -> np.ndarray:
        return np.convolve(part[:, 0], np.hanning(11), "full")[5:-5].astype(np.float32)

    parts = (sequence[i : i + pieces] for i in range(0, length, pieces))
    answer = np.concatenate(list(in_windows(parts, run, window=40, overlap=12)))
    np.testing.assert_allclose(answer, run(sequence), atol=1e-6)


def test_activation_when_windows_fall_elsewhere_then_the_answer_is_the_same(pack: LoadedPack) -> None:
    answers = [
        Detector(_windowed(pack, window)).activation(
            _Film()("", start_s=0, end_s=9, max_width=None), start_s=0, end_s=9
        )
        for window in (37, 64, 1000)
    ]
    assert len(answers[0].values) == 269
    for other in answers[1:]:
        np.testing.assert_allclose(answers[0].values, other.values, atol=1e-6)
        assert answers[0].start_s == other.start_s


def test_activation_when_the_film_starts_later_then_it_says_where(pack: LoadedPack) -> None:
    film = _Film()("", start_s=2.0, end_s=4.0, max_width=None)
    answer = Detector(pack).activation(film, start_s=2.0, end_s=4.0)
    assert answer.start_s == pytest.approx(2.0 + 1 / 60)


def test_activation_when_there_is_no_frame_then_empty(pack: LoadedPack) -> None:
    assert len(Detector(pack).activation([], start_s=0, end_s=1).values) == 0


def test_detect_when_things_stop_then_there_and_nowhere_else(pack: LoadedPack) -> None:
    found = Detector(pack, decode=_Film()).detect(_whole(), threshold=0.6)
    assert _times(found.onsets) == pytest.approx(STOPS_S, abs=0.05)
    assert all(0.6 <= onset.confidence <= 1 for onset in found.onsets)


def test_detect_when_the_item_is_trimmed_moved_and_faster_then_clip_time(pack: LoadedPack) -> None:
    clip = Clip(source_path="f", source_length_s=LENGTH_S, position_s=100, length_s=2.0, start_offset_s=2, play_rate=2)
    film = _Film()
    found = Detector(pack, decode=film).detect(clip, threshold=0.6)
    assert _times(found.onsets) == pytest.approx([0.2, 0.55, 1.85], abs=0.03)
    ((start_s, end_s),) = film.asked
    assert start_s < 2.0
    assert end_s is not None
    assert 6.0 < end_s < 6.5


def test_detect_when_the_item_loops_then_each_repeat_has_its_onsets_and_the_source_is_read_once(
    pack: LoadedPack,
) -> None:
    section = Section(offset_s=0.5, length_s=2.0)
    clip = Clip(source_path="f", source_length_s=LENGTH_S, length_s=5.0, loop=True, section=section)
    film = _Film()
    found = Detector(pack, decode=film).detect(clip, threshold=0.6)
    assert _times(found.onsets) == pytest.approx([0.5, 1.9, 2.5, 3.9, 4.5], abs=0.05)
    assert len(film.asked) == 1


def test_detect_when_the_item_skips_some_picture_then_each_span_is_read_and_the_gap_is_silent(pack: LoadedPack) -> None:
    section = Section(offset_s=0.0, length_s=LENGTH_S)
    clip = Clip(source_path="f", source_length_s=LENGTH_S, length_s=3.0, start_offset_s=7.0, loop=True, section=section)
    film = _Film()
    found = Detector(pack, decode=film).detect(clip, threshold=0.6)
    assert _times(found.onsets) == pytest.approx([0.9], abs=0.05)
    assert len(film.asked) == 2
    times = found.activation.times_s()
    assert times[0] == pytest.approx(0, abs=0.04)
    assert times[-1] == pytest.approx(LENGTH_S, abs=0.08)
    assert not found.activation.values[(times > 1.1) & (times < 6.9)].any()


def test_detect_when_two_spans_lie_close_then_no_onset_is_found_twice(pack: LoadedPack) -> None:
    clip = Clip(source_path="f", source_length_s=LENGTH_S, length_s=8.98, start_offset_s=2.405, loop=True)
    assert len(clip.spans()) == 2
    found = Detector(pack, decode=_Film()).detect(clip, threshold=0.6)
    assert len(found.onsets) == len(STOPS_S)
    assert min(np.diff(_times(found.onsets))) > 0.5


def test_detect_when_the_item_plays_backwards_then_onsets_are_mirrored(pack: LoadedPack) -> None:
    section = Section(offset_s=0.0, length_s=LENGTH_S, reverse=True)
    clip = Clip(source_path="f", source_length_s=LENGTH_S, length_s=LENGTH_S, section=section)
    found = Detector(pack, decode=_Film()).detect(clip, threshold=0.6)
    assert _times(found.onsets) == pytest.approx([LENGTH_S - stop for stop in reversed(STOPS_S)], abs=0.05)


def test_detect_when_the_threshold_falls_then_more_onsets_and_peaks_hold_them_all(pack: LoadedPack) -> None:
    detector = Detector(pack, decode=_Film())
    few, many = detector.detect(_whole(), threshold=0.9), detector.detect(_whole(), threshold=0.0)
    assert len(few.onsets) < len(many.onsets)
    assert many.onsets == many.peaks
    assert set(few.onsets) <= set(few.peaks)
    assert few.peaks == many.peaks


def test_detect_when_no_threshold_is_given_then_the_packs(pack: LoadedPack) -> None:
    assert Detector(pack, decode=_Film()).detect(_whole()).threshold == 0.3


def test_detect_when_the_pack_states_a_latency_then_onsets_come_earlier(pack: LoadedPack) -> None:
    assert pack.manifest.when is not None
    late = _Altered(pack, replace(pack.manifest, when=replace(pack.manifest.when, latency_s=0.04)))
    plain = Detector(pack, decode=_Film()).detect(_whole(), threshold=0.6)
    moved = Detector(late, decode=_Film()).detect(_whole(), threshold=0.6)
    assert np.array(_times(plain.onsets)) - _times(moved.onsets) == pytest.approx([0.04] * len(STOPS_S))


def test_detect_when_the_film_is_long_then_few_frames_are_held(pack: LoadedPack) -> None:
    film = _Film()
    Detector(pack, decode=film).detect(_whole())
    assert film.most_held <= 3


def test_detect_when_cancelled_then_it_stops_at_once(pack: LoadedPack) -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 5

    with pytest.raises(JobCancelled):
        Detector(pack, decode=_Film()).detect(_whole(), cancelled=cancelled)
    assert len(asked) == 6


def test_detect_when_it_works_then_progress_rises_to_one(pack: LoadedPack) -> None:
    told: list[float] = []
    Detector(pack, decode=_Film()).detect(_whole(), progress=told.append)
    assert told == sorted(told)
    assert told[0] < 0.1
    assert told[-1] == 1.0


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_detect_when_the_threshold_makes_no_sense_then_an_error(pack: LoadedPack, threshold: float) -> None:
    with pytest.raises(RequestError, match="threshold"):
        Detector(pack, decode=_Film()).detect(_whole(), threshold=threshold)


def test_detect_when_the_item_shows_nothing_then_an_error_names_it(pack: LoadedPack) -> None:
    clip = Clip(source_path="f", source_length_s=5, length_s=1, start_offset_s=6, name="door")
    with pytest.raises(RequestError, match="door"):
        Detector(pack, decode=_Film()).detect(clip)


def test_detector_when_the_front_end_is_unknown_then_a_pack_error(pack: LoadedPack) -> None:
    assert pack.manifest.when is not None
    strange = replace(pack.manifest.when, frontend=Frontend(kind="pixels", numbers={}))
    with pytest.raises(PackError, match="pixels"):
        Detector(_Altered(pack, replace(pack.manifest, when=strange)))


def test_detector_when_rates_disagree_then_a_pack_error(pack: LoadedPack) -> None:
    assert pack.manifest.when is not None
    with pytest.raises(PackError, match="rate"):
        Detector(_Altered(pack, replace(pack.manifest, when=replace(pack.manifest.when, rate_hz=25.0))))


def test_detector_when_the_pack_has_no_when_stage_then_a_pack_error(pack: LoadedPack) -> None:
    with pytest.raises(PackError, match="cannot find onsets"):
        Detector(_Altered(pack, replace(pack.manifest, when=None)))
