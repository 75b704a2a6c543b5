"""Makes ``reaper_python``: the module through which Python scripts call REAPER, from the table of API functions.

Convention, REAPER's own: a wrapper ``RPR_X`` converts its positional arguments with ctypes, calls the C address
``_ft["X"]``, and returns the plain result, or, when any argument is an output, a tuple of the result (if not void) and
every argument in order with outputs replaced. Pointers are texts ``(Type*)0x`` and 16 hex digits; ``char*`` arguments
get a buffer of 4 MiB; bools are bytes; a NULL ``const char*`` result has no ``decode`` and raises AttributeError.
"""

from __future__ import annotations

import ctypes as ct
import json
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUFFER_BYTES = 4 * 1024 * 1024
TABLE = Path(__file__).with_name("api_7_78.json")
PLAIN: dict[str, Any] = {"int": ct.c_int, "bool": ct.c_byte, "double": ct.c_double, "unsigned int": ct.c_uint}
OPAQUE = (
    *("ReaProject*", "MediaTrack*", "MediaItem*", "MediaItem_Take*", "TrackEnvelope*", "PCM_source*", "ProjectMarker*"),
    *("AudioAccessor*", "KbdSectionInfo*", "joystick_device*", "GUID*", "HWND"),
)
POINTERS_TO_POINTERS = ("char**", "PCM_source**", "MediaItem_Take**")
NOT_FOR_SCRIPTS = re.compile(
    r"^(LICE_.*|projectconfig_.*|plugin_.*|get_config_var.*|EnumInstalledFX|SendMIDIMessageToHardware|Audio_RegHardwareHook)$"
)
NEWER_THAN = {
    "7.30": re.compile(r".*RegionOrMarker.*|GetNumRegionsOrMarkers"),
    "6.80": re.compile(r".*RegionOrMarker.*|GetNumRegionsOrMarkers|InsertTrackInProject|GetSetEnvelopeInfo_String"),
}
"""Functions that REAPER got after the named version."""


@dataclass(frozen=True)
class Signature:
    """A function as the table has it: types without ``const`` (kept in ``const``), names."""

    name: str
    returns: str
    types: tuple[str, ...]
    const: tuple[bool, ...]
    names: tuple[str, ...]

    @property
    def has_outputs(self) -> bool:
        """Whether the wrapper returns a tuple."""
        return any(is_output(kind, const) for kind, const in zip(self.types, self.const, strict=True))


def is_output(kind: str, const: bool) -> bool:
    """Whether an argument comes back changed. ``const int*`` and the like do too: the wrapper cannot tell."""
    return (kind == "char*" and not const) or kind in (
        "int*",
        "bool*",
        "double*",
        "unsigned int*",
        *POINTERS_TO_POINTERS,
    )


def load_signatures(profile: str) -> dict[str, Signature]:
    """The functions that a Python script sees in the given version of REAPER."""
    table = json.loads(TABLE.read_text("utf-8"))
    newer = NEWER_THAN.get(profile, re.compile(r"(?!)"))
    found: dict[str, Signature] = {}
    for name, entry in table.items():
        if NOT_FOR_SCRIPTS.match(name) or newer.match(name):
            continue
        bare = [kind.removeprefix("const ") for kind, _ in entry["args"]]
        const = tuple(kind.startswith("const ") for kind, _ in entry["args"])
        if entry["returns"] in ("void", "const char*", *PLAIN, *OPAQUE) and all(map(_fits, bare)):
            names = tuple(label for _, label in entry["args"])
            found[name] = Signature(name, entry["returns"], tuple(bare), const, names)
    return found


def _fits(kind: str) -> bool:
    by_reference = ("int*", "bool*", "double*", "unsigned int*", "char*", "void*", *POINTERS_TO_POINTERS)
    return kind in PLAIN or kind in OPAQUE or kind in by_reference


def c_type(signature: Signature) -> Any:
    """The ctypes function type of a signature; the same for the wrapper above and the implementation below."""
    kinds = zip(signature.types, signature.const, strict=True)
    arguments = [_argument_type(kind, const) for kind, const in kinds]
    return ct.CFUNCTYPE(_result_type(signature.returns), *arguments)


def _result_type(kind: str) -> Any:
    if kind == "void":
        return None
    if kind == "const char*":
        return ct.c_char_p
    return PLAIN.get(kind, ct.c_uint64)


def _argument_type(kind: str, const: bool) -> Any:
    if kind in PLAIN:
        return PLAIN[kind]
    if kind == "char*":
        return ct.c_char_p if const else ct.c_void_p
    return ct.c_uint64 if kind in OPAQUE or kind == "void*" else ct.c_void_p


