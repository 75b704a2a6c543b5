"""The rows of ``bench_syncfusion`` that need a graphics card; runs only where one works.

The denoiser alone: a guided step is two evaluations one after the other; inputs stay on the card.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from bridge.engine import runtime
from bridge.packs import contract

Row = dict[str, Any]


def rows(folder: Path, samples: int, repeats: int) -> list[Row]:
    """One row a variant; of those that fail, why.

    Args:
        folder: has ``denoiser.onnx`` and ``fp16.onnx``. samples: of the window. repeats: guided steps of each.
    """
    found: list[Row] = []
    for precision, file in (("fp32", contract.DENOISER), ("fp16", "fp16")):
        for graphs in (False, True):
            name = f"ONNX Runtime CUDA, {precision}{', CUDA graphs' if graphs else ''}"
            step = _onnx_step(folder / f"{file}.onnx", samples, graphs=graphs)
            found.append({"name": name, "steps": _times(step, repeats)})
    import torch

    if torch.cuda.is_available():
        for compiled in (False, True):
            name = f"our serving net, torch {'compiled' if compiled else 'eager'}, fp32"
            found.append({"name": name, "steps": _times(_torch_step(samples, compiled=compiled), repeats)})
    return found


def _onnx_step(path: Path, samples: int, *, graphs: bool) -> Callable[[], object]:
    options = runtime.session_options(0)
    given = {**runtime.provider_options(runtime.CUDA, path), "enable_cuda_graph": "1" if graphs else "0"}
    session = ort.InferenceSession(str(path), options, providers=[(runtime.CUDA, given)], enable_fallback=0)
    binding, kept = session.io_binding(), []
    random = np.random.default_rng(0)
    for tensor in session.get_inputs():
        shape = [_size(axis, samples) for axis in tensor.shape]
        value = ort.OrtValue.ortvalue_from_numpy(random.standard_normal(shape).astype(np.float32), "cuda", 0)
        kept.append(value)
        binding.bind_ortvalue_input(tensor.name, value)
    answer = ort.OrtValue.ortvalue_from_shape_and_type([1, 1, samples], np.float32, "cuda", 0)
    binding.bind_ortvalue_output(contract.VELOCITY, answer)

    def step() -> object:
        for _ in range(2):
            session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return answer, kept

    return step


def _torch_step(samples: int, *, compiled: bool) -> Callable[[], object]:
    import torch

    from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
    from onnx_export.nets.syncfusion.unet import UNet
    from onnx_export.recipes import syncfusion_what

    recipe = syncfusion_what.recipes(UNet().eval(), OnsetEncoder().eval(), precision="fp16")[-1]
    given = [torch.from_numpy(array).cuda() for array in recipe.inputs({"batch": 1, "frames": samples}).values()]
    net = recipe.module.eval().cuda()
    run: Any = torch.compile(net) if compiled else net

    def step() -> object:
        with torch.no_grad():
            for _ in range(2):
                run(*given)
        return torch.cuda.synchronize()

    return step


def _size(axis: Any, samples: int) -> int:
    """A free axis' size in a window: the levels are the official factors apart."""
    if isinstance(axis, int):
        return axis
    if axis == contract.BATCH:
        return 1
    if axis == contract.FRAMES:
        return samples
    return samples // (1, 4, 16, 64, 128, 256, 512, 1024)[contract.LEVELS.index(axis)]


def _times(step: Callable[[], object], repeats: int) -> list[float]:
    for _ in range(3):
        step()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return seconds
