"""The provider is the best that works; a name insists; and each one that is not used has a reason in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bridge.engine import devices
from bridge.engine.devices import others, providers_for
from bridge.engine.providers import COREML, CPU, CUDA, DIRECTML, TENSORRT
from bridge.errors import EngineError
from tests.runtimes import FakeRuntime

EVERY = (TENSORRT, CUDA, COREML, DIRECTML)


def test_providers_when_cpu_then_only_it_and_nothing_is_tried() -> None:
    runtime = FakeRuntime(*EVERY)
    assert providers_for("cpu", runtime=runtime) == (CPU,)
    assert runtime.opened == []


def test_providers_when_unknown_then_says_which_there_are() -> None:
    with pytest.raises(EngineError, match="auto, cpu, cuda, directml, tensorrt, coreml"):
        providers_for("tpu")


@pytest.mark.parametrize(
    ("built", "chosen"),
    [
        (EVERY, (CUDA, CPU)),
        ((DIRECTML,), (DIRECTML, CPU)),
        ((COREML,), (CPU,)),
        ((TENSORRT,), (CPU,)),
        ((), (CPU,)),
    ],
)
def test_providers_when_auto_then_the_best_that_works_and_nothing_risky(
    built: tuple[str, ...], chosen: tuple[str, ...]
) -> None:
    runtime = FakeRuntime(*built)
    assert providers_for("auto", runtime=runtime) == chosen
    assert {provider for _, provider in runtime.opened} <= {CUDA, DIRECTML}


@pytest.mark.parametrize(
    ("word", "chosen"),
    [
        ("cuda", (CUDA, CPU)),
        ("directml", (DIRECTML, CPU)),
        ("tensorrt", (TENSORRT, CUDA, CPU)),
        ("coreml", (COREML, CPU)),
    ],
)
def test_providers_when_one_is_named_and_works_then_it_comes_first(word: str, chosen: tuple[str, ...]) -> None:
    assert providers_for(word, runtime=FakeRuntime(*EVERY)) == chosen


def wrong(name: str, run: object) -> list[np.ndarray]:
    return [np.zeros(3, np.float32)]


def broken(kind: str) -> FakeRuntime:
    runtime = FakeRuntime(*EVERY)
    if kind == "no driver":
        runtime.libraries.clear()
    elif kind == "no library":
        runtime.left_out = set(EVERY)
    elif kind == "refuses":
        runtime.refused = dict.fromkeys(EVERY, RuntimeError("device\n lost"))
    elif kind == "wrong numbers":
        runtime.faults = dict.fromkeys(EVERY, wrong)
    return runtime


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("no driver", "no NVIDIA driver"),
        ("no library", "are not installed"),
        ("refuses", "device lost"),
        ("wrong numbers", "wrong numbers"),
    ],
)
def test_providers_when_one_does_not_work_then_auto_goes_on_and_its_name_says_why(kind: str, said: str) -> None:
    runtime = broken(kind)
    assert providers_for("auto", runtime=runtime) == ((DIRECTML, CPU) if kind == "no driver" else (CPU,))
    with pytest.raises(EngineError) as caught:
        providers_for("cuda", runtime=runtime)
    assert "CUDA cannot be used" in caught.value.sentence
    assert said in caught.value.sentence
    assert '"auto" or "cpu"' in caught.value.hint


def test_providers_when_this_build_lacks_one_then_its_name_says_how_to_get_it() -> None:
    for word, cure in {"directml": "onnxruntime-directml", "coreml": "Mac", "tensorrt": "TensorRT of the"}.items():
        with pytest.raises(EngineError) as caught:
            providers_for(word, runtime=FakeRuntime())
        assert "built without it" in caught.value.message
        assert cure in caught.value.hint


def test_providers_when_asked_twice_then_tried_once() -> None:
    runtime = FakeRuntime(CUDA)
    assert providers_for("auto", runtime=runtime) == providers_for("cuda", runtime=runtime)
    assert runtime.opened == [("", CUDA)]


def test_others_when_cuda_is_used_then_each_other_has_its_reason() -> None:
    runtime = FakeRuntime(CUDA, DIRECTML, COREML)
    assert others("auto", CUDA, runtime=runtime) == (
        "DirectML (another comes first)",
        "TensorRT (not in this ONNX Runtime)",
        "Core ML (only when asked for by name)",
    )
    assert "CUDA (not asked for, provider is cpu)" in others("cpu", CPU, runtime=runtime)
    assert "CUDA (device lost)" in others("auto", CPU, runtime=broken("refuses"))


def test_titles_when_read_then_no_name_of_onnx_runtime_is_left() -> None:
    assert [devices.title(name) for name in (*EVERY, CPU)] == ["TensorRT", "CUDA", "Core ML", "DirectML", "the CPU"]


def test_providers_when_looked_for_on_this_machine_then_nothing_is_printed(tmp_path: Path) -> None:
    code = (
        "from bridge.engine import devices, providers, runtime\n"
        "class Bold(runtime.OnnxRuntime):\n"
        "    has_library = lambda self, name: True\n"
        "devices.providers_for()\n"
        "for device in providers.DEVICES:\n"
        "    devices.problem(device, Bold())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")
