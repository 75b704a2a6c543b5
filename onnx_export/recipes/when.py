"""The onset nets of ``foley-export train when`` as the *when* stage of a pack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bridge.dsp.motion import CHANNELS, MotionSettings
from bridge.errors import PackError
from bridge.packs import contract, strict
from bridge.packs.manifest import TrainingData
from bridge.packs.stages import When
from onnx_export.checkpoints import load_checkpoint, read_facts
from onnx_export.nets.onset import OnsetGraph, OnsetNet
from onnx_export.recipe import Recipe, Stage

RENDERED = TrainingData(name="Scenes rendered by this project", licence="MIT", commercial_use="yes")

RECORDINGS, NETS = "recordings", "nets"
"""Facts of a checkpoint: how many recordings trained it, and how many nets it holds."""


def recorded(clips: int, *, loudness: bool) -> TrainingData:
    """So many clips of Greatest Hits, as a pack names them; with ``loudness`` where that was learned from them too."""
    learned = "motion of the picture, contact times" + (", loudness of hits" if loudness else "")
    return TrainingData(
        name=f"Greatest Hits (Owens et al., CVPR 2016), {clips} clips: {learned}",
        licence="none stated",
        commercial_use="unknown",
    )


def stage(checkpoint: Path) -> Stage:
    """What a checkpoint of onset nets becomes.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    facts = read_facts(checkpoint)
    graph = OnsetGraph([OnsetNet() for _ in range(_number(facts, NETS, checkpoint, low=1, high=16))])
    load_checkpoint(checkpoint, graph)
    when: When = strict.decode(When, strict.loads(facts.get("when", ""), where=str(checkpoint)), where=str(checkpoint))
    settings = MotionSettings.from_manifest(when.frontend.to_wire())
    recipe = Recipe(
        role=contract.ONSET,
        module=graph.eval(),
        sizes={"channels": CHANNELS, "rows": settings.rows, "columns": settings.columns},
        shapes=({"batch": 2, "time": 120}, {"batch": 1, "time": 511}, {"batch": 3, "time": 7}),
        spec=contract.MOTION_ONSET_STRENGTH,
    )
    clips = _number(facts, RECORDINGS, checkpoint, low=0, high=10**6)
    data = (recorded(clips, loudness=_heard(facts)), RENDERED) if clips else (RENDERED,)
    return Stage(recipes=(recipe,), when=when, training_data=data)


def _heard(facts: Mapping[str, str]) -> bool:
    """Whether strength was learned from recordings, as it always was before plans said so."""
    try:
        return bool(json.loads(facts.get("plan", "")).get("recorded_strengths", True))
    except (ValueError, AttributeError):
        return True


def _number(facts: Mapping[str, str], name: str, checkpoint: Path, *, low: int, high: int) -> int:
    text = facts.get(name, "")
    if not text.isdigit() or not low <= int(text) <= high:
        raise PackError(
            f"checkpoint {checkpoint} does not say what it holds ({name}: {text or 'nothing'})",
            hint="Take the one that foley-export train when wrote last, in its --out folder",
        )
    return int(text)
