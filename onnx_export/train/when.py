"""``foley-export train when``: from annotated clips to the onset net of a pack.

Cross-validation comes first: its predictions choose the threshold and say honestly how well this does. Then one net is
trained on everything. Left in the output folder: ``onset.safetensors`` and ``predictions/ID.csv``.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from bridge.dsp.motion import MotionSettings
from bridge.packs import strict
from bridge.packs.manifest import Frontend, When
from onnx_export.checkpoints import save_checkpoint
from onnx_export.nets.onset import CONTEXT_STEPS
from onnx_export.train import scenes
from onnx_export.train.clips import load
from onnx_export.train.when_fit import MIN_DISTANCE_S, Plan, train
from onnx_export.train.when_score import best_threshold, cross_validate, f_measure, fair_thresholds

log = logging.getLogger(__name__)

WEIGHTS_NAME = "onset.safetensors"
WINDOW_STEPS = 512


def main(words: Sequence[str] | None = None) -> int:
    """Trains as the words ask; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    return run(_parser().parse_args(words))


def run(arguments: argparse.Namespace) -> int:
    """Trains, and says how it went; the exit code."""
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    settings = MotionSettings()
    out, cache = arguments.out, arguments.out / "cache"
    clips = load(arguments.clips, cache=cache, settings=settings, onsets=arguments.onsets, split=arguments.split)
    rendered = [scenes.example(seed, settings, cache=cache) for seed in range(arguments.scenes)]
    plan = Plan(steps=arguments.steps, seed=arguments.seed)
    numbers: dict[str, Any] = {"plan": asdict(plan), "clips": [clip.name for clip in clips], "scenes": len(rendered)}
    threshold = 0.5
    if arguments.folds:
        peaks, division = cross_validate(
            clips, rendered, plan, settings=settings, count=arguments.folds, by=arguments.by, out=out / "predictions"
        )
        fair = fair_thresholds(clips, peaks, division)
        each = [f_measure(clip, found, limit) for clip, found, limit in zip(clips, peaks, fair, strict=True)]
        best, threshold = best_threshold(clips, peaks)
        numbers["cross_validation"] = {
            "folds": [[clips[i].name for i in tests] for tests in division],
            "by": arguments.by,
            "f50_threshold_of_other_folds": float(np.mean(each)),
            "f50_one_threshold": best,
        }
        log.info("cross-validated by %s: F within 50 ms %.3f (one threshold %.3f)", arguments.by, np.mean(each), best)
    last = replace(plan, steps=arguments.final_steps or arguments.steps, seed=arguments.seed + 1000)
    net = train(clips, rendered, last, settings=settings)
    facts = {"when": json.dumps(strict.encode(section(settings, threshold))), "how": json.dumps(numbers)}
    log.info("wrote %s", save_checkpoint(out / WEIGHTS_NAME, net, facts=facts))
    return 0


def section(settings: MotionSettings, threshold: float) -> When:
    """The manifest's section for a net that was trained here."""
    frontend = settings.to_manifest()
    return When(
        frontend=Frontend(kind=frontend.pop("kind"), numbers=frontend),
        rate_hz=settings.rate_hz,
        window_steps=WINDOW_STEPS,
        overlap_steps=2 * CONTEXT_STEPS,
        threshold=round(threshold, 3),
        min_distance_s=MIN_DISTANCE_S,
        latency_s=0.0,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="foley-export train when", description="Trains the onset net.")
    parser.add_argument("--clips", type=Path, required=True, help="folder with clips.csv and annotated videos")
    parser.add_argument("--onsets", default="onsets_visual", help="folder of ID.csv inside it (default %(default)s)")
    parser.add_argument("--split", help="only clips whose column 'split' says so")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, numbers and predictions")
    parser.add_argument("--scenes", type=int, default=300, help="rendered scenes beside them (default %(default)s)")
    parser.add_argument("--steps", type=int, default=Plan.steps, help="optimiser steps per net (default %(default)s)")
    parser.add_argument("--final-steps", type=int, help="steps of the last net, if not the same")
    parser.add_argument("--folds", type=int, default=5, help="0 leaves cross-validation out (default %(default)s)")
    parser.add_argument(
        "--by", choices=["group", "name"], default="group", help="what is never split (default %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    return parser
