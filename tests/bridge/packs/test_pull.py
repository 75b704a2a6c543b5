"""``foley-bridge packs pull``, as a user types it, against a server of ours."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from bridge.__main__ import main
from bridge.packs import catalogue
from bridge.packs.catalogue import Entry, Item
from bridge.packs.download import Downloader
from bridge.packs.pull import Puller
from tests.bridge.packs.file_server import FileServer, Page, serving

WORDS = b'{"a": 0}'
ONSET = b"onset weights" * 100
DIFFUSION = b"diffusion weights" * 100
RECORD = "/zenodo.org/api/records/7"


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as files:
        for name, data in members.items():
            files.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


ONSET_ZIP = archive(**{"ckpt-onset__epoch=9.ckpt": ONSET, "ckpt-onset__notes.txt": b"x"})
DIFFUSION_ZIP = archive(**{"ckpt-diffusion__epoch=784.ckpt": DIFFUSION, "ckpt-diffusion__last.ckpt": b"other"})

ENTRY = Entry(
    name="tiny",
    title="A small one",
    items=MappingProxyType(
        {
            "onset": Item(
                name="onset.ckpt",
                what="onset net",
                licence="not stated",
                commercial_use="unknown",
                page="https://zenodo.org/records/7",
                record=7,
                offered=("ckpt-onset.zip", "*onset*.zip", "*onset*.ckpt"),
                inside=("*.ckpt",),
                not_inside=("*augment*",),
            ),
            "diffusion": Item(
                name="diffusion.ckpt",
                what="sound generator",
                licence="not stated",
                commercial_use="unknown",
                page="https://zenodo.org/records/7",
                record=7,
                offered=("ckpt-diffusion.zip",),
                inside=("epoch=784.ckpt", "*.ckpt"),
            ),
            "vocabulary": Item(
                name="vocab.json",
                what="words",
                licence="MIT",
                commercial_use="yes",
                page="https://huggingface.co/x",
                url="https://huggingface.co/x/resolve/main/vocab.json",
                size_bytes=len(WORDS),
                sha256=hashlib.sha256(WORDS).hexdigest(),
            ),
        }
    ),
    command=("foley-export", "tiny", "--onset-checkpoint", "{onset}", "--tokenizer", "{folder}", "--out", "{out}"),
)

Pull = Callable[..., tuple[int, str, str]]


def record(**files: bytes) -> dict[str, Page]:
    """A Zenodo record's pages."""
    listing = [
        {
            "key": name,
            "size": len(data),
            "checksum": "md5:" + hashlib.md5(data, usedforsecurity=False).hexdigest(),
            "links": {"self": "https://elsewhere.example/not-used"},
        }
        for name, data in files.items()
    ]
    answer = {"files": listing, "metadata": {"license": {"id": "cc-by-4.0"}}}
    pages = {f"{RECORD}/files/{name}/content": Page(data=data) for name, data in files.items()}
    return {RECORD: Page(data=json.dumps(answer).encode(), kind="application/json"), **pages}


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as server:
        server.pages.update(record(**{"ckpt-onset.zip": ONSET_ZIP, "ckpt-diffusion.zip": DIFFUSION_ZIP}))
        server.pages["/huggingface.co/x/resolve/main/vocab.json"] = Page(data=WORDS)
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packs" / "downloads" / "tiny"


@pytest.fixture
def pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pull:
    """Runs the command; gives its exit code, what it said and what it complained about."""
    monkeypatch.setattr(catalogue, "ENTRIES", {"tiny": ENTRY})
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["--packs-dir", str(tmp_path / "packs"), "packs", "pull", "tiny", *words])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run


