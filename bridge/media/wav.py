"""Sound files: read any, write WAV with its provenance inside, whole or block by block.

Convention: the provenance is a JSON object in a RIFF chunk of its own, ``PROVENANCE_CHUNK``, after the samples; what a
broadcast file tells (``broadcast``) lies before them. Players and REAPER skip chunks that they do not know. The same
sound and arguments give the same bytes. Nothing here holds more than one block of a long file.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge import durable
from bridge.domain import stored
from bridge.domain.audio import Audio
from bridge.errors import MediaError, RequestError
from bridge.media import riff
from bridge.media.broadcast import Broadcast, read_broadcast, to_chunks
from bridge.media.container import check_readable
from bridge.media.files import publish, temporary_beside, unique_path, unreadable
from bridge.media.reader import BLOCK_SAMPLES, Reader, read

__all__ = [
    "PROVENANCE_CHUNK",
    "Broadcast",
    "Reader",
    "patched",
    "read",
    "read_broadcast",
    "read_provenance",
    "unique_path",
    "write",
    "write_blocks",
]

log = logging.getLogger(__name__)

PROVENANCE_CHUNK = b"foly"
LARGEST_PROVENANCE_BYTES = 1 << 26
LARGEST_BYTES = 2**32 - 2**20
"""RIFF sizes are 32 bits; what does not fit is refused."""

Block = NDArray[np.float32]


def write(
    path: Path | str,
    audio: Audio,
    *,
    provenance: dict[str, Any] | None = None,
    subtype: str = "PCM_24",
    broadcast: Broadcast | None = None,
) -> Path:
    """Writes a WAV, checks that it reads back whole, and returns the name it got: ``path``, or the next one free.

    Args:
        path: wanted name; its folder must exist.
        audio: values beyond full scale are clipped in integer files, with a warning in the log.
        provenance: anything JSON can hold; how the sound came to be.
        subtype: "PCM_16", "PCM_24", "PCM_32" or "FLOAT".
        broadcast: what the file tells other tools.

    Raises:
        MediaError: folder missing or read-only, disk full, too long for WAV, not finite. Nothing is left behind then.
    """
    return write_blocks(
        path,
        _pieces(audio.samples),
        rate_hz=audio.rate_hz,
        channels=audio.samples.shape[0],
        length_samples=audio.length_samples,
        provenance=provenance,
        subtype=subtype,
        broadcast=broadcast,
    )


def write_blocks(
    path: Path | str,
    blocks: Iterable[Block],
    *,
    rate_hz: int,
    channels: int,
    length_samples: int | None = None,
    provenance: dict[str, Any] | None = None,
    subtype: str = "PCM_24",
    broadcast: Broadcast | None = None,
) -> Path:
    """``write`` of a sound that comes in parts; how it is cut into blocks does not change the file.

    Args:
        blocks: float32, shape (channels, n); what they raise ends the writing, and nothing is left behind.
        length_samples: how long it must turn out, where that is known; any other length is refused.
    """
    path = Path(path)
    form = riff.Format(subtype=subtype, rate_hz=rate_hz, channels=channels)
    parts = _encoded(path, form, blocks)
    return _stored(path, form, parts, length_samples=length_samples, provenance=provenance, broadcast=broadcast)


def patched(
    old: Path | str,
    patches: Sequence[tuple[int, Block]],
    new: Path | str,
    *,
    provenance: dict[str, Any] | None = None,
    subtype: str | None = None,
    broadcast: Broadcast | None = None,
) -> Path:
    """A copy of a sound file in which stretches are replaced; returns the name it got. The old file is not touched.

    Args:
        patches: first sample and float32 samples (channels, n) of each stretch, inside the file, none over another.
        subtype: None for the old file's. Every sample outside the patches is then the old one, bit by bit; in
            another subtype, or copied from what is not WAV, it is as near as the format can say.
        provenance, broadcast: of the new file; the old one's are not kept.

    Raises:
        MediaError: the old file cannot be read, or whatever ``write`` raises.
        RequestError: a patch does not fit.
    """
    old, new = Path(old), Path(new)
    with Reader(old) as reader:
        ordered = _ordered(old, patches, reader)
        there = riff.plain(old)
        if there is not None and there.length_samples != reader.length_samples:  # a head that others read otherwise
            there = None
        subtype = subtype or (there.format.subtype if there else "PCM_24")
        form = riff.Format(subtype=subtype, rate_hz=reader.rate_hz, channels=reader.channels)
        kept = there if there is not None and there.format == form else None

        def parts() -> Iterator[bytes]:
            at = 0
            for start, samples in ordered:
                yield from _copied(new, form, reader, kept, at, start)
                yield from _encoded(new, form, _pieces(samples))
                at = start + samples.shape[1]
            yield from _copied(new, form, reader, kept, at, reader.length_samples)

        length = reader.length_samples
        return _stored(new, form, parts(), length_samples=length, provenance=provenance, broadcast=broadcast)


def read_provenance(path: Path | str) -> dict[str, Any] | None:
    """How a sound came to be, as ``write`` stored it; None for a sound that says nothing of it.

    Raises:
        MediaError: missing or unreadable, or the provenance in it is damaged.
    """
    path = Path(path)
    check_readable(path)
    with path.open("rb") as file:
        for name, size in riff.chunks(file):
            if name == PROVENANCE_CHUNK:
                told = _object(file.read(min(size, LARGEST_PROVENANCE_BYTES)))
                if told is None:
                    raise MediaError(f"the provenance inside {path} is damaged", hint="Render it again")
                return told
    return None


def _object(data: bytes) -> dict[str, Any] | None:
    """The JSON object that bytes are; None if they are none."""
    try:
        told = stored.loads(data.decode())
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _stored(
    path: Path,
    form: riff.Format,
    parts: Iterable[bytes],
    *,
    length_samples: int | None,
    provenance: dict[str, Any] | None,
    broadcast: Broadcast | None,
) -> Path:
    """Writes samples as they lie in the file between their head and tail, and publishes what reads back whole."""
    chunks = to_chunks(broadcast, form) if broadcast is not None else b""
    tail = b""
    if provenance is not None:  # half a letter of a file's name (a lone surrogate) is told as JSON's own escape
        said = json.dumps(provenance, sort_keys=True, ensure_ascii=False)
        tail = riff.chunk(PROVENANCE_CHUNK, said.encode(errors="backslashreplace"))
    around = len(form.head(chunks, 0, 0)) + 1 + len(tail)
    _refuse_too_large(path, around + (length_samples or 0) * form.frame_bytes)
    with temporary_beside(path) as temporary:
        written, checksum = 0, 0
        with temporary.open("xb") as file:
            file.write(form.head(chunks, 0, 0))
            for part in parts:
                written += len(part)
                checksum = crc32(part, checksum)
                _refuse_too_large(path, around + written)
                file.write(part)
            length = written // form.frame_bytes
            if length_samples is not None and length != length_samples:
                raise MediaError(
                    f"{path.name} was not written: {length} samples came instead of {length_samples}",
                    hint="This is a fault of Foley Bridge: press the key again, and report it if it stays",
                )
            file.write(bytes(written % 2) + tail)
            head = form.head(chunks, length, len(tail))
            file.seek(0)
            file.write(head)
        durable.sync_file(temporary)  # what is read back then is what the disk was given
        if not _whole(temporary, form, head, written, checksum, tail):
            raise unreadable(path)
        return publish(temporary, path)


def _whole(path: Path, form: riff.Format, head: bytes, data_bytes: int, checksum: int, tail: bytes) -> bool:
    """Whether a file holds what was written; a disk may drop the end of a file without a word."""
    with path.open("rb") as file:
        right = file.read(len(head)) == head
        left, found = data_bytes, 0
        while left and (block := file.read(min(left, BLOCK_SAMPLES * 4))):
            found = crc32(block, found)
            left -= len(block)
        right = right and not left and found == checksum
        right = right and file.read(len(tail) + 2) == bytes(data_bytes % 2) + tail
    try:
        told = soundfile.info(str(path)) if right else None
    except soundfile.LibsndfileError:
        return False
    length = data_bytes // form.frame_bytes
    return told is not None and (told.samplerate, told.channels, told.frames) == (form.rate_hz, form.channels, length)


def _encoded(path: Path, form: riff.Format, blocks: Iterable[Block]) -> Iterator[bytes]:
    """Blocks as they lie in the file, each checked."""
    clipped = False
    for block in blocks:
        if block.ndim != 2 or block.shape[0] != form.channels:
            raise RequestError(f"{path.name} has {form.channels} channels, a block of shape {block.shape} does not fit")
        peak = float(np.abs(block).max(initial=0.0))
        if not np.isfinite(peak):
            raise MediaError(
                f"{path.name} was not written: its sound has values that are not numbers", hint="Export the sound again"
            )
        if not clipped and form.subtype != "FLOAT" and peak > 1.0:
            clipped = True
            log.warning("%s: the sound exceeds full scale and is clipped", path)
        yield form.encode(block)


def _copied(
    path: Path, form: riff.Format, reader: Reader, kept: riff.Plain | None, start: int, stop: int
) -> Iterator[bytes]:
    """A stretch of the old file: its own bytes where they can be kept, else its samples said again."""
    if kept is None:
        yield from _encoded(path, form, reader.blocks(start=start, stop=stop))
        return
    with reader.path.open("rb") as file:
        file.seek(kept.at_bytes + start * form.frame_bytes)
        left = (stop - start) * form.frame_bytes
        while left:
            block = file.read(min(left, BLOCK_SAMPLES * form.frame_bytes))
            if not block:
                raise MediaError(f"{reader.path} ends before its samples do", hint="Render it again")
            left -= len(block)
            yield block


def _ordered(old: Path, patches: Sequence[tuple[int, Block]], reader: Reader) -> list[tuple[int, Block]]:
    ordered = sorted(patches, key=lambda patch: patch[0])
    at = 0
    for start, samples in ordered:
        if samples.ndim != 2 or samples.shape[0] != reader.channels:
            raise RequestError(f"a patch of shape {samples.shape} does not fit the {reader.channels} channels of {old}")
        if start < at or start + samples.shape[1] > reader.length_samples:
            raise RequestError(
                f"a patch of {samples.shape[1]} samples at {start} lies outside {old} or over another one",
                hint="Generate the whole item again",
            )
        at = start + samples.shape[1]
    return ordered


def _pieces(samples: Block) -> Iterator[Block]:
    for start in range(0, samples.shape[1], BLOCK_SAMPLES):
        yield samples[:, start : start + BLOCK_SAMPLES]


def _refuse_too_large(path: Path, size: int) -> None:
    if size > LARGEST_BYTES:
        raise MediaError(f"{path.name} was not written: it would be larger than 4 GB", hint="Render a shorter item")
