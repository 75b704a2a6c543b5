"""The graphics card's rows of the bench: one that fails is one line, and no card that works is no rows."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from bridge.engine.providers import CUDA
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
from onnx_export.nets.syncfusion.unet import UNet
from onnx_export.recipes import syncfusion_what
from tests import bench_syncfusion, official
from tests.bench_syncfusion_cuda import MAKERS, Step, authors_step, row, torch_step, trouble
from tests.runtimes import FakeRuntime


def broken(_: Path, samples: int) -> Step:
    def step() -> object:
        raise MemoryError(f"no room for\n{samples} samples")

    return step


def test_row_when_it_fails_says_why_in_one_line(tmp_path: Path) -> None:
    line = bench_syncfusion.cuda_line(row("it", tmp_path, 64, 2, {"it": ("a net", broken)}))
    assert line.split() == ["a", "net", "failed:", "MemoryError:", "no", "room", "for", "64", "samples"]
    assert "\n" not in line


def test_row_when_it_works_says_median_and_projected_windows(tmp_path: Path) -> None:
    made = row("it", tmp_path, 64, 2, {"it": ("a net", lambda *_: lambda: None)})
    assert len(made["steps"]) == 2
    line = bench_syncfusion.cuda_line({**made, "steps": [0.1, 0.2, 0.3], "memory": 2_500_000_000})
    assert "0.2000 [0.1000 .. 0.3000]    2.50 GB  25 steps 5.00 s, 150 steps 30.00 s" in line


def test_rows_when_one_process_dies_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(part: str, _: argparse.Namespace) -> dict[str, object]:
        if part == "cuda_eager":
            raise bench_syncfusion.subprocess.CalledProcessError(-11, "it")
        return {"trouble": "", "name": part, "steps": [1.0], "memory": None}

    monkeypatch.setattr(bench_syncfusion, "_run", run)
    bench_syncfusion._cuda_rows(argparse.Namespace())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 + len(MAKERS)
    assert [line for line in lines if "failed: its process ended with -11" in line] == [lines[4]]


@pytest.mark.parametrize("how", ["refused", "left out", "fails when run"])
def test_card_when_the_driver_is_there_but_cuda_does_not_work_is_none(how: str) -> None:
    def fails(*_: object) -> list[object]:
        raise RuntimeError("libcudnn.so.9 is missing")

    runtime = FakeRuntime(CUDA)
    assert trouble(runtime) == ""
    runtime = FakeRuntime(CUDA)
    if how == "refused":
        runtime.refused[CUDA] = RuntimeError("libcudnn.so.9 is missing")
    elif how == "left out":
        runtime.left_out.add(CUDA)
    else:
        runtime.faults[CUDA] = fails
    assert trouble(runtime)


@pytest.mark.parametrize("half", [False, True])
def test_torch_step_when_made_runs_our_net(half: bool) -> None:
    unet, encoder = UNet(official.TINY.unet_shape), OnsetEncoder(official.TINY.encoder_shape)
    recipe = syncfusion_what.recipes(unet, encoder, precision="fp16")[-1]
    given = [torch.from_numpy(array) for array in recipe.inputs({"batch": 1, "frames": 64}).values()]
    assert isinstance(torch_step(recipe.module, given, device="cpu", half=half)(), float)


def test_authors_step_when_made_runs_their_net() -> None:
    official.require()
    assert isinstance(authors_step(official.TINY, 64, device="cpu")(), float)


def test_rows_when_listed_have_what_is_compared_on_a_card() -> None:
    names = [name for name, _ in MAKERS.values()]
    for wanted in (
        "authors' code, torch eager, fp32",
        "torch eager, fp16",
        "torch compiled, fp16",
        "fp16, CUDA graphs",
    ):
        assert any(wanted in name for name in names), wanted
