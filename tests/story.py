"""A whole installation for a test: a simulated REAPER, the daemon as its own process, a video that is really there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.reaper_sim.client import SimReaper

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

    def active_audio(self, item: dict[str, Any]) -> Path:
        """The file of an item's active take."""
        return Path(item["takes"][item["active_take"]]["source"]["path"])


@contextmanager
def daemon(folder: Path, *flags: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """``foley-bridge serve`` in a process of its own; its log is ``folder/daemon.log``."""
    command = [sys.executable, "-m", "bridge", *flags, "serve"]
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
    **placing: Any,
) -> Iterator[Studio]:
    """A saved project with one video item under the cursor, the server running, the daemon up."""
    env = {"FOLEY_BRIDGE_ENDPOINT": str(folder / "endpoint")}
    server = SCRIPTS / "foley_server.py"
    with SimReaper.start(folder / "reaper", profile=profile, env=env, startup_scripts=[server]) as reaper:
        item = reaper.place_video(video, position_s, **placing)
        reaper.save(folder / "project" / "show.rpp")
        reaper.set_cursor(position_s + 0.1)
        if prompt is not None:
            reaper.answer_next_inputs([prompt])
        with daemon(folder, *flags, env={**env, "FOLEY_BRIDGE_OSC_PORT": str(port)}) as process:
            desk = Studio(reaper=reaper, daemon=process, folder=folder, item=item)
            desk.until(lambda: (folder / "endpoint" / "daemon.json").exists(), seconds=30)
            yield desk
