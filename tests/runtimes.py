"""An ONNX Runtime with providers that this machine lacks: real CPU sessions under other names, and faults on order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.engine.providers import CPU
from bridge.engine.runtime import ONNX_RUNTIME, Session

Run = Callable[[], list[Any]]


class FakeRuntime:
    """Was "built with" the given providers and the CPU.

    Attributes:
        libraries: those that the system can load.
        refused: provider to what opening a session with it raises.
        left_out: providers that ONNX Runtime leaves out without a word.
        faults: provider to what is done in the place of a run: it gets the graph's file name and the real run.
        opened: (file name, "" for bytes; first provider) of every session, in order.
    """

    def __init__(self, *providers: str, libraries: Sequence[str] = ("libcuda.so.1", "nvcuda.dll")) -> None:
        self.providers = providers
        self.libraries = set(libraries)
        self.refused: dict[str, Exception] = {}
        self.left_out: set[str] = set()
        self.faults: dict[str, Callable[[str, Run], list[Any]]] = {}
        self.opened: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def available(self) -> Sequence[str]:
        return [*self.providers, CPU]

    def has_library(self, name: str) -> bool:
        return name in self.libraries

    def open(self, model: Path | bytes, *, providers: Sequence[str], threads: int = 0, quiet: bool = False) -> Session:
        name = model.name if isinstance(model, Path) else ""
        with self._lock:
            self.opened.append((name, providers[0]))
        if providers[0] in self.refused:
            raise self.refused[providers[0]]
        assert set(providers) <= {*self.providers, CPU}
        real = ONNX_RUNTIME.open(model, providers=(CPU,), threads=threads, quiet=quiet)
        return FakeSession(self, name, real, [name for name in providers if name not in self.left_out])


class FakeSession:
    """A real session that says it has other providers, and fails as its runtime was told."""

    def __init__(self, runtime: FakeRuntime, name: str, real: Session, providers: Sequence[str]) -> None:
        self._runtime, self._name, self._real, self._providers = runtime, name, real, providers
        self.get_inputs, self.get_outputs = real.get_inputs, real.get_outputs

    def get_providers(self) -> Sequence[str]:
        return list(self._providers)

    def run(self, output_names: Sequence[str], input_feed: Mapping[str, Any], run_options: Any = None) -> Sequence[Any]:
        def real() -> list[Any]:
            return list(self._real.run(output_names, input_feed, run_options))

        fault = self._runtime.faults.get(self._providers[0])
        return fault(self._name, real) if fault else real()
