"""``foley-export train when``: from annotated clips and rendered scenes to the onset nets of a pack.

Cross-validation comes first: its predictions choose the threshold and say honestly how well this does. Then nets are
trained on everything. ``--clean`` leaves the recordings out of all training: they are only judged by, and the threshold
comes from scenes that trained nothing. Either threshold is raised until unseen films without action stay quiet.

Left in the output folder: ``checkpoint.safetensors`` (all nets and what is known of them), ``predictions/ID.csv``, and
for each net a folder with its own checkpoint and log. The same command goes on where it was interrupted. ``--ablation``
leaves a table instead: what each source of examples is worth.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import cv2

from bridge.dsp.motion import MotionSettings
from bridge.errors import RequestError
from bridge.packs import strict
from bridge.packs.stages import Frontend, When
from onnx_export.checkpoints import read_facts, save_checkpoint
from onnx_export.nets.onset import CONTEXT_STEPS, OnsetGraph
from onnx_export.recipes.when import NETS, RECORDINGS
from onnx_export.train.arguments import check_usual, usual_arguments
from onnx_export.train.run import CHECKPOINT, DEVICE, THREADS
from onnx_export.train.when_ablation import Folds, ablate
from onnx_export.train.when_data import UNSEEN_SEED, Source, kind_of_quiet
from onnx_export.train.when_fit import MIN_DISTANCE_S, Answer, Data, Plan, predict
from onnx_export.train.when_report import at_threshold, false_per_10_s, figures, quiet_threshold
from onnx_export.train.when_score import (
    best_threshold,
    cross_validate,
    fair_thresholds,
    steps_told,
    train_seeds,
    write_peaks,
)

log = logging.getLogger(__name__)

WINDOW_STEPS = 512
FOLDS, FINAL = "folds", "nets"
"""Folders of ``--out`` with the nets of the cross-validation, and with those that are kept."""
_FINAL_SEED = 1000


def main(words: Sequence[str] | None = None) -> int:
    """Trains as the words ask; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    return run(_parser().parse_args(words))


def run(arguments: argparse.Namespace) -> int:
    """Trains, and says how it went; the exit code.

    Raises:
        RequestError: what is asked for makes no sense. MediaError: a clip cannot be read.
        PackError: the folder holds another training, or the loss is no longer finite.
    """
    check_usual(arguments)
    cv2.setNumThreads(arguments.threads)
    if not arguments.clean and arguments.clips is None:
        raise RequestError("there are no recordings to learn from", hint="Give --clips, or --clean")
    if arguments.ablation and arguments.clean:
        raise RequestError("an ablation learns from recordings", hint="Leave --clean or --ablation out")
    held, count = (_held(arguments), 0) if arguments.ablation else (None, _count(arguments))
    source = Source(
        settings=MotionSettings(),
        cache=arguments.cache or arguments.out / "cache",
        clips=arguments.clips,
        onsets=arguments.onsets,
        split=arguments.split,
    )
    recordings = source.recordings()
    data = source.learned(
        [] if arguments.clean else recordings,
        variants=arguments.variants,
        rendered=arguments.scenes,
        still=arguments.quiet,
    )
    plan = Plan(
        steps=arguments.steps,
        minutes=arguments.minutes,
        seed=arguments.seed,
        recorded_strengths=arguments.recorded_strengths,
    )
    if held:
        still = source.quiet(UNSEEN_SEED, arguments.judges)
        print(ablate(data, plan, held, settings=source.settings, still=still, out=arguments.out), end="", flush=True)
        return 0
    facts: dict[str, str] = {}
    threshold, validated = 0.5, []
    if count and not arguments.clean:
        threshold, validated, facts["cross-validation"] = _validated(arguments, data, plan, source, count=count)
    if arguments.only_folds:
        return 0
    last = replace(plan, steps=arguments.final_steps or plan.steps, seed=plan.seed + _FINAL_SEED)
    nets = train_seeds(data, last, settings=source.settings, count=arguments.seeds, out=arguments.out / FINAL)
    folders = [arguments.out / FINAL / str(number) for number in range(arguments.seeds)]
    facts |= {"plan": _plan_told(plan, data, folders), **_trained_with(folders)}
    answers: Sequence[Answer] = validated
    if arguments.clean:
        unseen = source.scenes(UNSEEN_SEED, arguments.judges)
        if unseen:
            _, threshold = best_threshold(unseen, [predict(nets, one).peaks for one in unseen])
        answers = [predict(nets, clip) for clip in recordings]
        for clip, answer in zip(recordings, answers, strict=True):
            write_peaks(arguments.out / "predictions" / f"{clip.name}.csv", answer)
        if recordings:
            told = figures(recordings, answers, [threshold] * len(answers))
            facts["recordings that trained nothing"] = json.dumps(told)
            log.info("recordings that trained nothing: %s", told)
    still = source.quiet(UNSEEN_SEED, 2 * arguments.judges)
    found = [predict(nets, one) for one in still]
    if still:
        half = arguments.judges
        threshold = quiet_threshold(still[:half], found[:half], threshold, kind=kind_of_quiet)
        false = false_per_10_s(still[half:], found[half:], threshold, kind=kind_of_quiet)
        facts["false onsets per 10 s without action"] = json.dumps(false)
        log.info("false onsets per 10 s without action: %s", false)
    if answers:
        facts["at the shipped threshold"] = json.dumps(at_threshold(recordings, answers, threshold))
        log.info("at the shipped threshold: %s", facts["at the shipped threshold"])
    facts["when"] = json.dumps(strict.encode(section(source.settings, threshold)))
    facts |= {RECORDINGS: str(len(data.clips)), NETS: str(len(nets))}
    if arguments.table:
        facts["ablation"] = arguments.table.read_text(encoding="utf-8")
    log.info("wrote %s", save_checkpoint(arguments.out / CHECKPOINT, OnsetGraph(nets), facts=facts))
    return 0


