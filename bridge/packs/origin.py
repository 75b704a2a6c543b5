"""Where a pack came from: ``origin.json`` beside ``pack.json``, and ``NAME.origin.json`` beside a file that was got.

Convention: it is a record, no proof. It is not among the files that ``pack.json`` lists, so that the same graphs have
the same digest whenever they are made, and programs from before there were records read such packs as ever; it names
its pack by that digest, and counts for no other. Nothing in the program depends on it: a pack without one works, and is
told to be of unknown origin. Times are UTC. Field names are the JSON keys (see ``strict``).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge import durable
from bridge.errors import PackError
from bridge.packs import strict

ORIGIN_NAME = "origin.json"
NOTE_SUFFIX = ".origin.json"
SCHEMA = 1

UNKNOWN = "origin unknown"

_MAX_BYTES = 1024 * 1024
_HINT = "Remove it; the pack works without"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file or body of data that a pack was made from.

    Attributes:
        name: the file's, or a title. origin: URL, folder or words; "" is not known.
        sha256: of the file, lower-case hex; "" is not known. got: when, as ``now`` says it; "" is not known.
        vouched: who vouched for the file when it was got, in words. licence: its terms as they were shown.
        accepted: how the user accepted them, in words; "" if nobody was asked.
    """

    name: str
    origin: str = ""
    sha256: str = ""
    got: str = ""
    vouched: str = ""
    licence: str = ""
    accepted: str = ""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The whole of ``origin.json``.

    Attributes:
        schema: always ``SCHEMA``. pack: SHA-256 of the ``pack.json`` that it is about. made: when. by: by what.
        sources: what it was made from.
    """

    schema: int
    pack: str
    made: str
    by: str
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise PackError(f'key "schema" must be {SCHEMA}, not {self.schema}', hint=_HINT)


def now() -> str:
    """This second, UTC, as in 2026-11-21T17:30:05Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def write(folder: Path, *, pack: str, by: str, sources: tuple[Source, ...]) -> None:
    """Records where a pack came from; the file appears whole or not at all.

    Args:
        folder: the pack's. pack: SHA-256 of its ``pack.json``. by: what made it. sources: of what.

    Raises:
        OSError: it cannot be written.
    """
    _write(folder / ORIGIN_NAME, Origin(schema=SCHEMA, pack=pack, made=now(), by=by, sources=sources))


def read(folder: Path, *, pack: str) -> Origin | None:
    """What is recorded of a pack.

    Args:
        folder: the pack's. pack: SHA-256 of its ``pack.json``.

    Returns:
        None if there is no record.

    Raises:
        PackError: there is one that cannot be read, or it is another pack's.
    """
    path = folder / ORIGIN_NAME
    text = _read(path)
    if text is None:
        return None
    origin = strict.decode(Origin, strict.loads(text, where=str(path)), where=str(path))
    if origin.pack != pack:
        raise PackError(f"{path} is about another pack ({origin.pack[:12]})", hint=_HINT)
    return origin


def write_note(path: Path, source: Source) -> None:
    """Records where a file came from, beside it.

    Raises:
        OSError: it cannot be written.
    """
    _write(path.with_name(path.name + NOTE_SUFFIX), source)


def read_note(path: Path, *, sha256: str) -> Source | None:
    """What is recorded of a file that has this content; None if nothing is, or of other content."""
    note = path.with_name(path.name + NOTE_SUFFIX)
    with contextlib.suppress(PackError):
        if (text := _read(note)) is not None:
            source = strict.decode(Source, strict.loads(text, where=str(note)), where=str(note))
            return source if source.sha256 == sha256 else None
    return None


def of_file(path: Path) -> Source:
    """A file as a source: what was recorded when it was got, else its folder.

    Raises:
        PackError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(4 * 1024 * 1024):
                digest.update(block)
    except OSError as error:
        raise PackError(f"{path} cannot be read ({error})", hint="Correct the path, or get the file again") from error
    known = read_note(path, sha256=digest.hexdigest())
    return known or Source(name=path.name, sha256=digest.hexdigest(), origin=str(path.absolute().parent))


def in_short(origin: Origin | None) -> str:
    """One line for a summary."""
    if origin is None:
        return f"{UNKNOWN} (no record came with it)"
    many = f"{len(origin.sources)} sources" if len(origin.sources) != 1 else "one source"
    return f"origin: {origin.by}, {_when(origin.made)}, from {many}"


def in_full(origin: Origin | None) -> Iterator[str]:
    """Everything, line by line."""
    yield in_short(origin)
    for source in () if origin is None else origin.sources:
        words = [source.origin or UNKNOWN]
        if source.got:
            words.append(f"got {_when(source.got)}")
        if source.vouched:
            words.append(f"vouched for by {source.vouched}")
        if source.licence:
            words.append(f"terms: {source.licence}")
        if source.accepted:
            words.append(f"accepted {source.accepted}")
        yield f"  {source.name}: {'; '.join(words)}"
        if source.sha256:
            yield f"    SHA-256 {source.sha256}"


def _when(stamp: str) -> str:
    return stamp.replace("T", " ").removesuffix("Z") + " UTC" if stamp.endswith("Z") else stamp


def _write(path: Path, record: Origin | Source) -> None:
    """A link that lies there is replaced, not followed."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    text = json.dumps(strict.encode(record), indent=2, ensure_ascii=False) + "\n"
    try:
        durable.write_new(part, text.encode())
        durable.settle(part, path)
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path) -> str | None:
    """A record's text; None if there is none.

    Raises:
        PackError: it leads elsewhere, is too large or no text.
    """
    if not os.path.lexists(path):
        return None
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
            raise PackError(f"{path} is no record of ours", hint=_HINT)
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise PackError(f"{path} cannot be read ({error})", hint=_HINT) from error
