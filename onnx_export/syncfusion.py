"""SyncFusion's three checkpoints as one pack.

Convention: the stages come from ``recipes``; this file knows the files: which checkpoint is which, what lies where in
it, and what the pack says of itself. Everything that can be refused without exporting is refused first, weights
included; then one stage after the other is read again, exported, proven and written, and forgotten before the next, so
that memory holds one of them at a time. Nothing has the pack's name before all of it is proven.

Whose CLAP: the diffusion checkpoint carries a copy (``clap.model.*``), and the authors' generation code
(main/generation.py) loads it over the one from the CLAP file. So the diffusion checkpoint's weights are used here
too, and it is said how they compare with the file's. The file is needed for that comparison, and as the place where the
tokeniser's files lie, which no checkpoint holds; it is held to the net's names, shapes and numbers like the others.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from bridge import __version__
from bridge.errors import PackError
from bridge.packs import origin
from bridge.packs.manifest import Licence, TrainingData
from bridge.packs.stages import What, When
from bridge.packs.store import PackFiles
from onnx_export.bundle import Facts, PackWriter
from onnx_export.convert import export
from onnx_export.nets.clap import load_clap
from onnx_export.nets.syncfusion.names import CLAP, COPIES, ENCODER, LISTED, one_copy
from onnx_export.parity import check_parity
from onnx_export.recipe import FP32, Stage
from onnx_export.recipes import clap, syncfusion_what, syncfusion_when
from onnx_export.torch_file import Checkpoint

NAME = "syncfusion"
TITLE = "SyncFusion (Comunità et al. 2024): onsets from pictures, sound from words or an example, 48 kHz"
TOKENIZER_FILES = ("vocab.json", "merges.txt")
WORST = 3
"""So many tensors are named where two checkpoints differ."""

_AGAIN = f"Get the file again: foley-bridge packs pull {NAME}"

LICENCE = Licence(
    name="not stated",
    commercial_use="unknown",
    notice=(
        "The weights are those of SyncFusion (Comunità, Gramaccioni, Postolache, Rodolà, Comminiello, Reiss, ICASSP "
        "2024), published at https://zenodo.org/records/12634630; the authors' repository states no licence for them. "
        "The CLAP towers are LAION's (https://huggingface.co/lukewys/laion_clap, CC0-1.0), the tokeniser's files "
        "RoBERTa base's (MIT). Ask the authors before commercial use. This pack only changes their form."
    ),
)

CLAP_DATA = TrainingData(
    name="CLAP towers: LAION-Audio-630K and AudioSet (Wu et al., ICASSP 2023)",
    licence="several, not all stated",
    commercial_use="unknown",
)

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One of the checkpoints that are asked for.

    Attributes:
        flag: its word on the command line. what: its name in sentences. marks: how names of its tensors begin; none of
            the other checkpoints has any of them. owns: how all of its names begin.
    """

    flag: str
    what: str
    marks: tuple[str, ...]
    owns: tuple[str, ...]


ONSET = Slot(
    flag="--onset-checkpoint", what="the onset checkpoint", marks=("model.net.model.", "model.fc."), owns=("model.",)
)
DIFFUSION = Slot(
    flag="--diffusion-checkpoint",
    what="the diffusion checkpoint",
    marks=(ENCODER, *(copy + "blocks." for copy in COPIES)),
    owns=(*COPIES, ENCODER, CLAP),
)
CLAP_FILE = Slot(
    flag="--clap-checkpoint",
    what="the CLAP checkpoint",
    marks=("module.text_branch.", "module.audio_branch."),
    owns=("module.",),
)
SLOTS = (ONSET, DIFFUSION, CLAP_FILE)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Further arguments of the stages, for nets of another size than the published ones."""

    when: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    what: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    words: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


PUBLISHED = Sizes()


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is asked for.

    Attributes:
        onset, diffusion, clap: the checkpoints. tokenizer: folder of ``TOKENIZER_FILES``. out: the pack's folder.
        precision: of the denoiser. plain: no operators of com.microsoft.
    """

    onset: Path
    diffusion: Path
    clap: Path
    tokenizer: Path
    out: Path
    precision: str = FP32
    plain: bool = False


