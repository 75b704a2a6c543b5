"""SyncFusion's onset checkpoint as a pack: strict weights, parity, and onsets that do not depend on windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bridge.domain.clip import Clip
from bridge.dsp.pictures import PictureSettings
from bridge.engine.loader import LoadedPack, load
from bridge.engine.when import Detector
from bridge.errors import PackError
from bridge.media.video import Frame
from bridge.packs.manifest import Licence
from bridge.packs.stages import When
from bridge.packs.store import Store
from onnx_export.bundle import Draft, bundle
from onnx_export.convert import export
from onnx_export.nets.syncfusion.video_onset import CONTEXT_STEPS, VideoOnsetNet
from onnx_export.parity import check_parity
from onnx_export.recipe import Stage
from onnx_export.recipes.syncfusion_when import stage
from tests.onnx_export.nets.syncfusion.test_video_onset import drawn_weights

WIDTH = 4
SETTINGS = PictureSettings(rows=16, columns=12)
LENGTH_S = 9.0


def _weights() -> dict[str, Tensor]:
    return drawn_weights(VideoOnsetNet(width=WIDTH))


def _stage(weights: dict[str, Tensor]) -> Stage:
    return stage(weights, width=WIDTH, settings=SETTINGS)


@pytest.fixture(scope="module")
def when() -> When:
    section = _stage(_weights()).when
    assert section is not None
    return section


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, when: When) -> LoadedPack:
    made = _stage(_weights())
    (recipe,) = made.recipes
    model = export(recipe)
    assert len(check_parity(recipe, model)) == 3
    draft = Draft(
        name="small",
        version="1",
        title="SyncFusion's onset net, small, for tests",
        licence=Licence(name="none stated", commercial_use="unknown", notice="Made by a test."),
        training_data=made.training_data,
        graphs={recipe.role: model},
        when=when,
    )
    folder = tmp_path_factory.mktemp("packs")
    bundle(draft, folder / "small")
    return load(Store((folder,)), "small", provider="cpu", threads=1)


class _Windowed:
    """A loaded pack that runs in other windows."""

    def __init__(self, pack: LoadedPack, window_steps: int) -> None:
        self.manifest = replace(pack.manifest, when=replace(pack.manifest.require_when(), window_steps=window_steps))
        self.graph = pack.graph


def _noise(path: Path | str, *, start_s: float, end_s: float | None, max_width: int | None) -> Iterator[Frame]:
    for number in range(int(start_s * 24), int((end_s or LENGTH_S) * 24)):
        image = np.random.default_rng(number).integers(0, 256, (20, 30, 3), np.uint8)
        yield Frame(time_s=number / 24, image=image)


def test_stage_when_nothing_is_said_then_its_numbers_are_the_authors(when: When) -> None:
    assert PictureSettings().to_manifest() == {"kind": "pictures", "rate_hz": 15.0, "rows": 112, "columns": 112}
    assert when.rate_hz == 15.0
    assert np.log(when.threshold / (1 - when.threshold)) == pytest.approx(0.5, abs=1e-3), "0.5 on the logit"
    assert when.overlap_steps >= 2 * CONTEXT_STEPS
    assert when.latency_s == 0.0


def test_stage_when_exported_then_any_number_of_pictures_and_videos(pack: LoadedPack) -> None:
    graph = pack.graph("onset")
    assert [str(tensor) for tensor in graph.spec.inputs] == ["pictures float32 [batch, time, 3, 16, 12]"]
    for batch, time in ((1, 1), (3, 17)):
        answer = graph({"pictures": np.random.default_rng(0).random((batch, time, 3, 16, 12), np.float32)})
        assert answer["activation"].shape == (batch, time)
        assert 0.0 <= answer["activation"].min() <= answer["activation"].max() <= 1.0


def test_detect_when_windows_fall_elsewhere_then_the_answer_is_the_same(pack: LoadedPack) -> None:
    clip = Clip.whole("film.mp4", LENGTH_S)
    one, *others = (
        Detector(_Windowed(pack, window), decode=_noise).detect(clip).activation.values for window in (1000, 35, 50, 96)
    )
    assert len(one) == LENGTH_S * 15
    assert one.std() > 0.01
    for other in others:
        np.testing.assert_allclose(one, other, atol=1e-5)


def _renamed(weights: dict[str, Tensor]) -> None:
    weights["net.model.layer2.0.conv1.0.3.wight"] = weights.pop("net.model.layer2.0.conv1.0.3.weight")


def _missing(weights: dict[str, Tensor]) -> None:
    del weights["fc.2.bias"]


def _misshapen(weights: dict[str, Tensor]) -> None:
    weights["fc.0.weight"] = torch.zeros(3, 5)


def _not_finite(weights: dict[str, Tensor]) -> None:
    weights["net.model.stem.4.running_var"][1] = float("nan")


def _prefixed(weights: dict[str, Tensor]) -> None:
    weights["model.fc.2.bias"] = weights.pop("fc.2.bias")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_renamed, r'conv1\.0\.3\.weight" is missing.*conv1\.0\.3\.wight" is extra'),
        (_missing, r'"fc\.2\.bias" is missing'),
        (_misshapen, r'"fc\.0\.weight" is 3x5, the net has 8x32'),
        (_not_finite, r"not finite: net\.model\.stem\.4\.running_var"),
        (_prefixed, r'"model\.fc\.2\.bias" is extra'),
    ],
)
def test_stage_when_the_checkpoint_does_not_fit_then_the_weights_are_named(harm, says: str) -> None:
    weights = _weights()
    harm(weights)
    with pytest.raises(PackError, match=says) as caught:
        _stage(weights)
    assert "onset checkpoint" in str(caught.value)


def test_stage_when_given_another_net_then_an_error_and_not_a_pack() -> None:
    with pytest.raises(PackError, match=r"and \d+ more"):
        _stage({"net.blocks.0.weights": torch.zeros(4)})
