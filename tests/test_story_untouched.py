"""A day of every key, watched: what is only read stays as it is, and what is written lies where it may."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.media import wav
from tests.story import Studio, tiny_studio
from tests.watched import Watched, open_modes
from tests.wave_pack import wave_pack


@pytest.fixture
def sources(tmp_path: Path, film: Path) -> Iterator[Path]:
    """A folder with a film and a sound in which nothing may be written, not even by its owner."""
    folder = tmp_path / "sources"
    folder.mkdir()
    shutil.copyfile(film, folder / "film.mp4")
    times = np.arange(24000) / 48000
    knock = np.sin(2000 * times) * np.exp(-30 * times) * 0.5
    wav.write(folder / "knock.wav", Audio(samples=knock[None].astype(np.float32), rate_hz=48000))
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    folder.chmod(0o755)


def fingerprints(*folders: Path) -> dict[str, tuple]:
    """Everything below some folders: kind, size, times, content."""
    found = {}
    for folder in folders:
        for path in (folder, *sorted(folder.rglob("*"))):
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_nlink, content)
    return found


@contextmanager
def looking(pid: int, folder: Path) -> Iterator[dict[str, set[int]]]:
    """Collects how a process has files of a folder open, again and again."""
    seen: dict[str, set[int]] = {}
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.01):
            for path, modes in open_modes(pid, folder).items():
                seen.setdefault(path, set()).update(modes)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(5.0)


def every_key(desk: Studio, sound: Path) -> None:
    """All actions, in an order in which each has something to do."""
    reaper = desk.reaper
    desk.press_and_wait("set_prompt")
    desk.press_and_wait("find_onsets")
    desk.press_and_wait("fewer_onsets")
    desk.press_and_wait("more_onsets")
    desk.press_and_wait("generate")
    for key in ("new_variation", "vary_a_little"):
        desk.press_and_wait(key)
    reaper.add_marker(15.5, "foley")
    for key in ("make_again_from_markers", "make_exactly_again", "keep_this_take"):
        desk.press_and_wait(key)
    item = reaper.place_video(sound, 30.0, track=reaper.add_track("Sounds"))
    reaper.select(item)
    desk.press_and_wait("use_item_as_reference")
    reaper.select()
    desk.press_and_wait("place_this_sound")
    desk.press_and_hear("show_recipe", "in the console")
    desk.press_and_wait("forget_reference")
    desk.press("free_memory")
    desk.press("cancel")


def test_day_when_every_key_was_pressed_then_nothing_outside_was_touched(tmp_path: Path, sources: Path) -> None:
    watched = Watched(tmp_path / "watched")
    home = tmp_path / "home"
    home.mkdir()
    env = {**watched.env, "HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    with tiny_studio(tmp_path, sources / "film.mp4", pack=wave_pack, env=env) as desk:
        kept = sources, tmp_path / "packs"
        before = fingerprints(*kept)
        with looking(desk.daemon.pid, sources) as modes:
            every_key(desk, sources / "knock.wav")
        assert len(desk.foley_items()) == 2
        if sys.platform == "linux":
            assert modes[str(sources / "film.mp4")] == {os.O_RDONLY}
            assert all(how == {os.O_RDONLY} for how in modes.values())
        desk.reaper.save()
    assert fingerprints(*kept) == before

    media = tmp_path / "project" / "Media"
    allowed = [f"{media}/", f"{tmp_path / 'endpoint'}/"]
    beside = {str(tmp_path / "project"), str(media), str(tmp_path / "endpoint")}  # made, or tried whether they are open
    outside = {path for path in watched.written() if not path.startswith(tuple(allowed)) and path not in beside}
    assert not outside
    assert any(path.endswith(".wav") and path.startswith(f"{media}/Foley/") for path in watched.written())
    assert any(path.startswith(f"{media}/Foley/References/") for path in watched.written())
    assert [path for path in home.rglob("*") if path.is_file()] == []

    written = [said[0] for event, said in watched.events() if event == "open" and str(said[0]).startswith(str(media))]
    finished = [path for path in written if not path.endswith(".part") and not Path(path).is_dir()]
    assert not finished, "opened for writing under its final name"
    assert not list(media.rglob("*.part"))
    assert watched.started() == []
    assert watched.addresses() <= {"127.0.0.1"}


def test_watch_when_a_process_misbehaves_then_it_is_seen(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "watched")
    (tmp_path / "film.mp4").write_bytes(b"film")
    text = (
        "import os, socket, subprocess, sys, tempfile\n"
        "open('film.mp4', 'r+').close(); os.rename('film.mp4', 'other.mp4'); os.mkdir('new')\n"
        "subprocess.run([sys.executable, '-S', '-c', ''])\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('0.0.0.0', 0))\n"
        "file = open('other.mp4', 'rb+'); print('ready', flush=True); sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", text]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, **watched.env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        modes = open_modes(process.pid, tmp_path) if sys.platform == "linux" else {}
        process.communicate(b"\n", timeout=10)
    assert {str(tmp_path / name) for name in ("film.mp4", "other.mp4", "new")} <= watched.written()
    assert [event for event, _ in watched.started()][:1] == ["subprocess.Popen"]
    assert "0.0.0.0" in watched.addresses()
    if sys.platform == "linux":
        assert modes[str(tmp_path / "other.mp4")] == {os.O_RDWR}
