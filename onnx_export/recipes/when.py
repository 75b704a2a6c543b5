"""The onset net of ``foley-export train when`` as the *when* stage of a pack."""

from __future__ import annotations

from pathlib import Path

from bridge.dsp.motion import CHANNELS, MotionSettings
from bridge.packs import contract, strict
from bridge.packs.manifest import TrainingData, When
from onnx_export.checkpoints import load_checkpoint
from onnx_export.nets.onset import OnsetGraph, OnsetNet
from onnx_export.recipe import Recipe, Stage

TRAINING_DATA = (
    TrainingData(
        name="Greatest Hits (Owens et al., CVPR 2016), 20 clips: motion of the picture and contact times",
        licence="none stated",
        commercial_use="unknown",
    ),
    TrainingData(name="Scenes rendered by this project", licence="MIT", commercial_use="yes"),
)


def stage(checkpoint: Path) -> Stage:
    """What a checkpoint of the onset net becomes.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    net = OnsetNet()
    facts = load_checkpoint(checkpoint, net)
    when: When = strict.decode(When, strict.loads(facts.get("when", ""), where=str(checkpoint)), where=str(checkpoint))
    settings = MotionSettings.from_manifest(when.frontend.to_wire())
    recipe = Recipe(
        role=contract.ONSET,
        module=OnsetGraph(net.eval()),
        sizes={"channels": CHANNELS, "rows": settings.rows, "columns": settings.columns},
        shapes=({"batch": 2, "time": 120}, {"batch": 1, "time": 511}, {"batch": 3, "time": 7}),
    )
    return Stage(recipes=(recipe,), when=when, training_data=TRAINING_DATA)
