"""``python -m tests.bench_syncfusion``: a guided step of SyncFusion's denoiser, ours beside the authors' code.

Random weights, moved so that every part shows (see ``official.energise``); speed does not depend on them. One window
of the published length (2^18 samples at 48 kHz, 5.46 s); a guided step is two evaluations. Every variant runs in a
process of its own, one after the other, with the same number of threads, so that each has its own peak memory.
Medians with the spread [least .. most] of the repeats. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bridge.engine.graph import Graph
from bridge.engine.providers import CPU
from bridge.engine.runtime import ONNX_RUNTIME
from bridge.packs import contract
from tests.bench_syncfusion_cuda import MAKERS as CUDA_ROWS
from tests.bench_syncfusion_cuda import row as cuda_row
from tests.bench_syncfusion_cuda import trouble

SAMPLES = 1 << 18
RATE_HZ = 48000
GUIDANCE = 2.0
Row = dict[str, Any]


def main() -> int:
    """Prints the table; returns 0."""
    arguments = _arguments()
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](arguments)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        arguments.folder = arguments.folder or Path(name)
        arguments.folder.mkdir(parents=True, exist_ok=True)
        window_s = arguments.samples / RATE_HZ
        print(f"one window of {window_s:.2f} s, {arguments.threads} threads, {psutil.cpu_count()} cores")
        if not arguments.reuse:
            _run("build", arguments)
        facts = _run("count", arguments)
        print(
            f"one evaluation: {facts['direct']:.1f} GFLOP as the restructured net is defined, "
            f"{facts['done']:.1f} with shared products"
        )
        best = _run("peak", arguments)
        peak = best["gflops"]
        print(f"measured convolution peak ({best['by']}, 512 to 512 channels over 3 frames): {peak:.0f} GFLOP/s")
        print("of peak: the restructured net's work by definition in the time taken, shared products not subtracted\n")
        print(f"  {'guided step':<34}{'median s':>9} [least .. most]  {'memory':>9}  {'times':>6}  {'of peak':>7}")
        rows = {part: _run(part, arguments) for part in ("authors", "torch", "ort_fp32", "ort_int8")}
        reference = rows["authors"].get("steps")
        for row in rows.values():
            _say(row, reference, 2 * facts["direct"], peak)
        for part in ("ort_fp32", "ort_int8"):
            _say_windows(rows[part], window_s)
        if "error" in rows["ort_int8"]:
            print(f"  int8 against fp32, guided answer, relative rms of v - x: {100 * rows['ort_int8']['error']:.2f} %")
        _cuda_rows(arguments)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 1)
    parser.add_argument("--repeats", type=int, default=5, help="guided steps measured of each variant")
    parser.add_argument("--real-steps", type=int, default=12, help="steps of the real loop that is projected")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--folder", type=Path, help="keep the graphs here")
    parser.add_argument("--reuse", action="store_true", help="take the graphs that --folder already has")
    parser.add_argument("--part", choices=sorted(PARTS), help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(part: str, arguments: argparse.Namespace) -> Row:
    command = [sys.executable, "-m", "tests.bench_syncfusion", "--part", part, "--folder", str(arguments.folder)]
    for name in ("threads", "repeats", "samples"):
        command += [f"--{name}", str(getattr(arguments, name))]
    command += ["--real-steps", str(arguments.real_steps)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _say(row: Row, reference: list[float] | None, gflop: float, peak: float) -> None:
    if "missing" in row:
        print(f"  {row['name']:<34} {row['missing']}")
        return
    steps = row["steps"]
    middle = statistics.median(steps)
    times = f"{statistics.median(reference) / middle:.2f}" if reference else ""
    spread = f"[{min(steps):.3f} .. {max(steps):.3f}]"
    memory = f"{row['memory'] / 1e9:.2f} GB"
    print(f"  {row['name']:<34}{middle:9.3f} {spread}  {memory:>9}  {times:>6}  {100 * gflop / middle / peak:5.0f} %")


def _say_windows(row: Row, window_s: float) -> None:
    if "loop" not in row:
        return
    step = statistics.median(row["loop"])
    whole = ", ".join(
        f"{steps} steps {row['prepare'] + steps * step:.1f} s ({(row['prepare'] + steps * step) / window_s:.1f} times "
        "real time)"
        for steps in (150, 25)
    )
    print(f"  {row['name']}, a window from {len(row['loop'])} real steps: {whole}; preparing {row['prepare']:.2f} s")


def _cuda_rows(arguments: argparse.Namespace) -> None:
    print("\ngraphics card")
    if why := _run("card", arguments)["trouble"]:
        print(f"  no rows: {why}")
        return
    print(f"  {'guided step':<38}{'median s':>9} [least .. most]  {'memory':>9}  a window, projected")
    for key in CUDA_ROWS:
        print(cuda_line(_cuda_row(key, arguments)))


def _cuda_row(key: str, arguments: argparse.Namespace) -> Row:
    """A row's process may end without a word."""
    try:
        return _run(key, arguments)
    except subprocess.CalledProcessError as error:
        return {"name": CUDA_ROWS[key][0], "missing": f"failed: its process ended with {error.returncode}"}


