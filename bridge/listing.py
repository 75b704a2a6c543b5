"""``foley-bridge packs`` and ``packs show``: which packs there are, and what one of them says of itself.

Nothing is changed and nothing leaves the machine. A pack is verified whole before a word of it is shown.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from bridge import app
from bridge.config import Settings
from bridge.engine.tokens import Tokenizer
from bridge.engine.words import Vocabulary
from bridge.errors import BridgeError, PackError
from bridge.packs import contract, origin
from bridge.packs.manifest import MANIFEST_NAME, GraphEntry
from bridge.packs.stages import What, When
from bridge.packs.store import PackFiles

CREDITS = ("attribution", "credits", "notice")
"""File names that begin with one of these, in any case, say whose work a pack holds."""

MANY_WORDS = 1000
"""From how many words on they are told in hundreds."""
WIDTH = 130
"""A line of a summary is cut there."""
NAMED_TAGS = 16
"""So many of a vocabulary's tags are named in a summary."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
"""What a pack's text shall not do to a terminal."""
_SHOWN = "\ufffd"
"""What is shown in its place."""


def list_packs(settings: Settings) -> int:
    """Prints every pack with its licence and whether it is whole; 1 if one is not."""
    store = app.open_store(settings)
    broken = 0
    names = [listing.name for listing in store.list()]
    for name in names:
        mark = "*" if name == settings.pack else ("+" if settings.finds_apart and name == settings.onset_pack else " ")
        try:
            files = store.open(name)
            manifest = files.manifest
            hears = _hears(files)
        except BridgeError as error:
            broken += 1
            print(f"{mark} {name}: damaged. {error.sentence}")
            continue
        stages = " + ".join(stage for stage in ("when", "what") if getattr(manifest, stage) is not None)
        print(f"{mark} {name} {manifest.version} ({stages}): {manifest.title}")
        print(f"    licence: {manifest.licence.name}; commercial use: {manifest.licence.commercial_use}")
        for data in manifest.training_data:
            print(f"    trained on: {data.name} ({data.licence}; commercial use: {data.commercial_use})")
        if hears:
            print(f"    understands: {hears}")
        if (came := _origin(files)[0]).startswith(origin.UNKNOWN):
            print(f"    {_CONTROL.sub(_SHOWN, came)}")
    for name in dict.fromkeys((settings.pack, settings.onset_pack or settings.pack)):
        if name not in names:
            broken += 1
            print(f"The pack in use, {name!r}, is not there. Choose another, or `foley-bridge packs pull`.")
    print("* is the pack in use; choose another with --pack, in the config file, or FOLEY_BRIDGE_PACK.")
    if settings.finds_apart:
        print("+ is the pack that finds the onsets (--onset-pack).")
    print("`foley-bridge packs show NAME` tells more of one.")
    return 1 if broken else 0


def show_pack(settings: Settings, name: str, *, cards: bool = False) -> int:
    """Prints what a pack says of itself: a summary, or with ``cards`` all of it, every model card in full.

    Raises:
        PackError: there is no such pack, or it is damaged.
    """
    files = app.open_store(settings).open(name)
    print("\n".join(_CONTROL.sub(_SHOWN, line) for line in (_lines if cards else _summary)(files, settings)))
    return 0