def make_module(
    signatures: dict[str, Signature], addresses: dict[str, int], after: Callable[..., Any]
) -> types.ModuleType:
    """A fresh ``reaper_python``.

    Args:
        addresses: name -> C address; becomes ``_ft``.
        after: ctypes ``errcheck`` of every call; raises what the implementation could not raise through C.
    """
    module = types.ModuleType("reaper_python", "ReaScript functions for Python.")
    module.__dict__.update(
        _ft=dict(addresses),
        rpr_packp=lambda kind, value: _pack_pointer(module, kind, value),
        rpr_unpackp=_unpack_pointer,
        rpr_packs=lambda text: ct.create_string_buffer(str(text).encode(), BUFFER_BYTES),
        rpr_packsc=lambda text: ct.c_char_p(str(text).encode()),
        rpr_unpacks=lambda buffer: str(buffer.value.decode()),
        rpr_unpacksc=lambda text: str(text.decode()),
    )
    for signature in signatures.values():
        setattr(module, "RPR_" + signature.name, _wrapper(module, signature, after))
    special = {"ValidatePtr": _validate_ptr, "GetAudioAccessorSamples": _accessor_samples}
    for name, make in special.items():
        setattr(module, "RPR_" + name, make(module, after))
    return module


def _pack_pointer(module: Any, kind: str, value: Any) -> int:
    match = re.match(r"^\((\w+\*|HWND)\)0x([0-9A-F]+)$", str(value))
    if match and match.group(1) in (kind, *((match.group(1),) if kind == "void*" else ())):
        number = int(match.group(2), 16)
        if module.RPR_ValidatePtr(number, kind):
            return number
    return 0


def _unpack_pointer(kind: str, value: int | None) -> str:
    return f"({kind})0x{value or 0:016X}"


def _wrapper(module: Any, signature: Signature, after: Callable[..., Any]) -> Callable[..., Any]:
    kinds = list(zip(signature.types, signature.const, strict=True))
    prototype = c_type(signature)
    returns, has_outputs = signature.returns, signature.has_outputs

    def call(*values: Any) -> Any:
        if len(values) != len(kinds):
            raise TypeError(
                f"RPR_{signature.name}() takes {len(kinds)} positional arguments but {len(values)} were given"
            )
        function = prototype(module._ft[signature.name])
        function.errcheck = after
        packed = [_pack(module, kind, const, value) for (kind, const), value in zip(kinds, values, strict=True)]
        passed = [ct.byref(cell) if kind in _CELLS else cell for (kind, _), cell in zip(kinds, packed, strict=True)]
        result = function(*passed)
        if returns == "const char*":
            result = module.rpr_unpacksc(result)
        elif returns in OPAQUE:
            result = module.rpr_unpackp(returns, result)
        if not has_outputs:
            return result
        echo = [
            _unpack(module, kind, const, value, cell)
            for (kind, const), value, cell in zip(kinds, values, packed, strict=True)
        ]
        return tuple(echo) if returns == "void" else (result, *echo)

    call.__name__ = "RPR_" + signature.name
    return call


_CELLS: dict[str, Any] = {"int*": ct.c_int, "bool*": ct.c_byte, "double*": ct.c_double, "unsigned int*": ct.c_uint}


def _pack(module: Any, kind: str, const: bool, value: Any) -> Any:
    if kind in PLAIN:
        return PLAIN[kind](value)
    if kind in _CELLS:
        return _CELLS[kind](value)
    if kind == "char*":
        return module.rpr_packsc(value) if const else module.rpr_packs(value)
    if kind in POINTERS_TO_POINTERS:
        return ct.c_void_p(module.rpr_packp(kind, value))
    return ct.c_uint64(module.rpr_packp(kind, value))


def _unpack(module: Any, kind: str, const: bool, value: Any, cell: Any) -> Any:
    if kind in _CELLS:
        return float(cell.value) if kind == "double*" else int(cell.value)
    if kind == "char*" and not const:
        return module.rpr_unpacks(cell)
    return value


def _validate_ptr(module: Any, after: Callable[..., Any]) -> Callable[..., Any]:
    prototype = ct.CFUNCTYPE(ct.c_byte, ct.c_uint64, ct.c_char_p)

    def validate(pointer: int, type_name: str) -> int:
        function = prototype(module._ft["ValidatePtr"])
        function.errcheck = after
        return function(ct.c_uint64(pointer), module.rpr_packsc(type_name))

    return validate


def _accessor_samples(module: Any, after: Callable[..., Any]) -> Callable[..., Any]:
    prototype = ct.CFUNCTYPE(ct.c_int, ct.c_uint64, ct.c_int, ct.c_int, ct.c_double, ct.c_int, ct.c_void_p)

    def samples(accessor: str, rate: int, channels: int, start: float, count: int, values: list[float]) -> Any:
        function = prototype(module._ft["GetAudioAccessorSamples"])
        function.errcheck = after
        buffer = (ct.c_double * (count * channels))(*values[: count * channels])
        pointer = module.rpr_packp("AudioAccessor*", accessor)
        return function(pointer, rate, channels, start, count, ct.byref(buffer)), list(buffer)

    return samples