def cuda_line(row: Row) -> str:
    """One row of the graphics card; a window is so many times the median step, without preparing."""
    if "missing" in row:
        return f"  {row['name']:<38} {row['missing']}"
    steps = row["steps"]
    middle = statistics.median(steps)
    spread = f"[{min(steps):.4f} .. {max(steps):.4f}]"
    memory = "unknown" if row["memory"] is None else f"{row['memory'] / 1e9:.2f} GB"
    windows = ", ".join(f"{number} steps {number * middle:.2f} s" for number in (25, 150))
    return f"  {row['name']:<38}{middle:9.4f} {spread}  {memory:>9}  {windows}"


def _build(arguments: argparse.Namespace) -> Row:
    """Writes the graphs."""
    import torch

    from onnx_export.convert import export
    from onnx_export.recipes import syncfusion_what

    torch.set_num_threads(arguments.threads)
    unet, encoder = _ours()
    wanted = {recipe.role: recipe for recipe in syncfusion_what.recipes(unet, encoder)}
    wanted["int8"] = syncfusion_what.recipes(unet, encoder, precision="int8")[-1]
    if _card():
        wanted["fp16"] = syncfusion_what.recipes(unet, encoder, precision="fp16")[-1]
    for name, recipe in wanted.items():
        (arguments.folder / f"{name}.onnx").write_bytes(export(recipe).SerializeToString(deterministic=True))
    np.save(arguments.folder / "null.npy", unet.null_embedding.detach().numpy())
    return {}


