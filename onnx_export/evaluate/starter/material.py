"""Renders of eight materials, heard by a net that had no part in making them: is it the material that was asked for.

Convention: each material is asked for in words, several rhythms and seeds, and by example sounds of held-out
originals. Every hit of a render is cut out and heard by itself, as the judge learned from single sounds; the render's
material is the nearest of the judge's prototypes (means over training sounds) to the mean of its hits. The judge's own
share on held-out recordings stands beside it: what it cannot tell apart there, it cannot tell apart here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.engine.tokens import clip_of_reference
from bridge.errors import RequestError
from bridge.packs import contract
from onnx_export.evaluate.retrieval import Embedder, Library
from onnx_export.evaluate.starter.box import Box, Sound
from onnx_export.evaluate.starter.figures import Figure, Part, Table, figure
from onnx_export.nets.embed import CLIP_SAMPLES, RATE_HZ
from onnx_export.train.captions import MATERIALS

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
    example: Path | None = field(default=None)

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


def by_examples(library: Library, folder: Path, *, seed: int) -> list[Asked]:
    """``EXAMPLES`` held-out originals of each material, written as files.

    Raises:
        RequestError: a material has no held-out original.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng((seed, 2))
    asked = []
    for material in PROMPTS:
        first = {one.original: one for one in reversed(library.sounds) if one.known.material == material}
        if not first:
            raise RequestError(f"there is no held-out {material}", hint="Measure on the whole set of one-shots")
        chosen = random.permutation(sorted(first))[:EXAMPLES]
        for number, original in enumerate(chosen):
            path = folder / f"{material}_{original[:12]}.wav"
            if not path.is_file():
                soundfile.write(path, first[original].samples, RATE_HZ, subtype="PCM_24")
            asked.append(
                Asked(material=material, onsets_s=RHYTHMS[number % len(RHYTHMS)], seed=100 + number, example=path)
            )
    return asked


def hits(samples: NDArray[np.float32], onsets_s: Sequence[float]) -> NDArray[np.float32]:
    """Each hit by itself, to the next or ``LONGEST_HIT_S``, as the judge hears it: (hits, CLIP_SAMPLES)."""
    ends = [*onsets_s[1:], len(samples) / RATE_HZ]
    spans = [
        (round(begin * RATE_HZ), round(min(end, begin + LONGEST_HIT_S) * RATE_HZ))
        for begin, end in zip(onsets_s, ends, strict=True)
    ]
    return np.concatenate([clip_of_reference(samples[begin:end], CLIP_SAMPLES) for begin, end in spans])


def guess(judge: Embedder, library: Library, clips: NDArray[np.float32], among: Sequence[str]) -> str:
    """The material whose prototype is nearest to the mean of some clips."""
    heard = judge.of_clips(clips).mean(axis=0)
    rows = [MATERIALS.index(material) for material in among]
    return among[int(np.argmax(library.prototypes[rows] @ heard))]


def part(box: Box, picture: Path, judge: Embedder, library: Library, asked: Sequence[Asked], *, seed: int = 0) -> Part:
    """Lets the judge hear every render.

    Args:
        box: the pack. picture: any video of ``LENGTH_S`` or more. judge: an embedder that is not the pack's.
        library: one-shots as the judge hears them. asked: see ``by_words`` and ``by_examples``. seed: of the bootstrap.
    """
    eight = tuple(PROMPTS)
    heard = [hits(one.sound(box, picture).samples, one.onsets_s) for one in asked]
    chosen = [guess(judge, library, clips, eight) for clips in heard]
    of_all = [guess(judge, library, clips, MATERIALS) for clips in heard]
    right = [found == one.material for found, one in zip(chosen, asked, strict=True)]
    figures = {}
    for name, words in (("in words", True), ("by an example", False)):
        picks = [number for number, one in enumerate(asked) if bool(one.prompt) is words]
        if picks:
            figures |= _figures(
                name,
                [asked[pick] for pick in picks],
                [right[pick] for pick in picks],
                [of_all[pick] == asked[pick].material for pick in picks],
                seed,
            )
    figures["the judge itself, on held-out recordings, of eight"] = _judge(judge, library, eight, seed)
    return Part(
        name="material",
        title="Right material, heard by another net",
        figures=figures,
        notes=(
            "The judge is a second audio net of the same make, trained with another seed, that the generator never "
            "met. It is no pair of ears.",
            "Of eight: it chooses among the eight materials; of twelve: among all that it knows.",
        ),
        tables=(
            _by_material(asked, right),
            _confusion(asked, chosen, eight),
            Table(
                title="Render by render",
                columns=("wanted", "asked", "heard, of eight", "heard, of twelve"),
                rows=tuple(
                    (one.material, one.words, eighth, twelfth)
                    for one, eighth, twelfth in zip(asked, chosen, of_all, strict=True)
                ),
            ),
        ),
        roles=(contract.DENOISER,),
    )


def _figures(
    name: str, asked: Sequence[Asked], right: Sequence[bool], of_all: Sequence[bool], seed: int
) -> dict[str, Figure]:
    groups = [f"{one.material} {one.words}" for one in asked]
    share = partial(figure, of="renders", statistic="share", groups=groups, seed=seed)
    return {
        f"right material, asked {name}, of eight": share(right, at_least=WANTED),
        f"right material, asked {name}, of twelve": share(of_all),
    }


def _judge(judge: Embedder, library: Library, among: Sequence[str], seed: int) -> Figure:
    """Share of held-out recordings that the judge gets right, each material with the same weight."""
    rows = [MATERIALS.index(material) for material in among]
    known = [place for place, one in enumerate(library.sounds) if one.known.material in among]
    guesses = (library.clips[known] @ library.prototypes[rows].T).argmax(axis=1)
    truth = np.array([among.index(library.sounds[place].known.material) for place in known])
    by_original: dict[tuple[int, str], list[float]] = {}
    for place, found, wanted in zip(known, guesses, truth, strict=True):
        by_original.setdefault((int(wanted), library.sounds[place].original), []).append(float(found == wanted))
    counts = np.bincount([material for material, _ in by_original], minlength=len(among))
    values = [
        float(np.mean(found)) * len(by_original) / (np.count_nonzero(counts) * counts[material])
        for (material, _), found in by_original.items()
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


def _confusion(asked: Sequence[Asked], chosen: Sequence[str], among: Sequence[str]) -> Table:
    return Table(
        title="Wanted (rows) and heard (columns)",
        columns=("", *among),
        rows=tuple(
            (wanted, *(sum(one.material == wanted and found == heard for one, found in zip(asked, chosen, strict=True))
                       for heard in among))
            for wanted in among
        ),
    )  # fmt: skip
