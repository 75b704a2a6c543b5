"""The test's hand on a simulated REAPER: starts it as a separate process and acts as the designer.

Typical use, in a test::

    with SimReaper.start(tmp_path / "reaper", startup_scripts=[server_script]) as reaper:
        item = reaper.place_video(clip, position_s=10.0, length_s=2.0)     # a GUID, as everything here
        reaper.set_cursor(10.5)
        reaper.run_script(script)                # the key bound to that script
        reaper.wait_ticks(3)
        assert [m["name"] for m in reaper.markers()] == ["foley"]
        before = reaper.state()
        reaper.undo()
        assert reaper.undo_labels() == [...]     # oldest first

Convention: every object is a GUID string; times are project time in seconds; each gesture that changes the project is
one undo step, as a designer's is. Reading methods (``state``, ``items``, ``markers``) change nothing. Leaving the
``with`` block ends the process and raises AssertionError when faults were recorded (``faults()``; ``forgive_faults()``
empties the list when a test expects them).

Dialogs: ``answer_next_inputs(["wood", None])`` queues the answers of the next GetUserInputs (one string per call,
comma separated as REAPER returns them; None = Cancel); ``answer_next_boxes([6])`` the buttons of the next message boxes.
Without a queued answer the dialog stays open and, as in REAPER, no script, no web request is served until
``answer_modal(...)`` or ``close_modal()``. ``open_modal()`` opens some dialog of REAPER's own.

A ``run_script`` returns when the script's top level has run, or has opened a dialog. A script's uncaught exception ends
it and is in ``console()``.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class SimReaperError(RuntimeError):
    """The simulated REAPER refused a command, or is gone."""


class SimReaper:
    """One simulated REAPER process. ``web_port`` is the web interface's port (0 = none), ``pid`` the process."""

    def __init__(self, resource_dir: Path, arguments: Sequence[str], env: Mapping[str, str] | None) -> None:
        self.resource_dir = Path(resource_dir)
        self._arguments = list(arguments)
        self._env = dict(env or {})
        self._serial = 0
        self._pending = b""
        self._process: subprocess.Popen[bytes] | None = None
        self.web_port = 0

    # -- life cycle ------------------------------------------------------------------------------------------------

    @classmethod
    def start(
        cls,
        resource_dir: str | os.PathLike[str],
        *,
        profile: str = "7.78",
        tick_s: float = 1 / 30,
        env: Mapping[str, str] | None = None,
        web_port: int | None = 0,
        startup_scripts: Sequence[str | os.PathLike[str]] = (),
        with_reapy: bool = True,
        arguments: Sequence[str] = (),
    ) -> SimReaper:
        """A running REAPER with one empty, unsaved project.

        Args:
            resource_dir: REAPER's resource path; made if missing; survives ``restart``.
            profile: the version that is simulated: "7.78", "7.30" (no marker pointer API) or "6.80".
            tick_s: seconds between two rounds of the main loop.
            env: variables added to the process's environment.
            web_port: port of the web interface; 0 = any free one (then ``.web_port``), None = not enabled.
            startup_scripts: ReaScripts that run, in this order, when REAPER has started (also after ``restart``).
            with_reapy: whether REAPER's own Python has python-reapy installed.
            arguments: further command line arguments of ``python -m tests.reaper_sim``.
        """
        folder = Path(resource_dir)
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--resource", str(folder), "--profile", profile, "--tick", repr(tick_s)]
        options += ["--web-port", "off" if web_port is None else str(web_port)]
        for script in startup_scripts:
            options += ["--startup", os.fspath(script)]
        if not with_reapy:
            options.append("--without-reapy")
        reaper = cls(folder, [*options, *arguments], env)
        reaper._launch()
        return reaper

    def _launch(self) -> None:
        env = {**os.environ, **self._env}
        env.setdefault("OMP_NUM_THREADS", "1")
        command = [sys.executable, "-m", "tests.reaper_sim", *self._arguments]
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT, env=env, bufsize=0
            )
        self._pending = b""
        hello = self._read(60.0)
        self.web_port = int(hello["web_port"])

    def __enter__(self) -> SimReaper:
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self.close(check=kind is None)

    def close(self, *, check: bool = True) -> None:
        """Ends the process if it still runs; with ``check`` raises AssertionError when faults were recorded."""
        if self.alive():
            try:
                self.quit()
            except (SimReaperError, TimeoutError):
                self.kill()
        self._forget_process()
        found = self.faults()
        if check and found:
            raise AssertionError("the simulated REAPER recorded faults:\n" + "\n".join(map(str, found)))

    @property
    def pid(self) -> int:
        """Process id of the simulated REAPER."""
        assert self._process is not None
        return self._process.pid

    @property
    def log_path(self) -> Path:
        """Where the process's standard error goes."""
        return self.resource_dir / "sim.log"

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9: nothing is saved, no atexit runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
        self._forget_process()

    def quit(self) -> None:
        """A clean exit: scripts' atexit runs, persistent ext state is written."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self._ask("quit")
        process.wait(30)
        self._forget_process()

    def restart(self, *, clean: bool = True) -> None:
        """Ends (``clean``) or kills the process and starts it again on the same resource path; all pointers are new."""
        self.quit() if clean else self.kill()
        self._launch()

    def _forget_process(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait(30)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = None

    # -- faults and output -----------------------------------------------------------------------------------------

    def faults(self) -> list[dict[str, Any]]:
        """What went wrong in ways that only a real REAPER would show: kind, function, message, fatal; also after a crash.

        Kinds: "crash" (stale, wrong or NULL pointer), "ui_refresh", "unimplemented", "internal", "leak" is not one.
        """
        path = self.resource_dir / "sim-faults.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]

    def forgive_faults(self) -> list[dict[str, Any]]:
        """Returns the recorded faults and empties the list."""
        found = self.faults()
        (self.resource_dir / "sim-faults.jsonl").unlink(missing_ok=True)
        return found

    def console(self) -> str:
        """REAPER's console: ShowConsoleMsg and tracebacks of scripts."""
        return self._ask("console")

    def help_text(self) -> str:
        """The text last given to Help_Set."""
        return self._ask("help_text")

    def log_text(self) -> str:
        """Standard error of the process so far."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    # -- gestures: tracks and items --------------------------------------------------------------------------------

    def add_track(self, name: str = "", index: int | None = None) -> str:
        """A new track (at the end without ``index``)."""
        return self._ask("add_track", name=name, index=index)

    def delete_track(self, guid: str) -> None:
        """Deletes a track with everything on it."""
        self._ask("delete_track", guid=guid)

    def set_track(self, guid: str, **values: Any) -> None:
        """Changes fields of a track: name, mute, solo, selected, folder_depth, lock."""
        self._ask("set_track", guid=guid, values=values)

    def place_video(
        self,
        path: str | os.PathLike[str],
        position_s: float,
        length_s: float | None = None,
        start_offset_s: float = 0.0,
        play_rate: float = 1.0,
        loop: bool = False,
        section: tuple[float, float] | None = None,
        reverse: bool = False,
        track: str | None = None,
        muted: bool = False,
        selected: bool = False,
    ) -> str:
        """Puts a media file (video or sound) on a track and returns the item's GUID.

        Args:
            length_s: of the item; None = what the file allows. section: (offset, length) in the file makes a SECTION
                source around it; ``reverse`` too. track: its GUID; None = a new track named "Video".
        """
        return self._ask(
            "place_media",
            path=os.fspath(path),
            position_s=position_s,
            length_s=length_s,
            start_offset_s=start_offset_s,
            play_rate=play_rate,
            loop=loop,
            section=section,
            reverse=reverse,
            track=track,
            muted=muted,
            selected=selected,
        )

    def set_item(self, guid: str, **values: Any) -> None:
        """Changes an item: position_s, length_s, start_offset_s, play_rate, loop, muted, active_take, track, locked."""
        self._ask("set_item", guid=guid, values=values)

    def delete_item(self, guid: str) -> None:
        """Deletes an item."""
        self._ask("delete_item", guid=guid)

    def split_item(self, guid: str, position_s: float) -> str:
        """Splits an item and returns the GUID of the right part."""
        return self._ask("split_item", guid=guid, position_s=position_s)

    def copy_item(self, guid: str, position_s: float) -> str:
        """Pastes a copy of an item on its track; private texts (P_EXT) are copied with it, GUIDs are new."""
        return self._ask("copy_item", guid=guid, position_s=position_s)

    def set_stretch_markers(self, guid: str, markers: Sequence[tuple[float, float]]) -> None:
        """Stretch markers (position in the item x play rate, source position) of the item's active take."""
        self._ask("set_stretch_markers", guid=guid, markers=list(markers))

    def set_offline(self, guid: str, offline: bool = True) -> None:
        """Sets the media of the item's active take offline or online again."""
        self._ask("set_offline", guid=guid, offline=offline)

    def select(self, *guids: str) -> None:
        """Selects exactly these items and tracks; nothing without arguments. Not an undo step."""
        self._ask("select", guids=list(guids))

    def set_cursor(self, position_s: float) -> None:
        """Moves the edit cursor. Not an undo step."""
        self._ask("set_cursor", position_s=position_s)

    def set_mouse_track(self, guid: str | None) -> None:
        """Puts the mouse over a track (None = over nothing)."""
        self._ask("set_mouse_track", guid=guid)

    def set_time_selection(self, start_s: float, end_s: float) -> None:
        """Sets the time selection."""
        self._ask("set_time_selection", start_s=start_s, end_s=end_s)

    # -- gestures: markers -----------------------------------------------------------------------------------------

    def add_marker(self, position_s: float, name: str = "", *, end_s: float | None = None, number: int = -1) -> str:
        """A new marker, or a region when ``end_s`` is given."""
        return self._ask("add_marker", position_s=position_s, name=name, end_s=end_s, number=number)

    def move_marker(self, guid: str, position_s: float) -> None:
        """Drags a marker."""
        self._ask("move_marker", guid=guid, position_s=position_s)

    def rename_marker(self, guid: str, name: str) -> None:
        """Renames a marker."""
        self._ask("rename_marker", guid=guid, name=name)

    def delete_marker(self, guid: str) -> None:
        """Deletes a marker."""
        self._ask("delete_marker", guid=guid)

    # -- looking ---------------------------------------------------------------------------------------------------

    def markers(self) -> list[dict[str, Any]]:
        """Markers and regions in enumeration order: guid, position_s, end_s, is_region, name, number, color."""
        return self.state()["markers"]

    def tracks(self) -> list[dict[str, Any]]:
        """Tracks from the top: guid, name, mute, solo, selected, folder_depth, ext, items."""
        return self.state()["tracks"]

    def items(self) -> list[dict[str, Any]]:
        """All items, by track then time: as in ``state`` plus track (GUID) and track_index."""
        return [
            {**item, "track": track["guid"], "track_index": index}
            for index, track in enumerate(self.tracks())
            for item in track["items"]
        ]

    def state(self) -> dict[str, Any]:
        """Everything that the active project holds, as JSON; equal states mean an unchanged project.

        Keys: path, tracks (with items, with takes, with source), markers, ext, cursor_s, time_selection, loop_points.
        Item: guid, position_s, length_s, loop, muted, selected, active_take, notes, ext, takes.
        Take: guid, name, start_offset_s, play_rate, ext, markers, stretch_markers, source (or null).
        Source: type, path, length_s, offline, peaks, parent, section_offset_s, section_length_s, reverse.
        """
        return self._ask("state")

    def change_count(self) -> int:
        """GetProjectStateChangeCount of the active project."""
        return self._ask("change_count")

    def ext_state(self, section: str, key: str) -> str:
        """GetExtState; "" if none."""
        return self._ask("ext_state", section=section, key=key)

    def set_ext_state(self, section: str, key: str, value: str, persist: bool = False) -> None:
        """SetExtState, as another script would."""
        self._ask("set_ext_state", section=section, key=key, value=value, persist=persist)

    # -- undo, files, tabs -----------------------------------------------------------------------------------------

    def undo(self) -> str:
        """Ctrl+Z; returns the undone step's title ("" if there was none)."""
        return self._ask("undo")

    def redo(self) -> str:
        """Ctrl+Shift+Z; returns the redone step's title ("" if there was none)."""
        return self._ask("redo")

    def undo_labels(self) -> list[str]:
        """Titles of the steps that can be undone, oldest first."""
        return self._ask("undo_labels")

    def save(self, path: str | os.PathLike[str] | None = None) -> None:
        """Saves the active project (under ``path``: Save as)."""
        self._ask("save", path=None if path is None else os.fspath(path))

    def open(self, path: str | os.PathLike[str]) -> None:
        """Opens a project file in the active tab."""
        self._ask("open", path=os.fspath(path))

    def new_tab(self) -> int:
        """Opens a tab with an empty project, makes it the active one and returns its index."""
        return self._ask("new_tab")

    def switch_tab(self, index: int) -> None:
        """Makes a tab the active one."""
        self._ask("switch_tab", index=index)

    def close_tab(self, index: int | None = None) -> None:
        """Closes a tab (None = the active one) without saving; an empty project replaces the last one."""
        self._ask("close_tab", index=index)

    # -- scripts, time, dialogs ------------------------------------------------------------------------------------

    def run_script(self, path: str | os.PathLike[str], *, when_running: str = "ask") -> str:
        """Presses the key bound to a script; "ran", or "modal" when a dialog is open now.

        ``when_running`` is what the designer once chose for a script that still runs: "ask" (REAPER's task control
        dialog opens), "terminate" (the old one ends first) or "new" (a second instance).
        """
        return self._ask("run_script", path=os.fspath(path), when_running=when_running)

    def terminate_scripts(self) -> None:
        """Ends every running script; their atexit runs."""
        self._ask("terminate_scripts")

    def running_scripts(self) -> list[str]:
        """Paths of the scripts that wait for their next cycle."""
        return self._ask("running_scripts")

    def wait_ticks(self, count: int = 1, timeout_s: float = 30.0) -> None:
        """Returns when the main loop has completed ``count`` further rounds."""
        self._ask("wait_ticks", timeout_s=timeout_s, count=count)

    def open_modal(self, title: str = "REAPER Preferences") -> None:
        """Opens a dialog of REAPER's own: scripts and web interface stop until ``close_modal``."""
        self._ask("open_modal", title=title)

    def close_modal(self) -> None:
        """Closes the open dialog with Cancel."""
        self._ask("close_modal")

    def modal(self) -> dict[str, Any] | None:
        """The open dialog (kind, title, text, fields) or None."""
        return self._ask("modal")

    def answer_modal(self, value: str | int | None) -> None:
        """Answers the open dialog: the values of GetUserInputs, or the number of a message box's button."""
        self._ask("answer_modal", value=value)

    def answer_next_inputs(self, answers: Sequence[str | None]) -> None:
        """Queues answers for the next GetUserInputs calls; None = Cancel."""
        self._ask("answer_next_inputs", answers=list(answers))

    def answer_next_boxes(self, buttons: Sequence[int]) -> None:
        """Queues the buttons for the next message boxes (1 OK, 2 Cancel, 6 Yes, 7 No)."""
        self._ask("answer_next_boxes", buttons=list(buttons))

    def dialogs(self) -> list[dict[str, Any]]:
        """Every dialog that scripts opened so far: kind, title, text, fields, answer."""
        return self._ask("dialogs")

    # -- the control pipe ------------------------------------------------------------------------------------------

    def _ask(self, command: str, *, timeout_s: float = 30.0, **arguments: Any) -> Any:
        if not self.alive():
            raise SimReaperError(f"{command}: the simulated REAPER does not run\n{self._why()}")
        assert self._process is not None
        assert self._process.stdin is not None
        self._serial += 1
        line = json.dumps({"id": self._serial, "command": command, "arguments": arguments}) + "\n"
        try:
            self._process.stdin.write(line.encode())
        except BrokenPipeError as error:
            raise SimReaperError(f"{command}: the simulated REAPER has gone\n{self._why()}") from error
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self._read(deadline - time.monotonic())
            if answer.get("id") == self._serial:
                break
        if "error" in answer:
            raise SimReaperError(f"{command}: {answer['error']}")
        return answer["value"]

    def _read(self, timeout_s: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"the simulated REAPER did not answer within {timeout_s:.0f} s\n{self._why()}")
            data = os.read(self._process.stdout.fileno(), 1 << 20)
            if not data:
                self._process.wait(30)
                raise SimReaperError(f"the simulated REAPER ended, code {self._process.returncode}\n{self._why()}")
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        return json.loads(line)

    def _why(self) -> str:
        return "\n".join([*map(str, self.faults()), self.log_text()[-2000:]])
