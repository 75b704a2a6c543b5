"""Which file a sound was made for: a digest of its content, that of a long film without reading all of it.

Convention: a file of up to ``WHOLE_BYTES`` is told by its SHA-256. Of a longer one the size and ``PIECES`` evenly
spread pieces are hashed, and the digest begins with "sampled:": a film of an hour takes no longer than a clip.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from bridge.errors import MediaError
from bridge.media.bounds import open_regular

WHOLE_BYTES = 64 << 20
PIECES = 64
PIECE_BYTES = 1 << 20


def source_digest(path: Path | str) -> str:
    """The digest of a file as it is now, hex; "" if it cannot be read. Remembered while size and time stay."""
    try:
        status = Path(path).stat()
        return _digest(str(path), status.st_size, status.st_mtime_ns)
    except (OSError, ValueError, MediaError):
        return ""


@lru_cache(maxsize=64)
def _digest(path: str, size: int, changed_ns: int) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        if size <= WHOLE_BYTES:
            while block := file.read(PIECE_BYTES):
                digest.update(block)
            return digest.hexdigest()
        digest.update(str(size).encode())
        for piece in range(PIECES):
            file.seek(piece * (size - PIECE_BYTES) // (PIECES - 1))
            digest.update(file.read(PIECE_BYTES))
    return f"sampled:{digest.hexdigest()}"
