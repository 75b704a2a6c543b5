"""One ONNX Runtime session behind a contract; nothing else in the project touches a session.

Convention: arrays go in and come out by tensor name. What goes in is held against the contract first (name, type,
rank, sizes; free axes of one name agree; finite), what comes out too, so that an error names pack, graph and tensor
instead of an operator deep inside. Nothing is cast silently. Threads do not spin while idle: REAPER plays sound on the
same cores. Same input, same output: one operator after the other, with deterministic kernels.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from bridge.engine.devices import CPU
from bridge.errors import EngineError, PackError
from bridge.packs.contract import GraphSpec, TensorSpec, check_real

_log = logging.getLogger(__name__)

_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}
_AGAIN = "Get the pack again, or export it again with foley-export"


class Graph:
    """A graph that can be called. Calls from several threads at once are safe.

    Args:
        path: the .onnx file.
        spec: what it takes and gives; None takes what the file says.
        where: names pack and graph in errors, e.g. 'pack "starter", graph "onset"'.
        providers: ONNX Runtime's names, best first (see ``devices.providers_for``).
        threads: threads for one operator; 0 lets ONNX Runtime choose.

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
    ) -> None:
        self.where = where or f'graph "{Path(path).name}"'
        self._session = _open(Path(path), where=self.where, providers=providers, threads=threads)
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
            EngineError: an input does not fit, the graph fails, or an output is not finite or has another shape.
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
        try:
            results: Sequence[Any] = self._session.run(self._output_names, feed)
        except Exception as error:
            raise _translated(error, self.where) from error
        outputs = dict(zip(self._output_names, results, strict=True))
        for tensor in self.spec.outputs:
            self._check(tensor, outputs[tensor.name], sizes, side="output")
        return outputs

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


def _words(tensor: TensorSpec) -> str:
    return " x ".join(str(axis) for axis in tensor.axes)


def _open(path: Path, *, where: str, providers: Sequence[str], threads: int) -> ort.InferenceSession:
    if not path.is_file():
        raise PackError(f"{where}: file {path} is missing", hint=_AGAIN)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(str(path), options, providers=list(providers))
    except Exception as error:
        if list(providers) == [CPU]:
            raise PackError(f"{where}: {path.name} cannot be opened ({_short(error)})", hint=_AGAIN) from error
        _log.warning("%s: does not open with %s (%s); using the CPU", where, providers[0], _short(error))
    return _open(path, where=where, providers=(CPU,), threads=threads)


def _real_spec(session: ort.InferenceSession, *, where: str) -> GraphSpec:
    def tensor(value: Any) -> TensorSpec:
        if value.type not in _TYPES:
            raise PackError(f'{where}: tensor "{value.name}" has the unknown type {value.type}', hint=_AGAIN)
        axes = tuple(axis if isinstance(axis, int | str) and axis != "" else "unnamed" for axis in value.shape)
        return TensorSpec(name=value.name, type=_TYPES[value.type], axes=axes)

    return GraphSpec(inputs=tuple(map(tensor, session.get_inputs())), outputs=tuple(map(tensor, session.get_outputs())))


def _translated(error: Exception, where: str) -> EngineError:
    text = _short(error)
    if "alloc" in text.lower() or "out of memory" in text.lower():
        return EngineError(f"{where}: there is not enough memory ({text})", hint="Close other programs and try again")
    return EngineError(f"{where}: failed while it ran ({text})", hint='Try provider "cpu", or get the pack again')


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
