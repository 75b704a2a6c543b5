"""What REAPER does when it starts: a block of ours in ``Scripts/__startup.lua``, every other byte of it kept.

Convention: the block stands first (after a mark of the encoding, if there is one): a file may end in ``return``, after
which Lua allows nothing. It declares nothing, so the user's lines mean what they meant.
"""

from __future__ import annotations

import os

from bridge.errors import RequestError
from bridge.install.kb import lines
from bridge.install.scripts import SERVER, identity

FILE = "Scripts/__startup.lua"
BEGIN = b"-- >>> Foley Bridge: opens REAPER to the daemon; `foley-bridge reaper uninstall` takes these lines out"
END = b"-- <<< Foley Bridge"
_BEGIN_MARK = b"-- >>> Foley Bridge"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def add(data: bytes) -> bytes:
    """The file with the block, once and up to date.

    Raises:
        RequestError: the first line of a block is there and its last is not.
    """
    end = b"\r\n" if b"\r\n" in data or (not data and os.name == "nt") else b"\n"
    start = f'reaper.Main_OnCommand(reaper.NamedCommandLookup("_{identity(SERVER)}"), 0)'.encode()
    block = [line + end for line in (BEGIN, start, END)]
    if _block(data) == (b"".join(block),):
        return data
    rest = remove(data)
    mark = _BYTE_ORDER_MARK if rest.startswith(_BYTE_ORDER_MARK) else b""
    return mark + b"".join(block) + rest[len(mark) :]


def remove(data: bytes) -> bytes:
    """The file without the block.

    Raises:
        RequestError: the first line of a block is there and its last is not.
    """
    for block in _block(data):
        data = data.replace(block, b"", 1)
    return data


def has(data: bytes) -> bool:
    """Whether a whole block is there that starts our server."""
    return any(f'"_{identity(SERVER)}"'.encode() in block for block in _block(data))


def _block(data: bytes) -> tuple[bytes, ...]:
    """Every block of ours, as it stands."""
    mark = len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0
    blocks: list[bytes] = []
    current: list[bytes] | None = None
    for line in lines(data[mark:]):
        if line.startswith(_BEGIN_MARK) and current is None:
            current = []
        if current is not None:
            current.append(line)
            if line.rstrip() == END:
                blocks.append(b"".join(current))
                current = None
    if current is not None:
        raise RequestError(
            f"{FILE} holds the line {_BEGIN_MARK.decode()!r} but not the line {END.decode()!r} that ends it",
            hint="Remove the lines of Foley Bridge from it by hand and run this again",
        )
    return tuple(blocks)
