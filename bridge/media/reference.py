"""Example sounds: any file that holds sound, mono, only the part that is meant.

Convention: files are opened read-only. Times count from where the sound begins. Channels are averaged. A file is known
by its content, so one that changed since it was named is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import soundfile
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from bridge.domain.reference import Reference
from bridge.errors import MediaError, RequestError
from bridge.media.bounds import open_regular
from bridge.media.container import check_readable, open_media

LONGEST_S = 60.0
"""Of a longer part only this much is read: what is heard of a reference is far shorter."""
_BLOCK_BYTES = 1 << 20

Array = NDArray[np.float32]


def named(path: Path | str, *, start_s: float = 0.0, length_s: float | None = None) -> Reference:
    """A reference to a part of a file, as its content is now.

    Raises:
        MediaError: missing, a folder, empty or unreadable. RequestError: the part is none.
    """
    path = Path(path).absolute()
    _check_there(path)
    return Reference(path=str(path), sha256=_digest(path), start_s=start_s, length_s=length_s)


def read(reference: Reference) -> tuple[Array, int]:
    """The sound that is meant, at most ``LONGEST_S`` of it.

    Returns:
        Samples (n,), n at least 1, and their rate in Hz.

    Raises:
        MediaError: missing, unreadable, holds no sound or sound that is not finite.
        RequestError: the file changed since it was named, or the part lies outside it.
    """
    path = Path(reference.path)
    _check_there(path)
    if _digest(path) != reference.sha256:
        raise RequestError(
            f"the reference {path} is not the file that it was when it was chosen",
            hint="Put the old file back, or choose the reference again",
        )
    length_s = LONGEST_S if reference.length_s is None else min(LONGEST_S, reference.length_s)
    try:
        samples, rate_hz = _sound_file(path, reference.start_s, length_s)
    except soundfile.LibsndfileError:
        samples, rate_hz = _container(path, reference.start_s, length_s)
    if not len(samples):
        raise RequestError(
            f"the reference {path} holds no sound at {reference.start_s:g} s", hint="Choose a part that lies in it"
        )
    if not np.isfinite(samples).all():
        raise MediaError(f"the reference {path} holds values that are not finite", hint="Export it again")
    return samples, rate_hz


def _check_there(path: Path) -> None:
    """Raises MediaError that says it is the reference which cannot be read, and why."""
    try:
        check_readable(path)
    except MediaError as error:
        raise MediaError(
            f"the reference cannot be read: {error.message}", hint="Bring the file back, or choose another reference"
        ) from error


def _sound_file(path: Path, start_s: float, length_s: float) -> tuple[Array, int]:
    """Through libsndfile."""
    with soundfile.SoundFile(str(path)) as file:
        rate_hz = int(file.samplerate)
        start = min(round(start_s * rate_hz), file.frames)
        file.seek(start)
        samples = file.read(max(1, round(length_s * rate_hz)), dtype="float32", always_2d=True)
    return samples.mean(axis=1, dtype=np.float32), rate_hz


def _container(path: Path, start_s: float, length_s: float) -> tuple[Array, int]:
    """Through FFmpeg's libraries: the first sound track of a video, or a sound format that libsndfile lacks."""
    try:
        with open_media(path) as container:
            if not container.streams.audio:
                raise MediaError(f"the reference {path} holds no sound", hint="Choose a file with sound")
            stream = container.streams.audio[0]
            rate_hz = int(stream.rate)
            first = round(start_s * rate_hz)
            wanted = max(1, round(length_s * rate_hz))
            parts, at = [], 0
            for block in _blocks(container, stream):
                parts.append(block[max(0, first - at) : max(0, first + wanted - at)])
                at += len(block)
                if at >= first + wanted:
                    break
    except FFmpegError as error:
        raise MediaError(
            f"the reference {path} is no sound that can be read ({error.strerror})",
            hint="Convert it to WAV if it plays elsewhere",
        ) from error
    return (np.concatenate(parts) if parts else np.zeros(0, np.float32)), rate_hz


def _blocks(container: InputContainer, stream: av.AudioStream) -> Iterator[Array]:
    """Mono stretches of a track, in order."""
    planar = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
    for frame in container.decode(stream):
        for ready in planar.resample(frame):
            yield ready.to_ndarray().mean(axis=0, dtype=np.float32)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with open_regular(path) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise MediaError(f"the reference {path} cannot be read ({error.strerror})", hint="Check the file") from error
    return digest.hexdigest()