def _summary(files: PackFiles, settings: Settings) -> Iterator[str]:
    """One screen: what it is, what it may be used for, what it does, and where each graph fails most."""
    manifest = files.manifest
    yield f"{manifest.name} {manifest.version}: {manifest.title}"
    yield f"  licence: {manifest.licence.name}; commercial use: {manifest.licence.commercial_use}"
    yield f"  size: {_size(files)}, in {files.folder}"
    yield _cut(f"  {_origin(files)[0]}")
    if manifest.when is not None:
        chosen = settings.chosen_threshold
        threshold = f"{manifest.when.threshold:g}" if chosen is None else f"{chosen:g}, as you set it"
        yield f"  finds onsets, from an activation of {threshold}"
    if hears := _hears(files, most=NAMED_TAGS):
        yield f"  makes sound; understands: {hears}"
    yield "graphs, and what to know of each first:"
    wide = max(map(len, manifest.graphs))
    for role, entry in manifest.graphs.items():
        size = _amount(files.path(entry.file).stat().st_size)
        limit = _limit(_text(files, entry.card)) if entry.card else "it has no card"
        yield _cut(f"  {role:{wide}} {size:>8}  {limit}")
    if manifest.training_data:
        yield "trained on:"
    for data in manifest.training_data:
        end = f": {data.licence}; commercial use: {data.commercial_use}"
        yield "  " + textwrap.shorten(data.name, max(WIDTH // 2, WIDTH - 2 - len(end)), placeholder="...") + end
    for one in _credits(files):
        yield f"whose work it is: {files.path(one)}"
    yield f"`foley-bridge packs show {manifest.name} --cards` prints notice, settings, tensors and model cards in full."


def _lines(files: PackFiles, settings: Settings) -> Iterator[str]:
    manifest = files.manifest
    yield f"{manifest.name} {manifest.version}: {manifest.title}"
    yield f"folder: {files.folder}"
    yield f"size: {_size(files)}; SHA-256 of {MANIFEST_NAME}: {files.digest}"
    yield from _origin(files)
    hears = _hears(files)
    if hears:
        yield f"understands: {hears}"
    yield f"licence: {manifest.licence.name}; commercial use: {manifest.licence.commercial_use}"
    yield from _indented(manifest.licence.notice)
    if manifest.training_data:
        yield "trained on:"
    for data in manifest.training_data:
        yield f"  {data.name}: {data.licence}; commercial use: {data.commercial_use}"
    for one in _credits(files):
        yield f"whose work it is: {files.path(one)}"
    for stage, section in (("when", manifest.when), ("what", manifest.what)):
        if section is not None:
            yield f"settings in force, {stage}: {_settings(section)}"
    if manifest.when is not None and settings.chosen_threshold is not None:
        yield f"  but the threshold is {settings.chosen_threshold:g}, as you set it"
    for role, entry in manifest.graphs.items():
        yield from _graph(files, role, entry)


def _graph(files: PackFiles, role: str, entry: GraphEntry) -> Iterator[str]:
    yield ""
    yield f'graph "{role}": {entry.file}, {_amount(files.path(entry.file).stat().st_size)}'
    for side, tensors in (("takes", entry.inputs), ("gives", entry.outputs)):
        yield from (f"  {side} {tensor}" for tensor in tensors)
    if entry.card:
        yield f"  its card, {entry.card}:"
        yield from _indented(_text(files, entry.card), by=4)
    else:
        yield "  it has no card"


def _origin(files: PackFiles) -> list[str]:
    """Where a pack came from as far as that was recorded, one line in short and then every source."""
    try:
        return list(origin.in_full(origin.read(files.folder, pack=files.digest)))
    except PackError as error:
        return [f"{origin.UNKNOWN} ({error.message})"]


def _credits(files: PackFiles) -> list[str]:
    return sorted(one for one in files.manifest.files if one.rpartition("/")[2].lower().startswith(CREDITS))


def _limit(card: str) -> str:
    """The first thing under a card's heading of limits, else its first words."""
    _, _, limits = card.partition("\n## Limits")
    for line in (limits or card).splitlines():
        words = line.strip().lstrip("-*").strip()
        if words and not words.startswith(("#", "|")):
            return words
    return "see its card"


def _cut(line: str) -> str:
    """A line of a summary, cut between words."""
    return line if len(line) <= WIDTH else line[: WIDTH - 3].rpartition(" ")[0].rstrip(" ,;:") + "..."


def _settings(section: When | What) -> str:
    """The section's numbers and names, those that are empty left out."""
    words = []
    for name, value in vars(section).items():
        if name == "frontend":
            words += [f"frontend {value.kind}", *(f"{key} {number:g}" for key, number in value.numbers.items())]
        elif value != "":
            words.append(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}")
    return ", ".join(words)


def _text(files: PackFiles, name: str) -> str:
    """A text file of the pack.

    Raises:
        PackError: it is no text.
    """
    try:
        return files.path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(
            f'pack "{files.manifest.name}": "{name}" is no text ({error})', hint="Get the pack again"
        ) from error


def _indented(text: str, *, by: int = 2) -> Iterator[str]:
    return ((" " * by + line.expandtabs(4)).rstrip() for line in text.strip().splitlines())


def _size(files: PackFiles) -> str:
    total = sum(files.path(name).stat().st_size for name in files.manifest.files)
    total += (files.folder / MANIFEST_NAME).stat().st_size
    return f"{_amount(total)} in {len(files.manifest.files) + 1} files"


def _amount(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:.1f} kB"


def _hears(files: PackFiles, *, most: int | None = None) -> str:
    """What a pack can be asked for, in words, with so many tags of a vocabulary; "" if it makes no sound."""
    what = files.manifest.what
    if what is None:
        return ""
    hears = []
    if what.vocabulary:
        tags = Vocabulary.read(files.path(what.vocabulary)).tags
        more = f" and {len(tags) - most} more" if most is not None and len(tags) > most else ""
        hears.append(f"{', '.join(tags[:most])}{more}, and words that mean these")
    if what.tokenizer:
        known = Tokenizer.read(files.path(what.tokenizer)).known_words
        some = "" if known is None else f"{round(known, -2) if known >= MANY_WORDS else known:,}"
        hears.append(f"some {some} English words (others are named and left out)" if some else "any English words")
    if contract.CLAP_AUDIO in files.manifest.graphs:
        hears.append("a reference sound (render --reference)")
    return "; ".join(hears)
