"""Which ONNX Runtime execution providers really work on this machine, and which one to take.

Convention: a provider counts as usable only after it ran a tiny graph. ONNX Runtime lists every provider that it was
built with, also where the driver or CUDA's libraries are missing, and complains on stderr when asked for one of those;
so the driver is looked for first and the trial runs with the complaints switched off.

"auto" takes the first that works of CUDA, DirectML and the CPU. It leaves out two that must be asked for by name:

* TensorRT builds an engine for minutes when a graph meets a new length, and our lengths follow the designer's items.
* Core ML gives wrong or no answers for graphs like ours: lengths are free, for which it is slow and has crashed the
  process (onnxruntime issue 21227), and half-precision results were wrong without an error (issue 32569). Neither can
  be caught and made good by falling back, so nobody gets it without having asked.
"""

from __future__ import annotations

import functools
import logging
import sys

import numpy as np

from bridge.engine.providers import CPU, DEVICES, PROVIDERS, Device
from bridge.engine.runtime import ONNX_RUNTIME, Runtime
from bridge.errors import EngineError

log = logging.getLogger(__name__)


# ModelProto, IR 7, opset 13: Identity from x [n] to y [n], float32 (onnx.helper writes exactly these bytes).
_IDENTITY = bytes.fromhex(
    "08073a390a100a017812017922084964656e746974791201675a100a0178120b0a090801120512030a016e62100a0179120b0a09080112"
    "0512030a016e42040a00100d"
)


def providers_for(wanted: str = "auto", *, runtime: Runtime = ONNX_RUNTIME) -> tuple[str, ...]:
    """ONNX Runtime's names of the providers to use, best first; the CPU is always the last.

    Args:
        wanted: "auto" takes the best that works (see the module), "cpu" that, any other word insists on it.

    Raises:
        EngineError: unknown word, or one was insisted on that does not work here.
    """
    if wanted not in PROVIDERS:
        raise EngineError(f'provider "{wanted}" is unknown', hint=f"Use one of {', '.join(PROVIDERS)}")
    for device in DEVICES:
        if device.word == wanted or (wanted == "auto" and device.auto):
            trouble = problem(device, runtime)
            if trouble == "":
                return (*device.providers, CPU)
            if wanted != "auto":
                raise EngineError(
                    f"{device.title} cannot be used: {trouble}",
                    hint=f'Set provider to "auto" or "cpu", or {device.cure}',
                )
    return (CPU,)


def title(provider: str) -> str:
    """What a user reads for ONNX Runtime's name of a provider."""
    return next((device.title for device in DEVICES if device.providers[0] == provider), "the CPU")


def others(wanted: str, used: str, *, runtime: Runtime = ONNX_RUNTIME) -> tuple[str, ...]:
    """Why each other provider is not used, in words.

    Args:
        wanted: as in ``providers_for``. used: ONNX Runtime's name of the one in use.
    """
    reasons = []
    for device in DEVICES:
        if device.providers[0] == used:
            continue
        if device.providers[0] not in runtime.available():
            why = "not in this ONNX Runtime"
        elif wanted not in ("auto", device.word):
            why = f"not asked for, provider is {wanted}"
        elif not device.auto:
            why = "only when asked for by name"
        else:
            why = problem(device, runtime) or "another comes first"
        reasons.append(f"{device.title} ({why})")
    return tuple(reasons)


@functools.lru_cache(maxsize=64)
def problem(device: Device, runtime: Runtime = ONNX_RUNTIME) -> str:
    """Why a provider cannot be used here; "" if it can. Looks once per process."""
    if device.providers[0] not in runtime.available():
        return "this ONNX Runtime was built without it"
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    if device.nvidia and not runtime.has_library(driver):
        return f"there is no NVIDIA driver ({driver})"
    trouble = _trial(device, runtime)
    if trouble:
        log.info("%s is not used: %s", device.title, trouble)
    return trouble


def _trial(device: Device, runtime: Runtime) -> str:
    given = np.array([1.0, -2.0, 0.5], np.float32)
    try:
        session = runtime.open(_IDENTITY, providers=(*device.providers, CPU), threads=1, quiet=True)
        if device.providers[0] not in session.get_providers():
            return "its libraries, or those of the version that ONNX Runtime needs, are not installed"
        (returned,) = session.run(["y"], {"x": given})
    except Exception as error:
        return " ".join(str(error).split())[:200] or type(error).__name__
    return "" if np.array_equal(returned, given) else "it gives wrong numbers"