def hand(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def whole(folder: Path) -> bool:
    wanted = {"onset.ckpt": ONSET, "diffusion.ckpt": DIFFUSION, "vocab.json": WORDS}
    notes = {name: f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in wanted.items()}
    return all(
        (folder / name).read_bytes() == data and (folder / f"{name}.sha256").read_text() == notes[name]
        for name, data in wanted.items()
    )


def test_pull_when_accepted_then_every_file_and_the_command_to_run(
    server: FileServer, pull: Pull, folder: Path, tmp_path: Path
) -> None:
    code, said, _ = pull("--yes", "--mirror", server.url, "--unverified")
    assert code == 0
    assert whole(folder)
    assert not list(folder.glob("*.part*")) + list(folder.glob("*.zip*"))
    assert "commercial use: unknown" in said
    assert said.index("commercial use") < said.index("getting")
    assert "as Zenodo states it now: cc-by-4.0" in said
    expected = ["--onset-checkpoint", str(folder / "onset.ckpt"), "--tokenizer", str(folder)]
    assert shlex.split(said.splitlines()[-1]) == [
        "foley-export",
        "tiny",
        *expected,
        "--out",
        str(tmp_path / "packs" / "tiny"),
    ]


def test_pull_when_everything_is_there_then_verified_and_nothing_is_got(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    assert pull("--yes", "--mirror", server.url, "--unverified")[0] == 0
    server.asked.clear()
    code, said, _ = pull("--yes", "--mirror", server.url)
    assert code == 0
    assert said.count("is there and whole") == 3
    assert server.asked == []
    (folder / "diffusion.ckpt").write_bytes(DIFFUSION[:-1] + b"x")
    code, _, complaint = pull("--yes", "--mirror", server.url)
    assert code == 2
    assert f"Move {folder / 'diffusion.ckpt'} away" in complaint
    assert (folder / "diffusion.ckpt").exists()


def test_pull_when_zenodo_vouches_then_no_word_of_the_user_is_needed(server: FileServer, tmp_path: Path) -> None:
    """Without a mirror the publisher's MD5 counts; here its host is led to the local server."""

    class Local(Downloader):
        def _open(self, url: str, headers: dict[str, str]):  # type: ignore[override]
            return super()._open(url.replace("https://", f"{server.url}/"), headers)

    said: list[str] = []
    quiet = lambda name: lambda done, total, rate: None  # noqa: E731
    local = Local(allow_http=True, sleep=lambda seconds: None)
    puller = Puller(folder=tmp_path / "files", downloader=local, say=said.append, progress=quiet)
    puller.pull(ENTRY)
    assert whole(tmp_path / "files")
    assert any(line.startswith("ckpt-onset.zip: verified") for line in said)


def test_pull_when_nobody_vouches_then_not_used_unless_asked(server: FileServer, pull: Pull, folder: Path) -> None:
    code, _, complaint = pull("--yes", "--mirror", server.url)
    assert code == 2
    assert "nobody vouches for ckpt-onset.zip" in complaint
    assert "--unverified" in complaint
    assert list(folder.iterdir()) == []


def test_pull_when_the_terms_are_not_accepted_then_nothing_is_asked_or_written(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    code, said, complaint = pull("--mirror", server.url)
    assert code == 2
    assert "licence: not stated; commercial use: unknown" in said
    assert "--yes" in complaint
    assert server.asked == []
    assert not folder.exists()


@pytest.mark.parametrize(("typed", "code"), [("yes\n", 0), ("no\n", 2), ("\n", 2)])
def test_pull_when_a_person_is_asked_then_only_yes_is_yes(
    server: FileServer, pull: Pull, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    terminal = io.StringIO(typed)
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    assert pull("--mirror", server.url, "--unverified")[0] == code
    assert bool(server.asked) == (code == 0)


def test_pull_when_a_file_is_broken_or_another_then_refused_and_the_rest_kept(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    server.pages["/huggingface.co/x/resolve/main/vocab.json"].data = b'{"b": 0}'
    code, _, complaint = pull("--yes", "--mirror", server.url, "--unverified")
    assert code == 2
    assert "SHA-256" in complaint
    assert not list(folder.glob("vocab.json*"))
    assert (folder / "diffusion.ckpt").read_bytes() == DIFFUSION


def test_pull_when_an_archive_is_broken_then_nothing_has_the_files_name(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    server.pages.update(record(**{"ckpt-onset.zip": ONSET_ZIP[:-30]}))
    code, _, complaint = pull("--yes", "--mirror", server.url, "--unverified")
    assert code == 2
    assert "ckpt-onset.zip is damaged" in complaint
    assert not list(folder.glob("onset.ckpt*"))


def test_pull_when_the_record_offers_several_then_the_user_chooses(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    both = archive(a__one=b"", **{"x__best.ckpt": ONSET, "x__other.ckpt": b"no", "augment__best2.ckpt": b"no"})
    server.pages.update(
        record(**{"my-onset.zip": both, "my-onset-augment.zip": b"", "ckpt-diffusion.zip": DIFFUSION_ZIP})
    )
    code, _, complaint = pull("--yes", "--mirror", server.url, "--unverified")
    assert code == 2
    assert "several files that may be the onset net: x/best.ckpt, x/other.ckpt" in complaint
    assert "--choose" in complaint
    assert pull("--yes", "--mirror", server.url, "--unverified", "--choose", "best.ckpt")[0] == 0
    assert whole(folder)
    server.pages.update(record(readme=b""))
    code, _, complaint = pull("--yes", "--mirror", server.url, "--unverified", "--into", str(folder.parent / "b"))
    assert code == 2
    assert "no file that is known as the onset net: readme" in complaint


def test_pull_when_the_files_are_brought_then_no_network(
    server: FileServer, pull: Pull, folder: Path, tmp_path: Path
) -> None:
    brought = hand(
        tmp_path / "stick", **{"ckpt-onset.zip": ONSET_ZIP, "epoch=784.ckpt": DIFFUSION, "vocab.json": WORDS}
    )
    code, _, complaint = pull("--yes", "--from", str(brought))
    assert code == 2
    assert "nobody vouches for ckpt-onset.zip" in complaint
    assert pull("--yes", "--from", str(brought), "--unverified")[0] == 0
    assert whole(folder)
    assert (brought / "ckpt-onset.zip").exists()
    (folder / "vocab.json").unlink()
    (brought / "vocab.json").write_bytes(b"{}")
    code, _, complaint = pull("--yes", "--from", str(brought), "--unverified")
    assert code == 2
    assert "vocab.json is not the published file" in complaint
    (brought / "vocab.json").unlink()
    code, _, complaint = pull("--yes", "--from", str(brought))
    assert code == 2
    assert "does not hold the words" in complaint
    assert "https://huggingface.co/x" in complaint
    assert "there is no folder" in pull("--yes", "--from", str(tmp_path / "gone"))[2]
    assert server.asked == []


def test_pull_when_a_file_was_put_into_the_folder_then_it_is_recognised(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    hand(folder, **{"ckpt-onset.zip": ONSET_ZIP, "vocab.json": WORDS})
    assert pull("--yes", "--mirror", server.url, "--unverified")[0] == 0
    assert whole(folder)
    asked = [path for path, _ in server.asked]
    assert f"{RECORD}/files/ckpt-onset.zip/content" not in asked
    assert not any("vocab.json" in path for path in asked)
    hand(folder, **{"diffusion.ckpt.part": b"half"})
    (folder / "diffusion.ckpt").unlink()
    assert pull("--yes", "--mirror", server.url, "--unverified")[0] == 0
    assert whole(folder)


def test_pull_when_the_name_is_unknown_then_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packs", "pull", "nothing"]) == 2
    assert "There is: syncfusion" in capsys.readouterr().err


def test_catalogue_when_read_then_every_item_can_be_found_and_has_terms() -> None:
    for name, entry in catalogue.ENTRIES.items():
        assert entry.name == name
        for item in entry.items.values():
            assert item.licence
            assert item.page.startswith("https://")
            assert bool(item.record) != item.url.startswith("https://")
            assert item.record == 0 or (item.offered and item.inside)
            assert item.sha256 is None or len(bytes.fromhex(item.sha256)) == 32
            assert item.url == "" or (item.sha256 and item.size_bytes)
