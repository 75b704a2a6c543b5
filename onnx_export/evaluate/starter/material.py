"""Renders of eight materials, heard by a judge that had no part in making them: is it the material that was asked for.

Convention: each material is asked for in words, several rhythms and seeds, and by example sounds of held-out
originals. Every hit of a render is cut out and heard by itself, as the judge learned from single sounds; the render's
material is the one that the judge finds likeliest on the mean of its hits. The judge's own share on held-out
recordings stands beside it, and its share on those of things no take of which it heard: what it cannot tell apart
there, it cannot tell apart here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.engine.tokens import clip_of_reference
from bridge.errors import RequestError
from bridge.packs import contract
from onnx_export.evaluate.starter.box import Box, Sound
from onnx_export.evaluate.starter.figures import Figure, Part, Table, figure
from onnx_export.nets.embed import CLIP_SAMPLES, RATE_HZ
from onnx_export.train.embed_data import Sound as Known
from onnx_export.train.embed_data import strangers
from onnx_export.train.embed_judge import JUDGED

PROMPTS = {
    "metal": ("metal hit", "hammer on a steel pipe", "dropping a wrench"),
    "wood": ("wood hit", "knocking on a wooden door", "tapping on a wooden table"),
    "plastic": ("plastic hit", "tapping a plastic bottle", "plastic cup"),
    "flesh_soft": ("punch to the body", "clapping hands", "a slap on the skin"),
    "glass": ("glass hit", "clinking a wine glass", "tapping on a glass bottle"),
    "rock_gravel": ("footsteps on gravel", "rock hitting rock", "dropping stones"),
    "paper": ("paper rustle", "turning a page", "tapping on a sheet of paper"),
    "water": ("water splash", "dripping water", "a stone falls into water"),
}
"""The eight materials with most recordings, each as somebody would ask for it."""
RHYTHMS = ((0.2, 0.9, 1.6), (0.15, 0.5, 0.75, 1.6))
LENGTH_S = 2.4
LONGEST_HIT_S = 0.8
EXAMPLES = 4
WANTED = 0.70

Array = NDArray[np.float32]


class Judge(Protocol):
    """Who hears the renders: ``onnx_export.train.embed_judge.Judge``."""

    def of_clips(self, clips: Array) -> Array:
        """How like each of ``JUDGED`` prepared clips (clips, CLIP_SAMPLES) are: (clips, 8), more is liker."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """One render to judge.

    Attributes:
        material: that is wanted. prompt: in words; "" for an example. example: a sound file, or None.
        onsets_s: when. seed: of the noise.
    """

    material: str
    onsets_s: tuple[float, ...]
    seed: int
    prompt: str = ""
    example: Path | None = None

    @property
    def words(self) -> str:
        """The prompt, or the example's name."""
        return self.prompt or (self.example.stem if self.example is not None else "")

    def sound(self, box: Box, picture: Path) -> Sound:
        """The pack's sound; ``picture`` is any video that is long enough."""
        return box.sound(
            picture,
            name=f"{self.material}_{'words' if self.prompt else 'example'}_{self.seed}",
            onsets=[(time_s, 1.0) for time_s in self.onsets_s],
            end_s=LENGTH_S,
            prompt=self.prompt,
            reference=self.example,
            seed=self.seed,
        )


def by_words() -> list[Asked]:
    """Every prompt with every rhythm, each with a seed of its own."""
    return [
        Asked(material=material, onsets_s=rhythm, seed=10 * number + beat, prompt=prompt)
        for material, prompts in PROMPTS.items()
        for number, prompt in enumerate(prompts)
        for beat, rhythm in enumerate(RHYTHMS)
    ]