def export_syncfusion(order: Order, *, say: Say, sizes: Sizes | None = None) -> PackFiles:
    """Makes the pack.

    Args:
        order: what is asked for.
        say: is told in words what is done.
        sizes: of the nets; None for the published ones.

    Raises:
        PackError: a file is missing, damaged, of another kind or holds code; weights are missing, extra, misshapen or
            not finite (named); an export or its proof failed; or the pack cannot be written.
    """
    sizes = sizes or PUBLISHED
    with _stoppable(), PackWriter(order.out, name=NAME) as writer:
        tokenizer = _tokenizer(order.tokenizer)
        onset = _open(order.onset, ONSET, say)
        diffusion = _open(order.diffusion, DIFFUSION, say)
        clap_file = _open(order.clap, CLAP_FILE, say)
        makers: tuple[tuple[Path, Callable[[], Stage]], ...] = (
            (order.onset, lambda: syncfusion_when.stage(onset.read("model."), **sizes.when)),
            (order.diffusion, lambda: _generator(diffusion, order, sizes)),
            (order.diffusion, lambda: clap.stage(diffusion.read(CLAP), tokenizer=tokenizer, **sizes.words)),
        )
        say("Checking every weight")
        for path, make in makers:
            with _weights_of(path):
                make()
        with _weights_of(order.clap):
            load_clap(clap_file.read(CLAP_FILE.owns[0]), sizes.words.get("shape"))
        say_how_clap_differs(clap_file, CLAP_FILE.owns[0], diffusion, say)
        pack = _Pack(writer=writer, say=say)
        for _, make in makers:
            pack.add(make())
        paths = (order.onset, order.diffusion, order.clap, *(order.tokenizer / name for name in TOKENIZER_FILES))
        return pack.finish(tuple(origin.of_file(path) for path in paths))


def _generator(diffusion: Checkpoint, order: Order, sizes: Sizes) -> Stage:
    parts = one_copy(diffusion.read())
    return syncfusion_what.stage(parts.unet, parts.encoder, precision=order.precision, plain=order.plain, **sizes.what)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM stops as Ctrl-C does, so that what was half written goes away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _weights_of(path: Path) -> Iterator[None]:
    """Errors about weights name their file, and the way out for somebody who did not train them."""
    try:
        yield
    except PackError as error:
        message = error.message if str(path) in error.message else f"{path}: {error.message}"
        raise PackError(message, hint=f"{_AGAIN}; nothing was written") from error


@dataclass(kw_only=True, eq=False)
class _Pack:
    """A pack in the making."""

    writer: PackWriter
    say: Say
    when: When | None = None
    what: What | None = None
    training_data: tuple[TrainingData, ...] = ()

    def add(self, stage: Stage) -> None:
        """Exports, proves and writes what a stage gives."""
        for recipe in stage.recipes:
            self.say(f"{recipe.role}: exporting")
            model = export(recipe)
            worst = max(parity.error for parity in check_parity(recipe, model))
            self.writer.add_graph(recipe.role, model)
            megabytes = model.ByteSize() / 1e6
            self.say(
                f"{recipe.role}: {megabytes:.1f} MB; torch and ONNX agree to {worst:.1e} on {len(recipe.shapes)} shapes"
            )
        for name, data in stage.files.items():
            self.writer.add_file(name, data)
        self.when = stage.when or self.when
        self.what = stage.what or self.what
        self.training_data += tuple(data for data in stage.training_data if data not in self.training_data)

    def finish(self, sources: tuple[origin.Source, ...]) -> PackFiles:
        """Writes the manifest and the record of its sources, and moves the pack to its place."""
        self.say("Verifying the pack")
        facts = Facts(
            name=NAME,
            version=__version__,
            title=TITLE,
            licence=LICENCE,
            training_data=(*self.training_data, CLAP_DATA),
            when=self.when,
            what=self.what,
            sources=sources,
        )
        files = self.writer.finish(facts)
        size = sum(path.stat().st_size for path in files.folder.iterdir())
        self.say(f"{files.folder}: {size / 1e6:.1f} MB, {len(files.manifest.files)} files, {files.digest[:12]}")
        self.say(f"Licence: {LICENCE.name}; commercial use: {LICENCE.commercial_use}. Use it with --pack {NAME}")
        return files


