"""A complete pack whose behaviour can be worked out on paper; made in a fraction of a second, no training.

* ``onset``: activation = how suddenly the motion stops: max(0, e[t-1] - e[t]) / (e[t-1] + 0.02), e = mean of |speed|
  and |changed brightness| over the grid. 0 for a still picture, near 1 one step after something fast stands still.
  With ``strength``: min(1, e[t-1] / FULL_ENERGY), the largest of this step and its two neighbours.
* ``text``: one weight per known tag, added up; no tags give the zero vector.
* ``denoiser``: the velocity of the process whose result is x0 = envelope x the starting noise, exactly, for any number
  of DDIM steps: v = x (a - b envelope) / (a envelope + b). The envelope of a band is 0 before the first onset, jumps
  to 2 x tilt at an onset and falls by e in ``DECAY_FRAMES``; tilt is 0.5 without a prompt, else the prompt's own slope
  over the bands ("wood" low, "metal" even, "glass" high). So: bursts that start at the onsets, silence before (below
  1e-6), another seed another noise, another prompt another colour.
* ``decoder``: a tenth of an orthonormal DCT-IV of each frame; frame i covers the samples i * HOP to (i + 1) * HOP.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bridge.dsp.motion import CHANNELS, MotionSettings
from bridge.packs import contract
from bridge.packs.manifest import Licence, TrainingData
from bridge.packs.stages import Frontend, What, When
from onnx_export.bundle import Draft, bundle
from onnx_export.convert import tidy

NAME = "tiny"
RATE_HZ = 48_000
HOP = 128
BANDS = 128
DIM = 4
TAGS = ("wood", "metal", "glass", "hit", "scrape")
DECAY_FRAMES = 12.0
MEMORY_FRAMES = 96
FULL_ENERGY = 0.4
OPSET = 20
SLOPES = {"wood": -6.0, "metal": 0.0, "glass": 6.0}


def tiny_pack(folder: Path, *, strength: bool = False) -> Path:
    """Writes the pack into a folder of packs.

    Args:
        folder: of packs. strength: whether its ``onset`` graph also gives how hard an onset is.

    Returns:
        The pack's own folder, ``folder / "tiny"``.
    """
    return bundle(draft(strength=strength), folder / NAME).folder


def finder_pack(folder: Path, *, name: str = "finder", strength: bool = False) -> Path:
    """Writes a pack that has the *when* stage only; gives its own folder."""
    whole = draft(strength=strength)
    graphs = {contract.ONSET: whole.graphs[contract.ONSET]}
    return bundle(
        replace(whole, name=name, title="Finder, for tests", what=None, graphs=graphs, files={}), folder / name
    ).folder


def sounder_pack(folder: Path, *, name: str = "sounder") -> Path:
    """Writes a pack that has the *what* stage only; gives its own folder."""
    whole = draft()
    graphs = {role: graph for role, graph in whole.graphs.items() if role != contract.ONSET}
    return bundle(replace(whole, name=name, title="Sounder, for tests", when=None, graphs=graphs), folder / name).folder


@functools.lru_cache(maxsize=2)
def draft(*, strength: bool = False) -> Draft:
    """The pack before it is written; the same object for a whole test session."""
    settings = MotionSettings()
    return Draft(
        name=NAME,
        version="1",
        title="Tiny, for tests",
        licence=Licence(name="MIT", commercial_use="yes", notice="Made by a test."),
        training_data=(TrainingData(name="none", licence="none", commercial_use="yes"),),
        when=When(
            frontend=Frontend.from_wire(settings.to_manifest()),
            rate_hz=settings.rate_hz,
            window_steps=128,
            overlap_steps=8,
            threshold=0.3,
            min_distance_s=0.1,
            latency_s=0.0,
        ),
        what=What(
            rate_hz=RATE_HZ,
            hop_samples=HOP,
            latent_channels=BANDS,
            window_frames=512,
            overlap_frames=128,
            embedding_dim=DIM,
            steps=3,
            guidance=1.0,
            sampler="ddim",
            vocabulary="vocabulary.json",
        ),
        graphs={
            contract.ONSET: onset_graph(settings, strength=strength),
            contract.TEXT: text_graph(),
            contract.DENOISER: denoiser_graph(),
            contract.DECODER: decoder_graph(),
        },
        files={"vocabulary.json": vocabulary().encode()},
    )


def vocabulary() -> str:
    """Tags in the order of the ``text`` graph's input, and words that lead to them."""
    words = {"wooden": ["wood"], "steel": ["metal"], "glassy": ["glass"], "knock": ["hit"], "drag": ["scrape"]}
    return json.dumps({"tags": list(TAGS), "words": words}, indent=2) + "\n"


