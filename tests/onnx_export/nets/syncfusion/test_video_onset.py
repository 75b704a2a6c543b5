"""The video onset net: the published checkpoint's names, the authors' numbers, and no dependence on batch or length."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from onnx_export.nets.syncfusion.video_onset import CONTEXT_STEPS, VideoOnsetGraph, VideoOnsetNet

AUTHORS = (
    (5.62099, 6.49411, 7.25917, 5.14275),
    (5.87283, 6.73420, 7.53335, 5.39950),
)
"""Logits of the authors' class (main/onset_net.py at e67ad83, torch 2.13 on a CPU) with ``drawn_weights`` of its own
names and shapes, for ``pictures(2, 4, 32, 32)``."""


def drawn_weights(net: torch.nn.Module) -> dict[str, Tensor]:
    """Weights that depend on names and shapes alone; batch statistics too, so that none may be forgotten."""

    def drawn(name: str, shape: torch.Size) -> np.ndarray:
        values = np.random.default_rng(list(name.encode())).standard_normal(shape, np.float32)
        if name.endswith("running_var"):
            return np.float32(0.5) + values**2
        if len(shape) > 1:
            return values * np.float32(math.sqrt(1.5 * shape[0] / math.prod(shape)))
        return np.float32(name.endswith("weight")) + values * np.float32(0.2)

    state = net.state_dict()
    return {
        name: torch.from_numpy(drawn(name, tensor.shape)) if tensor.is_floating_point() else torch.tensor(7)
        for name, tensor in state.items()
    }


def pictures(*sizes: int) -> Tensor:
    """Normalised pictures (batch, 3, time, rows, columns)."""
    batch, *rest = sizes
    return torch.from_numpy(np.random.default_rng(sizes).standard_normal((batch, 3, *rest), np.float32))


def tiny() -> VideoOnsetNet:
    """The net at an eighth of its width, with drawn weights."""
    net = VideoOnsetNet(width=8).eval()
    net.load_state_dict(drawn_weights(net))
    return net


def _names() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the published checkpoint, from the structure that the authors' code describes."""

    def norm(name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield from ((f"{name}.{key}", (channels,)) for key in ("weight", "bias", "running_mean", "running_var"))
        yield f"{name}.num_batches_tracked", ()

    trunk = "net.model."
    yield trunk + "stem.0.weight", (45, 3, 1, 7, 7)
    yield from norm(trunk + "stem.1", 45)
    yield trunk + "stem.3.weight", (64, 45, 3, 1, 1)
    yield from norm(trunk + "stem.4", 64)
    wide = 64
    for layer, features, middles in (
        (1, 64, (144, 144)),
        (2, 128, (230, 288)),
        (3, 256, (460, 576)),
        (4, 512, (921, 1152)),
    ):
        for block, middle in enumerate(middles):
            here = f"{trunk}layer{layer}.{block}."
            for conv, into in (("conv1", wide), ("conv2", features)):
                yield f"{here}{conv}.0.0.weight", (middle, into, 1, 3, 3)
                yield from norm(f"{here}{conv}.0.1", middle)
                yield f"{here}{conv}.0.3.weight", (features, middle, 3, 1, 1)
                yield from norm(f"{here}{conv}.1", features)
            if wide != features:
                yield f"{here}downsample.0.weight", (features, wide, 1, 1, 1)
                yield from norm(f"{here}downsample.1", features)
            wide = features
    for layer, shape in ((0, (128, 512)), (2, (1, 128))):
        yield f"fc.{layer}.weight", shape
        yield f"fc.{layer}.bias", shape[:1]


def test_net_when_of_the_published_size_then_its_names_shapes_and_counts_are_the_checkpoints() -> None:
    with torch.device("meta"):
        net = VideoOnsetNet()
    assert {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()} == dict(_names())
    assert len(net.state_dict()) == 226
    assert sum(tensor.numel() for tensor in net.parameters()) == 31_365_918
    assert sum(tensor.numel() for tensor in net.buffers()) == 25_387


def test_net_when_given_the_same_weights_as_the_authors_then_it_answers_the_same() -> None:
    with torch.device("meta"):
        net = VideoOnsetNet().eval()
    net.load_state_dict(drawn_weights(net), assign=True)
    with torch.no_grad():
        answer = net(pictures(2, 4, 32, 32)).numpy()
    assert np.abs(answer - AUTHORS).max() <= 1e-4 * np.abs(AUTHORS).max()


def test_net_when_there_is_one_picture_or_one_column_then_it_still_answers() -> None:
    with torch.no_grad():
        assert tiny()(pictures(1, 1, 16, 16)).shape == (1, 1)
        assert tiny()(pictures(1, 5, 9, 1)).shape == (1, 5)


def test_net_when_a_picture_changes_then_answers_within_its_reach_do_and_no_others() -> None:
    net = tiny().double()
    net.load_state_dict({name: tensor.abs() for name, tensor in net.state_dict().items()})
    seen = pictures(1, 2 * CONTEXT_STEPS + 2, 8, 8).double().abs()
    changed = seen.clone()
    changed[:, :, -1] *= 2.0
    with torch.no_grad():
        difference = (net(changed) - net(seen))[0]
    assert not difference[: CONTEXT_STEPS + 1].any()
    assert difference[CONTEXT_STEPS + 1 :].all()


def test_net_when_run_in_a_batch_then_each_video_answers_as_alone() -> None:
    seen = pictures(3, 6, 16, 16)
    net = tiny()
    with torch.no_grad():
        torch.testing.assert_close(net(seen)[1:2], net(seen[1:2]), rtol=1e-4, atol=1e-5)


def test_graph_when_given_pictures_then_it_normalises_turns_and_squashes() -> None:
    """With ImageNet's mean and deviation of red, green and blue, as torchvision's weights want them."""
    seen = torch.from_numpy(np.random.default_rng(3).random((2, 5, 3, 16, 16), np.float32))
    net = tiny()
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normal = (seen - mean[:, None, None]) / deviation[:, None, None]
    with torch.no_grad():
        logits = net(normal.movedim(2, 1))
        torch.testing.assert_close(VideoOnsetGraph(net)(seen), torch.sigmoid(logits), rtol=1e-5, atol=1e-6)
    assert "mean" not in VideoOnsetGraph(net).state_dict()
