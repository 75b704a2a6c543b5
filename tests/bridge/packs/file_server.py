"""A small HTTP server that behaves as real ones do on bad days."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(kw_only=True)
class Page:
    """What lies at one path.

    Attributes:
        data: the whole file. kind: its content type. etag: "" sends none. ranges: honours ``Range``.
        cuts: after how many bytes of the answer to close, one per request, then none. statuses: to answer first.
        redirect: where to send to instead. length: whether to say how long the answer is. guards: honours ``If-Range``.
    """

    data: bytes = b""
    kind: str = "application/octet-stream"
    etag: str = '"one"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    redirect: str = ""
    length: bool = True
    guards: bool = True


@dataclass(kw_only=True)
class FileServer:
    """Attributes: url: of its root. pages: by path. asked: path and ``Range`` of every request."""

    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server on 127.0.0.1 while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            server.asked.append((self.path, asked))
            page = server.pages.get(self.path)
            if page is None or page.statuses:
                self.send_response(page.statuses.pop(0) if page else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if page.redirect:
                self.send_response(302)
                self.send_header("Location", page.redirect)
                self.end_headers()
                return
            start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked and page.ranges else 0
            if page.guards and self.headers.get("If-Range", page.etag) != page.etag:
                start = 0
            if start and start >= len(page.data):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = page.data[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", page.kind)
            if page.etag:
                self.send_header("ETag", page.etag)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(page.data) - 1}/{len(page.data)}")
            if page.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: page.cuts.pop(0)] if page.cuts else body)
            self.close_connection = True

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server = FileServer(url=f"http://127.0.0.1:{httpd.server_address[1]}")
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
