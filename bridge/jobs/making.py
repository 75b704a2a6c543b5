"""The sound files of one key press: made, written with their recipes, and gone again if the project refuses them.

Convention: a file is written before the project is told of it, and never changed afterwards; nor is it removed once the
project, or its undo history, may know it. What a take keeps of the
one before is copied from its file bit by bit. Every number on which the bytes depend is in the recipe, so that a take
can be made exactly again by the same steps.
"""

from __future__ import annotations

import errno
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.domain.clip import Clip
from bridge.domain.controls import Controls
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.render import PLACED, Recipe
from bridge.domain.request import Request
from bridge.dsp import loudness
from bridge.engine.callbacks import Progress
from bridge.engine.parts import Part, parts_of
from bridge.engine.patches import Patch, Stretch, joined, only_within
from bridge.engine.place import Placer
from bridge.errors import HostUnsure, MediaError, RequestError
from bridge.host.base import FoleyItemView, ItemView, ProjectView
from bridge.jobs import reach
from bridge.jobs.desk import Desk
from bridge.jobs.runner import Context
from bridge.jobs.telling import Telling, output_of
from bridge.jobs.work import samples_of
from bridge.media import finish, wav
from bridge.media.files import cannot_write, owned_prefix, temporary_beside
from bridge.media.output import Output

log = logging.getLogger(__name__)

