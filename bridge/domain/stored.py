"""JSON that lies in a project or beside it, where anybody may have changed it.

Convention: whatever is wrong with a text is one kind of error, so that no reader forgets one: not JSON, nested too
deeply, a number that is not finite or that no double can hold.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

LARGEST_WHOLE = 2**63
"""No number of ours is beyond it."""


def loads(text: str | bytes) -> Any:
    """The value that a JSON text holds; every number in it is finite.

    Raises:
        ValueError: there is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_real, parse_int=_whole)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(text)
    return value


def _whole(text: str) -> int:
    value = int(text) if len(text) <= 20 else LARGEST_WHOLE + 1
    if abs(value) > LARGEST_WHOLE:
        _refuse(text)
    return value


def _refuse(text: str) -> Any:
    raise ValueError(f"{text[:40]} is not a number that is stored here")


def fitting(kind: Any, value: Any) -> bool:
    """Whether a JSON value can be what an annotation says; lists stand for tuples, objects for dataclasses.

    A field of a dataclass may be missing if it has a default; one that the dataclass does not know fits nowhere.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fitting(one, value) for one in inner)
    if origin is tuple:
        if not isinstance(value, list):
            return False
        kinds = [inner[0]] * len(value) if inner[1:] == (...,) else list(inner)
        return len(kinds) == len(value) and all(map(fitting, kinds, value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(fitting(inner[1], one) for one in value.values())
    if is_dataclass(kind) and isinstance(kind, type):
        return isinstance(value, dict) and _fits(kind, value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is None or kind is type(None):
        return value is None
    return isinstance(value, bool) if kind is bool else type(value) is kind


def _fits(kind: type, value: dict[str, Any]) -> bool:
    hints = _hints(kind)
    known = {field.name: field.default is MISSING and field.default_factory is MISSING for field in fields(kind)}
    if any(needed and name not in value for name, needed in known.items()):
        return False
    return all(name in known and fitting(hints[name], one) for name, one in value.items())


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
