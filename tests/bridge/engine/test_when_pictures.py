"""The *when* stage with a graph that looks at pictures: it answers where the picture turns bright."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.domain.clip import Clip
from bridge.engine.loader import LoadedPack, load
from bridge.engine.when import Detector
from bridge.errors import JobCancelled, PackError
from bridge.media.video import Frame
from bridge.packs import contract
from bridge.packs.manifest import Licence, Manifest, TrainingData
from bridge.packs.stages import Frontend, When
from bridge.packs.store import Store
from onnx_export.bundle import Draft, bundle
from onnx_export.convert import tidy
from tests.bridge.media.clips import HEIGHT, WIDTH, at_rate, render

FLASHES_S = (0.4, 1.13, 2.02, 3.7, 5.55)
LENGTH_S = 7.0
REACH_STEPS = 2
RATE_HZ = 15.0
FRONT = {"kind": "pictures", "rate_hz": 15, "rows": 6, "columns": 8}


def _graph() -> onnx.ModelProto:
    """Brightness of each picture, its rise from one to the next, a little of what lies two steps away; 0..1."""
    numbers = {
        "colours_and_places": np.array([2, 3, 4]),
        "one": np.array([1]),
        "low": np.float32(0),
        "high": np.float32(1),
    }
    numbers["rise"] = np.array([[[0.05, -1.0, 1.0, -0.1, 0.05]]], np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["pictures", "colours_and_places"], ["brightness"], keepdims=0),
        helper.make_node("Unsqueeze", ["brightness", "one"], ["line"]),
        helper.make_node("Conv", ["line", "rise"], ["risen"], pads=[REACH_STEPS, REACH_STEPS]),
        helper.make_node("Squeeze", ["risen", "one"], ["flat"]),
        helper.make_node("Clip", ["flat", "low", "high"], ["activation"]),
    ]
    spec = contract.PICTURE_ONSET

    def values(tensors: Sequence[contract.TensorSpec]) -> list[onnx.ValueInfoProto]:
        axes = [[FRONT.get(str(axis), axis) for axis in tensor.axes] for tensor in tensors]
        return [
            helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, shape)
            for tensor, shape in zip(tensors, axes, strict=True)
        ]

    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items()]
    graph = helper.make_graph(nodes, "onset", values(spec.inputs), values(spec.outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    tidy(model, spec)
    return model


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> LoadedPack:
    draft = Draft(
        name="bright",
        version="1",
        title="Bright, for tests",
        licence=Licence(name="MIT", commercial_use="yes", notice="Made by a test."),
        training_data=(TrainingData(name="none", licence="none", commercial_use="yes"),),
        when=When(
            frontend=Frontend.from_wire(FRONT),
            rate_hz=RATE_HZ,
            window_steps=32,
            overlap_steps=2 * REACH_STEPS,
            threshold=0.5,
            min_distance_s=0.0,
            latency_s=0.0,
        ),
        graphs={contract.ONSET: _graph()},
    )
    folder = tmp_path_factory.mktemp("packs")
    bundle(draft, folder / "bright")
    return load(Store((folder,)), "bright", provider="cpu", threads=1)


class _Altered:
    """A loaded pack whose *when* section says something else."""

    def __init__(self, pack: LoadedPack, **changes: object) -> None:
        self.manifest: Manifest = replace(pack.manifest, when=replace(pack.manifest.require_when(), **changes))
        self.graph = pack.graph


def _bright(time_s: float) -> bool:
    return any(flash <= time_s + 1e-9 < flash + 0.2 for flash in FLASHES_S)


def _film(times_s: Sequence[float]) -> Callable[..., Iterator[Frame]]:
    """A decoder of frames that appear at these times."""

    def decode(path: Path | str, *, start_s: float, end_s: float | None, max_width: int | None) -> Iterator[Frame]:
        assert max_width is None, "pictures are wanted as they are"
        first = max((k for k, time_s in enumerate(times_s) if time_s <= start_s + 1e-6), default=0)
        for time_s in times_s[first:]:
            if end_s is not None and time_s >= end_s - 1e-6 and time_s > times_s[first]:
                return
            yield Frame(time_s=time_s, image=np.full((24, 32, 3), 255 if _bright(time_s) else 10, np.uint8))

    return decode


def _even(fps: float) -> list[float]:
    return [k / fps for k in range(int(LENGTH_S * fps))]


def _whole() -> Clip:
    return Clip.whole("film.mp4", LENGTH_S)


def _times(detector: Detector, clip: Clip | None = None) -> list[float]:
    return [onset.time_s for onset in detector.detect(clip or _whole()).onsets]


def _expected(times_s: Iterable[float]) -> list[float]:
    """The beginning of the step for which the first bright frame of each flash counts."""
    frames = list(times_s)
    firsts = [next(time_s for time_s in frames if time_s >= flash - 1e-9) for flash in FLASHES_S]
    return [np.floor(first * RATE_HZ + 0.5 + 1e-6) / RATE_HZ for first in firsts]


@pytest.mark.parametrize("fps", [16, 24_000 / 1001, 25, 30, 60])
def test_detect_when_any_frame_rate_then_the_step_in_which_it_happened(pack: LoadedPack, fps: float) -> None:
    found = _times(Detector(pack, decode=_film(_even(fps))))
    assert found == pytest.approx(_expected(_even(fps)), abs=1e-3)
    assert found == pytest.approx(FLASHES_S, abs=1 / 30 + 1 / fps)


def test_detect_when_the_frame_rate_varies_then_by_time_stamps(pack: LoadedPack) -> None:
    gaps = np.random.default_rng(5).choice([0.008, 0.02, 0.04, 0.09], 400)
    times = [float(time_s) for time_s in np.cumsum(gaps) - gaps[0] if time_s < LENGTH_S]
    assert _times(Detector(pack, decode=_film(times))) == pytest.approx(_expected(times), abs=1e-3)


def test_detect_when_the_video_is_a_real_file_of_varying_rate_then_by_time_stamps(
    pack: LoadedPack, tmp_path: Path
) -> None:
    times = [time_s for k, time_s in enumerate(at_rate(Fraction(30), 210)) if k % 7 not in (2, 5)]
    images = (np.full((HEIGHT, WIDTH, 3), 255 if _bright(float(time_s)) else 0, np.uint8) for time_s in times)
    path = render(tmp_path / "v.mp4", times_s=times, tick=Fraction(1, 15_360), rate=Fraction(30), images=images)
    assert _times(Detector(pack), Clip.whole(str(path), LENGTH_S)) == pytest.approx(
        _expected(float(time_s) for time_s in times), abs=1e-3
    )


def test_activation_when_windows_fall_elsewhere_then_the_answer_is_the_same(pack: LoadedPack) -> None:
    one, *others = (
        Detector(_Altered(pack, window_steps=window), decode=_film(_even(25))).detect(_whole()).activation
        for window in (1000, 7, 32)
    )
    assert len(one.values) == LENGTH_S * RATE_HZ
    assert one.values.max() > 0.8
    for other in others:
        np.testing.assert_allclose(one.values, other.values, atol=1e-6)


@pytest.mark.parametrize("fps", [10, 24, 60])
def test_activation_when_only_a_part_is_shown_then_as_in_the_whole(pack: LoadedPack, fps: int) -> None:
    detector = Detector(pack, decode=_film(_even(fps)))
    part = Clip(source_path="f", source_length_s=LENGTH_S, length_s=1.71, start_offset_s=1.97)
    whole, shown = detector.detect(_whole()).activation, detector.detect(part).activation
    first = round(shown.start_s * RATE_HZ)
    assert shown.start_s == pytest.approx(first / RATE_HZ)
    assert len(shown.values) in (25, 26)
    np.testing.assert_allclose(shown.values, whole.values[first : first + len(shown.values)], atol=1e-6)
    assert _times(detector, part) == pytest.approx([time_s - 1.97 for time_s in _times(detector)[2:3]], abs=1e-6)


def test_detect_when_the_pack_states_a_latency_then_onsets_move(pack: LoadedPack) -> None:
    later = _Altered(pack, latency_s=-0.5 / RATE_HZ)
    plain, moved = (_times(Detector(one, decode=_film(_even(30)))) for one in (pack, later))
    assert np.array(moved) - plain == pytest.approx([0.5 / RATE_HZ] * len(FLASHES_S))


def test_detect_when_a_picture_stands_for_an_hour_then_it_is_looked_at_in_windows(pack: LoadedPack) -> None:
    clip = Clip.whole("film.mp4", 3602.0)
    detector = Detector(pack, decode=_film([0.0, 0.4, 0.6, 3600.0, 3601.0]))
    found = detector.detect(clip)
    assert [onset.time_s for onset in found.onsets] == pytest.approx([0.4], abs=1e-3)
    assert len(found.activation.values) == 3602 * 15


def test_detect_when_cancelled_then_it_stops_at_once(pack: LoadedPack) -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 5

    with pytest.raises(JobCancelled):
        Detector(pack, decode=_film(_even(30))).detect(_whole(), cancelled=cancelled)
    assert len(asked) == 6


def test_detect_when_it_works_then_progress_rises_to_one(pack: LoadedPack) -> None:
    told: list[float] = []
    Detector(pack, decode=_film(_even(30))).detect(_whole(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize(
    ("front", "says"),
    [
        ({"kind": "thermal"}, "thermal"),
        ({"kind": "motion_grid", "rate_hz": 15, "rows": 6, "columns": 8}, "gives motion"),
        (FRONT | {"rows": 7}, r"\(3, 7, 8\)"),
        (FRONT | {"rate_hz": 25}, "rate"),
        (FRONT | {"speed": 1}, "speed"),
    ],
)
def test_detector_when_the_front_end_does_not_fit_then_a_pack_error(pack: LoadedPack, front: dict, says: str) -> None:
    with pytest.raises(PackError, match=says):
        Detector(_Altered(pack, frontend=Frontend.from_wire(front)))
