"""JSON to frozen dataclasses and back, strictly.

Convention: the keys are the field names and the types are the annotations, so that a format is written down once, in
the dataclass. Nothing is guessed: a missing key, an unknown key, a key given twice, a wrong type and a number that is
not finite are each refused, and the message names the key (``when.threshold``, ``graphs.onset.inputs[0].axes``).
A field with a default may be left out. A class that needs another form on disk gives ``from_wire`` and ``to_wire``.
"""

from __future__ import annotations

import contextlib
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from bridge.errors import PackError

_HINT = "Get the pack again, or export it again with foley-export"


def loads(text: str, *, where: str) -> dict[str, Any]:
    """A JSON object as a dict.

    Raises:
        PackError: not JSON, not an object, a key given twice, or a number that is not finite.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise PackError(f'{where}: key "{key}" is given twice', hint=_HINT)
            result[key] = value
        return result

    def refuse(word: str) -> float:
        raise PackError(f"{where}: {word} is not a number that a pack may hold", hint=_HINT)

    try:
        value = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise PackError(f"{where} is not JSON ({error})", hint=_HINT) from error
    if not isinstance(value, dict):
        raise PackError(f"{where} must hold a JSON object", hint=_HINT)
    return value


def decode(kind: Any, value: Any, *, where: str, key: str = "") -> Any:
    """A JSON value as an instance of an annotated type.

    Args:
        kind: a dataclass, str, int, float, ``Literal``, ``X | Y``, ``tuple[X, ...]`` or ``Mapping[str, X]``.
        value: what ``json`` gave.
        where: names the file in errors.
        key: dotted path so far.

    Raises:
        PackError: naming the key and what is wrong with it.
    """
    if hasattr(kind, "from_wire"):
        return kind.from_wire(value, where=where, key=key)
    if is_dataclass(kind):
        return _decode_object(kind, value, where=where, key=key)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(value, list):
            raise wrong(where, key, "a list", value)
        return tuple(decode(arguments[0], item, where=where, key=f"{key}[{i}]") for i, item in enumerate(value))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise wrong(where, key, "an object", value)
        return {name: decode(arguments[1], item, where=where, key=f"{key}.{name}") for name, item in value.items()}
    if origin is typing.Literal:
        if value not in arguments or isinstance(value, bool):
            raise wrong(where, key, "one of " + ", ".join(map(str, arguments)), value)
        return value
    if origin in (types.UnionType, typing.Union):
        return _decode_union(arguments, value, where=where, key=key)
    return _decode_plain(kind, value, where=where, key=key)


def encode(value: Any) -> Any:
    """The reverse of ``decode``: what ``json.dumps`` takes."""
    if hasattr(value, "to_wire"):
        return value.to_wire()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {name: encode(item) for name, item in value.items()}
    return value


def wrong(where: str, key: str, wanted: str, value: Any) -> PackError:
    """The error for a key of the wrong type or value."""
    shown = json.dumps(value) if not isinstance(value, dict | list) else type(value).__name__
    return PackError(f'{where}: key "{key}" must be {wanted}, not {shown[:60]}', hint=_HINT)


def number(value: Any, *, where: str, key: str) -> float | int:
    """A finite JSON number (a bool is none)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            if math.isfinite(value):
                return value
    raise wrong(where, key, "a number", value)


def _decode_object(kind: Any, value: Any, *, where: str, key: str) -> Any:
    if not isinstance(value, dict):
        raise wrong(where, key, "an object", value)
    hints = typing.get_type_hints(kind)
    prefix = f"{key}." if key else ""
    arguments: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in value:
            arguments[field.name] = decode(hints[field.name], value[field.name], where=where, key=prefix + field.name)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise PackError(f'{where}: key "{prefix}{field.name}" is missing', hint=_HINT)
    for name in value:
        if name not in hints:
            raise PackError(f'{where}: key "{prefix}{name}" is unknown', hint=_HINT)
    try:
        return kind(**arguments)
    except PackError as error:
        if error.message.startswith(where):
            raise
        place = f"{where}: {key}: " if key else f"{where}: "
        raise PackError(place + error.message, hint=error.hint) from error


def _decode_union(kinds: tuple[Any, ...], value: Any, *, where: str, key: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    if len(kinds) == 1:
        return decode(kinds[0], value, where=where, key=key)
    if isinstance(value, kinds) and not isinstance(value, bool):
        return value
    raise wrong(where, key, " or ".join(_WORDS.get(kind, str(kind)) for kind in kinds), value)


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _decode_plain(kind: Any, value: Any, *, where: str, key: str) -> Any:
    if kind is float:
        return float(number(value, where=where, key=key))
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, kind):
        raise wrong(where, key, _WORDS.get(kind, str(kind)), value)
    return value
