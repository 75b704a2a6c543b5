"""What is written is on the disk, whole, before it has its name: every writer, and what happens if the disk forgets."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bridge import durable
from bridge.__main__ import main
from bridge.config import Settings
from bridge.domain.audio import Audio
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.errors import MediaError
from bridge.health import report
from bridge.host.rpp import RppHost
from bridge.install import reapack, running
from bridge.media import files, mux, onset_table, wav
from bridge.packs import pull
from bridge.packs.download import Downloader, Source
from tests.bridge.media import clips
from tests.bridge.packs.file_server import Page, serving

AUDIO = Audio(samples=np.linspace(-0.5, 0.5, 4800, dtype=np.float32)[None], rate_hz=48000)
FRAMES = [np.full((32, 48, 3), shade, np.uint8) for shade in range(0, 250, 10)]


@dataclass
class Disk:
    """What was written through to the disk, and when a name was given, by number of the file on the disk."""

    steps: list[tuple[str, int]] = field(default_factory=list)

    def durable(self, path: Path) -> bool:
        """Whether a file was written through before its name was given, and its folder after that."""
        file, folder = path.stat().st_ino, path.parent.stat().st_ino
        named = max((at for at, step in enumerate(self.steps) if step == ("named", file)), default=-1)
        made = ("synced", file) in self.steps[: named if named >= 0 else None]
        return made and (named < 0 or ("synced", folder) in self.steps[named:])


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    seen = Disk()
    fsync, replace, link = os.fsync, os.replace, os.link

    def syncing(handle: int) -> None:
        seen.steps.append(("synced", os.fstat(handle).st_ino))
        fsync(handle)

    def naming(how: Callable[..., None]) -> Callable[..., None]:
        def named(source: str, target: str, **more: int) -> None:
            seen.steps.append(("named", os.stat(source).st_ino))
            how(source, target, **more)

        return named

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", naming(replace))
    monkeypatch.setattr(os, "link", naming(link))
    return seen


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return clips.render(tmp_path / "film.mp4", times_s=clips.at_rate(Fraction(10), 10))


def patched(folder: Path) -> list[Path]:
    old = wav.write(folder / "old.wav", AUDIO)
    return [old, wav.patched(old, [(100, AUDIO.samples[:, :50])], folder / "new.wav")]


def rewritten(folder: Path) -> list[Path]:
    path = files.write_whole(folder / "a.txt", b"one")
    return [files.write_whole(path, b"two", overwrite=True)]


def fetched(folder: Path) -> list[Path]:
    data = bytes(range(256)) * 100
    with serving() as server:
        server.pages["/a.bin"] = Page(data=data)
        source = Source(url=f"{server.url}/a.bin", sha256=hashlib.sha256(data).hexdigest())
        Downloader(allow_http=True, timeout_s=5).fetch(source, folder / "a.bin")
    pull._write_note(folder / "a.bin", "0" * 64)
    return [folder / "a.bin", folder / "a.bin.sha256"]


def installed(folder: Path) -> list[Path]:
    resource = folder / "REAPER"
    resource.mkdir()
    (resource / "reaper.ini").write_text("[REAPER]\n")
    (resource / "reaper-kb.ini").write_text("KEY 9 89 40001 0\n")
    assert main(["reaper", "install", "--resource", str(resource), "--yes"]) == 0
    (backup,) = resource.glob("Foley Bridge backup *")
    return [resource / "reaper-kb.ini", backup / "manifest.json", backup / "files" / "reaper-kb.ini"]


def copied(folder: Path) -> list[Path]:
    assert main(["reaper", "--copy-to", str(folder)]) == 0
    return [*(folder / "Foley Bridge").glob("*.py"), folder / "Foley Bridge" / "foley_inside" / "read.py"]


def told(folder: Path) -> list[Path]:
    return [report.write(folder / "r.json", [], Settings(), scrubber=report.Scrubber({}))]


WRITERS: dict[str, Callable[[Path], list[Path]]] = {
    "sound": lambda folder: [wav.write(folder / "a.wav", AUDIO), wav.write(folder / "a.wav", AUDIO)],
    "sound, changed": patched,
    "film": lambda folder: [mux.encode_frames(folder / "a.mp4", FRAMES, 25.0)],
    "preview": lambda folder: [mux.preview(folder / "film.mp4", AUDIO, folder / "preview.mp4")],
    "table": lambda folder: [onset_table.write(folder / "a.csv", [Onset(time_s=1.0), Onset(time_s=2.0)])],
    "any file": rewritten,
    "report": told,
    "index": lambda folder: [reapack.write(folder / "i.xml", {"foley_a.py": b""}, url="https://example.org/a")],
    "project": lambda folder: [RppHost.create(folder / "a.rpp", Clip.whole("/a/b.mp4", 2.0, name="b")).path],
    "download": fetched,
    "install": installed,
    "copied actions": copied,
}


@pytest.fixture(autouse=True)
def _no_reaper_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_processes", lambda: iter(()))


@pytest.mark.skipif(os.name != "posix", reason="files and folders are told by their numbers")
@pytest.mark.parametrize("name", WRITERS)
def test_file_when_written_then_it_is_on_the_disk_before_it_has_its_name(
    disk: Disk, tmp_path: Path, film: Path, name: str
) -> None:
    written = WRITERS[name](tmp_path)
    assert written
    for path in written:
        assert disk.durable(path), path
    assert not list(tmp_path.rglob("*.part"))


def test_whole_when_the_disk_forgets_then_an_error_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write_whole(tmp_path / "a.rpp", b"the project as it was")
    monkeypatch.setattr(durable, "write_new", lambda path, data, **more: path.write_bytes(data[:-3]))
    with pytest.raises(MediaError, match="does not read back whole"):
        files.write_whole(path, b"the project as it is now", overwrite=True)
    assert path.read_bytes() == b"the project as it was"
    assert [one.name for one in tmp_path.iterdir()] == ["a.rpp"]


@pytest.mark.skipif(os.name != "posix", reason="files and folders are told apart by their numbers")
@pytest.mark.parametrize("name", ["sound", "film", "table", "any file"])
def test_file_when_the_disk_drops_its_end_as_it_is_written_through_then_an_error_and_nothing_is_left(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def dropping(handle: int) -> None:
        seen = os.fstat(handle)
        if stat.S_ISREG(seen.st_mode):
            os.ftruncate(handle, seen.st_size // 2)

    monkeypatch.setattr(os, "fsync", dropping)
    with pytest.raises(MediaError, match="does not read back whole"):
        WRITERS[name](tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["film.mp4"]


def test_preview_when_its_sound_was_cut_off_then_an_error_and_nothing_is_left(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = Audio(samples=np.zeros((1, 48000), np.float32), rate_hz=48000)
    blocks = mux._blocks
    monkeypatch.setattr(mux, "_blocks", lambda audio: blocks(AUDIO))
    with pytest.raises(MediaError, match="does not read back whole"):
        mux.preview(film, long, tmp_path / "preview.mp4")
    assert [one.name for one in tmp_path.iterdir()] == ["film.mp4"]


def test_film_when_its_end_was_never_written_then_an_error_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = mux._check_whole

    def cut(temporary: Path, path: Path, **more: float) -> None:
        os.truncate(temporary, temporary.stat().st_size // 2)
        check(temporary, path, **more)

    monkeypatch.setattr(mux, "_check_whole", cut)
    with pytest.raises(MediaError, match="does not read back whole"):
        mux.encode_frames(tmp_path / "a.mp4", FRAMES, 25.0)
    assert not list(tmp_path.iterdir())


def test_table_when_rows_are_missing_then_an_error_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onset_table, "read", lambda path: ())
    with pytest.raises(MediaError, match="does not read back whole"):
        onset_table.write(tmp_path / "a.csv", [Onset(time_s=1.0)])
    assert not list(tmp_path.iterdir())


def test_new_file_when_something_has_its_name_then_never_written_over_nor_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("target", "link"):
        with pytest.raises(FileExistsError):
            durable.write_new(tmp_path / name, b"other")
    assert (tmp_path / "target").read_bytes() == b"kept"
