"""Pointers: the numbers under which scripts know the objects of the model.

Convention: a number stands for one object for the whole life of the process and is not given again (unless reuse is
asked for, as real allocators do); every process starts from another base. A number is good while its object is still
part of an open project; using it later, or as another type, is a fatal fault.
"""

from __future__ import annotations

import os
import time
from typing import Any

from .envelopes import Envelope
from .faults import Crash, NullPointer
from .model import Item, Marker, Project, Source, Take, Track

TYPES: dict[str, type] = {
    "ReaProject*": Project,
    "MediaTrack*": Track,
    "MediaItem*": Item,
    "MediaItem_Take*": Take,
    "PCM_source*": Source,
    "ProjectMarker*": Marker,
    "TrackEnvelope*": Envelope,
}


class Handles:
    """Two-way table between objects and pointer values."""

    def __init__(self, *, reuse: bool = False) -> None:
        self._reuse = reuse
        self._next = 0x10_0000_0000 + ((os.getpid() * 2654435761 + time.time_ns()) & 0xFFFF_FFFF) * 0x100
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}

    def of(self, thing: Any) -> int:
        """The pointer of an object; 0 for None."""
        if thing is None:
            return 0
        number = self._numbers.get(id(thing))
        if number is None:
            number = self._fresh()
            self._objects[number] = thing
            self._numbers[id(thing)] = number
        return number

    def _fresh(self) -> int:
        if self._reuse:
            for number, thing in self._objects.items():
                if not thing.alive():
                    del self._numbers[id(thing)]
                    return number
        self._next += 0x40
        return self._next

    def replace(self, old: Any, new: Any) -> None:
        """The pointer of ``old`` stands for ``new`` from now on."""
        number = self._numbers.pop(id(old), None)
        if number is not None:
            self._objects[number] = new
            self._numbers[id(new)] = number

    def valid(self, number: int, type_name: str) -> bool:
        """Whether the pointer stands for a living object of the type."""
        thing = self._objects.get(number)
        return thing is not None and isinstance(thing, TYPES[type_name]) and thing.alive()

    def get(self, number: int, type_name: str) -> Any:
        """The object behind a pointer.

        Raises:
            Crash: NULL, never given, of another type, or its object is gone.
        """
        if number == 0:
            raise NullPointer(f"NULL given as {type_name}")
        thing = self._objects.get(number)
        if thing is None:
            raise Crash(f"0x{number:016X} was never a {type_name}")
        if not isinstance(thing, TYPES[type_name]):
            raise Crash(f"0x{number:016X} is a {type(thing).__name__}, not a {type_name}")
        if not thing.alive():
            raise Crash(f"stale {type_name} 0x{number:016X}: its {type(thing).__name__} is gone")
        return thing
