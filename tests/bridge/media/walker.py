"""A RIFF reader of the tests' own, stricter than any player's."""

from __future__ import annotations

from pathlib import Path


def walk(path: Path) -> list[tuple[str, bytes]]:
    """Every chunk in order, after checking that they fill the file exactly."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    found, at = [], 12
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        assert len(body) == size, "a chunk that ends after the file"
        found.append((data[at : at + 4].decode("ascii"), body))
        at += 8 + size
        if size % 2:
            assert data[at] == 0, "an odd chunk is followed by a zero"
            at += 1
    assert at == len(data)
    return found


def one(path: Path, name: str) -> bytes:
    """The only chunk of a name."""
    (body,) = [body for found, body in walk(path) if found == name]
    return body
