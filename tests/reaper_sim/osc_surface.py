"""An OSC control surface: what REAPER tells a device, and what a device may ask of it.

Convention: ``run`` is called once a round of the main loop, so an open dialog stalls it, while the sockets go on beside
it. A value is sent when it is another than the last one sent to its address (floats as 32 bits). Positions are looked
at fifteen times a second, markers when they change. What no pattern names is ignored in silence, as in REAPER; what a
pattern names but is not simulated is a fault.
"""

from __future__ import annotations

import time
from typing import Any

from . import assumptions
from .app import App
from .faults import Unsimulated
from .functions_app import run_command
from .osc_banks import KINDS, Banks, argument
from .osc_codec import Broken, Message, encode, float32, unpacked
from .osc_config import SEND, OscConfig, read
from .osc_link import OscLink
from .osc_patterns import Match, Pattern, load
from .osc_times import read_time, time_texts

PLAYING, PAUSED, RECORDING = 1, 2, 4


class OscSurface:
    """One surface and its link."""

    def __init__(self, app: App, config: OscConfig) -> None:
        self._app = app
        self._patterns, problem = load(app.resource, config.patterns)
        self._link = OscLink(config)
        unknown = [f"{name} is no name of REAPER's, or none that is simulated" for name in self._patterns.unknown]
        for text in (problem, self._link.problem, *unknown):
            if text:
                app.faults.warn(f"OSC surface {config.name!r}: {text}")
        self._banks = Banks(app, self._patterns, self._put, self._forget)
        self._speaks = bool(config.flags & SEND)
        self._sent: dict[str, float | str] = {}
        self._out: list[bytes] = []
        self._edited = ("", "")
        self._markers: Any = None
        self._play_state = -1
        self._cursor_s = 0.0
        self._next_poll = 0.0

    def run(self) -> None:
        """One round: messages that came, then feedback."""
        try:
            for packet in self._link.received():
                for message in unpacked(packet):
                    self._take(message)
        except Broken as error:
            self._app.faults.warn(f"OSC: {error}; the rest of the round is lost")
        self._notify()
        if time.monotonic() >= self._next_poll:
            self._next_poll = time.monotonic() + 1 / assumptions.SURFACE_RATE_HZ
            self._poll()
        self._link.send(self._out)
        self._out = []

    def close(self) -> None:
        """Closes the sockets."""
        self._link.close()

    def refresh(self) -> None:
        """What the action "Control surface: Refresh all surfaces" does."""
        if assumptions.REFRESH_CLEARS_OSC_CACHE:
            self._sent.clear()
            self._cursor_s, self._next_poll = 0.0, 0.0
        self._markers, self._play_state = None, -1

    # -- out -------------------------------------------------------------------------------------------------------

    def _put(self, name: str, slot: int | None, *, number: float | None = None, text: str | None = None) -> None:
        """Sends a value to every address of a name that can carry it, unless the device has it."""
        if not self._speaks:
            return
        for pattern in self._patterns.of(name):
            value = text if pattern.flag == "s" else number if pattern.flag in "fnbt" else None
            if value is None or pattern.wildcards != (slot is not None):
                continue
            address = pattern.filled([] if slot is None else [slot])
            if self._edited == (address, pattern.flag) and pattern.flag not in "tb":
                continue
            value = value if isinstance(value, str) else float32(value)
            if self._sent.get(address) != value:
                self._sent[address] = value
                self._out.append(encode(address, value))

    def _forget(self, name: str, slot: int) -> None:
        for pattern in self._patterns.of(name):
            self._sent.pop(pattern.filled([slot]), None)

    def _notify(self) -> None:
        """Tells what REAPER notifies of: markers and the transport."""
        project = self._app.project
        if not self._app.markers_held:
            markers = [(marker.position_s, marker.end_s, marker.name, marker.number) for marker in project.markers]
            if markers != self._markers:
                self._markers = markers
                self._banks.tell()
        if project.play_state != self._play_state:
            self._play_state = project.play_state
            state = {"RECORD": PLAYING | RECORDING, "PLAY": PLAYING, "PAUSE": PAUSED}
            for name, bits in state.items():
                self._put(name, None, number=float(self._play_state & bits == bits))
            self._put("STOP", None, number=float(not self._play_state & PLAYING))

    def _poll(self) -> None:
        project = self._app.project
        if project.cursor_s != self._cursor_s:
            self._cursor_s = project.cursor_s
            for name, (number, text) in time_texts(project, self._cursor_s).items():
                self._put(name, None, number=number, text=text)
        self._put("LOOP_START_TIME", None, number=project.loop_points[0])
        self._put("LOOP_END_TIME", None, number=project.loop_points[1])
        self._banks.tell_last(project.cursor_s)

    # -- in --------------------------------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        match = self._patterns.find(message.address)
        if match is None:
            return
        self._sent.pop(message.address, None)
        self._edited = (message.address, match.pattern.flag)
        try:
            for number in match.numbers or ("",):
                self._do(match, number, message)
            if assumptions.OSC_EDIT_IS_NOTIFIED_AT_ONCE:
                self._notify()
        finally:
            self._edited = ("", "")

    def _do(self, match: Match, number: str, message: Message) -> None:
        pattern, name = match.pattern, match.pattern.name
        if name.startswith("ACTION"):
            self._act(pattern, number, message)
        elif name.startswith("DEVICE_"):
            self._device(pattern, number, message)
        elif name.startswith(("MARKER", "REGION", "LAST_MARKER", "LAST_REGION")):
            wanted = int(number) if number.isdigit() else None
            self._banks.edit(name, pattern.flag, wanted, message, self._app.project.cursor_s)
        elif name in ("GOTO_MARKER", "GOTO_REGION"):
            self._go_to(pattern, number, message)
        else:
            self._transport(pattern, message)

    def _transport(self, pattern: Pattern, message: Message) -> None:
        project, name = self._app.project, pattern.name
        if name == "TIME":
            time_s = read_time(message.take(str)) if pattern.flag == "s" else argument(message, pattern.flag)
            if time_s is not None:
                project.cursor_s = max(0.0, time_s)
        elif name in ("LOOP_START_TIME", "LOOP_END_TIME"):
            value = argument(message, pattern.flag) or 0.0
            start_s, end_s = project.loop_points
            project.loop_points = (value, end_s) if name == "LOOP_START_TIME" else (start_s, value)
            project.touch()
        elif name in ("PLAY", "STOP", "PAUSE"):
            if triggered(message, pattern.flag):
                project.play_state = {"PLAY": PLAYING, "STOP": 0, "PAUSE": project.play_state ^ PAUSED}[name]
        else:
            self._unsimulated(f"{message.address} ({name})")

    def _device(self, pattern: Pattern, number: str, message: Message) -> None:
        kind = next(kind for kind in KINDS if kind in pattern.name)
        if "_PREV_" in pattern.name or "_NEXT_" in pattern.name:
            if triggered(message, pattern.flag) > 0:
                self._banks.step(kind, -1 if "_PREV_" in pattern.name else 1)
            return
        value = self._whole(pattern, number, message)
        if value is None or value < 0:
            return
        if pattern.name.endswith("_COUNT"):
            self._banks.resize(kind, value)
        else:
            self._banks.select(kind, value)

    def _go_to(self, pattern: Pattern, number: str, message: Message) -> None:
        kind = pattern.name.removeprefix("GOTO_")
        value = self._whole(pattern, number, message)
        found = [marker for marker in self._app.project.markers if marker.is_region == (kind == "REGION")]
        index = -1 if value is None else value + self._banks.first[kind] - 1
        if 0 <= index < len(found):
            self._app.project.cursor_s = found[index].position_s

    def _whole(self, pattern: Pattern, number: str, message: Message) -> int | None:
        """The number of a message: what stands for ``@``, or the argument."""
        if number:
            return int(number) if number.isdigit() and triggered(message, pattern.flag) > 0 else None
        value = argument(message, "i")
        return None if value is None else int(value)

    def _act(self, pattern: Pattern, number: str, message: Message) -> None:
        if number:
            if pattern.flag == "f" or triggered(message, pattern.flag) > 0:
                self._run(number)
            return
        while message.arguments:
            command, name = message.take(int), message.take(str)
            message.take(float)
            if not isinstance(command, int) or command <= 0:
                if not name:
                    return
                command = name
            self._run(str(command))

    def _run(self, command: str) -> None:
        action = None if command.isdigit() else self._app.actions.by_name(command)
        number = int(command) if command.isdigit() else 0 if action is None else action.command
        if number:
            try:
                run_command(self._app, number)
            except Unsimulated as error:
                self._unsimulated(str(error))

    def _unsimulated(self, what: str) -> None:
        self._app.faults.record("unimplemented", "OSC surface", f"{what}: not simulated")


def triggered(message: Message, flag: str) -> int:
    """1 if a message means "do it", -1 if it is a switch turned off, else 0: a trigger needs no argument or a 1."""
    if flag not in "ntbr":
        return 0
    value = argument(message, flag)
    if flag == "t":
        return int(value is None or value == 1.0)
    if flag == "b":
        return {1.0: 1, 0.0: -1}.get(value if value is not None else 0.5, 0)
    return 0


def surfaces(app: App) -> list[OscSurface]:
    """The surfaces that ``reaper.ini`` asks for, with their sockets open."""
    return [OscSurface(app, config) for config in read(app.resource)]
