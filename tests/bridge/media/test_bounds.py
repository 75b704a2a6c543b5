"""Which files a text may name: spellings of two systems, links, what is no file, and names that we make."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import BridgeError, MediaError, RequestError
from bridge.media import bounds
from bridge.media.bounds import Bounds

HINT = "Import it"
posix_only = pytest.mark.skipif(os.name != "posix", reason="pipes and links as POSIX has them")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "Media").mkdir(parents=True)
    (folder / "knock.wav").write_bytes(b"knock")
    (tmp_path / "secret.wav").write_bytes(b"secret")
    return folder


def admitted(folder: Path, text: object, *files: str) -> Path:
    return Bounds(folders=(str(folder),), files=files).admit(text, hint=HINT)


def refused(folder: Path, text: object, *words: str, kind: type[BridgeError] = RequestError) -> None:
    with pytest.raises(kind) as caught:
        admitted(folder, text)
    assert caught.value.hint == HINT
    for word in words:
        assert word in caught.value.sentence


# -- what a text may name ----------------------------------------------------------------------------------------------


def test_text_when_it_names_a_file_in_the_project_then_that_file(project: Path) -> None:
    assert admitted(project, str(project / "knock.wav")) == project / "knock.wav"
    assert admitted(project, str(project / "Media" / "gone.wav")) == project / "Media" / "gone.wav"


def test_text_when_the_project_itself_is_reached_through_a_link_then_that_file(project: Path, tmp_path: Path) -> None:
    (tmp_path / "shows").symlink_to(project, target_is_directory=True)
    text = str(tmp_path / "shows" / "knock.wav")
    assert admitted(tmp_path / "shows", text) == project / "knock.wav"


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.wav", "Media/../../secret.wav", "../project of mine/knock.wav", "../project2/knock.wav"),
        *("/etc/passwd", "/dev/zero", "/proc/self/mem", "/net/evil.example/share/x.wav"),
        *("//evil.example/share/x.wav", r"\\evil.example\share\x.wav", "knock.wav\0.txt", "", "knock.wav"),
        *("a" * 300, "/" * 5000, "\ud800"),
    ],
)
def test_text_when_it_leads_elsewhere_then_refused_with_the_way_out(project: Path, name: str) -> None:
    for text in {name, str(project) + "/" + name} if name.startswith("..") or ".." in name else {name}:
        refused(project, text, "The reference")


@pytest.mark.parametrize("name", ["knock.wav\0.txt", "a" * 300, "\ud800.wav", "a/" * 3000, "Media/../knock.wav"])
def test_text_when_it_lies_inside_and_no_system_takes_it_then_refused_in_words(project: Path, name: str) -> None:
    refused(project, f"{project}/{name}", "no path of a file")


@posix_only
def test_text_when_it_begins_with_two_strokes_then_refused_for_what_it_may_mean(project: Path) -> None:
    refused(project, f"/{project}/knock.wav", "no path of a file")


def test_text_when_a_folder_beside_begins_with_the_projects_name_then_outside(project: Path) -> None:
    refused(project, f"{project}2/knock.wav", "outside the project's folders")
    refused(project, str(project), "outside the project's folders")


@pytest.mark.parametrize("text", [None, 3, ["/a"], {"path": 1}, 1e400])
def test_text_when_it_is_none_then_refused(project: Path, text: object) -> None:
    refused(project, text, "no path of a file")


def test_text_when_an_item_plays_that_very_file_then_it_may_lie_anywhere(project: Path, tmp_path: Path) -> None:
    text = str(tmp_path / "secret.wav")
    refused(project, text, "secret.wav", "outside the project's folders")
    assert admitted(project, text, text) == tmp_path / "secret.wav"
    refused(project, text + "x", "outside")


def test_text_when_nothing_is_known_of_the_project_then_nothing_may_be_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError):
        Bounds(folders=(), files=("",)).admit(str(tmp_path / "a.wav"), hint=HINT)


@posix_only
@pytest.mark.parametrize("hops", [1, 3])
def test_text_when_a_link_leads_out_then_refused_and_named(project: Path, tmp_path: Path, hops: int) -> None:
    target = tmp_path / "secret.wav"
    for hop in range(hops):
        link = project / f"link{hop}.wav"
        link.symlink_to(target)
        target = link
    refused(project, str(target), "link that leads out", "secret.wav")
    (project / "folder").symlink_to(tmp_path, target_is_directory=True)
    refused(project, str(project / "folder" / "secret.wav"), "link that leads out")


@posix_only
def test_text_when_a_link_stays_inside_then_what_it_leads_to(project: Path) -> None:
    (project / "other.wav").symlink_to("knock.wav")
    assert admitted(project, str(project / "other.wav")) == project / "knock.wav"


@posix_only
def test_text_when_links_go_round_then_no_hanging(project: Path) -> None:
    (project / "a.wav").symlink_to("b.wav")
    (project / "b.wav").symlink_to("a.wav")
    assert not admitted(project, str(project / "a.wav")).is_file()


@posix_only
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_text_when_it_names_a_pipe_or_folder_then_refused_at_once(project: Path, make: Callable[[Path], None]) -> None:
    make(project / "pipe.wav")
    refused(project, str(project / "pipe.wav"), "no file that holds sound", kind=MediaError)


@posix_only
def test_text_when_it_is_another_computers_then_the_disk_is_not_even_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*arguments: object, **more: object) -> str:
        raise AssertionError(f"the disk was asked for {arguments}")

    for name in ("stat", "lstat", "readlink", "open"):
        monkeypatch.setattr(os, name, asked)
    for text in ("//evil.example/s/x.wav", r"\\evil.example\s\x.wav", "/net/evil.example/x.wav"):
        refused(project, text)


# -- spellings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [r"C:\Show\knock.wav", "D:/Sounds/a.b.wav", r"\\nas\shows\one\knock.wav", r"C:\a\console.wav"]
)
def test_spelling_when_a_full_path_of_windows_then_good(text: str) -> None:
    assert not bounds.misspelt(text, windows=True)


@pytest.mark.parametrize(
    "text",
    [
        *(r"C:knock.wav", r"\Show\knock.wav", r"knock.wav", "/show/knock.wav", r"C:\Show\..\x.wav", "C:/Show/../x.wav"),
        *(r"C:\Show\knock.wav:hidden", r"C:\Show\CON", r"C:\Show\nul.wav", r"C:\Show\COM1.x.wav", r"C:\aux \x.wav"),
        *(r"\\.\pipe\reaper", r"\\?\C:\Show\x.wav", "//./PhysicalDrive0", "C:\\a\0.wav", r"C:\Show\com¹.wav"),
    ],
)
def test_spelling_when_windows_takes_it_for_something_else_then_bad(text: str) -> None:
    assert bounds.misspelt(text, windows=True)


@pytest.mark.parametrize("text", ["/a/CON.wav", "/a/b:c.wav", "/Ton/Tür \u304b.wav", "/a/b\\c.wav"])
def test_spelling_when_only_windows_minds_it_then_good_elsewhere(text: str) -> None:
    assert not bounds.misspelt(text, windows=False)


def test_spelling_when_a_media_folder_has_a_way_up_then_good_there_only() -> None:
    assert bounds.misspelt("/shows/one/../audio", windows=False)
    assert not bounds.misspelt("/shows/one/../audio", windows=False, upwards=True)


@pytest.mark.parametrize(
    ("text", "folder", "foreign"),
    [
        (r"D:\films\a.mp4", r"C:\shows", False),
        (r"\\nas\shows\films\a.mp4", r"\\NAS\shows\one", False),
        (r"\\evil\share\a.mp4", r"\\nas\shows\one", True),
        (r"\\evil\share\a.mp4", r"C:\shows", True),
        ("//evil/share/a.mp4", "C:/shows", True),
        (r"\\.\pipe\x", r"C:\shows", True),
        ("", r"C:\shows", True),
    ],
)
def test_foreign_when_a_file_states_another_computers_share_then_it_is(text: str, folder: str, foreign: bool) -> None:
    assert bounds.is_foreign(text, folder, windows=True) == foreign


# -- where files are put -----------------------------------------------------------------------------------------------


def put(media_dir: str, project_dir: Path) -> Path:
    return bounds.own_folder(media_dir, "Foley", project_dir=str(project_dir), what="clip.mp4")


def test_folder_when_the_media_lie_elsewhere_then_there_because_reaper_says_so(project: Path, tmp_path: Path) -> None:
    recordings = tmp_path / "audio drive"
    assert put(str(recordings), project) == recordings / "Foley"
    assert put(str(project / "Media" / ".." / "Rec"), project) == project / "Media" / ".." / "Rec" / "Foley"


@pytest.mark.parametrize(
    "media_dir", ["", ".", "Media", "../Media", "a\0b", "//server/share", r"\\server\share", "~/Media"]
)
def test_folder_when_reaper_names_none_that_is_a_place_then_refused(project: Path, media_dir: str) -> None:
    with pytest.raises(MediaError, match=r"clip\.mp4") as caught:
        put(media_dir, project)
    assert "Project Settings" in caught.value.hint


@posix_only
def test_folder_when_foley_is_a_link_out_then_refused_and_inside_allowed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (project / "Media" / "Foley").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(MediaError, match="elsewhere") as caught:
        put(str(project / "Media"), project)
    assert "link's place" in caught.value.hint
    (project / "Media" / "Foley").unlink()
    (project / "sounds").mkdir()
    (project / "Media" / "Foley").symlink_to(project / "sounds", target_is_directory=True)
    assert put(str(project / "Media"), project) == project / "Media" / "Foley"


def test_wide_when_home_or_the_top_of_a_disk_then_it_holds_more_than_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert bounds.is_wide(tmp_path.anchor)
    assert bounds.is_wide(str(tmp_path))
    assert not bounds.is_wide(str(tmp_path / "show"))


# -- opening, and names that we make -----------------------------------------------------------------------------------


@posix_only
def test_open_when_a_pipe_took_the_files_place_then_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    began = time.monotonic()
    caught: list[BaseException] = []

    def work() -> None:
        try:
            bounds.open_regular(tmp_path / "pipe.wav")
        except MediaError as error:
            caught.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(5.0)
    assert caught
    assert time.monotonic() - began < 4.0


def test_open_when_a_file_then_read_only(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    with bounds.open_regular(tmp_path / "a.wav") as file:
        assert file.read() == b"sound"
        assert stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        with pytest.raises(OSError, match=r"write|File"):
            file.write(b"x")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("clip wood 3.wav", "clip wood 3.wav"),
        ("CON.x wood 3.wav", "_CON.x wood 3.wav"),
        ("nul.wav", "_nul.wav"),
        ("../../x.wav", "_.._.._x.wav"),
        ("a:b.wav", "a_b.wav"),
        (".hidden", "_.hidden"),
        ("name. . ", "name"),
        ("...", "_"),
        ("Tür.wav", "Tür.wav"),
    ],
)
def test_name_when_made_then_every_system_takes_it_for_a_files(text: str, name: str) -> None:
    assert bounds.plain_name(text) == name
    assert not bounds.misspelt(f"C:\\{name}", windows=True)