def section(settings: MotionSettings, threshold: float) -> When:
    """The manifest's section for nets that were trained here."""
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


def _validated(
    arguments: argparse.Namespace, data: Data, plan: Plan, source: Source, *, count: int
) -> tuple[float, Sequence[Answer], str]:
    """The best threshold, each recording's answer, and what the cross-validation says of these plans as JSON."""
    held = cross_validate(
        data,
        plan,
        settings=source.settings,
        count=count,
        seeds=arguments.seeds,
        by=arguments.by,
        out=arguments.out,
    )
    peaks = [answer.peaks for answer in held.answers]
    _, threshold = best_threshold(held.clips, peaks)
    told = figures(held.clips, held.answers, fair_thresholds(held.clips, peaks, held.division))
    log.info("cross-validated by %s: %s", arguments.by, told)
    return threshold, held.answers, json.dumps({"folds": count, "by": arguments.by, "steps": held.steps, **told})


def _held(arguments: argparse.Namespace) -> Folds:
    """The folds that an ablation judges by."""
    only = range(arguments.of) if arguments.folds is None else arguments.folds
    return Folds(count=arguments.of, only=tuple(only), by=arguments.by, seeds=arguments.seeds)


def _count(arguments: argparse.Namespace) -> int:
    """How many folds to cross-validate in; 0 for none."""
    if arguments.folds is None:
        return arguments.of
    if len(arguments.folds) > 1:
        raise RequestError("--folds takes one number: how many", hint="Only --ablation takes the numbers of some")
    return arguments.folds[0]


def _plan_told(plan: Plan, data: Data, folders: Sequence[Path]) -> str:
    """What the nets in these folders learned from and how; their steps are those done, not those asked for."""
    amounts = {
        "recordings": len(data.clips),
        "variants": len(data.variants),
        "scenes": len(data.scenes),
        "quiet films": len(data.quiet),
    }
    return json.dumps({**amounts, "nets": len(folders), **asdict(plan), "steps": steps_told(folders)})


def _trained_with(folders: Sequence[Path]) -> dict[str, str]:
    """Threads and devices of these runs, as a card says them."""
    notes = [read_facts(folder / CHECKPOINT) for folder in folders]
    return {key: ", ".join(dict.fromkeys(note[key] for note in notes if note.get(key))) for key in (DEVICE, THREADS)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="foley-export train when", description="Trains the onset nets.")
    usual_arguments(parser, sounds=False, minutes=Plan.minutes, steps=Plan.steps)
    add = parser.add_argument
    add("--clips", type=Path, help="folder with clips.csv and annotated videos")
    add("--onsets", default="onsets_visual", help="folder of ID.csv inside it (default %(default)s)")
    add("--split", help="only clips whose column 'split' says so")
    add("--cache", type=Path, help="folder for measured motion, if not OUT/cache")
    add("--clean", action="store_true", help="rendered scenes only; clips are judged by and train nothing")
    add("--scenes", type=int, default=300, help="rendered scenes (default %(default)s)")
    add("--quiet", type=int, default=60, help="rendered films without action (default %(default)s)")
    add("--variants", type=int, default=3, help="spoiled copies of each clip (default %(default)s)")
    add(
        "--recorded-strengths",
        action="store_true",
        help="learn strength from the loudness of recordings too, not from rendered scenes only",
    )
    add("--judges", type=int, default=39, help="unseen scenes and quiet films to judge by (default %(default)s)")
    add("--final-steps", type=int, help="steps of the last nets, if not the same")
    add("--seeds", type=int, default=2, help="nets that are averaged (default %(default)s)")
    add("--folds", type=int, nargs="+", help="how many, 0 for none; with --ablation which, from 0 (default: all)")
    add("--of", type=int, default=5, help="folds that the recordings are divided into (default %(default)s)")
    add("--only-folds", action="store_true", help="cross-validate and stop")
    add("--by", choices=["group", "name"], default="group", help="what is never split (default %(default)s)")
    add("--ablation", action="store_true", help="say what each source of examples is worth, in ablation.csv, and stop")
    add("--table", type=Path, help="text file that is kept with the weights, as the ablation's")
    return parser
