"""Markers and regions on an OSC surface: banks of them as feedback, and edits that come in.

Convention: a bank shows ``size`` markers (or regions) in order of time, its slots counted from 1. There is no identity:
a marker that is dragged past another looks like two slots that swap. A slot without a marker has an empty name and
number; its time is left as it was. Edits by slot or by displayed number change REAPER's project at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .app import App
from .functions_markers import add_marker, set_project_marker_by_index2
from .model import Marker
from .osc_codec import Message
from .osc_patterns import Patterns

KINDS: tuple[str, ...] = ("MARKER", "REGION")
MISCCFG = 8
MERGE_KEY = "OSC"
Put = Callable[..., None]


class Banks:
    """The marker bank and the region bank of one surface.

    Args:
        put: ``put(name, slots, number=..., text=...)`` tells the device a value; forget: the same without a value.
    """

    def __init__(self, app: App, patterns: Patterns, put: Put, forget: Callable[[str, int], None]) -> None:
        self._app, self._patterns, self._put, self._forget = app, patterns, put, forget
        self.size = {kind: patterns.counts.get(kind, 0) for kind in KINDS}
        self.first = dict.fromkeys(KINDS, 0)

    def _all(self, kind: str) -> list[Marker]:
        return [marker for marker in self._app.project.markers if marker.is_region == (kind == "REGION")]

    # -- feedback --------------------------------------------------------------------------------------------------

    def tell(self) -> None:
        """Tells the device every slot."""
        for kind in KINDS:
            if not self._patterns.wants(kind + "_"):
                continue
            first, size = self.first[kind], self.size[kind]
            shown = self._all(kind)[first : first + size]
            for slot, marker in enumerate(shown, 1):
                self._tell_slot(kind, slot, marker)
            for slot in range(len(shown) + 1, size + 1):
                self._put(f"{kind}_NAME", slot, text="")
                self._put(f"{kind}_NUMBER", slot, text="")

    def _tell_slot(self, kind: str, slot: int | None, marker: Marker) -> None:
        self._put(f"{kind}_NAME", slot, text=marker.name)
        self._put(f"{kind}_NUMBER", slot, text=str(marker.number))
        self._put(f"{kind}_TIME", slot, number=marker.position_s)
        if marker.is_region:
            self._put(f"{kind}_LENGTH", slot, number=max(0.0, marker.end_s - marker.position_s))

    def tell_last(self, time_s: float) -> None:
        """Tells the device the last marker and the region at a time."""
        for kind in KINDS:
            name, marker = "LAST_" + kind, self.last(kind, time_s)
            if not self._patterns.wants(name + "_"):
                continue
            self._put(f"{name}_NAME", None, text="" if marker is None else marker.name)
            number = "" if marker is None or marker.number <= 0 else str(marker.number)
            self._put(f"{name}_NUMBER", None, text=number)
            self._put(f"{name}_TIME", None, number=0.0 if marker is None else marker.position_s)
            if kind == "REGION":
                length_s = 0.0 if marker is None else max(0.0, marker.end_s - marker.position_s)
                self._put("LAST_REGION_LENGTH", None, number=length_s)

    def last(self, kind: str, time_s: float) -> Marker | None:
        """The last marker at or before a time, or the region around it."""
        found = [marker for marker in self._all(kind) if marker.position_s <= time_s]
        if kind == "REGION":
            found = [marker for marker in found if time_s < marker.end_s]
        return found[-1] if found else None

    # -- size and place --------------------------------------------------------------------------------------------

    def resize(self, kind: str, size: int) -> None:
        """Sets how many slots there are; what was sent to slots that are gone is forgotten."""
        old, self.size[kind] = self.size[kind], size
        self.tell()
        for slot in range(size + 1, old + 1):
            for field in ("NAME", "NUMBER", "TIME", "LENGTH"):
                self._forget(f"{kind}_{field}", slot)

    def select(self, kind: str, bank: int) -> None:
        """Shows a bank, counted from 1; the last one if there are not so many."""
        size = self.size[kind]
        if size:
            first = max(0, min((bank - 1) * size, len(self._all(kind)) - 1))
            self.first[kind] = first - first % size
            self.tell()

    def step(self, kind: str, by: int) -> None:
        """Shows the next or the one before; around at the ends."""
        size, count = self.size[kind], len(self._all(kind))
        if size:
            first = self.first[kind] + by * size
            first = max(0, count - 1) if first < 0 else 0 if first >= count else first
            self.first[kind] = first - first % size
            self.tell()

    # -- edits -----------------------------------------------------------------------------------------------------

    def edit(self, name: str, flag: str, number: int | None, message: Message, time_s: float) -> None:
        """Does what an incoming ``MARKER_``, ``MARKERID_`` or ``LAST_MARKER_`` message (or REGION) says."""
        what, field = name.rsplit("_", 1)
        kind = "REGION" if "REGION" in what else "MARKER"
        if what.startswith("LAST_"):
            marker = self.last(kind, time_s)
        elif what.endswith("ID"):
            marker = None if number is None else self._numbered(kind, number)
        else:
            index = -1 if number is None else number - 1 + self.first[kind]
            marker = self._all(kind)[index] if 0 <= index < len(self._all(kind)) else None
        if marker is not None:
            self._change(marker, field, flag, message)

    def _numbered(self, kind: str, number: int) -> Marker | None:
        """The marker with a displayed number; a new one at 0.0 (a region of 1 s) if there is none."""

        def find() -> Marker | None:
            return next((marker for marker in self._all(kind) if marker.number == number), None)

        if find() is None:
            add_marker(self._app.project, kind == "REGION", 0.0, 1.0, "", number, 0)
        return find()

    def _change(self, marker: Marker, field: str, flag: str, message: Message) -> None:
        start_s, end_s, number, name, clear = marker.position_s, marker.end_s, marker.number, "", 0
        if field == "NAME":
            text = message.take(str)
            if text is None:
                return
            name, clear, done = str(text), int(text == ""), "name"
        else:
            value = argument(message, flag)
            if value is None:
                return
            if field == "NUMBER":
                number, done = int(value + 0.5), "number"
            elif field == "TIME":
                start_s, end_s = value, end_s - start_s + value
                done = "start" if marker.is_region else "position"
            else:
                end_s, done = start_s + value, "length"
        project, index = self._app.project, self._app.project.markers.index(marker)
        place = (project, index, marker.is_region, start_s, end_s, number)
        set_project_marker_by_index2(self._app, *place, name, marker.color, clear)
        kind = "region" if marker.is_region else "marker"
        self._app.history.add(f"Set {kind} {done} via OSC", MISCCFG, merge=MERGE_KEY)


def argument(message: Message, flag: str) -> float | None:
    """A message's number: integers and floats for numeric patterns, numeric text for text patterns."""
    if flag == "s":
        text = message.take(str)
        return None if text is None else leading_number(str(text))
    value = message.take(float)
    value = message.take(int) if value is None else value
    return None if value is None else float(value)


def leading_number(text: str) -> float:
    """The number with which a text begins; 0 if it begins with none."""
    found = re.match(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text)
    return float(found[0]) if found else 0.0
