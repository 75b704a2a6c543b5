"""A network of some answers, one after the other."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs.download import Downloader, Source

URL = "https://example.org/a.bin"
DATA = bytes(range(256)) * 40
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
HAND = "Or get the files elsewhere and give their folder with --from."
ON = f"Check the network and run the same command again: it goes on where it broke. {HAND}"


class Answer(io.BytesIO):
    """One answer of a server: its status, headers and bytes; after them an error, if one is given."""

    def __init__(
        self, data: bytes = b"", status: int = 200, breaks: Exception | None = None, **headers: str | None
    ) -> None:
        super().__init__(data)
        self.status, self.breaks, self.headers = status, breaks, Message()
        told = {"content_type": "application/octet-stream", "content_length": str(len(data)), **headers}
        for name, value in told.items():
            if value is not None:
                self.headers[name.replace("_", "-").title()] = value

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece and self.breaks is not None:
            raise self.breaks
        return piece


class Web:
    """Stands for the network: gives one answer after the other, and keeps what was asked and how long was waited."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[urllib.request.Request] = []
        self.waited: list[float] = []

    def open(self, request: urllib.request.Request, timeout: float) -> Answer:
        self.asked.append(request)
        self.timeout = timeout
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def header(self, name: str) -> list[str | None]:
        return [request.get_header(name) for request in self.asked]


def busy(code: int, reason: str = "", **headers: str) -> urllib.error.HTTPError:
    told = Message()
    for name, value in headers.items():
        told[name.replace("_", "-")] = value
    return urllib.error.HTTPError(URL, code, reason, told, io.BytesIO())


def broken(start: int, etag: str | None = '"one"') -> Answer:
    """The whole file, cut after some bytes."""
    return Answer(DATA[:start], content_length=str(len(DATA)), etag=etag)


def rest(start: int, etag: str | None = '"one"', **headers: str | None) -> Answer:
    told: dict[str, Any] = {"content_range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}", **headers}
    return Answer(DATA[start:], 206, etag=etag, **told)


def noted(folder: Path, data: bytes) -> None:
    """A part of the file that came before."""
    (folder / "a.part").write_bytes(data)
    (folder / "a.part.json").write_text(json.dumps({"url": URL, "etag": ""}))


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A network of some answers."""

    def made(*answers: Answer | Exception) -> Web:
        web = Web(*answers)
        monkeypatch.setattr(urllib.request, "build_opener", lambda *handlers: web)
        return web

    return made


def fetch(web: Web, path: Path, **known: Any) -> str:
    """Fetches the file as one that is known by its SHA-256, unless said otherwise."""
    wanted: dict[str, Any] = {"url": URL, "sha256": SHA256, **known}
    source = Source(**wanted)
    return Downloader(sleep=web.waited.append, timeout_s=7.0).fetch(source, path)


def refused(web: Web, path: Path, **known: Any) -> str:
    """The sentence with which a transfer ends."""
    with pytest.raises(PackError) as caught:
        fetch(web, path, **known)
    assert not path.exists()
    return caught.value.sentence
