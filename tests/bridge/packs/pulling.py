"""A record of a publisher's, a pull from it, and what was told on the way."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bridge.errors import PackError
from bridge.packs.catalogue import Entry, Item
from bridge.packs.download import Downloader
from bridge.packs.pull import Puller
from tests.bridge.packs.file_server import FileServer, Page

DATA = b"weights" * 999
SHA256 = hashlib.sha256(DATA).hexdigest()
PAGE = "https://zenodo.org/records/7"
RECORD = "/zenodo.org/api/records/7"
HAND = "Or get the files elsewhere and give their folder with --from."

NET = Item(
    name="net.ckpt",
    what="onset net",
    licence="not stated",
    commercial_use="unknown",
    page=PAGE,
    record=7,
    offered=("net.zip", "*.ckpt", "*.zip"),
    inside=("best.ckpt", "*.ckpt"),
    not_inside=("*last*",),
)
WORDS = Item(
    name="vocab.json",
    what="words",
    licence="MIT",
    commercial_use="yes",
    page="https://example.org/words",
    url="https://example.org/words/vocab.json",
    size_bytes=len(DATA),
    sha256=SHA256,
)


def entry(*items: Item) -> Entry:
    return Entry(name="tiny", title="A small one", items={item.name: item for item in items}, command=())


def packed(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as files:
        for name, data in members.items():
            files.writestr(name, data)
    return buffer.getvalue()


ZIP = packed({"in/best.ckpt": DATA, "in/last.ckpt": b"no"})


def offer(server: FileServer, files: Mapping[str, bytes], *, licence: Any = None, checksum: str = "md5:{}") -> None:
    """A record of these files."""
    listing = [
        {
            "key": name,
            "size": len(data),
            "checksum": checksum.format(hashlib.md5(data, usedforsecurity=False).hexdigest()),
        }
        for name, data in files.items()
    ]
    metadata = {} if licence is None else {"metadata": {"license": licence}}
    answer = json.dumps({"files": listing, **metadata}).encode()
    server.pages[RECORD] = Page(data=answer, kind="application/json")
    server.pages |= {f"{RECORD}/files/{quote(name)}/content": Page(data=data) for name, data in files.items()}


class Pulled:
    """A pull, and what was told on the way. Without a mirror, every publisher's host is led to the server of ours."""

    def __init__(self, server: FileServer, folder: Path, **changes: Any) -> None:
        class Local(Downloader):
            def _open(self, url: str, headers: dict[str, str]) -> Any:
                return super()._open(url.replace("https://", f"{server.url}/"), headers)

        def progress(name: str) -> Callable[..., None]:
            return lambda done, every, rate: self.moved.append((name, done, every))

        self.told: list[str] = []
        self.moved: list[tuple[str, int, int | None]] = []
        downloader = Local(allow_http=True, sleep=lambda seconds: None, attempts=2)
        self.puller = Puller(folder=folder, downloader=downloader, say=self.told.append, progress=progress, **changes)

    def refused(self, *items: Item) -> str:
        with pytest.raises(PackError) as caught:
            self.puller.pull(entry(*items))
        return caught.value.sentence


def names(folder: Path) -> list[str]:
    """What lies in a folder, but for the notes of where it came from."""
    return sorted(file.name for file in folder.iterdir() if not file.name.endswith(".origin.json"))
