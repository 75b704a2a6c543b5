"""The rows of ``bench_syncfusion`` that need a graphics card; those that fail say why, and the others go on.

A guided step of the denoiser alone, two evaluations; inputs stay on the card. No TF32 anywhere. Each row has a process
of its own. Its memory is what ``nvidia-smi`` says is used on all cards after the steps beyond what was used before the
process came to the card: CUDA's own part is in it, and what other programs took meanwhile. torch in half precision
computes its norms in it too: with random weights the row is good for speed and memory, not for an answer.
"""

from __future__ import annotations

import importlib.util
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from bridge.engine import devices, providers, runtime
from bridge.engine.runtime import ONNX_RUNTIME, Runtime
from bridge.packs import contract

Row = dict[str, Any]
Step = Callable[[], object]
Maker = Callable[[Path, int], Step]


def trouble(asked: Runtime = ONNX_RUNTIME) -> str:
    """Why ONNX Runtime cannot compute with CUDA here, after a trial; "" if it can."""
    cuda = next(device for device in providers.DEVICES if device.providers[0] == providers.CUDA)
    return devices.problem(cuda, asked)


def row(
    key: str, folder: Path, samples: int, repeats: int, makers: Mapping[str, tuple[str, Maker]] | None = None
) -> Row:
    """One row: ``steps`` in seconds and ``memory`` in bytes (None if unknown), or ``missing``, one line that says why.

    Args:
        key: of ``MAKERS``. folder: has ``denoiser.onnx`` and ``fp16.onnx``. samples: of the window.
        repeats: guided steps measured. makers: other rows than ``MAKERS``.
    """
    name, maker = (MAKERS if makers is None else makers)[key]
    try:
        before = _used()
        steps = _times(maker(folder, samples), repeats)
        after = _used()
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        return {"name": name, "missing": f"failed: {type(error).__name__}{f': {reason}' if reason else ''}"}
    return {"name": name, "steps": steps, "memory": None if before is None or after is None else after - before}


def _onnx(folder: Path, samples: int, *, file: str, graphs: bool) -> Step:
    if trouble():
        raise RuntimeError(trouble())
    path = folder / f"{file}.onnx"
    options = runtime.session_options(0)
    given = {**runtime.provider_options(providers.CUDA, path), "enable_cuda_graph": "1" if graphs else "0"}
    session = ort.InferenceSession(str(path), options, providers=[(providers.CUDA, given)], enable_fallback=0)
    if providers.CUDA not in session.get_providers():
        raise RuntimeError("ONNX Runtime left CUDA out")
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


def _torch(_: Path, samples: int, *, compiled: bool, half: bool) -> Step:
    import torch

    from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
    from onnx_export.nets.syncfusion.unet import UNet
    from onnx_export.recipes import syncfusion_what

    torch.backends.cudnn.allow_tf32 = False
    recipe = syncfusion_what.recipes(UNet().eval(), OnsetEncoder().eval(), precision="fp16")[-1]
    given = [torch.from_numpy(array) for array in recipe.inputs({"batch": 1, "frames": samples}).values()]
    return torch_step(recipe.module, given, device="cuda", compiled=compiled, half=half)


def torch_step(net: Any, given: list[Any], *, device: str, compiled: bool = False, half: bool = False) -> Step:
    """A guided step of a serving net; reading one number waits for the device."""
    import torch

    kind = torch.float16 if half else torch.float32
    net = net.eval().to(device, kind)
    given = [tensor.to(device, kind) for tensor in given]
    run: Any = torch.compile(net) if compiled else net

    def step() -> object:
        with torch.no_grad():
            run(*given)
            return float(run(*given)[0, 0, 0])

    return step


def _authors(_: Path, samples: int) -> Step:
    """Their net makes both evaluations of a guided step in one call."""
    from tests import official

    if missing := [one for one in official.PACKAGES if importlib.util.find_spec(one) is None]:
        raise RuntimeError(f"{', '.join(missing)} missing (extra 'parity')")
    import torch

    torch.backends.cudnn.allow_tf32 = False
    return authors_step(official.OFFICIAL, samples, device="cuda")


def authors_step(size: Any, samples: int, *, device: str) -> Step:
    """A guided step of the authors' net of a size (``official.Configuration``)."""
    import torch

    from tests import official

    net = official.diffusion_model(size).get_submodule("net").to(device)
    encoder = official.onset_encoder(size).to(device)
    noisy, embedding = torch.randn(1, 1, samples), torch.randn(1, 1, size.unet["embedding_features"])
    with torch.no_grad():
        contexts = official.contexts_of(encoder, official.onset_track(samples).to(device))
    given = {
        "time": torch.tensor([0.5], device=device),
        "channels": contexts,
        "embedding": embedding.to(device),
        "embedding_scale": 2.0,
    }
    noisy = noisy.to(device)

    def step() -> object:
        with torch.no_grad():
            return float(net(noisy, **given)[0, 0, 0])

    return step


MAKERS: Mapping[str, tuple[str, Maker]] = {
    "cuda_authors": ("authors' code, torch eager, fp32", _authors),
    "cuda_eager": ("our serving net, torch eager, fp32", partial(_torch, compiled=False, half=False)),
    "cuda_eager_half": ("our serving net, torch eager, fp16", partial(_torch, compiled=False, half=True)),
    "cuda_compiled": ("our serving net, torch compiled, fp32", partial(_torch, compiled=True, half=False)),
    "cuda_compiled_half": ("our serving net, torch compiled, fp16", partial(_torch, compiled=True, half=True)),
    "cuda_onnx": ("ONNX Runtime, fp32", partial(_onnx, file=contract.DENOISER, graphs=False)),
    "cuda_onnx_graphs": ("ONNX Runtime, fp32, CUDA graphs", partial(_onnx, file=contract.DENOISER, graphs=True)),
    "cuda_onnx_half": ("ONNX Runtime, fp16", partial(_onnx, file="fp16", graphs=False)),
    "cuda_onnx_half_graphs": ("ONNX Runtime, fp16, CUDA graphs", partial(_onnx, file="fp16", graphs=True)),
}
"""Key to name and to what makes a guided step of (folder, samples)."""


def _size(axis: Any, samples: int) -> int:
    """A free axis' size in a window: the levels are the official factors apart."""
    if isinstance(axis, int):
        return axis
    if axis == contract.BATCH:
        return 1
    if axis == contract.FRAMES:
        return samples
    return samples // (1, 4, 16, 64, 128, 256, 512, 1024)[contract.LEVELS.index(axis)]


def _used() -> int | None:
    """Bytes in use on all cards; None where it cannot be known."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        return sum(int(line) for line in said.split()) << 20
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _times(step: Step, repeats: int) -> list[float]:
    for _ in range(3):
        step()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return seconds
