"""RIFF WAVE files byte by byte: chunks in order, and samples as they lie in a file.

Convention: little-endian; a chunk of odd size is followed by one byte that its size does not count. Integers hold full
scale 1.0 as 2 ** (bits - 1), as libsndfile reads them, so that what was read is written again bit by bit.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bridge.errors import RequestError

BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32}
MOST_CHANNELS, HIGHEST_RATE_HZ = 64, 1_000_000
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


@dataclass(frozen=True, kw_only=True)
class Format:
    """How samples lie in a file.

    Attributes:
        subtype: "PCM_16", "PCM_24", "PCM_32" or "FLOAT" (32 bits, not clipped).
        rate_hz: sampling rate. channels: at least 1, interleaved.
    """

    subtype: str
    rate_hz: int
    channels: int

    def __post_init__(self) -> None:
        if self.subtype not in BITS:
            raise RequestError(f"a sound file cannot be {self.subtype}", hint=f"Choose one of {', '.join(BITS)}")
        if not (1 <= self.channels <= MOST_CHANNELS and 1 <= self.rate_hz <= HIGHEST_RATE_HZ):
            raise RequestError(
                f"a sound file cannot have {self.channels} channels at {self.rate_hz} Hz",
                hint=f"Use up to {MOST_CHANNELS} channels at up to {HIGHEST_RATE_HZ} Hz",
            )

    @property
    def bits(self) -> int:
        """Of one sample."""
        return BITS[self.subtype]

    @property
    def frame_bytes(self) -> int:
        """One sample of every channel."""
        return self.channels * self.bits // 8

    def head(self, chunks: bytes, length_samples: int, tail_bytes: int) -> bytes:
        """All that lies before the samples; its size does not depend on the length.

        Args:
            chunks: whole chunks that follow the format.
            length_samples: per channel.
            tail_bytes: size of the whole chunks after the samples.
        """
        tag = _FLOAT if self.subtype == "FLOAT" else _PCM
        fields = struct.pack(
            "<HHIIHH",
            tag,
            self.channels,
            self.rate_hz,
            self.rate_hz * self.frame_bytes,
            self.frame_bytes,
            self.bits,
        )
        described = chunk(b"fmt ", fields)
        if tag == _FLOAT:
            described = chunk(b"fmt ", fields + bytes(2)) + chunk(b"fact", struct.pack("<I", length_samples))
        data_bytes = length_samples * self.frame_bytes
        size = 4 + len(described) + len(chunks) + 8 + data_bytes + data_bytes % 2 + tail_bytes
        return (
            struct.pack("<4sI4s", b"RIFF", size, b"WAVE")
            + described
            + chunks
            + struct.pack("<4sI", b"data", data_bytes)
        )

    def encode(self, samples: NDArray[np.float32]) -> bytes:
        """Samples (channels, n) as they lie in the file; integers are rounded and clipped, floats are not."""
        frames = np.ascontiguousarray(samples.T, np.float32)
        if self.subtype == "FLOAT":
            return frames.astype("<f4").tobytes()
        full = 2.0 ** (self.bits - 1)  # 24 bits and less are exact in single precision
        whole = frames * (np.float64(full) if self.bits > 24 else np.float32(full))
        np.clip(np.rint(whole, out=whole), -full, full - 1.0, out=whole)
        if self.subtype == "PCM_16":
            return whole.astype("<i2").tobytes()
        wide = whole.astype("<i4")
        if self.subtype == "PCM_32":
            return wide.tobytes()
        return np.ascontiguousarray(wide).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


@dataclass(frozen=True, kw_only=True)
class Plain:
    """Where the samples of a WAV lie, if they are in one of our formats.

    Attributes:
        format: how. at_bytes: offset of the first. length_samples: whole ones per channel that are there.
    """

    format: Format
    at_bytes: int
    length_samples: int


def plain(path: Path) -> Plain | None:
    """The samples of a WAV that can be copied as bytes; None for any other file.

    Raises:
        OSError: from the file system.
    """
    total = path.stat().st_size
    found = None
    with path.open("rb") as file:
        for name, size in chunks(file):
            if name == b"fmt ":
                found = _format(file.read(min(size, 40)))
            elif name == b"data" and found is not None:
                begin = file.tell()
                return Plain(format=found, at_bytes=begin, length_samples=min(size, total - begin) // found.frame_bytes)
    return None


def chunk(name: bytes, data: bytes) -> bytes:
    """A whole chunk, padded to an even size."""
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and size of every chunk of a WAV, with the file at its first byte; nothing for any other file."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    while len(header := file.read(8)) == 8:
        name, size = header[:4], struct.unpack("<I", header[4:])[0]
        begin = file.tell()
        yield name, size
        file.seek(begin + size + size % 2)


def _format(data: bytes) -> Format | None:
    if len(data) < 16:
        return None
    tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack("<HHIIHH", data[:16])
    if tag == _EXTENSIBLE and len(data) >= 40:
        if struct.unpack("<H", data[18:20])[0] != bits:
            return None
        tag = struct.unpack("<H", data[24:26])[0]
    kinds = {"FLOAT": 32} if tag == _FLOAT else {k: v for k, v in BITS.items() if k != "FLOAT"} if tag == _PCM else {}
    subtype = next((kind for kind, width in kinds.items() if width == bits), None)
    if subtype is None or frame_bytes != channels * bits // 8:
        return None
    if not (1 <= channels <= MOST_CHANNELS and 1 <= rate_hz <= HIGHEST_RATE_HZ):
        return None
    return Format(subtype=subtype, rate_hz=rate_hz, channels=channels)
