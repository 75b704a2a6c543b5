"""Asking ONNX Runtime: what it was built with, and for a session. Nothing else in the project does either.

Convention: providers go by ONNX Runtime's names, best first. A session never changes its providers behind our back
(ONNX Runtime's own fallback prints to the terminal and is switched off; ``graph`` falls back with a sentence). Options
are those of ONNX Runtime's documentation of its execution providers and of its session option keys.

Chosen for the same bytes from the same request, on one machine: one operator after the other, deterministic kernels;
on CUDA no TF32, and convolutions by rule, not by which one happened to be fastest on first sight. Chosen for memory,
with the same bytes and in the same time: no memory patterns, and CUDA's arena grows by what is asked for, not by powers
of two.

ONNX Runtime's Linux and Windows builds count what is run and may send it to their makers; this program sends nothing
to anybody, so that is switched off before the library is loaded, which is the only moment at which it listens.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import platformdirs

from bridge.engine.providers import COREML, CUDA, TENSORRT

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort

_QUIET, _ERRORS = 4, 3


class Session(Protocol):
    """An opened graph."""

    def get_inputs(self) -> Sequence[Any]: ...

    def get_outputs(self) -> Sequence[Any]: ...

    def get_providers(self) -> Sequence[str]: ...

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, Any], run_options: Any = None
    ) -> Sequence[Any]: ...


class Runtime(Protocol):
    """What the engine asks of ONNX Runtime and of the system below it."""

    def available(self) -> Sequence[str]:
        """Providers that it was built with; whether they work is another question."""
        ...

    def has_library(self, name: str) -> bool:
        """Whether the system can load a shared library."""
        ...

    def open(self, model: Path | bytes, *, providers: Sequence[str], threads: int = 0, quiet: bool = False) -> Session:
        """A session; raises anything. ``quiet`` keeps complaints off the terminal."""
        ...


class OnnxRuntime:
    """The installed ONNX Runtime."""

    def available(self) -> Sequence[str]:
        """See ``Runtime``."""
        return ort.get_available_providers()

    def has_library(self, name: str) -> bool:
        """See ``Runtime``."""
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    def open(self, model: Path | bytes, *, providers: Sequence[str], threads: int = 0, quiet: bool = False) -> Session:
        """See ``Runtime``."""
        options = session_options(threads)
        chosen = [(name, provider_options(name, model)) for name in providers]
        source = model if isinstance(model, bytes) else str(model)
        if quiet:
            options.log_severity_level = _QUIET
            ort.set_default_logger_severity(_QUIET)
        try:
            if {CUDA, TENSORRT} & set(providers):
                _preload()
            return ort.InferenceSession(source, options, providers=chosen, enable_fallback=0)
        finally:
            if quiet:
                ort.set_default_logger_severity(_ERRORS)


ONNX_RUNTIME = OnnxRuntime()
"""The one that is used unless a test says otherwise."""


def session_options(threads: int) -> ort.SessionOptions:
    """How a session runs, the same for every graph.

    A memory pattern is one block for a whole run, taken when a length comes for the second time, *beside* the blocks
    that the arena kept from the first: a convolutional U-Net at 2^18 samples held 408 MB above its weights with it, 215
    without, in the same CPU time. The arena itself stays: without it the peak was 540 MB and a third more time, because
    the C library splits what it gets back. DirectML refuses patterns, and operators side by side (its page in ONNX
    Runtime's documentation, *Configuration options*).

    A file is ONNX and nothing else: ONNX Runtime's own format would be opened as well, and nobody has looked into that.
    No library of further operators is ever registered.

    Args:
        threads: threads for one operator; 0 lets ONNX Runtime choose.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def shrinking() -> ort.RunOptions:
    """For a run after which the CPU's arena gives back what it holds: a graph that runs once in a while."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def provider_options(name: str, model: Path | bytes) -> dict[str, str]:
    """What one provider is told.

    * CUDA: see the module. ``HEURISTIC`` asks cuDNN's rules for a convolution; ``EXHAUSTIVE`` times every one of them
      again for each new length, and two runs may choose differently.
    * TensorRT: engines take minutes to build, so they are kept in the user's cache folder. TensorRT names them by the
      graph's structure, not by its weights, and takes an old one without asking: each model gets a folder named by its
      content. Half precision is the pack's business, not the provider's.
    * Core ML: an ML program, the format that newer operators need, on every unit.
    """
    if name == CUDA:
        return {
            "arena_extend_strategy": "kSameAsRequested",
            "cudnn_conv_algo_search": "HEURISTIC",
            "use_tf32": "0",
        }
    if name == TENSORRT and isinstance(model, Path):
        folder = str(engine_folder(model))
        return {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": folder,
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": folder,
        }
    if name == COREML:
        return {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"}
    return {}


def engine_folder(model: Path) -> Path:
    """Where TensorRT's engines of one model lie; made if it is not there.

    Raises:
        OSError: it cannot be made, or the model not be read.
    """
    digest = hashlib.sha256()
    with model.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    cache = Path(platformdirs.user_cache_dir("foley-bridge", appauthor=False))
    folder = cache / "tensorrt" / ort.__version__ / digest.hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.lru_cache(maxsize=1)
def _preload() -> None:
    """Lets CUDA's libraries be found where pip puts them."""
    if hasattr(ort, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):
            ort.preload_dlls()
