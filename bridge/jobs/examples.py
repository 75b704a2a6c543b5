"""Example sounds that come from outside a project: the part that is meant is copied into the project.

Convention: what lies in the project's own folders is used where it lies. Of anything else the part that is meant goes
to ``Foley/References/XXXXXXXX/NAME.wav`` as it is heard: mono, 32-bit float, at the file's own rate. So the project can
be moved, and a take made exactly again, without the library that the sound came from; the copy's provenance tells of
it. The eight digits stand for the file's content and the part: the same sound is copied once.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bridge.domain.reference import Reference
from bridge.errors import BridgeError, MediaError, RequestError
from bridge.host.base import ProjectView
from bridge.jobs import choose, reach
from bridge.jobs.runner import Context
from bridge.media import bounds, wav
from bridge.media import reference as sounds


def brought_in(context: Context, view: ProjectView, found: Reference) -> Reference:
    """An example sound as the project can keep it. A copy stays whatever follows: the next key press uses it again.

    Args:
        context: of the key press. view: the project. found: the sound.

    Raises:
        RequestError: it lies outside, and the project was never saved. MediaError: it cannot be read or copied.
    """
    return found if _lies_in(view, found) else sounds.named(_copied(context, view, found))


def _lies_in(view: ProjectView, found: Reference) -> bool:
    try:
        reach.own(view).admit(found.path, hint="")
    except (RequestError, MediaError):
        return False
    return True


def _copied(context: Context, view: ProjectView, found: Reference) -> Path:
    """The copy of what is heard of a sound; the one that is there if it is whole."""
    name = bounds.plain_name(Path(found.path).stem)[:60]
    part = f"{found.sha256} {found.start_s!r} {found.length_s!r}"
    folder = choose.audio_folder(view, f"{name}.wav") / reach.REFERENCES / hashlib.sha256(part.encode()).hexdigest()[:8]
    path = folder / f"{name}.wav"
    samples, rate_hz = sounds.read(found)
    with suppress(BridgeError):
        there = wav.read(path)
        if there.rate_hz == rate_hz and np.array_equal(there.samples, samples[None]):
            return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"The folder {folder} cannot be made: {error.strerror}", hint="Make the project's media folder writable"
        ) from error
    reach.check_made(view, folder)
    context.notes.folder(folder)
    blocks = iter([samples[None]])
    provenance = {"reference": asdict(found)}
    copy = wav.write_blocks(
        path, blocks, rate_hz=rate_hz, channels=1, length_samples=len(samples), provenance=provenance, subtype="FLOAT"
    )
    context.notes.file(copy)
    return copy
