"""Sound files read, whole or stretch by stretch: anything that libsndfile understands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.errors import MediaError, RequestError
from bridge.media.container import check_readable

BLOCK_SAMPLES = 1 << 17


def read(path: Path | str) -> Audio:
    """All of a sound file (WAV, FLAC, MP3, Ogg, ...).

    Raises:
        MediaError: missing, a folder, empty, unreadable, or not sound.
    """
    path = Path(path)
    with Reader(path) as reader:
        parts = list(reader.rest())
        samples = np.concatenate(parts, axis=1) if parts else np.zeros((reader.channels, 0), np.float32)
        return Audio(samples=samples, rate_hz=reader.rate_hz)


class Reader:
    """An open sound file of any length, read-only; a context manager.

    Attributes:
        path: the file. rate_hz, channels, length_samples: as it says. subtype: libsndfile's word, e.g. "PCM_24".

    Raises:
        MediaError: missing, a folder, empty, unreadable, or not sound.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        check_readable(self.path)
        try:
            self._file = soundfile.SoundFile(str(self.path))
        except soundfile.LibsndfileError as error:
            raise _not_sound(self.path, error) from error
        self.rate_hz = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self.length_samples = int(self._file.frames)
        self.subtype = str(self._file.subtype)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file; may be called twice."""
        self._file.close()

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples ``start`` to before ``stop``, shape (channels, stop - start).

        Raises:
            RequestError: they do not lie in the file. MediaError: the file ends early or cannot be read.
        """
        if not 0 <= start <= stop <= self.length_samples:
            raise RequestError(f"samples {start} to {stop} do not lie in {self.path}, which has {self.length_samples}")
        try:
            if self._file.tell() != start:
                self._file.seek(start)
            samples = self._file.read(stop - start, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise _not_sound(self.path, error) from error
        if len(samples) != stop - start:
            raise MediaError(f"{self.path} ends before its samples do", hint="Render or export it again")
        return np.ascontiguousarray(samples.T)

    def rest(self) -> Iterator[NDArray[np.float32]]:
        """All that is there from where it was read last, however long the file says that it is, in blocks.

        Raises:
            MediaError: the file cannot be read.
        """
        while True:
            try:
                samples = self._file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise _not_sound(self.path, error) from error
            if not len(samples):
                return
            yield np.ascontiguousarray(samples.T)

    def blocks(
        self, *, start: int = 0, stop: int | None = None, block_samples: int = BLOCK_SAMPLES
    ) -> Iterator[NDArray[np.float32]]:
        """A stretch in order (the whole, if none is named), as blocks of (channels, ``block_samples`` or less)."""
        end = self.length_samples if stop is None else stop
        for at in range(start, end, block_samples):
            yield self.read(at, min(at + block_samples, end))


def _not_sound(path: Path, error: soundfile.LibsndfileError) -> MediaError:
    return MediaError(f"{path} is not a sound file that can be read ({error.error_string})", hint="Convert it to WAV")
