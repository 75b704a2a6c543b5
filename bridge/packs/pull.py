"""``foley-bridge packs pull``: the files that a pack is made from, got and verified.

Convention: what lies in the download folder under its name was verified once, and its SHA-256 is written beside it
(``NAME.sha256``, as ``sha256sum`` does), with where it came from, when, and under which terms (``NAME.origin.json``,
see ``origin``); it is verified again on every run. Who vouches for a file, in this order: the catalogue's SHA-256, the
checksum that Zenodo states now, the SHA-256 written beside it. A mirror's word for its own files counts for nothing.
What nobody vouches for is only used if the user says so. A server's words are no more than words: no name of its leads
out of the folder, nothing that lay there is replaced or removed, and control characters never reach the terminal.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bridge import durable
from bridge.errors import PackError
from bridge.packs import origin
from bridge.packs.catalogue import Entry, Item
from bridge.packs.download import MAX_BYTES, PART_SUFFIX, Downloader, Progress, Source, check

NOTE_SUFFIX = ".sha256"
ARCHIVE_SUFFIX = ".zip"
ZENODO = "https://zenodo.org/api/records/"

_PIECE_BYTES = 4 * 1024 * 1024
_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, kw_only=True)
class Puller:
    """How files are got.

    Attributes:
        folder: where they shall lie.
        offline: a folder that holds them already; the network is not used then. None: the network.
        mirror: URL under which the publishers' hosts lie as folders (``MIRROR/zenodo.org/...``), "" for none.
        choose: names to take where a publisher offers several files.
        unverified: files are used that nobody vouches for.
        accepted: how the user accepted the terms, in words, for the record.
        downloader: does the transfers. say: is told in words what is done. progress: is told how far a transfer is.
    """

    folder: Path
    offline: Path | None = None
    mirror: str = ""
    choose: tuple[str, ...] = ()
    unverified: bool = False
    accepted: str = ""
    downloader: Downloader
    say: Callable[[str], None]
    progress: Callable[[str], Progress]

    def pull(self, entry: Entry) -> dict[str, Path]:
        """Every file of an entry, by role.

        Raises:
            PackError: one cannot be got, is not the published one, or nobody vouches for it.
        """
        if self.offline is not None and not self.offline.is_dir():
            raise PackError(f"there is no folder {self.offline}", hint="Correct --from")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return {role: self._ensure(item) for role, item in entry.items.items()}
        except PackError as error:
            raise PackError(_plain(error.message), hint=_plain(error.hint)) from error
        except OSError as error:
            raise PackError(
                f"{error.filename or self.folder} cannot be read or written ({error.strerror or error})",
                hint="Check folder and space, or choose another folder with --into",
            ) from error

    def _tell(self, sentence: str) -> None:
        self.say(_plain(sentence))

    def _ensure(self, item: Item) -> Path:
        path = self.folder / item.name
        if path.is_file():
            self._verify_present(item, path)
            return path
        _refuse_taken(path)
        at_hand = self._at_hand(item)
        if at_hand is not None:
            self._take(item, at_hand, path)
        elif self.offline is not None:
            names = ", ".join(dict.fromkeys((item.name, *item.offered[:1], *item.inside[:1])))
            raise PackError(
                f"{self.offline} does not hold the {item.what}", hint=f"Put it there ({names}); it is at {item.page}"
            )
        elif item.record:
            self._get_from_record(item, path)
        else:
            source = Source(url=self._url(item.url), size_bytes=item.size_bytes, sha256=item.sha256)
            self._get(item, source, path)
        return path

    def _verify_present(self, item: Item, path: Path) -> None:
        """A file that lies there already."""
        noted = _read_note(path)
        source = Source(url="", sha256=item.sha256 or noted, size_bytes=item.size_bytes if item.sha256 else None)
        self._refuse_unvouched(item, source, path)
        try:
            digest = check(path, source, name=str(path))
        except PackError as error:
            raise PackError(error.message, hint=f"Move {path} away and run the command again") from error
        _write_note(path, digest)
        if origin.read_note(path, sha256=digest) is None:
            self._record(item, path, digest, "", self._voucher(item, source))
        self._tell(f"{item.name}: is there and whole (SHA-256 {digest})")

    def _at_hand(self, item: Item) -> Path | None:
        """What the user put into a folder, under any name that the publisher gives it."""
        folder = self.offline or self.folder
        names = sorted(file.name for file in folder.iterdir() if file.is_file())
        for pattern in (item.name, *item.offered, *item.inside[:1]):
            found = [name for name in names if fnmatchcase(name, pattern) and not _is_other(name, item)]
            if found:
                return folder / _pick(found, (pattern,), item, self.choose, where=str(folder))
        return None

    def _take(self, item: Item, found: Path, path: Path) -> None:
        """Verifies what was put there by hand, and gives it its name."""
        self._tell(f"{item.name}: found {found}")
        source = Source(url="", sha256=item.sha256, size_bytes=item.size_bytes if item.sha256 else None)
        if item.record:
            if self.offline is None:
                source = self._vouched_offer(item, found.name)
            elif noted := _read_note(found):
                source = Source(url="", sha256=noted)
        self._refuse_unvouched(item, source, found)
        try:
            digest = check(found, source, name=str(found))
        except PackError as error:
            raise PackError(error.message, hint=f"Move {found} away and run the command again") from error
        if found.suffix == ARCHIVE_SUFFIX:
            self._unpack(item, found, path, came_from=str(found.absolute()), vouched=self._voucher(item, source))
            return
        self._compare_size(item, found.stat().st_size, name=str(found))
        part = path.with_name(path.name + PART_SUFFIX)
        part.unlink(missing_ok=True)
        try:
            shutil.copyfile(found, part)
            check(part, Source(url="", sha256=digest), name=str(part))
            durable.settle(part, path)
        finally:
            part.unlink(missing_ok=True)
        _write_note(path, digest)
        self._record(item, path, digest, str(found.absolute()), self._voucher(item, source))
        self._tell(f"{item.name}: SHA-256 {digest}")

    def _get_from_record(self, item: Item, path: Path) -> None:
        """Asks Zenodo what the record holds, and gets the right one of it."""
        offers = self._offers(item)
        name = _pick(list(offers), item.offered, item, self.choose, where=item.page)
        if not name.endswith(ARCHIVE_SUFFIX):
            self._get(item, offers[name], path)
            return
        if not _is_file_name(name):
            raise PackError(
                f'{item.page} offers the {item.what} as "{name}", which is no name of a file',
                hint="Get it by hand and give its folder with --from",
            )
        archive = self.folder / name
        _refuse_taken(archive)
        self._get(item, offers[name], archive)
        self._unpack(item, archive, path, came_from=offers[name].url, vouched=self._voucher(item, offers[name]))
        archive.unlink()

    def _get(self, item: Item, source: Source, path: Path) -> None:
        self._refuse_unvouched(item, source, path)
        self._tell(f"{path.name}: getting {source.url}")
        digest = self.downloader.fetch(source, path, progress=self.progress(path.name))
        if path.name == item.name:
            _write_note(path, digest)
            self._record(item, path, digest, source.url, self._voucher(item, source))
        self._tell(f"{path.name}: {'verified' if source.vouched else 'NOT verified'}, SHA-256 {digest}")

    def _offers(self, item: Item) -> dict[str, Source]:
        """What a Zenodo record holds, by name."""
        url = self._url(f"{ZENODO}{item.record}")
        answer = self.downloader.read_json(url)
        try:
            licence = answer.get("metadata", {}).get("license", {}).get("id", "none")
            self._tell(f"Licence of {item.page} as Zenodo states it now: {licence}")
            return {file["key"]: self._offer(item, file) for file in answer["files"]}
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise PackError(
                f"{url} gave an answer in an unknown form", hint=f"Get the files from {item.page} by hand"
            ) from error

    def _offer(self, item: Item, file: dict[str, Any]) -> Source:
        kind, _, digest = str(file.get("checksum", "")).partition(":")
        md5 = digest if kind == "md5" and digest and not self.mirror else None
        url = f"{ZENODO}{item.record}/files/{quote(file['key'])}/content"
        return Source(url=self._url(url), size_bytes=int(file["size"]), md5=md5)

    def _vouched_offer(self, item: Item, name: str) -> Source:
        """What Zenodo says of a file that the user brought; nothing if it cannot be asked."""
        try:
            return self._offers(item).get(name, Source(url=""))
        except PackError as error:
            self._tell(f"{name}: {error.sentence}")
            return Source(url="")

    def _refuse_unvouched(self, item: Item, source: Source, path: Path) -> None:
        if source.vouched:
            return
        if not self.unverified:
            raise PackError(
                f"nobody vouches for {path.name}: no checksum of it is known",
                hint=f"Compare it with {item.page} yourself and run the command again with --unverified",
            )
        self._tell(f"{path.name}: used although nobody vouches for it (--unverified)")

    def _compare_size(self, item: Item, size: int, *, name: str) -> None:
        """Of the file itself, out of its archive."""
        if item.size_bytes in (None, size):
            return
        message = f"{name} has {size} bytes where {item.size_bytes} were expected"
        if not self.unverified:
            raise PackError(
                message, hint=f"Compare it with {item.page} yourself and run the command again with --unverified"
            )
        self._tell(f"{message}; used all the same (--unverified)")

    def _unpack(self, item: Item, archive: Path, path: Path, *, came_from: str, vouched: str) -> None:
        """Takes the one file that is needed out of an archive; the zip's own checksum is verified on the way."""
        part = path.with_name(path.name + PART_SUFFIX)
        part.unlink(missing_ok=True)
        try:
            with zipfile.ZipFile(archive) as files:
                names = [info.filename for info in files.infolist() if not info.is_dir()]
                info = files.getinfo(_pick(names, item.inside, item, self.choose, where=str(archive)))
                self._compare_size(item, info.file_size, name=f"{info.filename} in {archive}")
                free = shutil.disk_usage(self.folder).free
                if info.file_size > min(free, MAX_BYTES):
                    raise PackError(
                        f"{self.folder} has {free / 1e9:.1f} GB free, {info.file_size / 1e9:.1f} GB are needed",
                        hint="Make room, or choose another folder with --into",
                    )
                self._tell(f"{item.name}: unpacking {info.filename} ({info.file_size / 1e6:.1f} MB)")
                digest = hashlib.sha256()
                with files.open(info) as source, part.open("wb") as target:
                    while piece := source.read(_PIECE_BYTES):
                        digest.update(piece)
                        target.write(piece)
            check(part, Source(url="", sha256=digest.hexdigest()), name=str(part))
            durable.settle(part, path)
        except PackError:
            raise
        except Exception as error:  # every way of packing has its own errors, and bz2's is an OSError without a number
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise PackError(
                f"{archive} is damaged ({error})", hint=f"Move {archive} away and run the command again"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        _write_note(path, digest.hexdigest())
        self._record(item, path, digest.hexdigest(), f"{info.filename} in {came_from}", vouched)
        self._tell(f"{item.name}: SHA-256 {digest.hexdigest()}")

    def _record(self, item: Item, path: Path, digest: str, came_from: str, vouched: str) -> None:
        """Writes down where a file came from, who vouched for it, and under which terms."""
        source = origin.Source(
            name=item.name,
            origin=_plain(came_from),
            sha256=digest,
            got=origin.now() if came_from else "",
            vouched=vouched,
            licence=f"{item.licence}; commercial use: {item.commercial_use}; territory: {item.territory}",
            accepted=self.accepted,
        )
        origin.write_note(path, source)

    def _voucher(self, item: Item, source: Source) -> str:
        """Who vouches for a file, in words."""
        if source.sha256 is not None:
            return "the catalogue" if source.sha256 == item.sha256 else "the SHA-256 written beside it"
        return "Zenodo's MD5" if source.md5 is not None else "nobody (--unverified)"

    def _url(self, url: str) -> str:
        if not self.mirror:
            return url
        parts = urlsplit(url)
        return f"{self.mirror.rstrip('/')}/{parts.netloc}{parts.path}"


def terms(entry: Entry) -> Iterable[str]:
    """What must be known and accepted before anything is got, line by line."""
    yield f"{entry.name}: {entry.title}"
    for item in entry.items.values():
        size = "size not known" if item.size_bytes is None else f"{item.size_bytes / 1e6:,.1f} MB"
        yield f"  {item.name}: {item.what}, {size}, from {item.page}"
        yield f"    licence: {item.licence}; commercial use: {item.commercial_use}; territory: {item.territory}"
    archives = ", ".join(item.offered[0] for item in entry.items.values() if item.record and item.offered)
    if archives:
        yield f"Files that lie in the folder already are used, also as the archives that the record offers ({archives})"
    yield "--from DIR takes them from another folder and copies them. Once the pack is made they may be deleted"


def next_command(entry: Entry, files: dict[str, Path], *, folder: Path, out: Path) -> list[str]:
    """The words of the command that makes the pack of what was got."""
    places = {**{role: str(path) for role, path in files.items()}, "folder": str(folder), "out": str(out)}
    return [word.format(**places) for word in entry.command]


def _pick(names: list[str], wanted: Iterable[str], item: Item, choose: tuple[str, ...], *, where: str) -> str:
    """The one name that is meant."""
    chosen = [name for name in names if name in choose or name.rpartition("/")[2] in choose]
    if len(chosen) == 1:
        return chosen[0]
    fitting: list[str] = []
    for pattern in wanted:
        fitting = [name for name in names if fnmatchcase(name.rpartition("/")[2], pattern)]
        fitting = [name for name in fitting if not _is_other(name, item)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            break
    if not names:
        raise PackError(
            f"{where} is empty; it should hold the {item.what}",
            hint="Move it away, get the file by hand and give its folder with --from",
        )
    raise PackError(
        f"{where} holds {'several files that may be' if fitting else 'no file that is known as'} the {item.what}: "
        + ", ".join((fitting or sorted(names))[:20]),
        hint="Name the right one with --choose NAME",
    )


def _is_file_name(name: str) -> bool:
    """Whether a name of a server's can only be that of a file in the folder."""
    return _plain(name) == name.strip(" .") == name != "" and not set(name) & set('/\\:*?"<>|') and len(name) <= 200


def _refuse_taken(path: Path) -> None:
    if os.path.lexists(path):
        raise PackError(f"{path} is in the way", hint="Move it away, or choose another folder with --into")


def _plain(text: str) -> str:
    """A text of which no character does anything to a terminal."""
    return "".join("?" if unicodedata.category(letter) in _CONTROLS else letter for letter in text)


def _is_other(name: str, item: Item) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in item.not_inside)


def _read_note(path: Path) -> str | None:
    try:
        word = path.with_name(path.name + NOTE_SUFFIX).read_text("utf-8").split()[0].lower()
    except (OSError, ValueError, IndexError):
        return None
    return word if len(word) == 64 and set(word) <= set("0123456789abcdef") else None


def _write_note(path: Path, digest: str) -> None:
    note = path.with_name(path.name + NOTE_SUFFIX)
    part = note.with_name(note.name + PART_SUFFIX)
    part.unlink(missing_ok=True)
    durable.write_new(part, f"{digest}  {path.name}\n".encode())
    durable.settle(part, note)
