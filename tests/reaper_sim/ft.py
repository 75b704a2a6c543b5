"""The table ``_ft``: for every API function a C address, behind it a Python function on the model.

Convention: an implementation is ``@api("Name")`` on ``def name(app, ...)`` and gets converted arguments: model objects
for pointers (None for a NULL that it allows with ``nullable``), ``str`` for texts, ``Text`` and ``Cell`` for outputs,
``bool`` for bool; it returns a plain value or a model object. Functions without implementation are there too and fail
loudly. An exception cannot cross C: it is kept in ``Table.pending`` and raised by the wrapper that made the call.
"""

from __future__ import annotations

import ctypes as ct
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from . import assumptions
from .apigen import BUFFER_BYTES, PLAIN, Signature, c_type
from .app import App
from .faults import Crash, NullPointer, Unsimulated
from .handles import TYPES

IMPLEMENTED: dict[str, tuple[Callable[..., Any], frozenset[str]]] = {}


def api(*names: str, nullable: tuple[str, ...] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers an implementation. ``nullable``: pointer types for which NULL is passed on as None."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            IMPLEMENTED[name] = (function, frozenset(nullable))
        return function

    return register


class Text:
    """A ``char*`` output: ``value`` is what the script put in; ``set`` writes, cut to the buffer."""

    def __init__(self, address: int | None, size: int) -> None:
        self._address = address
        self.size = size
        self.value = "" if not address else ct.string_at(address).decode("utf-8", "replace")

    def set(self, text: str) -> None:
        """Writes the text and its terminating zero."""
        if self._address and self.size > 0:
            data = text.encode()[: self.size - 1]
            data = data.decode("utf-8", "ignore").encode()
            ct.memmove(self._address, data + b"\0", len(data) + 1)


class Cell:
    """An ``int*``, ``bool*`` or ``double*`` argument."""

    def __init__(self, address: int | None, kind: Any) -> None:
        self._cell = kind.from_address(address) if address else kind()
        self._whole = kind is not ct.c_double

    @property
    def value(self) -> Any:
        """The number behind the pointer."""
        return self._cell.value

    @value.setter
    def value(self, number: Any) -> None:
        self._cell.value = int(number) if self._whole else float(number)


class CStrings:
    """A ``const char**`` output; NULL when a Python wrapper calls."""

    def __init__(self, address: int | None, keep: deque[Any]) -> None:
        self._address = address
        self._keep = keep

    def set(self, text: str) -> None:
        """Lets the pointer point to the text."""
        if self._address:
            buffer = ct.create_string_buffer(text.encode())
            self._keep.append(buffer)
            ct.c_void_p.from_address(self._address).value = ct.addressof(buffer)


class Table:
    """Callbacks for every signature; ``addresses`` is what REAPER hands to its Python.

    ``calls`` and ``inside_s`` count what was asked of the simulation and how long it worked on that by itself.
    """

    def __init__(self, app: App, signatures: dict[str, Signature]) -> None:
        self._app = app
        self._texts: deque[Any] = deque(maxlen=4096)
        self.pending: BaseException | None = None
        self.calls = 0
        self.inside_s = 0.0
        self._callbacks = {name: c_type(signature)(self._callback(signature)) for name, signature in signatures.items()}
        self.addresses = {name: ct.cast(call, ct.c_void_p).value or 0 for name, call in self._callbacks.items()}

    def after(self, result: Any, function: Any, arguments: Any) -> Any:
        """The ``errcheck`` of the wrappers: raises what an implementation raised."""
        pending, self.pending = self.pending, None
        if pending is not None:
            raise pending
        return result

    def _callback(self, signature: Signature) -> Callable[..., Any]:
        name = signature.name
        if name not in IMPLEMENTED:
            return self._missing(name, signature.returns)
        function, nullable = IMPLEMENTED[name]
        converters = self._converters(signature, nullable)
        finish = self._finisher(signature.returns)
        app = self._app

        def call(*raw: Any) -> Any:
            began_s = time.perf_counter()
            self.calls += 1
            try:
                values = [convert(raw) for convert in converters]
                return finish(function(app, *values))
            except NullPointer as null:
                if assumptions.NULL_POINTER_CRASHES:
                    app.faults.record("crash", name, str(null), fatal=True)
            except Crash as crash:
                app.faults.record("crash", name, str(crash), fatal=True)
            except Unsimulated as error:
                app.faults.record("unimplemented", name, str(error))
                self.pending = error
            except BaseException as error:  # a bug of the simulator itself; must not be swallowed by ctypes
                app.faults.record("internal", name, traceback.format_exc())
                self.pending = error
            finally:
                self.inside_s += time.perf_counter() - began_s
            return None if signature.returns == "void" else 0

        return call

    def _missing(self, name: str, returns: str) -> Callable[..., Any]:
        def call(*raw: Any) -> Any:
            message = f"{name} is not simulated: implement it in tests/reaper_sim/functions_*.py"
            self._app.faults.record("unimplemented", name, message)
            self.pending = Unsimulated(message)
            return None if returns == "void" else 0

        return call

    def _finisher(self, returns: str) -> Callable[[Any], Any]:
        if returns == "void":
            return lambda value: None
        if returns == "const char*":
            return self._keep_text
        if returns == "double":
            return float
        if returns in PLAIN:
            return int
        return self._app.handles.of

    def _keep_text(self, text: str | None) -> Any:
        if text is None:
            return None
        data = ct.create_string_buffer(text.encode())
        self._texts.append(data)
        return ct.addressof(data)

    def _converters(self, signature: Signature, nullable: frozenset[str]) -> list[Callable[[Any], Any]]:
        return [self._converter(signature, index, nullable) for index in range(len(signature.types))]

    def _converter(self, signature: Signature, index: int, nullable: frozenset[str]) -> Callable[[Any], Any]:
        kind, const, app = signature.types[index], signature.const[index], self._app
        if kind == "bool":
            return lambda raw: bool(raw[index])
        if kind in PLAIN or kind == "void*":
            return lambda raw: raw[index]
        if kind == "char*" and const:
            return lambda raw: "" if raw[index] is None else raw[index].decode("utf-8", "replace")
        if kind == "char*":
            return self._text_converter(signature, index)
        if kind in ("int*", "bool*", "double*", "unsigned int*"):
            cell = {"int*": ct.c_int, "bool*": ct.c_byte, "double*": ct.c_double}.get(kind, ct.c_uint)
            return lambda raw: Cell(raw[index], cell)
        if kind == "char**":
            return lambda raw: CStrings(raw[index], self._texts)
        if kind == "ReaProject*":
            return lambda raw: app.handles.get(raw[index], kind) if raw[index] else app.project
        if kind in TYPES and kind in nullable:
            return lambda raw: app.handles.get(raw[index], kind) if raw[index] else None
        if kind in TYPES:
            return lambda raw: app.handles.get(raw[index], kind)
        return lambda raw: raw[index]

    def _text_converter(self, signature: Signature, index: int) -> Callable[[Any], Any]:
        after = signature.names[index + 1] if index + 1 < len(signature.names) else ""
        if after == signature.names[index] + "_sz" and signature.types[index + 1] == "int":
            return lambda raw: Text(raw[index], raw[index + 1])
        return lambda raw: Text(raw[index], BUFFER_BYTES)
