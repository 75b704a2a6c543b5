"""Which ONNX Runtime execution providers really work on this machine.

Convention: a provider counts as usable only after it ran a tiny graph. ONNX Runtime lists every provider that it was
built with, also where the driver or CUDA's libraries are missing, and complains on stderr when asked for one of those;
so the driver is looked for first and the trial runs with the complaints switched off.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import logging
import sys

import onnxruntime as ort

from bridge.errors import EngineError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
PROVIDERS = ("auto", "cpu", "cuda")
"""What a user may ask for."""

_QUIET, _ERRORS = 4, 3
_log = logging.getLogger(__name__)

# ModelProto, IR 7, opset 13: Identity from x [n] to y [n], float32 (onnx.helper writes exactly these bytes).
_IDENTITY = bytes.fromhex(
    "08073a390a100a017812017922084964656e746974791201675a100a0178120b0a090801120512030a016e62100a0179120b0a09080112"
    "0512030a016e42040a00100d"
)


def providers_for(wanted: str = "auto") -> tuple[str, ...]:
    """ONNX Runtime's names of the providers to use, best first; the CPU is always the last.

    Args:
        wanted: "auto" takes the GPU if it works, "cpu" never, "cuda" insists on it.

    Raises:
        EngineError: unknown word, or CUDA was insisted on and does not work here.
    """
    if wanted not in PROVIDERS:
        raise EngineError(f'provider "{wanted}" is unknown', hint=f"Use one of {', '.join(PROVIDERS)}")
    if wanted == "cpu":
        return (CPU,)
    if cuda_problem() == "":
        return (CUDA, CPU)
    if wanted == "cuda":
        raise EngineError(
            f"the GPU cannot be used: {cuda_problem()}",
            hint='Set provider to "auto" or "cpu", or install what is missing',
        )
    return (CPU,)


@functools.lru_cache(maxsize=1)
def cuda_problem() -> str:
    """Why CUDA cannot be used here; "" if it can. Looks once per process."""
    if CUDA not in ort.get_available_providers():
        return "this ONNX Runtime was built without CUDA"
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(driver)
    except OSError:
        return f"there is no NVIDIA driver ({driver})"
    problem = _try_cuda()
    if problem:
        _log.info("CUDA is not used: %s", problem)
    return problem


def _try_cuda() -> str:
    ort.set_default_logger_severity(_QUIET)
    try:
        if hasattr(ort, "preload_dlls"):
            with contextlib.redirect_stdout(io.StringIO()):
                ort.preload_dlls()
        options = ort.SessionOptions()
        options.log_severity_level = _QUIET
        session = ort.InferenceSession(_IDENTITY, options, providers=[CUDA, CPU])
        if CUDA in session.get_providers():
            return ""
        return "CUDA or cuDNN of the version that ONNX Runtime needs is not installed"
    except Exception as error:
        return " ".join(str(error).split())[:200]
    finally:
        ort.set_default_logger_severity(_ERRORS)
