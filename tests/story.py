"""A whole installation for a test: a simulated REAPER, the daemon as its own process, a video that is really there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.domain.render import Recipe
from bridge.media import wav
from tests.packs import tiny_pack
from tests.reaper_sim.client import SimReaper
from tests.reaper_sim.osc_config import OscConfig

SCRIPTS = Path(__file__).resolve().parents[1] / "reaper_scripts"


@dataclass
class Studio:
    """What a designer has in front of them."""

    reaper: SimReaper
    daemon: subprocess.Popen[bytes]
    folder: Path
    item: str

    def press(self, action: str) -> None:
        """The key bound to one of our actions."""
        assert self.reaper.run_script(SCRIPTS / f"foley_{action}.py") == "ran"

    def press_and_wait(self, action: str, *, seconds: float = 60.0) -> None:
        """Presses a key and waits until its one undo step is there."""
        before = len(self.reaper.undo_labels())
        self.press(action)
        self.until(lambda: len(self.reaper.undo_labels()) > before, seconds=seconds)
        assert len(self.reaper.undo_labels()) == before + 1

    def until(self, condition: Callable[[], Any], *, seconds: float = 60.0) -> None:
        """Waits for something to become true, or fails with what REAPER and the daemon said."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or self.daemon.poll() is not None:
                log = (self.folder / "daemon.log").read_text()
                raise AssertionError(
                    f"console: {self.reaper.console()}\nhint: {self.reaper.help_text()}\n{log[-4000:]}"
                )
            time.sleep(0.02)

    def until_console(self, *words: str, seconds: float = 30.0) -> None:
        """Waits until REAPER's console holds all these words."""
        self.until(lambda: all(word in self.reaper.console() for word in words), seconds=seconds)

    def until_said(self, *words: str, seconds: float = 30.0) -> None:
        """Waits until the last sentence, in the hint line, holds all these words."""
        self.until(lambda: all(word in self.reaper.help_text() for word in words), seconds=seconds)

    def press_and_hear(self, action: str, *words: str, seconds: float = 15.0) -> None:
        """Presses a key that changes nothing and waits for its sentence."""
        before = self.reaper.state(), self.reaper.undo_labels()
        self.reaper.set_ext_state("FOLEY", "status", "")
        self.press(action)
        self.until(lambda: all(word in self.reaper.ext_state("FOLEY", "status") for word in words), seconds=seconds)
        assert (self.reaper.state(), self.reaper.undo_labels()) == before

    def undo_back_to(self, steps: int) -> None:
        """Ctrl+Z until only so many undo steps are left."""
        while len(self.reaper.undo_labels()) > steps:
            assert self.reaper.undo()

    def markers(self) -> list[tuple[float, str]]:
        """Position and name of every marker."""
        return [(marker["position_s"], marker["name"]) for marker in self.reaper.markers()]

    def foley_items(self) -> list[dict[str, Any]]:
        """The items that the bridge made: those whose sound lies in the project's Foley folder."""
        return [
            item
            for item in self.reaper.items()
            if any("Foley" in str((take.get("source") or {}).get("path")) for take in item["takes"])
        ]

    def layers(self) -> dict[str, dict[str, Any]]:
        """The bridge's items by the names of their tracks."""
        names = [track["name"] for track in self.reaper.tracks()]
        return {names[item["track_index"]]: item for item in self.foley_items()}

    def sound(self, item: dict[str, Any] | None = None) -> NDArray[np.float32]:
        """Samples of an item's active take; of the only one without an item."""
        (only,) = [item] if item is not None else self.foley_items()
        return wav.read(self.active_audio(only)).samples[0]

    def recipe(self, item: dict[str, Any] | None = None) -> Recipe:
        """The recipe of an item's active take, as the project keeps it."""
        (only,) = [item] if item is not None else self.foley_items()
        return Recipe.from_json(only["takes"][only["active_take"]]["ext"]["foley_recipe"])

    def active_audio(self, item: dict[str, Any]) -> Path:
        """The file of an item's active take."""
        return Path(item["takes"][item["active_take"]]["source"]["path"])


@contextmanager
def daemon(
    folder: Path, *flags: str, env: dict[str, str] | None = None, program: Sequence[str] = ("-m", "bridge")
) -> Iterator[subprocess.Popen[bytes]]:
    """``foley-bridge serve`` in a process of its own; its log is ``folder/daemon.log``."""
    command = [sys.executable, *program, *flags, "serve"]
    with open(folder / "daemon.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(env or {})})
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the daemon did not stop in time") from None


@contextmanager
def studio(
    folder: Path,
    video: Path,
    *,
    flags: Sequence[str] = (),
    profile: str = "7.78",
    position_s: float = 10.0,
    prompt: str | None = "wood",
    port: int,
    env: Mapping[str, str] | None = None,
    osc: Sequence[OscConfig] = (),
    **placing: Any,
) -> Iterator[Studio]:
    """A saved project with one video item under the cursor, the server running, the daemon up.

    Args:
        flags, env: of the daemon. osc: control surfaces of REAPER.
    """
    reaper_env = {"FOLEY_BRIDGE_ENDPOINT": str(folder / "endpoint")}
    server = SCRIPTS / "foley_server.py"
    with SimReaper.start(
        folder / "reaper", profile=profile, env=reaper_env, startup_scripts=[server], osc=osc
    ) as reaper:
        item = reaper.place_video(video, position_s, **placing)
        reaper.save(folder / "project" / "show.rpp")
        reaper.set_cursor(position_s + 0.1)
        if prompt is not None:
            reaper.answer_next_inputs([prompt])
        env = {**reaper_env, "FOLEY_BRIDGE_OSC_PORT": str(port), **(env or {})}
        with daemon(folder, *flags, env=env) as process:
            desk = Studio(reaper=reaper, daemon=process, folder=folder, item=item)
            desk.until(lambda: (folder / "endpoint" / "daemon.json").exists(), seconds=30)
            yield desk


def free_udp_port() -> int:
    """A UDP port on 127.0.0.1 that nobody holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def tiny_studio(folder: Path, film: Path, **wanted: Any) -> Iterator[Studio]:
    """A studio with the tiny pack (or what ``pack`` makes) and six seconds of the film, without the user's settings."""
    pack = wanted.pop("pack", tiny_pack)(folder / "packs")
    home = {name: str(folder / "home") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    flags = ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]
    wanted = {"length_s": 6.0, "start_offset_s": 0.5, "port": free_udp_port(), **wanted}
    with studio(folder, film, **{**wanted, "flags": flags, "env": {**home, **wanted.get("env", {})}}) as desk:
        yield desk


@contextmanager
def taken_back(desk: Studio) -> Iterator[Studio]:
    """A studio for one test of several: at its end everything is undone, and the project is as it was."""
    before, steps = desk.reaper.state(), len(desk.reaper.undo_labels())
    yield desk
    desk.undo_back_to(steps)
    now = desk.reaper.state()
    assert {key: now[key] for key in ("tracks", "markers", "ext")} == {
        key: before[key] for key in ("tracks", "markers", "ext")
    }
    desk.reaper.set_cursor(before["cursor_s"])
    desk.reaper.set_time_selection(*before["time_selection"])