MOST_STEPS = 24
"""So many steps a recipe tells; a take that came further cannot be made exactly again, and says so."""
Span = tuple[int, int]
Block = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A render on disk."""

    path: Path
    recipe: Recipe


class Making:
    """Makes sound files for one item; as a context manager it takes them away again if what follows fails.

    Args:
        desk, context: of the key press. view: the project. item: the video. frame: the stretch that the sound fits.
        folder: where files go.
    """

    def __init__(
        self, desk: Desk, context: Context, view: ProjectView, item: ItemView, frame: Clip, folder: Path
    ) -> None:
        self._desk, self._context, self._view = desk, context, view
        self._item, self._frame, self._folder = item, frame, folder
        self._telling = Telling(desk, view, item, frame)
        self._files: list[Path] = []
        self._notes: list[str] = []

    def __enter__(self) -> Making:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise cannot_write(self._folder, error) from error
            raise MediaError(
                f"The folder {self._folder} cannot be made: {error.strerror}",
                hint="Make the project's media folder writable",
            ) from error
        reach.check_made(self._view, self._folder)
        self._context.notes.folder(self._folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, HostUnsure) and not self._context.notes.reached:
            for path in self._files:
                with suppress(OSError):  # what failed is what the designer must hear
                    path.unlink(missing_ok=True)

    @property
    def notes(self) -> str:
        """What the designer should know of the files besides, each in brackets."""
        return "".join(f" ({note.rstrip('.')})" for note in dict.fromkeys(self._notes))

    def fresh(self, request: Request, *, controls: Controls, found_by: Mapping[str, str], progress: Progress) -> Made:
        """A sound made at once.

        Raises:
            as ``Engine.render``; MediaError: it cannot be written. RequestError: its reference lies elsewhere.
        """
        request = reach.request_here(self._view, request)
        recipe = self._telling.recipe(request, controls, found_by)
        stem = self._telling.stem(request)
        wish = self._desk.wishes.output
        if wish.loudness_lufs is None and wish.ceiling_db is None:
            return self._written(self._folder / stem, recipe, self._stream(recipe, progress))
        with temporary_beside(self._folder / stem) as raw:
            raw_path = wav.write_blocks(
                raw, self._stream(recipe, progress), rate_hz=request.rate_hz, channels=1, subtype="FLOAT"
            )
            with wav.Reader(raw_path) as reader:
                blocks, done = finish.finish_blocks(
                    reader.blocks,
                    wish,
                    rate_hz=request.rate_hz,
                    channels=1,
                    length_samples=request.length_samples,
                )
                if done.note:
                    self._notes.append(done.note)
                recipe = replace(recipe, output={**recipe.output, "gain_db": done.gain_db})
                return self._written(self._folder / stem, recipe, blocks, shaped=True)

    def changed(
        self,
        request: Request,
        layer: FoleyItemView,
        before: Recipe,
        *,
        span: tuple[float, float] | None,
        controls: Controls,
        found_by: Mapping[str, str],
        keeps: bool,
        progress: Progress,
    ) -> Made:
        """A sound that keeps what it can of a take: all that did not change, or all outside a time selection.

        Args:
            layer, before: the item whose active take is kept, and that take's recipe. span: clip time to work in.
            keeps: whether, without a span, what did not change is kept; else all is made anew.

        Raises:
            as ``Engine.changes``; MediaError: it cannot be read or written.
        """
        within = None if span is None else samples_of(span, request)
        old = Path(layer.audio_path)
        if not (keeps or within) or not self._usable(old, before, needed=within is not None):
            return self.fresh(request, controls=controls, found_by=found_by, progress=progress)
        if within is not None:
            request = only_within(request, before.request, within)
        request, _ = (reach.request_here(self._view, one) for one in (request, before.request))
        recipe = replace(
            self._telling.recipe(request, controls, found_by),
            within=within,
            parts=_steps_of(before),
            output={**before.output, **self._telling.now()},
            previous_digest=before.request.digest(),
        )
        if within is None and self._alone(recipe, before):  # the same bytes as made at once
            recipe = replace(recipe, parts=(), previous_digest="")
        return self._patched(old, before, recipe, self._folder / self._telling.stem(request), progress)

    def exactly(self, before: Recipe, *, progress: Progress) -> Made:
        """A take again from its recipe alone, by the very steps that made it: the same bytes.

        Raises:
            RequestError: it was made by another pack, the recipe does not tell how it began, or names what lies
                elsewhere.
        """
        self._check_pack(before)
        parts = parts_of(before)
        if parts[0].within is not None or _untold(before):
            raise RequestError(
                f"The recipe of '{self._item.name}' does not tell how its sound began",
                hint="It was made by an earlier version; press New variation",
            )
        for part in parts:
            reach.request_here(self._view, part.request)
        recipes = [self._step(before, number, part) for number, part in enumerate(parts)]
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=owned_prefix()) as steps:
            folders = [*[Path(steps)] * (len(recipes) - 1), self._folder]
            made: Made | None = None
            for number, recipe in enumerate(recipes):
                share = _part(progress, number, len(recipes))
                path = folders[number] / self._telling.stem(recipe.request)
                if made is None:
                    made = self._written(path, recipe, self._stream(recipe, share))
                else:
                    made = self._patched(made.path, recipes[number - 1], recipe, path, share)
        assert made is not None
        return made

    def placing(self, onsets: tuple[Onset, ...], reference: Reference, seed: int, rate_hz: int) -> Request:
        """A request that places a reference on the frame's onsets."""
        return Request(
            length_samples=self._frame.length_samples(rate_hz),
            rate_hz=rate_hz,
            onsets=onsets,
            prompt="",
            seed=seed,
            reference=reference,
            sampler=PLACED,
        )

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _stream(self, recipe: Recipe, progress: Progress) -> Iterator[Block]:
        """Raw sound of a request, as blocks (1, n); the recipe keeps the path of its reference as it was."""
        request = reach.request_here(self._view, recipe.request)
        if recipe.placed:
            placer = Placer(variation=float(recipe.controls.get("variation", 1.0)))
            blocks = placer.stream(request, progress=progress, cancelled=self._context.cancelled)
        else:
            engine = self._desk.engine()
            blocks = engine.stream(request, progress=progress, cancelled=self._context.cancelled)
        for block in blocks:
            yield block[None]

    def _patched(self, old: Path, before: Recipe, recipe: Recipe, path: Path, progress: Progress) -> Made:
        """A copy of a take's file in which a request's changes are put."""
        wish, gain_db = output_of(recipe), float(recipe.output.get("gain_db", 0.0))
        with wav.Reader(old) as reader:
            previous = _Raw(reader, gain_db)
            patches = self._changes(recipe, before, previous, progress)
        length = recipe.request.length_samples
        shaped = [(patch.start, self._shaped(patch, recipe, wish, gain_db, length)) for patch in patches]
        new = wav.patched(
            old,
            shaped,
            path,
            provenance=recipe.to_table(),
            subtype=wish.subtype,
            broadcast=self._telling.broadcast(recipe),
        )
        self._files.append(new)
        self._context.notes.file(new)
        self._note_peak(new, wish)
        return Made(path=new, recipe=recipe)

    def _changes(self, recipe: Recipe, before: Recipe, previous: _Raw, progress: Progress) -> list[Patch]:
        cancelled = self._context.cancelled
        if not recipe.placed:
            return self._desk.engine().changes(
                reach.request_here(self._view, recipe.request),
                previous_request=reach.request_here(self._view, before.request),
                previous=previous,
                within=recipe.within,
                progress=progress,
                cancelled=cancelled,
            )
        whole = np.concatenate([block[0] for block in self._stream(recipe, progress)])
        start, stop = recipe.within or (0, len(whole))
        if recipe.within is None:
            return [Patch(start=0, samples=whole)]
        stretch = Stretch(span=(start, stop), cut=(True, True))
        return [joined(stretch, whole[start:stop], previous, (before.request, recipe.request))]

    def _shaped(self, patch: Patch, recipe: Recipe, wish: Output, gain_db: float, length: int) -> Block:
        audio = Audio(samples=np.ascontiguousarray(patch.samples[None]), rate_hz=recipe.request.rate_hz)
        return finish.apply(audio, gain_db, wish, start_samples=patch.start, length_samples=length).samples

    def _written(self, path: Path, recipe: Recipe, blocks: Iterator[Block], *, shaped: bool = False) -> Made:
        request, wish = recipe.request, output_of(recipe)
        if not shaped:
            blocks = finish.apply_blocks(
                blocks,
                float(recipe.output.get("gain_db", 0.0)),
                wish,
                rate_hz=request.rate_hz,
                length_samples=request.length_samples,
            )
        new = wav.write_blocks(
            path,
            blocks,
            rate_hz=request.rate_hz,
            channels=1,
            length_samples=request.length_samples,
            provenance=recipe.to_table(),
            subtype=wish.subtype,
            broadcast=self._telling.broadcast(recipe),
        )
        self._files.append(new)
        self._context.notes.file(new)
        return Made(path=new, recipe=recipe)

    def _step(self, before: Recipe, number: int, part: Part) -> Recipe:
        """The recipe that a step of a take had: only the last one is kept whole, and only its file stays."""
        if number == len(before.parts):
            return before
        controls = before.parts[number].get("controls", before.controls)
        return replace(before, request=part.request, within=part.within, parts=before.parts[:number], controls=controls)

    # -- looking -------------------------------------------------------------------------------------------------------

    def _alone(self, recipe: Recipe, before: Recipe) -> bool:
        """Whether a sound is the same whether made at once or by a step from the one before."""
        if recipe.placed:
            return True
        wish = output_of(recipe)
        plain = not (wish.fade_in_ms or wish.fade_out_ms or recipe.output.get("gain_db"))
        at_once = not (before.parts or before.within or before.previous_digest)
        return plain and at_once and self._desk.engine().adds

    def _usable(self, old: Path, before: Recipe, *, needed: bool) -> bool:
        """Whether a take's file can be kept from: it is whole, and of the pack that is loaded."""
        try:
            if not before.placed and before.pack_digest != self._desk.engine().pack_digest:
                raise RequestError(
                    f"'{old.name}' was made by another pack ({before.pack} {before.pack_version})",
                    hint="Remove the time selection, or load that pack",
                )
            with wav.Reader(old) as reader:
                fits = (reader.length_samples, reader.rate_hz) == (
                    before.request.length_samples,
                    before.request.rate_hz,
                )
            if not fits:
                raise MediaError(f"{old} is not the file that its recipe tells of", hint="Remove the time selection")
            return True
        except (MediaError, RequestError) as error:
            if needed:
                raise
            log.warning("made again from nothing: %s", error.sentence)
            return False

    def _check_pack(self, before: Recipe) -> None:
        if not before.placed and before.pack_digest != self._desk.engine().pack_digest:
            raise RequestError(
                f"This take was made by pack {before.pack} {before.pack_version}, which is not the one that is loaded",
                hint=f"Start foley-bridge serve --pack {before.pack} in that version, or press New variation",
            )

    def _note_peak(self, path: Path, wish: Output) -> None:
        """Tells where a part made again went beyond the ceiling, which only one gain for the whole could hold."""
        if wish.ceiling_db is None:
            return
        with wav.Reader(path) as reader:
            _, peak_db = loudness.measured(reader.blocks(), rate_hz=reader.rate_hz, channels=reader.channels)
        if peak_db > wish.ceiling_db + 0.05:
            self._notes.append(
                f"its true peak is {peak_db:.1f} dB now, above {wish.ceiling_db:g}: press New variation for a new gain"
            )


class _Raw:
    """A take's file as its engine made it: without the gain that it was written with."""

    def __init__(self, reader: wav.Reader, gain_db: float) -> None:
        self._reader, self._factor = reader, np.float32(10.0 ** (-gain_db / 20.0))
        self.length_samples, self.rate_hz = reader.length_samples, reader.rate_hz
        self._plain = gain_db == 0.0

    def read(self, start: int, stop: int) -> Block:
        """Samples of a span, float32 (1, n)."""
        samples = self._reader.read(start, stop)
        return samples if self._plain else samples * self._factor


def _untold(recipe: Recipe) -> bool:
    """Whether a recipe does not tell of the sound that was partly kept, as those of earlier versions do not."""
    return bool(recipe.previous_digest) and not recipe.parts


def _steps_of(before: Recipe) -> tuple[Mapping[str, Any], ...]:
    """The steps that made a take, as parts of the next one; empty if its recipe does not tell how it began."""
    if _untold(before) or len(before.parts) >= MOST_STEPS:
        return ()
    part = Part(request=before.request, within=before.within).to_table()
    return (*before.parts, {**part, "controls": dict(before.controls)})


def _part(progress: Progress, number: int, count: int) -> Progress:
    return lambda done: progress((number + done) / count)