def _open(path: Path, slot: Slot, say: Say) -> Checkpoint:
    """A checkpoint that belongs where it was given."""
    say(f"Reading {path}")
    checkpoint = Checkpoint(path)
    names = list(checkpoint.shapes)
    if not _has(names, slot.marks):
        for other in SLOTS:
            if _has(names, other.marks):
                raise PackError(
                    f"{path} looks like {other.what}; it was given as {slot.flag}",
                    hint=f"Give it as {other.flag}, and {slot.what} as {slot.flag}",
                )
        raise PackError(
            f"{path} is not {slot.what} of SyncFusion: its tensors are called {', '.join(names[:3])}, ...",
            hint=f"Give the published file as {slot.flag}; foley-bridge packs pull {NAME} gets it",
        )
    extra = [f'"{name}" is extra' for name in names if not name.startswith(slot.owns)]
    if extra:
        raise PackError(
            f"{path} does not fit: {'; '.join(extra[:LISTED])}"
            + (f"; and {len(extra) - LISTED} more" if len(extra) > LISTED else ""),
            hint=f"{_AGAIN}; nothing was written",
        )
    return checkpoint


def _has(names: list[str], marks: tuple[str, ...]) -> bool:
    return any(name.startswith(marks) for name in names)


def _tokenizer(folder: Path) -> bytes:
    """The whole tokeniser as one file, of the two files that RoBERTa base publishes."""
    paths = [folder / name for name in TOKENIZER_FILES]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise PackError(
            f"{folder} lacks the tokeniser's {' and '.join(missing)}, which no checkpoint holds",
            hint=f"Put {' and '.join(TOKENIZER_FILES)} of RoBERTa base "
            "(https://huggingface.co/FacebookAI/roberta-base) beside the CLAP checkpoint, or name their folder with "
            f"--tokenizer; foley-bridge packs pull {NAME} gets them",
        )
    return clap.tokenizer_json(*paths)


def say_how_clap_differs(file: Checkpoint, prefix: str, diffusion: Checkpoint, say: Say) -> None:
    """Says how the CLAP weights of two checkpoints compare.

    Args:
        file: the CLAP checkpoint. prefix: of its names. diffusion: the checkpoint whose copy is used.
        say: is told in words.
    """
    there, here = set(file.names(prefix)), set(diffusion.names(CLAP))
    differing: dict[str, float] = {}
    stored = file.read(prefix)
    for name, tensor in diffusion.each(CLAP):
        other = stored.pop(name, tensor)
        if tensor.shape != other.shape:
            differing[name] = math.inf
        elif not torch.equal(tensor, other):
            differing[name] = float((tensor.double() - other.double()).abs().max())
    if differing or there != here:
        worst = sorted(differing, key=lambda name: -differing[name])[:WORST]
        named = ", ".join(f"{name} by {differing[name]:.1e}" for name in worst)
        say(
            f"The CLAP weights in the diffusion checkpoint are not those of {file.path.name}: {len(differing)} of "
            f"{len(there & here)} differ{', most of all ' + named if named else ''}; "
            f"{len(there ^ here)} are in one of them only. "
            "The diffusion checkpoint's are used, as in the authors' code"
        )
    else:
        say(f"The CLAP weights in the diffusion checkpoint are those of {file.path.name}")
