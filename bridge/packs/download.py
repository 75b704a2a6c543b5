"""One file from the network, verified before it has its name.

Convention: bytes go to ``NAME.part``; a cut connection goes on where it broke (HTTP ``Range``, guarded by the server's
``ETag``), and a server that cannot do that, or has another file by now, is read from the beginning. Only when size and
checksum are right does the file get its name; what is wrong is removed. HTTPS only, also through redirects; plain HTTP
only where the caller names such a mirror. The standard library does it: the helpers on offer either cannot resume
(pooch) or leave exactly this part to the caller (httpx, requests).
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from bridge import durable
from bridge.errors import PackError

AGENT = "foley-bridge"
TIMEOUT_S = 30.0
ATTEMPTS = 6
BACKOFF_S = 1.0
MOST_BACKOFF_S = 60.0
MAX_BYTES = 32 * 1000**3
"""More than this is never one of our files."""

SPARE_BYTES = 64 * 1024 * 1024
PART_SUFFIX = ".part"
NOTE_SUFFIX = ".part.json"

_PIECE_BYTES = 256 * 1024
_PROGRESS_BYTES = 1024 * 1024
_MOST_DIGITS = 18
"""A length of more is cut to these, and is too large even so; Python reads no number of thousands of digits."""
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[int, int | None, float], None]
"""Told bytes so far, bytes in all (None: not known), bytes per second."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a file lies and how it is known.

    Attributes:
        url: https, or http for a mirror that the user named. size_bytes, sha256, md5: None is not known.
    """

    url: str
    size_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def vouched(self) -> bool:
        """Whether a checksum is known."""
        return self.sha256 is not None or self.md5 is not None


class _Cut(Exception):
    """The transfer broke; another try may go on from there."""


class _Stale(_Cut):
    """What came so far is of no use."""


@dataclass(frozen=True, kw_only=True)
class Downloader:
    """How files are got; one for a whole pull.

    Attributes:
        allow_http: plain HTTP is allowed (a mirror that the user named).
        timeout_s: longest silence. attempts: tries in a row that bring nothing. backoff_s: first pause between them.
        sleep: pauses.
    """

    allow_http: bool = False
    timeout_s: float = TIMEOUT_S
    attempts: int = ATTEMPTS
    backoff_s: float = BACKOFF_S
    sleep: Callable[[float], None] = time.sleep

    def fetch(self, source: Source, path: Path, *, progress: Progress = lambda done, total, rate: None) -> str:
        """Gets a file; a part of it that is already there is used.

        Args:
            source: where it lies.
            path: what it shall be called; its folder is made.
            progress: is told how far it is.

        Returns:
            SHA-256 of the file, lower-case hex.

        Raises:
            PackError: it cannot be got, or what came is not it; nothing has the file's name then.
        """
        part, note = path.with_name(path.name + PART_SUFFIX), path.with_name(path.name + NOTE_SUFFIX)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if part.is_symlink():
                part.unlink()  # what it leads to is not ours
            fresh = not part.exists()
            self._transfer(source, part, note, progress)
            try:
                digest = check(part, source, name=path.name)
            except PackError:
                _forget(part, note)
                if fresh:
                    raise
                self._transfer(source, part, note, progress)  # what lay there may have been of another file
                digest = check(part, source, name=path.name, remove=True)
            durable.settle(part, path)
            _forget(note)
        except OSError as error:
            raise PackError(
                f"{path} cannot be written ({error.strerror or error})",
                hint="Make room, or choose another folder with --into; what has come is kept and used next time"
                if error.errno == errno.ENOSPC
                else "Check the folder, or choose another with --into",
            ) from error
        return digest

    def read_json(self, url: str) -> Any:
        """A small JSON answer.

        Raises:
            PackError: it cannot be got, or is no JSON.
        """
        failures = 0
        while True:
            try:
                with self._open(url, {"Accept": "application/json"}) as answer:
                    return json.loads(answer.read(4 * 1024 * 1024))
            except (ValueError, RecursionError) as error:
                raise PackError(f"{url} gave no JSON", hint=_HINT_OFFLINE) from error
            except _Cut as error:
                failures += 1
                self._pause(failures, url, error)

    def _transfer(self, source: Source, part: Path, note: Path, progress: Progress) -> None:
        """Fills the part file, in as many attempts as it takes and brings something."""
        failures = furthest = 0
        while True:
            furthest = max(furthest, _size(part))
            try:
                self._attempt(source, part, note, progress)
                return
            except _Stale as error:
                _forget(part, note)
                failures += 1
                self._pause(failures, source.url, error)
            except _Cut as error:
                failures = 1 if _size(part) - furthest >= _PROGRESS_BYTES else failures + 1
                self._pause(failures, source.url, error)

    def _attempt(self, source: Source, part: Path, note: Path, progress: Progress) -> None:
        known = _read_note(note)
        start = _size(part) if known.get("url") == source.url else 0
        if start and start == source.size_bytes:
            return
        headers = {}
        if start:
            headers["Range"] = f"bytes={start}-"
            if known.get("etag"):
                headers["If-Range"] = known["etag"]
        with self._open(source.url, headers) as answer:
            etag = answer.headers.get("ETag", "")
            if answer.status == 206:
                if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                    raise _Stale("the server sent another part than asked for")
                if known.get("etag") and etag and etag != known["etag"]:
                    raise _Stale("the server has another file by now")
            else:
                start = 0
            total = _total(answer, start)
            _check_answer(answer, source, total)
            _check_room(part, (total or source.size_bytes or 0) - start)
            note.write_text(json.dumps({"url": source.url, "etag": "" if etag.startswith("W/") else etag}))
            with part.open("ab" if start else "wb") as file:
                _pour(answer, file, start, total, source, progress)

    def _open(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        if urlsplit(url).scheme != "https" and not (self.allow_http and urlsplit(url).scheme == "http"):
            raise PackError(f"{url} is not https", hint="Only a mirror that you name may be plain http")
        request = urllib.request.Request(url, headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **headers})
        opener = urllib.request.build_opener(_Redirects())
        try:
            return opener.open(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:
                raise _Stale("the server has a shorter file") from error
            if error.code in _WORTH_ANOTHER_TRY:
                raise _Cut(f"HTTP {error.code}", error.headers.get("Retry-After", "")) from error
            raise PackError(f"{url} cannot be got (HTTP {error.code} {error.reason})", hint=_HINT_OFFLINE) from error
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise PackError(
                    f"{urlsplit(url).hostname} cannot prove who it is ({reason.verify_message})", hint=_HINT_OFFLINE
                ) from error
            raise _Cut(str(reason) or type(reason).__name__) from error

    def _pause(self, failures: int, url: str, error: _Cut) -> None:
        if failures >= self.attempts:
            raise PackError(
                f"{url} cannot be got ({error.args[0]}; tried {failures} times)",
                hint="Check the network and run the same command again: it goes on where it broke. " + _HINT_OFFLINE,
            ) from error
        asked = str(error.args[1]) if len(error.args) > 1 else ""
        wait = float(asked) if asked.isdecimal() else self.backoff_s * 2 ** (failures - 1)
        self.sleep(min(wait, MOST_BACKOFF_S))


def check(path: Path, source: Source, *, name: str, remove: bool = False) -> str:
    """SHA-256 of a file that is what its source says.

    Args:
        path: the file. source: its size and checksums, where known. name: what to call it in errors.
        remove: removes it if it is something else.

    Raises:
        PackError: it is not; OSError if it cannot be read.
    """
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    with path.open("rb") as file:
        while piece := file.read(4 * 1024 * 1024):
            sha256.update(piece)
            size += len(piece)
            if source.md5 is not None:
                md5.update(piece)
    problem = ""
    if source.size_bytes is not None and size != source.size_bytes:
        problem = f"it has {size} bytes, not {source.size_bytes}"
    elif source.sha256 is not None and sha256.hexdigest() != source.sha256:
        problem = f"its SHA-256 is {sha256.hexdigest()}, not {source.sha256}"
    elif source.md5 is not None and md5.hexdigest() != source.md5:
        problem = f"its MD5 is {md5.hexdigest()}, not {source.md5}"
    if problem:
        if remove:
            path.unlink(missing_ok=True)
        raise PackError(f"{name} is not the published file: {problem}", hint=f"Get it again. {_HINT_OFFLINE}")
    return sha256.hexdigest()


_HINT_OFFLINE = "Or get the files elsewhere and give their folder with --from"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to any host, but never from https to anything else."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        schemes = ("https",) if urlsplit(req.full_url).scheme == "https" else ("https", "http")
        if urlsplit(newurl).scheme not in schemes:
            fp.close()
            raise PackError(f"{req.full_url} leads to {newurl}, which is not https", hint=_HINT_OFFLINE)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _pour(
    answer: http.client.HTTPResponse, file: IO[bytes], done: int, total: int | None, source: Source, progress: Progress
) -> None:
    began, first = time.monotonic(), done
    limit = source.size_bytes if source.size_bytes is not None else (total or MAX_BYTES)
    while True:
        try:
            piece = answer.read(_PIECE_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _Cut(str(error) or "the connection broke") from error
        if not piece:
            break
        done += len(piece)
        if done > limit:
            raise PackError(f"{source.url} sends more than the {limit} bytes that were expected", hint=_HINT_OFFLINE)
        file.write(piece)
        progress(done, total, (done - first) / max(time.monotonic() - began, 1e-3))
    expected = source.size_bytes if total is None else total
    if expected is not None and done < expected:
        raise _Cut(f"the connection closed after {done} of {expected} bytes")


def _total(answer: http.client.HTTPResponse, start: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    if not length.isdecimal():
        return None
    return start + int(length.lstrip("0")[:_MOST_DIGITS] or "0")


def _check_answer(answer: http.client.HTTPResponse, source: Source, total: int | None) -> None:
    if answer.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise PackError(f"{source.url} gave a web page, not the file", hint=_HINT_OFFLINE)
    if source.size_bytes is not None and total is not None and total != source.size_bytes:
        raise PackError(
            f"{source.url} has {total} bytes, the published file {source.size_bytes}",
            hint=f"Try later. {_HINT_OFFLINE}",
        )
    if total is not None and total > MAX_BYTES:
        raise PackError(f"{source.url} has {total} bytes, which is none of our files", hint=_HINT_OFFLINE)


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed + SPARE_BYTES > free:
        raise PackError(
            f"{part.parent} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB more are needed",
            hint="Make room, or choose another folder with --into",
        )


def _read_note(note: Path) -> dict[str, str]:
    try:
        value = json.loads(note.read_text())
        return {key: str(item) for key, item in value.items()} if isinstance(value, dict) else {}
    except (OSError, ValueError):
        return {}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _forget(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
