"""What ONNX Runtime is told, provider by provider; and a real session on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import platformdirs
import psutil
import pytest
from onnx import TensorProto, helper

from bridge.engine import memory, runtime
from bridge.engine.graph import Graph
from bridge.engine.providers import COREML, CPU, CUDA, DIRECTML, TENSORRT
from bridge.engine.runtime import ONNX_RUNTIME
from tests.packs import tiny_pack


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_pack(tmp_path) / "text.onnx"


def test_session_when_opened_then_it_runs_and_never_changes_its_provider_by_itself(model: Path) -> None:
    session = ONNX_RUNTIME.open(model, providers=(CPU,), threads=1)
    assert isinstance(session, ort.InferenceSession)
    assert list(session.get_providers()) == [CPU]
    assert session._enable_fallback is False  # pyright: ignore[reportAttributeAccessIssue]
    answers: Sequence[Any] = session.run(["embedding"], {"tags": np.zeros((1, 5), np.float32)})
    assert answers[0].shape == (1, 4)


def test_session_when_it_runs_then_nothing_is_noted_for_anybody(model: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run = (
        "import sys, numpy as np; from pathlib import Path; from bridge.engine.providers import CPU;"
        "from bridge.engine.runtime import ONNX_RUNTIME;"
        "session = ONNX_RUNTIME.open(Path(sys.argv[1]), providers=(CPU,), threads=1);"
        "session.run(['embedding'], {'tags': np.zeros((1, 5), np.float32)})"
    )
    hidden = {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | {"HOME": str(home)}
    subprocess.run([sys.executable, "-B", "-c", run, str(model)], env=environment, check=True)
    assert list(home.rglob("*")) == []


def test_memory_when_a_graph_runs_once_in_a_while_then_its_run_is_given_back(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["square"]),
        helper.make_node("Add", ["square", "x"], ["sum"]),
        helper.make_node("ReduceMax", ["sum"], ["largest"]),
    ]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])]
    graph = helper.make_graph(nodes, "g", given, [helper.make_tensor_value_info("largest", TensorProto.FLOAT, [1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path = tmp_path / "graph.onnx"
    onnx.save(model, path)
    x = np.ones(16_000_000, np.float32)
    held = {}
    for often in (True, False):
        opened = Graph(path, threads=1, often=often)
        opened({"x": x[:1000]})
        before = psutil.Process().memory_info().rss
        assert opened({"x": x})["largest"] == 2.0
        held[often] = psutil.Process().memory_info().rss - before
        del opened
    assert held[False] < 20e6 < 100e6 < held[True]


def test_session_when_cuda_has_no_driver_then_nothing_is_printed(model: Path, capfd: pytest.CaptureFixture) -> None:
    if CUDA not in ONNX_RUNTIME.available():
        pytest.skip("this ONNX Runtime was built without CUDA")
    session = ONNX_RUNTIME.open(model, providers=(CUDA, CPU), threads=1, quiet=True)
    assert session.get_providers()[-1] == CPU
    assert capfd.readouterr() == ("", "")


def test_options_when_any_provider_then_one_operator_after_the_other_and_what_directml_insists_on() -> None:
    options = runtime.session_options(3)
    assert options.execution_mode == ort.ExecutionMode.ORT_SEQUENTIAL
    assert options.enable_mem_pattern is False
    assert options.use_deterministic_compute
    assert options.intra_op_num_threads == 3


@pytest.mark.skipif(memory.resident_bytes() is None, reason="the system does not tell how much memory a process holds")
def test_session_when_a_length_comes_again_then_it_holds_no_more_than_after_the_first(tmp_path: Path) -> None:
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
    nodes = [helper.make_node("Concat", [name, name], [after], axis=0) for name, after in ("xa", "ab", "bc")]
    nodes.append(helper.make_node("ReduceMax", ["c"], ["y"], keepdims=1))
    graph = helper.make_graph(nodes, "g", tensors[:1], tensors[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "g.onnx")
    session = ONNX_RUNTIME.open(tmp_path / "g.onnx", providers=(CPU,), threads=1)
    feed = {"x": np.ones(1_000_000, np.float32)}
    held = []
    for _ in range(3):
        session.run(["y"], feed)
        held.append(memory.resident_bytes() or 0)
    assert held[2] - held[0] < 20e6


def test_options_when_cuda_then_full_precision_a_tight_arena_and_no_timed_choice(model: Path) -> None:
    options = runtime.provider_options(CUDA, model)
    assert options == {
        "use_tf32": "0",
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "HEURISTIC",
    }


def test_options_when_core_ml_then_an_ml_program(model: Path) -> None:
    assert runtime.provider_options(COREML, model)["ModelFormat"] == "MLProgram"
    assert runtime.provider_options(CPU, model) == runtime.provider_options(DIRECTML, model) == {}


def test_options_when_tensorrt_then_engines_of_other_weights_lie_elsewhere(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *names, **more: str(tmp_path / "cache"))
    options = runtime.provider_options(TENSORRT, model)
    assert options["trt_engine_cache_enable"] == options["trt_timing_cache_enable"] == "1"
    folder = Path(options["trt_engine_cache_path"])
    assert folder.is_dir()
    assert folder.is_relative_to(tmp_path / "cache")
    assert runtime.engine_folder(model) == folder
    model.write_bytes(model.read_bytes() + b"\0")
    assert runtime.engine_folder(model) != folder
    assert runtime.provider_options(TENSORRT, b"trial") == {}


def test_library_when_there_is_none_of_that_name_then_false() -> None:
    assert not ONNX_RUNTIME.has_library("libfoley_none.so.7")
