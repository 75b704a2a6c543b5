"""Sound files: read any, write WAV with its provenance inside.

Convention: the provenance is a JSON object in a RIFF chunk of its own, ``PROVENANCE_CHUNK``, after the samples; players
and REAPER skip chunks that they do not know. The same sound and provenance give the same bytes.
"""

from __future__ import annotations

import errno
import json
import logging
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from bridge.domain.audio import Audio
from bridge.errors import MediaError
from bridge.media.container import check_readable
from bridge.media.files import cannot_write, publish, temporary_beside, unique_path

__all__ = ["PROVENANCE_CHUNK", "read", "read_provenance", "unique_path", "write"]

log = logging.getLogger(__name__)

PROVENANCE_CHUNK = b"foly"
BLOCK_SAMPLES = 1 << 18
LARGEST_BYTES = 2**32 - 2**20
"""RIFF sizes are 32 bits; what does not fit is refused."""
SAMPLE_BYTES = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4}
"""Integer formats only: libsndfile stamps the time of day into float files, which would differ from run to run."""


def read(path: Path | str) -> Audio:
    """All of a sound file that libsndfile understands (WAV, FLAC, MP3, Ogg, ...).

    Raises:
        MediaError: missing, a folder, empty, unreadable, or not sound.
    """
    path = Path(path)
    check_readable(path)
    try:
        samples, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise _not_sound(path, error) from error
    return Audio(samples=np.ascontiguousarray(samples.T), rate_hz=int(rate_hz))


def write(path: Path | str, audio: Audio, *, provenance: dict[str, Any] | None = None, subtype: str = "PCM_24") -> Path:
    """Writes a WAV, checks that it reads back whole, and returns the name it got: ``path``, or the next one free.

    Args:
        path: wanted name; its folder must exist.
        audio: values beyond full scale are clipped, with a warning in the log.
        provenance: anything JSON can hold; how the sound came to be.
        subtype: "PCM_16", "PCM_24" or "PCM_32".

    Raises:
        MediaError: folder missing or read-only, disk full, too long for WAV, not finite. Nothing is left behind then.
    """
    path = Path(path)
    if not np.isfinite(audio.samples).all():
        raise MediaError(f"{path.name} was not written: its sound has values that are not numbers")
    if audio.samples.size * SAMPLE_BYTES[subtype] > LARGEST_BYTES:
        raise MediaError(f"{path.name} was not written: it would be larger than 4 GB", hint="Render a shorter item")
    if audio.samples.size and float(np.abs(audio.samples).max()) > 1.0:
        log.warning("%s: the sound exceeds full scale and is clipped", path)
    with temporary_beside(path) as temporary:
        try:
            _write_samples(temporary, audio, subtype)
            if provenance is not None:
                _append_chunk(temporary, json.dumps(provenance, sort_keys=True, ensure_ascii=False).encode())
            _check(temporary, path, audio, provenance)
        except soundfile.LibsndfileError as error:
            if shutil.disk_usage(path.parent).free < audio.samples.size * SAMPLE_BYTES[subtype]:
                raise cannot_write(path, OSError(errno.ENOSPC, error.error_string)) from error
            raise MediaError(
                f"{path} was not written ({error.error_string})", hint="Check the disk's free space and the folder"
            ) from error
        return publish(temporary, path)


def read_provenance(path: Path | str) -> dict[str, Any] | None:
    """How a sound came to be, as ``write`` stored it; None for a sound that says nothing of it.

    Raises:
        MediaError: missing or unreadable, or the provenance in it is damaged.
    """
    path = Path(path)
    check_readable(path)
    with path.open("rb") as file:
        for name, size in _chunks(file):
            if name == PROVENANCE_CHUNK:
                try:
                    stored = json.loads(file.read(size).decode())
                except ValueError as error:
                    raise MediaError(f"the provenance inside {path} is damaged", hint="Render it again") from error
                if not isinstance(stored, dict):
                    raise MediaError(f"the provenance inside {path} is damaged", hint="Render it again")
                return stored
    return None


def _write_samples(path: Path, audio: Audio, subtype: str) -> None:
    path.open("xb").close()  # libsndfile says "system error" for whatever Python says in words
    with soundfile.SoundFile(
        str(path), "w", samplerate=audio.rate_hz, channels=audio.samples.shape[0], subtype=subtype, format="WAV"
    ) as file:
        for start in range(0, audio.length_samples, BLOCK_SAMPLES):
            file.write(audio.samples[:, start : start + BLOCK_SAMPLES].T)


def _append_chunk(path: Path, data: bytes) -> None:
    with path.open("rb+") as file:
        file.seek(0, 2)  # libsndfile has padded the samples to an even number of bytes
        file.write(PROVENANCE_CHUNK + struct.pack("<I", len(data)) + data + bytes(len(data) % 2))
        total = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", total - 8))


def _check(temporary: Path, path: Path, audio: Audio, provenance: dict[str, Any] | None) -> None:
    """Reads back what was written; a disk may drop the end of a file without a word."""
    with soundfile.SoundFile(str(temporary)) as file:
        right = (file.samplerate, file.channels, file.frames) == (audio.rate_hz, *audio.samples.shape)
        position = 0
        for block in file.blocks(BLOCK_SAMPLES, dtype="float32", always_2d=True):
            sent = np.clip(audio.samples[:, position : position + len(block)].T, -1, 1)
            right = right and len(sent) == len(block) and float(np.abs(sent - block).max(initial=0.0)) < 1e-4
            position += len(block)
    if not (right and position == audio.length_samples):
        raise MediaError(f"{path} was not written: it does not read back whole", hint="Check the disk's free space")
    if provenance is not None and read_provenance(temporary) is None:
        raise MediaError(f"{path} was not written: its provenance does not read back", hint="Check the disk")


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and size of every RIFF chunk, with the file at its first byte."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    while len(header := file.read(8)) == 8:
        name, size = header[:4], struct.unpack("<I", header[4:])[0]
        begin = file.tell()
        yield name, size
        file.seek(begin + size + size % 2)


def _not_sound(path: Path, error: soundfile.LibsndfileError) -> MediaError:
    return MediaError(f"{path} is not a sound file that can be read ({error.error_string})", hint="Convert it to WAV")
