"""The parts of the measuring: what each needs, and how it is run.

Convention: a part that the pack has no stage for is left out; one whose data was not named is refused when it was asked
for by name, and left out otherwise. Commands that do not measure time run several at once; what they make is kept, so
that the part itself finds it. torch is imported by the parts that need it alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import RequestError
from bridge.packs import contract
from bridge.packs.store import PackFiles
from onnx_export.evaluate.starter import quiet, sheet, speed, what, when
from onnx_export.evaluate.starter.box import Box
from onnx_export.evaluate.starter.clips import Clip
from onnx_export.evaluate.starter.figures import Part


@dataclass(frozen=True, kw_only=True, eq=False)
class Order:
    """What is measured, and with what.

    Attributes:
        files: the pack. box: the same behind the command line. clips: annotated ones, () for none.
        sounds: folder of one-shots. judge: checkpoint of the judge of materials.
        out: folder of everything that is written. jobs: processes at a time. seed: of everything random.
    """

    files: PackFiles
    box: Box
    clips: tuple[Clip, ...]
    sounds: Path | None
    judge: Path | None
    out: Path
    jobs: int = 1
    seed: int = 0

    def ahead(self, runs: Sequence[Callable[[], object]]) -> None:
        """Runs what a part will ask for, ``jobs`` at a time."""
        with ThreadPoolExecutor(self.jobs) as pool:
            waiting = [pool.submit(run) for run in runs]
            try:
                for number, one in enumerate(waiting, start=1):
                    one.result()
                    if number % 10 == 0 or number == len(waiting):
                        print(f"  {number} of {len(waiting)}", file=sys.stderr, flush=True)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """A part. ``run`` gives None where it writes something else than figures.

    Attributes:
        title: in words. stage: of the pack, "when", "what" or "". needs: of ``Order``'s data, by name.
    """

    title: str
    run: Callable[[Order], Part | None]
    stage: str
    needs: tuple[str, ...]


def chosen(order: Order, only: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the parts that are measured, in order.

    Args:
        only: those that were asked for; None: all that can be.

    Raises:
        RequestError: one that was asked for cannot be measured, or none can.
    """
    names = []
    for name, part in PARTS.items():
        if only is not None and name not in only:
            continue
        missing = [f"--{need}" for need in part.needs if not getattr(order, need)]
        stageless = bool(part.stage) and getattr(order.files.manifest, part.stage) is None
        if not missing and not stageless:
            names.append(name)
        elif only is not None:
            why = f'pack "{order.files.manifest.name}" has no such stage' if stageless else f"it needs {missing[0]}"
            raise RequestError(f"{name} cannot be measured: {why}", hint="Leave it out, or give what it needs")
    if not names:
        raise RequestError("nothing can be measured", hint="Say where the data lies, e.g. --clips DIR")
    return tuple(names)


def _when(order: Order) -> Part:
    order.ahead([lambda clip=clip: order.box.peaks(clip.path) for clip in order.clips])
    return when.part(order.clips, order.box, seed=order.seed)


def _quiet(order: Order) -> Part:
    folder = order.out / "quiet"
    videos = [*quiet.dull_clips(order.clips, folder, seed=order.seed), *quiet.rendered(folder)]
    order.ahead([lambda path=path: order.box.peaks(path) for _, path in videos])
    return quiet.part(videos, order.box, seed=order.seed)


def _trials(order: Order) -> list[what.Trial]:
    found = [what.Trial.of(clip, keep=order.out / "examples") for clip in order.clips]
    return [trial for trial in found if trial is not None]


def _what(order: Order) -> Part:
    trials = _trials(order)
    first, second = what.SEEDS
    asked = [(trial, manner, first) for trial in trials for manner in what.manners(order.box)]
    asked += [(trial, what.FULL, second) for trial in trials]
    order.ahead([lambda one=one: one[0].sound(order.box, one[1], seed=one[2]) for one in asked])
    return what.part(trials, order.box, seed=order.seed)


def _material(order: Order) -> Part:
    from onnx_export.evaluate.starter import material
    from onnx_export.train.embed_data import load_sounds
    from onnx_export.train.embed_judge import load_judge

    assert order.judge is not None
    assert order.sounds is not None
    judge = load_judge(order.judge)
    sounds = load_sounds(order.sounds, frozenset())
    asked = material.by_words()
    if contract.CLAP_AUDIO in order.files.manifest.graphs:
        asked += material.by_examples(sounds, order.out / "examples", seed=order.seed)
    picture = order.clips[0].path
    order.ahead([lambda one=one: one.sound(order.box, picture) for one in asked])
    return material.part(order.box, picture, judge, sounds, asked, seed=order.seed)


def _embed(order: Order) -> Part:
    from onnx_export.evaluate.starter import embed

    assert order.sounds is not None
    return embed.part(order.files, order.sounds, seed=order.seed)


def _sheet(order: Order) -> None:
    path = sheet.write(order.out / "sheet.png", _trials(order), order.box)
    print(f"wrote {path}", file=sys.stderr, flush=True)


def _speed(order: Order) -> Part:
    longest = max(order.clips, key=lambda clip: clip.span_s[1])
    return speed.part(longest, order.box, folder=order.out)


PARTS: Mapping[str, Measuring] = {
    "when": Measuring(title="onsets found in real clips", run=_when, stage="when", needs=("clips",)),
    "quiet": Measuring(title="video without action", run=_quiet, stage="when", needs=("clips",)),
    "what": Measuring(title="sound beside the clips' own", run=_what, stage="what", needs=("clips",)),
    "material": Measuring(
        title="renders heard by a judge", run=_material, stage="what", needs=("clips", "sounds", "judge")
    ),
    "embed": Measuring(title="retrieval and phrases", run=_embed, stage="what", needs=("sounds",)),
    "sheet": Measuring(title="spectrograms of 12 renders", run=_sheet, stage="what", needs=("clips",)),
    "speed": Measuring(title="speed and memory", run=_speed, stage="", needs=("clips",)),
}