def _count(arguments: argparse.Namespace) -> Row:
    """Work of one evaluation in GFLOP: as the restructured net is defined, and as it is done. Holds no weights."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
    from onnx_export.nets.syncfusion.serving import ServingUNet
    from onnx_export.nets.syncfusion.serving_pieces import Manner
    from onnx_export.nets.syncfusion.unet import UNet
    from onnx_export.recipes import syncfusion_what

    facts = {}
    with torch.device("meta"), torch.no_grad():
        unet = UNet()
        recipe = syncfusion_what.recipes(unet, OnsetEncoder())[-1]
        given = recipe.inputs({"batch": 1, "frames": arguments.samples})
        for name, precision in (("direct", "fp16"), ("done", "fp32")):
            net = ServingUNet(unet, Manner(precision=precision))
            with FlopCounterMode(display=False) as counter:
                net(*(torch.empty(array.shape) for array in given.values()))
            facts[name] = counter.get_total_flops() / 1e9
    return facts


def _peak(arguments: argparse.Namespace) -> Row:
    """Best of the repeats, as a peak is meant, and of the two that can convolve here."""
    import onnx
    import torch
    from onnx import helper, numpy_helper

    torch.set_num_threads(arguments.threads)
    x, weight = torch.randn(1, 512, 2048), torch.randn(512, 512, 3)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "weight"], ["y"], pads=[1, 1])],
        "convolution",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, list(x.shape))],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, list(x.shape))],
        [numpy_helper.from_array(weight.numpy(), "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = ONNX_RUNTIME.open(model.SerializeToString(), providers=(CPU,), threads=arguments.threads)
    runs = {
        "torch": lambda: torch.nn.functional.conv1d(x, weight, padding=1),
        "ONNX Runtime": lambda: session.run(["y"], {"x": x.numpy()}),
    }
    seconds = {}
    with torch.no_grad():
        for name, run in runs.items():
            run()
            seconds[name] = min(_times(run, 10 * arguments.repeats))
    name = min(seconds, key=lambda name: seconds[name])
    return {"gflops": 2 * 3 * 512 * 512 * 2048 / seconds[name] / 1e9, "by": name}


def _authors(arguments: argparse.Namespace) -> Row:
    name = "authors' code, torch eager"
    import torch

    from tests import official

    if missing := [one for one in official.PACKAGES if importlib.util.find_spec(one) is None]:
        return {"name": name, "missing": f"not measured: {', '.join(missing)} missing (extra 'parity')"}
    torch.set_num_threads(arguments.threads)
    net = official.diffusion_model(official.OFFICIAL).get_submodule("net")
    encoder = official.onset_encoder(official.OFFICIAL)
    official.energise(net)
    official.energise(encoder)
    noisy, track, embedding = (torch.from_numpy(array) for array in _inputs(arguments.samples))
    with torch.no_grad():
        contexts = official.contexts_of(encoder, track)
        sigma = torch.tensor([0.5])
        given = {"time": sigma, "channels": contexts, "embedding": embedding[:, None], "embedding_scale": GUIDANCE}
        steps = _steps(lambda: net(noisy, **given), arguments)
    return {"name": name, "steps": steps, "memory": _memory()}


def _torch(arguments: argparse.Namespace) -> Row:
    import torch

    from onnx_export.nets.syncfusion.preparing import ContextEncoder, EmbeddingEncoder, TimeEncoder
    from onnx_export.nets.syncfusion.serving import ServingUNet

    torch.set_num_threads(arguments.threads)
    unet, encoder = _ours()
    noisy, track, embedding = (torch.from_numpy(array) for array in _inputs(arguments.samples))
    with torch.no_grad():
        contexts = ContextEncoder(encoder, unet)(track)
        row = TimeEncoder(unet)(torch.tensor([0.5]))
        added = EmbeddingEncoder(unet)(torch.cat([embedding, unet.null_embedding]))
        net = ServingUNet(unet)
        del unet, encoder

        def step() -> Any:
            with_words, without = (net(noisy, row, added[one : one + 1], *contexts) for one in (0, 1))
            return without + GUIDANCE * (with_words - without)

        steps = _steps(step, arguments)
    return {"name": "our serving net, torch eager", "steps": steps, "memory": _memory()}


def _onnx(arguments: argparse.Namespace, file: str, name: str) -> Row:
    """As the engine runs it: preparing graphs once, then nothing but the denoiser."""
    noisy, track, embedding = _inputs(arguments.samples)
    null = np.load(arguments.folder / "null.npy")
    sigmas = np.linspace(1.0, 0.0, 151, dtype=np.float32)
    session = ONNX_RUNTIME.open(arguments.folder / f"{file}.onnx", providers=(CPU,), threads=arguments.threads)
    prepared: dict[str, Any] = {}
    seconds = 0.0
    for role, feed in (
        (contract.ONSET_ENCODER, {contract.ONSET_TRACK: track}),
        (contract.TIME_ENCODER, {contract.SIGMA: sigmas[:-1]}),
        (contract.EMBEDDING_ENCODER, {contract.EMBEDDING: np.concatenate([embedding, null])}),
    ):
        graph = Graph(arguments.folder / f"{role}.onnx", threads=arguments.threads)
        began = time.perf_counter()
        prepared.update(graph(feed))
        seconds += time.perf_counter() - began
        del graph
    table, added = prepared.pop("modulation"), prepared.pop("added")

    def velocity(x: Any, number: int) -> Any:
        feed = {contract.NOISY: x, "modulation": table[number : number + 1], **prepared}
        with_words, without = (
            session.run([contract.VELOCITY], {**feed, "added": added[one : one + 1]})[0] for one in (0, 1)
        )
        return without + np.float32(GUIDANCE) * (with_words - without)

    steps = _steps(lambda: velocity(noisy, 75), arguments)
    loop, x = [], noisy
    for number in range(arguments.real_steps):
        began = time.perf_counter()
        angle = np.float32(np.pi / 2 * (sigmas[number] - sigmas[number + 1]))
        x = np.cos(angle) * x - np.sin(angle) * velocity(x, number)
        loop.append(time.perf_counter() - began)
    row = {"name": name, "steps": steps, "memory": _memory(), "loop": loop, "prepare": seconds}
    answer, kept = velocity(noisy, 75) - noisy, arguments.folder / "answer.npy"
    if file == contract.DENOISER:
        np.save(kept, answer)
    elif kept.is_file():
        exact = np.load(kept)
        row["error"] = float(np.sqrt(np.mean((answer - exact) ** 2) / np.mean(exact**2)))
    return row


def _card() -> bool:
    """Whether ONNX Runtime computes with CUDA here."""
    return not trouble()


def _ours() -> tuple[Any, Any]:
    from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
    from onnx_export.nets.syncfusion.unet import UNet
    from tests.official import energise

    unet, encoder = UNet().eval(), OnsetEncoder().eval()
    energise(unet)
    energise(encoder)
    return unet, encoder


def _inputs(samples: int) -> tuple[Any, Any, Any]:
    """Noise, a track with an onset every half second, an embedding of length 1."""
    random = np.random.default_rng(0)
    track = np.zeros((1, 1, samples), np.float32)
    track[..., 1000 :: RATE_HZ // 2] = 1.0
    embedding = random.standard_normal((1, 512)).astype(np.float32)
    return random.standard_normal((1, 1, samples)).astype(np.float32), track, embedding / np.linalg.norm(embedding)


def _steps(step: Callable[[], object], arguments: argparse.Namespace) -> list[float]:
    step()
    return _times(step, arguments.repeats)


def _times(run: Callable[[], object], repeats: int) -> list[float]:
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return seconds


def _memory() -> int:
    """Peak of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


PARTS: dict[str, Callable[[argparse.Namespace], Row]] = {
    "build": _build,
    "count": _count,
    "peak": _peak,
    "authors": _authors,
    "torch": _torch,
    "ort_fp32": lambda arguments: _onnx(arguments, contract.DENOISER, "ONNX Runtime, fp32"),
    "ort_int8": lambda arguments: _onnx(arguments, "int8", "ONNX Runtime, int8"),
    "card": lambda _: {"trouble": trouble()},
    **{
        key: lambda arguments, key=key: cuda_row(key, arguments.folder, arguments.samples, arguments.repeats)
        for key in CUDA_ROWS
    },
}

if __name__ == "__main__":
    sys.exit(main())
