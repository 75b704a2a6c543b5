"""SyncFusion's diffusion checkpoint as the *what* stage of a pack, without its CLAP.

Convention: the official nets are filled strictly, name for name, then made over for serving (see
``nets.syncfusion.serving``): three graphs prepare, one is run at each step. The numbers in the manifest are the
authors' (``exp/evaluate_gh_gen*.yaml`` of github.com/mcomunita/syncfusion at e67ad83: 48 kHz, 262144 samples, embedding
scale 2.0), but for steps and sampler: theirs is 150 steps of "ddim", of which the default here is the quicker relative.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from bridge.packs import contract
from bridge.packs.contract import BATCH, FLOAT32, FRAMES, GraphSpec, TensorSpec
from bridge.packs.manifest import TrainingData
from bridge.packs.stages import What
from onnx_export.checkpoints import fill
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder, OnsetEncoderShape
from onnx_export.nets.syncfusion.preparing import ContextEncoder, EmbeddingEncoder, TimeEncoder
from onnx_export.nets.syncfusion.serving import ServingUNet, outermost
from onnx_export.nets.syncfusion.serving_pieces import Manner
from onnx_export.nets.syncfusion.unet import UNet, UNetShape
from onnx_export.recipe import FP16, FP32, INT8, Recipe, Stage

RATE_HZ = 48000
WINDOW_FRAMES = 262144
OVERLAP_FRAMES = 48 * 1024
STEPS = 25
GUIDANCE = 2.0
SAMPLER = "deis2"
TOKENIZER_FILE = "tokenizer.json"
NULL_FILE = "null_embedding.npy"

MODULATION = "modulation"
ADDED = "added"

TOLERANCE: Mapping[str, float] = {FP32: 1e-4, FP16: 2e-2, INT8: 5e-2}
"""Of one evaluation of the denoiser, relative to the largest value; of the preparing graphs, which stay float32,
``TOLERANCE[FP32]``."""

TRAINING_DATA = (
    TrainingData(
        name="Greatest Hits (Owens et al., CVPR 2016): sound and times of contacts",
        licence="none stated",
        commercial_use="unknown",
    ),
)


def stage(
    unet_tensors: Mapping[str, Tensor],
    encoder_tensors: Mapping[str, Tensor],
    *,
    precision: str = FP32,
    plain: bool = False,
    unet_shape: UNetShape | None = None,
    encoder_shape: OnsetEncoderShape | None = None,
) -> Stage:
    """What the diffusion checkpoint becomes; a ``clap_text`` graph with its tokenizer must join it.

    Args:
        unet_tensors, encoder_tensors: by the nets' own names (see ``nets.syncfusion.names.one_copy``).
        precision: what the denoiser computes with: "fp32", "fp16" for graphics cards, "int8" for the CPU.
        plain: without operators of ONNX Runtime's own (domain com.microsoft), for other runtimes.
        unet_shape, encoder_shape: sizes of the nets; the published ones unless a test says otherwise.

    Raises:
        PackError: weights are missing, extra, misshapen or not finite; they are named. Or no such precision.
    """
    unet, encoder = UNet(unet_shape), OnsetEncoder(encoder_shape)
    fill(unet, unet_tensors, where="the UNet of the diffusion checkpoint")
    fill(encoder, encoder_tensors, where="the onset encoder of the diffusion checkpoint")
    unet.eval()
    encoder.eval()
    what = What(
        rate_hz=RATE_HZ,
        hop_samples=1,
        latent_channels=1,
        window_frames=WINDOW_FRAMES,
        overlap_frames=OVERLAP_FRAMES,
        embedding_dim=unet.shape.embedding,
        steps=STEPS,
        guidance=GUIDANCE,
        sampler=SAMPLER,
        tokenizer=TOKENIZER_FILE,
        null_embedding=NULL_FILE,
        windows="whole",
        align_frames=unet.shape.align,
        guidance_batched=False,
    )
    return Stage(
        recipes=recipes(unet, encoder, precision=precision, plain=plain),
        what=what,
        files={NULL_FILE: _npy(unet.null_embedding)},
        training_data=TRAINING_DATA,
    )


def recipes(unet: UNet, encoder: OnsetEncoder, *, precision: str = FP32, plain: bool = False) -> tuple[Recipe, ...]:
    """The four graphs of the stage."""
    top = outermost(unet)
    fused = not plain
    units = {FRAMES: unet.shape.align}
    contexts = []
    numbers: dict[int, int] = {}
    for depth, item in top.walk():
        axis = contract.LEVELS[depth.depth]
        if item is None:
            units[axis] = unet.shape.align // _factor(unet, depth.depth)
            continue
        number = numbers[depth.depth] = numbers.get(depth.depth, -1) + 1
        axes = (BATCH, axis, depth.channels) if depth.turned else (BATCH, depth.channels, axis)
        contexts.append(_tensor(f"context_{depth.depth}_{number}", *axes))
    serving = ServingUNet(unet, Manner(precision=precision, fused=fused))
    modulation = _tensor(MODULATION, BATCH, sum(serving.sizes))
    added = _tensor(ADDED, BATCH, sum(serving.added_sizes))
    source = contract.SOURCES
    usual = contract.role_spec(contract.DENOISER)
    sizes = {contract.DIM: unet.shape.embedding, contract.CHANNELS: 1}
    frames = tuple({BATCH: batch, FRAMES: unet.shape.align * count} for batch, count in ((2, 3), (1, 8), (3, 1)))
    batches = ({BATCH: 2}, {BATCH: 1}, {BATCH: 5})
    return (
        Recipe(
            role=contract.ONSET_ENCODER,
            module=ContextEncoder(encoder, unet, fused=fused),
            sizes=sizes,
            shapes=frames,
            spec=GraphSpec(inputs=(source[contract.ONSET_TRACK],), outputs=tuple(contexts)),
            units=units,
        ),
        Recipe(
            role=contract.TIME_ENCODER,
            module=TimeEncoder(unet),
            sizes=sizes,
            shapes=batches,
            spec=GraphSpec(inputs=(source[contract.SIGMA],), outputs=(modulation,)),
        ),
        Recipe(
            role=contract.EMBEDDING_ENCODER,
            module=EmbeddingEncoder(unet),
            sizes=sizes,
            shapes=batches,
            spec=GraphSpec(inputs=(source[contract.EMBEDDING],), outputs=(added,)),
        ),
        Recipe(
            role=contract.DENOISER,
            module=serving,
            sizes=sizes,
            shapes=frames,
            tolerance=TOLERANCE.get(precision, TOLERANCE[FP32]),
            spec=GraphSpec(inputs=(usual.inputs[0], modulation, added, *contexts), outputs=usual.outputs),
            units=units,
            precision=precision,
        ),
    )


def _factor(unet: UNet, depth: int) -> int:
    """How many samples become one frame of a depth."""
    return int(np.prod(unet.shape.factors[: depth + 1]))


def _tensor(name: str, *axes: str | int) -> TensorSpec:
    return TensorSpec(name=name, type=FLOAT32, axes=axes)


def _npy(tensor: Tensor) -> bytes:
    file = io.BytesIO()
    np.save(file, tensor.detach().numpy().astype(np.float32))
    return file.getvalue()
