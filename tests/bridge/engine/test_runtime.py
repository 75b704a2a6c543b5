"""What ONNX Runtime is told, provider by provider; and a real session on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import platformdirs
import pytest

from bridge.engine import runtime
from bridge.engine.runtime import COREML, CPU, CUDA, DIRECTML, ONNX_RUNTIME, TENSORRT
from tests.packs import tiny_pack


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_pack(tmp_path) / "text.onnx"


def test_session_when_opened_then_it_runs_and_never_changes_its_provider_by_itself(model: Path) -> None:
    session = ONNX_RUNTIME.open(model, providers=(CPU,), threads=1)
    assert isinstance(session, ort.InferenceSession)
    assert list(session.get_providers()) == [CPU]
    assert session._enable_fallback is False
    assert session.run(["embedding"], {"tags": np.zeros((1, 5), np.float32)})[0].shape == (1, 4)


def test_session_when_cuda_has_no_driver_then_nothing_is_printed(model: Path, capfd: pytest.CaptureFixture) -> None:
    if CUDA not in ONNX_RUNTIME.available():
        pytest.skip("this ONNX Runtime was built without CUDA")
    session = ONNX_RUNTIME.open(model, providers=(CUDA, CPU), threads=1, quiet=True)
    assert session.get_providers()[-1] == CPU
    assert capfd.readouterr() == ("", "")


def test_options_when_directml_then_no_memory_pattern_and_always_one_operator_after_the_other() -> None:
    for providers, pattern in (((DIRECTML, CPU), False), ((CUDA, CPU), True), ((CPU,), True)):
        options = runtime.session_options(providers, 3)
        assert options.enable_mem_pattern is pattern
        assert options.execution_mode == ort.ExecutionMode.ORT_SEQUENTIAL
        assert options.use_deterministic_compute
        assert options.intra_op_num_threads == 3


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
