"""A graph behind its contract: an ONNX Runtime session that nothing else in the project touches.

Convention: arrays go in and come out by tensor name. What goes in is held against the contract first (name, type,
rank, sizes; free axes of one name agree; finite), what comes out too, so that an error names pack, graph and tensor
instead of an operator deep inside. Nothing is cast silently. Threads do not spin while idle: REAPER plays sound on the
same cores. Same input, same output: one operator after the other, with deterministic kernels.

A provider other than the CPU may fail while it runs (a driver that resets, a full GPU, half precision that overflows).
Then the call is made again on the next provider, at last the CPU; this graph stays there, and a sentence says so. If
the CPU fails at the same input the fault is not the provider's: that error is raised and nothing changes.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.engine import devices
from bridge.engine.providers import CPU, DIRECTML
from bridge.engine.runtime import ONNX_RUNTIME, Runtime, Session, shrinking
from bridge.errors import EngineError, PackError
from bridge.packs.contract import GraphSpec, TensorSpec, check_real

log = logging.getLogger(__name__)

_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}
_AGAIN = "Get the pack again, or export it again with foley-export"
Notice = Callable[[str], None]


def _quiet(sentence: str) -> None:
    pass


class Graph:
    """A graph that can be called. Calls from several threads at once are safe.

    Args:
        path: the .onnx file.
        spec: what it takes and gives; None takes what the file says.
        where: names pack and graph in errors, e.g. 'pack "starter", graph "onset"'.
        providers: ONNX Runtime's names, best first (see ``devices.providers_for``).
        threads: threads for one operator; 0 lets ONNX Runtime choose.
        often: runs many times in a row, so the memory of a run is kept for the next; else it is given back.
        notice: is told, once, in a sentence for the designer, that another provider took over and why.
        runtime: opens the session.

    Raises:
        PackError: the file cannot be opened, or does not fit ``spec``.
    """

    def __init__(
        self,
        path: Path,
        *,
        spec: GraphSpec | None = None,
        where: str = "",
        providers: Sequence[str] = (CPU,),
        threads: int = 0,
        often: bool = True,
        notice: Notice = _quiet,
        runtime: Runtime = ONNX_RUNTIME,
    ) -> None:
        self.where = where or f'graph "{Path(path).name}"'
        self._path, self._threads, self._runtime, self._notice = Path(path), threads, runtime, notice
        self._often = often
        self._change = threading.Lock()
        self._turn = threading.Lock() if DIRECTML in providers else contextlib.nullcontext()
        self._session = self._open(tuple(providers))
        real = _real_spec(self._session, where=self.where)
        if spec is not None:
            check_real(spec, real, where=self.where)
        self.spec = spec or real
        self._output_names = [tensor.name for tensor in self.spec.outputs]

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers that the session really uses, best first."""
        return tuple(self._session.get_providers())

    def __call__(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Runs the graph.

        Args:
            arrays: every input by name; type and axes as in ``spec``.

        Returns:
            Every output by name.

        Raises:
            EngineError: an input does not fit, the graph fails, or an output is not finite or has another shape;
                from a provider other than the CPU only if the CPU fails too.
        """
        sizes: dict[str, int] = {}
        names = [tensor.name for tensor in self.spec.inputs]
        if set(arrays) != set(names):
            raise EngineError(
                f"{self.where}: takes {', '.join(names)}, was given {', '.join(sorted(arrays)) or 'nothing'}"
            )
        for tensor in self.spec.inputs:
            self._check(tensor, arrays[tensor.name], sizes, side="input")
        feed = {name: np.ascontiguousarray(arrays[name]) for name in names}
        session = self._session
        try:
            return self._run(session, feed, sizes)
        except EngineError as error:
            if _on_cpu(session):
                raise
            reason = error.message.removeprefix(f"{self.where}: ")
        return self._run_elsewhere(session, feed, sizes, reason)

    def _run(self, session: Session, feed: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
        try:
            with self._turn:
                keeps = self._often or not _on_cpu(session)
                results = session.run(self._output_names, feed, None if keeps else shrinking())
        except Exception as error:
            raise _translated(error, self.where) from error
        outputs = dict(zip(self._output_names, results, strict=True))
        known = dict(sizes)
        for tensor in self.spec.outputs:
            self._check(tensor, outputs[tensor.name], known, side="output")
        return outputs

    def _run_elsewhere(
        self, failed: Session, feed: Mapping[str, Any], sizes: Mapping[str, int], reason: str
    ) -> dict[str, NDArray[Any]]:
        with self._change:
            if self._session is failed:
                session = failed
                while True:
                    session = self._open(tuple(session.get_providers())[1:])
                    try:
                        outputs = self._run(session, feed, sizes)
                        break
                    except EngineError:
                        if _on_cpu(session):
                            raise
                self._session = session
                self._took_over(failed.get_providers()[0], reason, session)
                return outputs
        return self._run(self._session, feed, sizes)

    def _open(self, providers: tuple[str, ...]) -> Session:
        if not self._path.is_file():
            raise PackError(f"{self.where}: file {self._path} is missing", hint=_AGAIN)
        try:
            session = self._runtime.open(self._path, providers=providers, threads=self._threads)
        except Exception as error:
            reason = _short(error)
            if providers == (CPU,):
                raise PackError(f"{self.where}: {self._path.name} cannot be opened ({reason})", hint=_AGAIN) from error
        else:
            if session.get_providers()[0] == providers[0]:
                return session
            reason = "ONNX Runtime left it out"
        session = self._open(providers[1:])
        self._took_over(providers[0], f"it cannot be opened ({reason})", session)
        return session

    def _took_over(self, provider: str, reason: str, session: Session) -> None:
        name, instead = devices.title(provider), devices.title(session.get_providers()[0])
        sentence = (
            f"{self.where} on {name}: {reason[:200]}. {instead[0].upper()}{instead[1:]} does it now, more slowly; "
            f"Free memory tries {name} again."
        )
        log.warning("%s", sentence)
        self._notice(sentence)

    def _check(self, tensor: TensorSpec, array: Any, sizes: dict[str, int], *, side: str) -> None:
        place = f'{self.where}: {side} "{tensor.name}"'
        if not isinstance(array, np.ndarray):
            raise EngineError(f"{place} must be a numpy array, not {type(array).__name__}")
        if array.dtype != tensor.type:
            raise EngineError(f"{place} must be {tensor.type}, not {array.dtype}")
        if array.ndim != len(tensor.axes):
            raise EngineError(f"{place} must have {len(tensor.axes)} axes ({_words(tensor)}), not shape {array.shape}")
        for position, (axis, size) in enumerate(zip(tensor.axes, array.shape, strict=True)):
            expected = axis if isinstance(axis, int) else sizes.setdefault(axis, size)
            if size != expected:
                raise EngineError(f"{place}: axis {position} must be {expected} ({_words(tensor)}), not {size}")
            if size == 0:
                raise EngineError(f"{place} is empty: axis {position} is 0 ({_words(tensor)})")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            hint = "Get the pack again, or choose another provider" if side == "output" else ""
            raise EngineError(f"{place} holds values that are not finite", hint=hint)


def _on_cpu(session: Session) -> bool:
    return session.get_providers()[0] == CPU


def _words(tensor: TensorSpec) -> str:
    return " x ".join(str(axis) for axis in tensor.axes)


def _real_spec(session: Session, *, where: str) -> GraphSpec:
    def tensor(value: Any) -> TensorSpec:
        if value.type not in _TYPES:
            raise PackError(f'{where}: tensor "{value.name}" has the unknown type {value.type}', hint=_AGAIN)
        axes = tuple(axis if isinstance(axis, int | str) and axis != "" else "unnamed" for axis in value.shape)
        return TensorSpec(name=value.name, type=_TYPES[value.type], axes=axes)

    return GraphSpec(inputs=tuple(map(tensor, session.get_inputs())), outputs=tuple(map(tensor, session.get_outputs())))


def _translated(error: Exception, where: str) -> EngineError:
    text = _short(error) or type(error).__name__
    if isinstance(error, MemoryError) or "alloc" in text.lower() or "out of memory" in text.lower():
        return EngineError(f"{where}: there is not enough memory ({text})", hint="Close other programs and try again")
    return EngineError(f"{where}: failed while it ran ({text})", hint='Try provider "cpu", or get the pack again')


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