def by_examples(sounds: Sequence[Known], folder: Path, *, seed: int) -> list[Asked]:
    """``EXAMPLES`` held-out originals of each material, written as files.

    Args:
        sounds: one-shots. folder: for the files. seed: of the choice.

    Raises:
        RequestError: a material has no held-out original.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng((seed, 2))
    asked = []
    for material in PROMPTS:
        first = {one.original: one for one in reversed(sounds) if one.held_out and one.known.material == material}
        if not first:
            raise RequestError(f"there is no held-out {material}", hint="Measure on the whole set of one-shots")
        chosen = random.permutation(sorted(first))[:EXAMPLES].tolist()
        for number, original in enumerate(chosen):
            path = folder / f"{material}_{original[:12]}.wav"
            if not path.is_file():
                soundfile.write(path, first[original].samples, RATE_HZ, subtype="PCM_24")
            rhythm = RHYTHMS[number % len(RHYTHMS)]
            asked.append(Asked(material=material, onsets_s=rhythm, seed=100 + number, example=path))
    return asked


def hits(samples: Array, onsets_s: Sequence[float]) -> Array:
    """Each hit by itself, to the next or ``LONGEST_HIT_S``, as the judge hears it: (hits, CLIP_SAMPLES)."""
    ends = [*onsets_s[1:], len(samples) / RATE_HZ]
    spans = [
        (round(begin * RATE_HZ), round(min(end, begin + LONGEST_HIT_S) * RATE_HZ))
        for begin, end in zip(onsets_s, ends, strict=True)
    ]
    return np.concatenate([clip_of_reference(samples[begin:end], CLIP_SAMPLES) for begin, end in spans])


def guess(judge: Judge, clips: Array) -> str:
    """The material that is likeliest on the mean of some clips."""
    return JUDGED[int(np.argmax(judge.of_clips(clips).mean(axis=0)))]


def part(box: Box, picture: Path, judge: Judge, sounds: Sequence[Known], asked: Sequence[Asked], *, seed: int) -> Part:
    """Lets the judge hear every render.

    Args:
        box: the pack. picture: any video of ``LENGTH_S`` or more. judge: not the pack's own embedder.
        sounds: one-shots. asked: see ``by_words`` and ``by_examples``. seed: of the bootstrap.
    """
    chosen = [guess(judge, hits(one.sound(box, picture).samples, one.onsets_s)) for one in asked]
    right = [found == one.material for found, one in zip(chosen, asked, strict=True)]
    figures = {}
    for name, words in (("in words", True), ("by an example", False)):
        picks = [number for number, one in enumerate(asked) if bool(one.prompt) is words]
        if picks:
            figures[f"right material of eight, asked {name}"] = figure(
                [right[pick] for pick in picks],
                of="renders",
                statistic="share",
                groups=[f"{asked[pick].material} {asked[pick].words}" for pick in picks],
                at_least=WANTED,
                seed=seed,
            )
    held_out = [one for one in sounds if one.held_out]
    whole = "the judge itself on held-out originals, mean of materials"
    figures[whole] = trusted(judge, held_out, seed=seed)
    figures[f"{whole}, of things no take of which was heard"] = trusted(judge, strangers(sounds), seed=seed)
    return Part(
        name="material",
        title="Right material, heard by a judge",
        figures=figures,
        notes=(
            "The judge (train embed --judge) is no net: kernel regression on hand-made features of a hit. It shares no "
            "weights with the pack, but knows the very recordings that embedder and generator learned from (three "
            "copies of each that is not held out). It is no pair of ears.",
            "It took the place of an audio net with a seed of its own because it was right more often on held-out "
            "originals. What it is worth on things no take of which was heard stands beside.",
            "Each hit is heard by itself; intervals by drawing prompts and examples again. Chance is 0.125.",
        ),
        tables=(
            _by_material(asked, right),
            _confusion(asked, chosen),
            Table(
                title="Render by render",
                columns=("wanted", "asked", "heard"),
                rows=tuple((one.material, one.words, found) for one, found in zip(asked, chosen, strict=True)),
            ),
        ),
        roles=(contract.DENOISER,),
    )


def trusted(judge: Judge, sounds: Sequence[Known], *, seed: int = 0) -> Figure:
    """How often the judge is right on recordings that it did not learn from, each material with the same weight."""
    known = [one for one in sounds if one.known.material in JUDGED]
    told = [guess(judge, clip_of_reference(one.samples, CLIP_SAMPLES)) for one in known]
    by_original: dict[tuple[str, str], list[float]] = {}
    for one, found in zip(known, told, strict=True):
        by_original.setdefault((one.known.material, one.original), []).append(float(found == one.known.material))
    counts = Counter(material for material, _ in by_original)
    values = [
        float(np.mean(right)) * len(by_original) / (len(counts) * counts[material])
        for (material, _), right in by_original.items()
    ]
    return figure(values, of="held-out originals", statistic="share", seed=seed)


def _by_material(asked: Sequence[Asked], right: Sequence[bool]) -> Table:
    def told(material: str, words: bool) -> str:
        own = [
            ok for one, ok in zip(asked, right, strict=True) if one.material == material and bool(one.prompt) is words
        ]
        return f"{sum(own)} of {len(own)}"

    return Table(
        title="Right, material by material",
        columns=("material", "in words", "by an example"),
        rows=tuple((material, told(material, True), told(material, False)) for material in PROMPTS),
    )


def _confusion(asked: Sequence[Asked], chosen: Sequence[str]) -> Table:
    pairs = Counter((one.material, found) for one, found in zip(asked, chosen, strict=True))
    return Table(
        title="Wanted (rows) and heard (columns)",
        columns=("", *JUDGED),
        rows=tuple((wanted, *(pairs[wanted, heard] for heard in JUDGED)) for wanted in PROMPTS),
    )
