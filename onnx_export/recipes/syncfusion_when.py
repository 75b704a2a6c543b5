"""SyncFusion's onset checkpoint as the *when* stage of a pack.

Convention: everything a designer may want to know about the numbers is said beside them. The stage looks at 15 pictures
a second as the authors do (see ``bridge.dsp.pictures``: which frame, which size, which time). Paper: Comunità et al.,
"SyncFusion", 2024, sections 2.1 and 3; code: github.com/mcomunita/syncfusion at e67ad83.

Named differences from the authors' own detection (main/module_onset.py): they run chunks of 30 pictures, each with
zeros beyond its ends, and write down every picture above the threshold; here the whole clip is one sequence, whatever
windows it runs in, and of neighbouring pictures above the threshold only the peak becomes an onset, placed between the
pictures by a parabola. To repeat their numbers, run the graph on chunks of 30.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from bridge.dsp.pictures import PictureSettings
from bridge.packs import contract
from bridge.packs.manifest import TrainingData
from bridge.packs.stages import Frontend, When
from onnx_export.checkpoints import fill
from onnx_export.nets.syncfusion.video_onset import CONTEXT_STEPS, WIDTH, VideoOnsetGraph, VideoOnsetNet
from onnx_export.recipe import Recipe, Stage

OVERLAP_STEPS = 2 * CONTEXT_STEPS
"""So much is looked at twice that no answer depends on where windows fall."""

WINDOW_STEPS = 96
"""ONNX Runtime takes 10 MB for each picture of a window: 1.2 GB at the published size, and 35 % of it is overlap."""

THRESHOLD = round(1.0 / (1.0 + math.exp(-0.5)), 4)
"""The authors use three: 0.5 on the bare *logit*, which is this activation, where onsets are written down for the
generator (``log_annotations``); 0.75 for the metrics of Table 1 (``BCLoss``); 0.5 for plots (``log_labels``)."""

MIN_DISTANCE_S = 1.0 / 15.0
"""One step: in Table 1's count, of two neighbouring pictures above the threshold the second is dropped."""

LATENCY_S = 0.0
"""The authors write an onset down at the beginning of its step. It lies anywhere in the step; -1/30 would centre it."""

TRAINING_DATA = (
    TrainingData(
        name="Greatest Hits (Owens et al., CVPR 2016): videos and times of contacts",
        licence="none stated",
        commercial_use="unknown",
    ),
)


def stage(tensors: Mapping[str, Tensor], *, width: int = WIDTH, settings: PictureSettings | None = None) -> Stage:
    """What the onset checkpoint becomes.

    Args:
        tensors: the ``state_dict`` of the checkpoint, without ``model.`` in front of its names.
        width: of the net; the published one unless a test says otherwise.
        settings: how the picture is looked at; the authors' way unless a test says otherwise.

    Raises:
        PackError: weights are missing, extra, misshapen or not finite; they are named.
    """
    settings = settings or PictureSettings()
    net = VideoOnsetNet(width=width)
    fill(net, tensors, where="the onset checkpoint")
    recipe = Recipe(
        role=contract.ONSET,
        spec=contract.PICTURE_ONSET,
        module=VideoOnsetGraph(net.eval()),
        sizes={"rows": settings.rows, "columns": settings.columns},
        shapes=({"batch": 2, "time": 6}, {"batch": 1, "time": 40}, {"batch": 3, "time": 2}),
    )
    when = When(
        frontend=Frontend.from_wire(settings.to_manifest()),
        rate_hz=settings.rate_hz,
        window_steps=WINDOW_STEPS,
        overlap_steps=OVERLAP_STEPS,
        threshold=THRESHOLD,
        min_distance_s=MIN_DISTANCE_S,
        latency_s=LATENCY_S,
    )
    return Stage(recipes=(recipe,), when=when, training_data=TRAINING_DATA)
