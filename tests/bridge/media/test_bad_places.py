"""Files in places that do not do what places do: no hard links, no rights, no more room, no picture and no sound."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.errors import MediaError, RequestError
from bridge.media import container, files, riff, video, wav
from bridge.media.files import publish, temporary_beside


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links, as exFAT and many network drives are."""

    def refuse(*given: Any, **named: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


def put(path: Path, data: bytes) -> Path:
    with temporary_beside(path) as temporary:
        temporary.write_bytes(data)
        return publish(temporary, path)


@pytest.mark.usefixtures("no_links")
def test_publish_when_the_drive_has_no_hard_links_then_whole_and_nothing_overwritten(tmp_path: Path) -> None:
    assert put(tmp_path / "a.wav", b"one") == tmp_path / "a.wav"
    assert put(tmp_path / "a.wav", b"two") == tmp_path / "a 2.wav"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.wav": b"one", "a 2.wav": b"two"}


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours runs after it."""


@pytest.mark.usefixtures("no_links")
def test_publish_when_killed_on_such_a_drive_then_never_an_empty_file_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: Any) -> None:
        raise Killed

    monkeypatch.setattr(os, "replace", killed)
    assert put(tmp_path / "a.wav", b"one").read_bytes() == b"one"
    assert put(tmp_path / "a.wav", b"two").read_bytes() == b"two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a 2.wav", "a.wav"]


def rename_if_free(old: Path | str, new: Path | str) -> None:
    """As Windows renames."""
    if os.path.lexists(new):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new))
    os.replace(old, new)


@pytest.mark.usefixtures("no_links")
def test_publish_when_on_windows_then_one_rename_and_nothing_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "rename", rename_if_free)
    monkeypatch.setattr(files, "_reserve", None)
    monkeypatch.setattr(files, "_rename_new", None)
    monkeypatch.setattr("sys.platform", "win32")
    assert put(tmp_path / "a.wav", b"one") == tmp_path / "a.wav"
    assert put(tmp_path / "a.wav", b"two") == tmp_path / "a 2.wav"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.wav": b"one", "a 2.wav": b"two"}


class MacLibrary:
    """What macOS's C library does of it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        pass

    def renamex_np(self, old: bytes, new: bytes, flags: ctypes.c_uint) -> int:
        assert flags.value == 4
        try:
            rename_if_free(os.fsdecode(old), os.fsdecode(new))
        except OSError as error:
            ctypes.set_errno(error.errno or 0)
            return -1
        return 0


@pytest.mark.skipif(os.name == "nt", reason="another way there")
@pytest.mark.usefixtures("no_links")
def test_publish_when_on_macos_then_one_rename_and_nothing_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.ctypes, "CDLL", MacLibrary)
    monkeypatch.setattr(files, "_reserve", None)
    monkeypatch.setattr("sys.platform", "darwin")
    assert put(tmp_path / "a.wav", b"one") == tmp_path / "a.wav"
    assert put(tmp_path / "a.wav", b"two") == tmp_path / "a 2.wav"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.wav": b"one", "a 2.wav": b"two"}


class Unable:
    """A file system that knows no such rename."""

    def __init__(self, *given: Any, **named: Any) -> None:
        pass

    def renameat2(self, *given: object) -> int:
        ctypes.set_errno(errno.EINVAL)
        return -1

    renamex_np = renameat2


@pytest.mark.skipif(os.name == "nt", reason="another way there")
@pytest.mark.usefixtures("no_links")
@pytest.mark.parametrize("library", [Unable, lambda *given, **named: object()], ids=["refuses", "too old"])
def test_publish_when_there_is_no_such_rename_then_still_whole_and_nothing_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: Callable[..., object]
) -> None:
    monkeypatch.setattr(files.ctypes, "CDLL", library)
    assert put(tmp_path / "a.wav", b"one") == tmp_path / "a.wav"
    assert put(tmp_path / "a.wav", b"two") == tmp_path / "a 2.wav"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.wav": b"one", "a 2.wav": b"two"}


@pytest.mark.usefixtures("no_links")
def test_publish_when_such_a_drive_fails_in_the_middle_then_no_empty_file_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files.ctypes, "CDLL", Unable)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(MediaError) as caught:
        put(tmp_path / "a.wav", b"one")
    assert str(tmp_path / "a.wav") in caught.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full, so {path} was not written. Free some space and try again."),
        (errno.EDQUOT, "the disk is full, so {path} was not written. Free some space and try again."),
        (
            errno.EROFS,
            "{folder} may not be written to, so a.wav was not written. "
            "Change the folder's permissions or save the project elsewhere.",
        ),
        (
            errno.EACCES,
            "{folder} may not be written to, so a.wav was not written. "
            "Change the folder's permissions or save the project elsewhere.",
        ),
        (
            errno.EIO,
            "{path} was not written (Input/output error). Check the disk and the folder, then try again.",
        ),
    ],
)
def test_writing_when_the_disk_refuses_then_why_and_the_way_out(tmp_path: Path, number: int, said: str) -> None:
    path = tmp_path / "a.wav"
    sentence = files.cannot_write(path, OSError(number, os.strerror(number))).sentence
    assert sentence == said.format(path=path, folder=tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="no named pipes there")
def test_reading_when_it_is_a_pipe_then_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaError) as caught:
        video.probe(tmp_path / "pipe.mp4")
    assert caught.value.sentence == f"{tmp_path / 'pipe.mp4'} is not a regular file. Name a file."


def test_reading_when_the_user_may_not_then_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(MediaError) as caught:
        container.check_readable(path)
    assert caught.value.sentence == f"{path} may not be read by this user. Change the file's permissions."


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda: riff.Format(subtype="PCM_8", rate_hz=48_000, channels=1), "a sound file cannot be PCM_8. Choose one"),
        (
            lambda: riff.Format(subtype="PCM_24", rate_hz=48_000, channels=0),
            "a sound file cannot have 0 channels at 48000 Hz.",
        ),
        (
            lambda: riff.Format(subtype="PCM_24", rate_hz=0, channels=1),
            "a sound file cannot have 1 channels at 0 Hz.",
        ),
    ],
)
def test_sound_when_its_form_cannot_be_then_said(form: Callable[[], object], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        form()
    assert caught.value.sentence.startswith(said)


def test_provenance_when_the_chunk_is_spoilt_then_said_and_the_sound_still_reads(tmp_path: Path) -> None:
    audio = Audio(samples=np.zeros((1, 480), np.float32), rate_hz=48_000)
    path = wav.write(tmp_path / "a.wav", audio, provenance={"pack": "tiny"})
    data = path.read_bytes()
    start, stop = data.index(b'{"pack"'), data.index(b"}", data.index(b'{"pack"')) + 1
    told = data[start:stop]
    for other in (b"!" * len(told), b"[" + b" " * (len(told) - 2) + b"]"):
        spoilt = data[:start] + other + data[stop:]
        path.write_bytes(spoilt)
        with pytest.raises(MediaError) as caught:
            wav.read_provenance(path)
        assert caught.value.sentence == f"the provenance inside {path} is damaged. Render it again."
        assert wav.read(path).length_samples == 480
