"""What crosses the wire between the daemon and REAPER: plain JSON values with the field names of ``bridge.host.base``.

Convention: conversion happens here and nowhere else. Outgoing numbers become Python's own (numpy scalars are unpacked,
NaN and infinity refused); incoming objects must have exactly the fields of their dataclass, each of its type, so that
scripts of another version are noticed at once and not as a wrong sound.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bridge.errors import HostError

T = TypeVar("T")

LARGEST = 1e300
"""No number of REAPER's is beyond it; infinity and what is no number are."""
LARGEST_WHOLE = 2**63
FAULT_HINT = "Press the key again; report it if it stays so"
VERSION_HINT = "Install the scripts in REAPER and the daemon from the same release, then restart both"


def to_wire(value: Any) -> Any:
    """A dataclass, or whatever its fields hold, as JSON values.

    Raises:
        HostError: a value that JSON cannot carry.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_wire(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [to_wire(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise HostError(f"{value} cannot be sent to REAPER: it is not a finite number", hint=FAULT_HINT)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise HostError(f"a {type(value).__name__} cannot be sent to REAPER", hint=FAULT_HINT)


def from_wire(kind: type[T], data: Any) -> T:
    """A dataclass from its JSON values.

    Raises:
        HostError: a field is missing, unknown, or of the wrong type.
    """
    wanted = _fields(kind)
    if not isinstance(data, dict) or set(data) != set(wanted):
        found = ", ".join(sorted(data)) if isinstance(data, dict) else type(data).__name__
        raise HostError(f"REAPER's script sent a {kind.__name__} with {found}", hint=VERSION_HINT)
    return kind(**{name: _value(annotation, data[name], name) for name, annotation in wanted.items()})


@cache
def _fields(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _value(annotation: Any, value: Any, name: str) -> Any:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
        return _value(annotation, value, name)
    if origin is tuple and isinstance(value, list):
        part = typing.get_args(annotation)[0]
        return tuple(_value(part, one, name) for one in value)
    if dataclasses.is_dataclass(annotation):
        return from_wire(typing.cast(type, annotation), value)
    if annotation is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if abs(value) <= LARGEST:
            return float(value)
    elif annotation is bool and isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    elif annotation is int and type(value) is int and abs(value) > LARGEST_WHOLE:
        pass
    elif annotation in (int, str) and type(value) is annotation:
        return value
    raise HostError(f"REAPER's script sent {_shown(value)} for {name}", hint=VERSION_HINT)


def _shown(value: Any) -> str:
    """A value for people; of what is nested only the kind."""
    return type(value).__name__ if isinstance(value, (dict, list)) else repr(value)[:80]