def onset_graph(settings: MotionSettings, *, strength: bool = False) -> onnx.ModelProto:
    """See the module."""
    sizes = {"channels": CHANNELS, "rows": settings.rows, "columns": settings.columns}
    nodes = [
        helper.make_node("Slice", ["motion", "two", "four", "two"], ["energies"]),
        helper.make_node("Abs", ["energies"], ["rectified"]),
        helper.make_node("ReduceMean", ["rectified", "grid"], ["energy"], keepdims=0),
        helper.make_node("Slice", ["energy", "zero", "one", "one"], ["first"]),
        helper.make_node("Slice", ["energy", "zero", "minus", "one"], ["all_but_last"]),
        helper.make_node("Concat", ["first", "all_but_last"], ["before"], axis=1),
        helper.make_node("Sub", ["before", "energy"], ["drop"]),
        helper.make_node("Relu", ["drop"], ["stop"]),
        helper.make_node("Add", ["before", "floor"], ["scale"]),
        helper.make_node("Div", ["stop", "scale"], ["activation"]),
    ]
    numbers = {"zero": [0], "one": [1], "two": [2], "four": [4], "minus": [-1], "grid": [2, 3, 4]}
    weights = {name: np.array(value, np.int64) for name, value in numbers.items()}
    floats = {"floor": np.float32(0.02)}
    if not strength:
        return _model(contract.ONSET, nodes, {**weights, **floats}, sizes)
    nodes += [
        helper.make_node("Div", ["before", "full"], ["hard"]),
        helper.make_node("Min", ["hard", "unit"], ["hardness"]),
        helper.make_node("Unsqueeze", ["hardness", "one"], ["row"]),
        helper.make_node("MaxPool", ["row"], ["near"], kernel_shape=[3], pads=[1, 1]),
        helper.make_node("Squeeze", ["near", "one"], ["strength"]),
    ]
    floats |= {"full": np.float32(FULL_ENERGY), "unit": np.float32(1.0)}
    return _model(contract.ONSET, nodes, {**weights, **floats}, sizes, spec=contract.MOTION_ONSET_STRENGTH)


def text_graph() -> onnx.ModelProto:
    """First value: the slope over the bands; second: 1 for each tag that is no material."""
    table = np.zeros((len(TAGS), DIM), np.float32)
    for row, tag in enumerate(TAGS):
        table[row, 0] = SLOPES.get(tag, 0.0)
        table[row, 1] = float(tag not in SLOPES)
    nodes = [helper.make_node("MatMul", ["tags", "table"], ["embedding"])]
    return _model(contract.TEXT, nodes, {"table": table}, {"vocabulary": len(TAGS), "dim": DIM})


def denoiser_graph() -> onnx.ModelProto:
    """See the module."""
    tilt = np.zeros((DIM, BANDS), np.float32)
    tilt[0] = np.linspace(-0.5, 0.5, BANDS)
    decay = np.exp(-np.arange(MEMORY_FRAMES) / DECAY_FRAMES).astype(np.float32)[::-1].copy()
    nodes = [
        helper.make_node("Mul", ["sigma", "quarter_turn"], ["angle"]),
        helper.make_node("Unsqueeze", ["angle", "last_axes"], ["angles"]),
        helper.make_node("Cos", ["angles"], ["a"]),
        helper.make_node("Sin", ["angles"], ["b_exact"]),
        helper.make_node("Max", ["b_exact", "tiny"], ["b"]),
        helper.make_node("Conv", ["onset_track", "decay"], ["burst"], pads=[MEMORY_FRAMES - 1, 0]),
        helper.make_node("MatMul", ["embedding", "tilt"], ["slope"]),
        helper.make_node("Sigmoid", ["slope"], ["tilts_flat"]),
        helper.make_node("Unsqueeze", ["tilts_flat", "last_axis"], ["tilts"]),
        helper.make_node("Mul", ["tilts", "two"], ["gains"]),
        helper.make_node("Mul", ["gains", "burst"], ["envelope"]),
        helper.make_node("Mul", ["b", "envelope"], ["b_envelope"]),
        helper.make_node("Sub", ["a", "b_envelope"], ["above"]),
        helper.make_node("Mul", ["a", "envelope"], ["a_envelope"]),
        helper.make_node("Add", ["a_envelope", "b"], ["below"]),
        helper.make_node("Div", ["above", "below"], ["factor"]),
        helper.make_node("Mul", ["noisy", "factor"], ["velocity"]),
    ]
    weights = {
        "quarter_turn": np.float32(np.pi / 2),
        "tiny": np.float32(1e-6),
        "two": np.float32(2.0),
        "last_axes": np.array([1, 2], np.int64),
        "last_axis": np.array([2], np.int64),
        "decay": decay[None, None, :],
        "tilt": tilt,
    }
    return _model(contract.DENOISER, nodes, weights, {"channels": BANDS, "dim": DIM})


def decoder_graph() -> onnx.ModelProto:
    """See the module."""
    nodes = [
        helper.make_node("Transpose", ["latent"], ["frames_first"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["frames_first", "cosines"], ["blocks"]),
        helper.make_node("Reshape", ["blocks", "one_channel"], ["audio"]),
    ]
    step = (np.arange(HOP) + 0.5) * np.pi / HOP
    cosines = np.sqrt(2.0 / HOP) * np.cos(step[:, None] * (np.arange(HOP)[None, :] + 0.5)) * 0.1
    weights = {"cosines": cosines.astype(np.float32), "one_channel": np.array([0, 1, -1], np.int64)}
    return _model(contract.DECODER, nodes, weights, {"channels": BANDS})


def _model(
    role: str,
    nodes: list[onnx.NodeProto],
    weights: Mapping[str, NDArray[Any] | np.float32],
    sizes: dict[str, int],
    *,
    spec: contract.GraphSpec | None = None,
) -> onnx.ModelProto:
    spec = spec or contract.role_spec(role)

    def value(tensor: contract.TensorSpec) -> onnx.ValueInfoProto:
        axes = [axis if isinstance(axis, int) else sizes.get(axis, axis) for axis in tensor.axes]
        return helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, axes)

    graph = helper.make_graph(
        nodes,
        role,
        [value(tensor) for tensor in spec.inputs],
        [value(tensor) for tensor in spec.outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    tidy(model, spec)
    return model
