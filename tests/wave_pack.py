"""A second complete pack that can be worked out on paper, of the other kind: a waveform, hop 1, whole windows.

* ``onset`` looks at pictures: activation = how suddenly they stop changing, max(0, e[t-1] - e[t]) / (e[t-1] + 0.004),
  e = mean |change since the step before|.
* ``clap_text``: each known word is one of the ``TONES`` ("wood" low, "metal" middle, "glass" high), every other word
  the last of them; the embedding is their sum, of length 1. Any prompt is understood.
* ``clap_audio``: how much of each tone is in the waveform, of length 1: a reference that sounds "glass" means "glass".
* ``embedding_encoder``: the embedding doubled. ``null_embedding.npy``: ``NULL``.
* ``onset_encoder``: the track's largest value in every ``POOL`` samples, each followed by a decay that ends after
  ``RING_FRAMES``; at an onset of strength 1 it is ``HEIGHT``.
* ``time_encoder``: (cos, sin) of the angle pi sigma / 2.
* ``denoiser``: the velocity of the process whose result is, exactly, for any sampler and number of steps,

      x0 = envelope x (noise + LEAN x mean of the noise over the window + tones)

  with tones = sum of (null + guidance (meaning - null)) x 2 sin(2 pi f t), t from the window's first sample. The mean
  makes it depend on the whole window: a window of another length or place gives another sound. The frequencies are
  whole multiples of RATE_HZ / ALIGN, so that tones of neighbouring windows are in phase.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from bridge.packs import contract
from bridge.packs.contract import GraphSpec, TensorSpec
from bridge.packs.manifest import Licence, TrainingData
from bridge.packs.stages import Frontend, What, When
from onnx_export.bundle import Draft, bundle
from onnx_export.convert import tidy

NAME = "wave"
RATE_HZ = 48_000
WINDOW = 32_768
OVERLAP = 8_192
ALIGN = 1_024
POOL = 16
DECAY_FRAMES = 1_536
RING_FRAMES = 6_144
HEIGHT = 0.08
LEAN = 20.0
CLIP = 24_000
STEPS = 4
GUIDANCE = 2.0
SIDE = 16
OTHER = "other"
WORDS = {"wood": 0, "wooden": 0, "metal": 1, "steel": 1, "glass": 2}
TONES_HZ = tuple(multiple * RATE_HZ / ALIGN for multiple in (6, 22, 86, 43))
DIM = len(TONES_HZ)
NULL = np.full((1, DIM), 0.25, np.float32)
OPSET = 20


def wave_pack(folder: Path) -> Path:
    """Writes the pack into a folder of packs.

    Returns:
        The pack's own folder, ``folder / "wave"``.
    """
    return bundle(draft(), folder / NAME).folder


@functools.lru_cache(maxsize=1)
def draft() -> Draft:
    """The pack before it is written; the same object for a whole test session."""
    return Draft(
        name=NAME,
        version="1",
        title="Wave, for tests",
        licence=Licence(name="MIT", commercial_use="unknown", notice="Made by a test."),
        training_data=(TrainingData(name="none", licence="none", commercial_use="unknown"),),
        when=When(
            frontend=Frontend(kind="pictures", numbers={"rate_hz": 15, "rows": SIDE, "columns": SIDE}),
            rate_hz=15,
            window_steps=64,
            overlap_steps=8,
            threshold=0.3,
            min_distance_s=0.1,
            latency_s=0.0,
        ),
        what=What(
            rate_hz=RATE_HZ,
            hop_samples=1,
            latent_channels=1,
            window_frames=WINDOW,
            overlap_frames=OVERLAP,
            embedding_dim=DIM,
            steps=STEPS,
            guidance=GUIDANCE,
            sampler="deis2",
            tokenizer="tokenizer.json",
            null_embedding="null_embedding.npy",
            windows="whole",
            align_frames=ALIGN,
            guidance_batched=False,
        ),
        graphs={
            contract.ONSET: onset_graph(),
            contract.CLAP_TEXT: clap_text_graph(),
            contract.CLAP_AUDIO: clap_audio_graph(),
            contract.ONSET_ENCODER: onset_encoder_graph(),
            contract.TIME_ENCODER: time_encoder_graph(),
            contract.EMBEDDING_ENCODER: embedding_encoder_graph(),
            contract.DENOISER: denoiser_graph(),
        },
        files={"tokenizer.json": tokenizer_file(), "null_embedding.npy": null_file(NULL)},
    )


def tokenizer_file() -> bytes:
    """Words to tokens, between a beginning and an end, as the ``tokenizers`` library stores it."""
    names = ["<s>", "<pad>", "</s>", OTHER, *WORDS]
    tokens = Tokenizer(WordLevel({name: number for number, name in enumerate(names)}, unk_token="<pad>"))
    others = Replace(Regex(rf"\b(?!(?:{'|'.join(WORDS)})\b)\w+"), OTHER)
    tokens.normalizer = Sequence([Lowercase(), others])  # type: ignore[assignment]
    tokens.pre_tokenizer = Whitespace()  # type: ignore[assignment]
    tokens.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])  # type: ignore[assignment]
    tokens.enable_padding(pad_id=1, pad_token="<pad>", length=12)
    tokens.enable_truncation(max_length=12)
    return tokens.to_str().encode()


def null_file(values: NDArray[Any]) -> bytes:
    """An array as ``numpy.save`` writes it."""
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def envelope(track: NDArray[np.float32]) -> NDArray[np.float32]:
    """What ``onset_encoder`` makes of a track of one window, in numpy."""
    pooled = track.reshape(-1, POOL).max(axis=1)
    return np.repeat(np.convolve(pooled, _decay())[: len(pooled)], POOL).astype(np.float32)


def tones(amounts: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """What the denoiser makes of an embedding of shape (DIM,), in numpy."""
    turns = np.arange(frames)[None] * np.array(TONES_HZ)[:, None] / RATE_HZ
    return (2 * amounts @ np.sin(2 * np.pi * turns)).astype(np.float32)


def result(
    noise: NDArray[np.float32],
    track: NDArray[np.float32],
    meaning: NDArray[np.float32],
    *,
    guidance: float = GUIDANCE,
) -> NDArray[np.float32]:
    """What sampling a whole window gives; every array has one axis."""
    amounts = NULL[0] + np.float32(guidance) * (meaning - NULL[0])
    lifted = noise + np.float32(LEAN * noise.mean()) + tones(amounts, len(noise))
    return (envelope(track) * lifted).astype(np.float32)


def onset_graph() -> onnx.ModelProto:
    """See the module."""
    nodes = [
        helper.make_node("Slice", ["pictures", "zero", "one", "one"], ["first"]),
        helper.make_node("Slice", ["pictures", "zero", "minus", "one"], ["rest"]),
        helper.make_node("Concat", ["first", "rest"], ["earlier"], axis=1),
        helper.make_node("Sub", ["pictures", "earlier"], ["change"]),
        helper.make_node("Abs", ["change"], ["size"]),
        helper.make_node("ReduceMean", ["size", "grid"], ["energy"], keepdims=0),
        helper.make_node("Slice", ["energy", "zero", "one", "one"], ["first_energy"]),
        helper.make_node("Slice", ["energy", "zero", "minus", "one"], ["rest_energy"]),
        helper.make_node("Concat", ["first_energy", "rest_energy"], ["before"], axis=1),
        helper.make_node("Sub", ["before", "energy"], ["drop"]),
        helper.make_node("Relu", ["drop"], ["stop"]),
        helper.make_node("Add", ["before", "floor"], ["scale"]),
        helper.make_node("Div", ["stop", "scale"], ["activation"]),
    ]
    numbers = {"zero": [0], "one": [1], "minus": [-1], "grid": [2, 3, 4]}
    weights = {name: np.array(value, np.int64) for name, value in numbers.items()} | {"floor": np.float32(0.004)}
    inputs = [_spec("pictures", "batch", "time", 3, SIDE, SIDE)]
    return _model(contract.ONSET, nodes, weights, inputs, [_spec("activation", "batch", "time")])


def clap_text_graph() -> onnx.ModelProto:
    """See the module."""
    table = np.zeros((4 + len(WORDS), DIM), np.float32)
    table[3, DIM - 1] = 1.0
    for row, tone in enumerate(WORDS.values()):
        table[4 + row, tone] = 1.0
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["masks"]),
        helper.make_node("Mul", ["words", "masks"], ["read"]),
        helper.make_node("ReduceSum", ["read", "first"], ["sum"], keepdims=0),
        helper.make_node("LpNormalization", ["sum"], ["embedding"], axis=-1, p=2),
    ]
    weights = {"table": table, "last": np.array([2], np.int64), "first": np.array([1], np.int64)}
    inputs = [_spec(name, "batch", "tokens", kind="int64") for name in ("tokens", "attention_mask")]
    return _model(contract.CLAP_TEXT, nodes, weights, inputs, [_spec("embedding", "batch", DIM)])


def clap_audio_graph() -> onnx.ModelProto:
    """See the module."""
    turns = np.arange(CLIP)[:, None] * np.array(TONES_HZ)[None] / RATE_HZ
    nodes = [
        helper.make_node("MatMul", ["waveform", "cosines"], ["across"]),
        helper.make_node("MatMul", ["waveform", "sines"], ["along"]),
        helper.make_node("Mul", ["across", "across"], ["across_2"]),
        helper.make_node("Mul", ["along", "along"], ["along_2"]),
        helper.make_node("Add", ["across_2", "along_2"], ["power"]),
        helper.make_node("Sqrt", ["power"], ["size"]),
        helper.make_node("Add", ["size", "tiny"], ["heard"]),
        helper.make_node("LpNormalization", ["heard"], ["embedding"], axis=-1, p=2),
    ]
    weights = {
        "cosines": np.cos(2 * np.pi * turns).astype(np.float32),
        "sines": np.sin(2 * np.pi * turns).astype(np.float32),
        "tiny": np.float32(1e-6),
    }
    inputs = [_spec("waveform", "batch", CLIP)]
    return _model(contract.CLAP_AUDIO, nodes, weights, inputs, [_spec("embedding", "batch", DIM)])


def onset_encoder_graph() -> onnx.ModelProto:
    """See the module."""
    decay = _decay()[::-1].copy()[None, None]
    nodes = [
        helper.make_node("MaxPool", ["onset_track"], ["pooled"], kernel_shape=[POOL], strides=[POOL]),
        helper.make_node("Conv", ["pooled", "decay"], ["envelope"], pads=[decay.shape[-1] - 1, 0]),
    ]
    inputs, outputs = [_spec("onset_track", "batch", 1, "frames")], [_spec("envelope", "batch", 1, "level_1")]
    return _model(contract.ONSET_ENCODER, nodes, {"decay": decay}, inputs, outputs)


def time_encoder_graph() -> onnx.ModelProto:
    """See the module."""
    nodes = [
        helper.make_node("Unsqueeze", ["sigma", "last"], ["column"]),
        helper.make_node("Mul", ["column", "quarter_turn"], ["turn"]),
        helper.make_node("Cos", ["turn"], ["across"]),
        helper.make_node("Sin", ["turn"], ["along"]),
        helper.make_node("Concat", ["across", "along"], ["angle"], axis=1),
    ]
    weights = {"last": np.array([1], np.int64), "quarter_turn": np.float32(np.pi / 2)}
    return _model(contract.TIME_ENCODER, nodes, weights, [_spec("sigma", "batch")], [_spec("angle", "batch", 2)])


def embedding_encoder_graph() -> onnx.ModelProto:
    """See the module."""
    nodes = [helper.make_node("Mul", ["embedding", "two"], ["loudness"])]
    inputs, outputs = [_spec("embedding", "batch", DIM)], [_spec("loudness", "batch", DIM)]
    return _model(contract.EMBEDDING_ENCODER, nodes, {"two": np.float32(2.0)}, inputs, outputs)


def denoiser_graph() -> onnx.ModelProto:
    """With a, b = angle, e = envelope, d = a e + b and s = tones: noise = (x - a e (LEAN m + s)) / d,
    m = mean((x - a e s) / d) / (1 + LEAN mean(a e / d)), x0 = e (noise + LEAN m + s), v = a noise - b x0."""
    nodes = [
        helper.make_node("Slice", ["angle", "zero", "one", "one"], ["a_flat"]),
        helper.make_node("Slice", ["angle", "one", "two", "one"], ["b_flat"]),
        helper.make_node("Unsqueeze", ["a_flat", "last"], ["a"]),
        helper.make_node("Unsqueeze", ["b_flat", "last"], ["b"]),
        helper.make_node(
            "Resize",
            ["envelope", "", "scales"],
            ["e"],
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        ),
        helper.make_node("Shape", ["noisy"], ["frames"], start=2, end=3),
        helper.make_node("Squeeze", ["frames"], ["count"]),
        helper.make_node("Range", ["zero_scalar", "count", "one_scalar"], ["places"]),
        helper.make_node("Mod", ["places", "period"], ["place"]),
        helper.make_node("Cast", ["place"], ["times"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["turns", "times"], ["angles"]),
        helper.make_node("Sin", ["angles"], ["waves"]),
        helper.make_node("Unsqueeze", ["loudness", "middle"], ["amounts"]),
        helper.make_node("MatMul", ["amounts", "waves"], ["s"]),
        helper.make_node("Mul", ["a", "e"], ["ae"]),
        helper.make_node("Add", ["ae", "b"], ["d"]),
        helper.make_node("Mul", ["ae", "s"], ["aes"]),
        helper.make_node("Sub", ["noisy", "aes"], ["without_tones"]),
        helper.make_node("Div", ["without_tones", "d"], ["leaning"]),
        helper.make_node("ReduceMean", ["leaning", "last"], ["leaning_mean"]),
        helper.make_node("Div", ["ae", "d"], ["share"]),
        helper.make_node("ReduceMean", ["share", "last"], ["share_mean"]),
        helper.make_node("Mul", ["share_mean", "lean"], ["share_lean"]),
        helper.make_node("Add", ["share_lean", "one_float"], ["below"]),
        helper.make_node("Div", ["leaning_mean", "below"], ["m"]),
        helper.make_node("Mul", ["m", "lean"], ["offset"]),
        helper.make_node("Mul", ["share", "offset"], ["taken"]),
        helper.make_node("Sub", ["leaning", "taken"], ["noise"]),
        helper.make_node("Add", ["noise", "offset"], ["lifted"]),
        helper.make_node("Add", ["lifted", "s"], ["inside"]),
        helper.make_node("Mul", ["e", "inside"], ["x0"]),
        helper.make_node("Mul", ["a", "noise"], ["a_noise"]),
        helper.make_node("Mul", ["b", "x0"], ["b_x0"]),
        helper.make_node("Sub", ["a_noise", "b_x0"], ["velocity"]),
    ]
    weights = {
        **{name: np.array([value], np.int64) for name, value in {"zero": 0, "one": 1, "middle": 1, "last": 2}.items()},
        "two": np.array([2], np.int64),
        "zero_scalar": np.int64(0),
        "one_scalar": np.int64(1),
        "period": np.int64(ALIGN),
        "scales": np.array([1, 1, POOL], np.float32),
        "turns": (2 * np.pi * np.array(TONES_HZ, np.float64)[:, None] / RATE_HZ).astype(np.float32),
        "lean": np.float32(LEAN),
        "one_float": np.float32(1.0),
    }
    inputs = [
        _spec("noisy", "batch", 1, "frames"),
        _spec("angle", "batch", 2),
        _spec("loudness", "batch", DIM),
        _spec("envelope", "batch", 1, "level_1"),
    ]
    return _model(contract.DENOISER, nodes, weights, inputs, [_spec("velocity", "batch", 1, "frames")])


def _decay() -> NDArray[np.float32]:
    """Pooled steps; ends at 0, so that nothing is cut off."""
    steps = np.arange(RING_FRAMES // POOL) * POOL
    return (HEIGHT * np.exp(-steps / DECAY_FRAMES) * (1 - steps / RING_FRAMES)).astype(np.float32)


def _spec(name: str, *axes: str | int, kind: str = "float32") -> TensorSpec:
    return TensorSpec(name=name, type=kind, axes=axes)


def _model(
    role: str,
    nodes: list[onnx.NodeProto],
    weights: Mapping[str, Any],
    inputs: list[TensorSpec],
    outputs: list[TensorSpec],
) -> onnx.ModelProto:
    kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}

    def values(tensors: list[TensorSpec]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(one.name, kinds[one.type], list(one.axes)) for one in tensors]

    graph = helper.make_graph(
        nodes,
        role,
        values(inputs),
        values(outputs),
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    tidy(model, GraphSpec(inputs=tuple(inputs), outputs=tuple(outputs)))
    return model
