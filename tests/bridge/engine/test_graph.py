"""A graph behind its contract: what goes in wrong and what comes out wrong is named, not passed on."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bridge.engine.graph import Graph
from bridge.engine.providers import CPU, CUDA, DIRECTML, TENSORRT
from bridge.errors import EngineError, PackError
from bridge.packs import contract
from bridge.packs.contract import GraphSpec, TensorSpec
from tests.packs import tiny_pack
from tests.runtimes import FakeRuntime

WHERE = 'pack "tiny", graph "denoiser"'


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pack(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def denoiser(pack: Path) -> Graph:
    return Graph(pack / "denoiser.onnx", where=WHERE, threads=1)


def inputs(batch: int = 1, frames: int = 8) -> dict[str, np.ndarray[Any, Any]]:
    """Something that the tiny denoiser takes."""
    return {
        "noisy": np.ones((batch, 128, frames), np.float32),
        "sigma": np.full(batch, 0.5, np.float32),
        "onset_track": np.zeros((batch, 1, frames), np.float32),
        "embedding": np.zeros((batch, 4), np.float32),
    }


def operator(path: Path, kind: str, *, axes: tuple[str | int, ...] = ("batch", "n"), **attributes: Any) -> Path:
    """A graph of one operator, y = kind(x)."""
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(axes)) for name in "xy"]
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"], **attributes)], "g", tensors[:1], tensors[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def refusal(graph: Graph, **changed: Any) -> str:
    with pytest.raises(EngineError) as caught:
        graph({**inputs(), **changed})
    assert caught.value.sentence.startswith(WHERE)
    return caught.value.sentence


def test_graph_when_called_with_any_batch_and_length_then_outputs_by_name(denoiser: Graph) -> None:
    assert denoiser(inputs(3, 17))["velocity"].shape == (3, 128, 17)
    assert denoiser(inputs(1, 64))["velocity"].dtype == np.float32


def test_graph_when_called_twice_then_same_bytes(denoiser: Graph) -> None:
    assert denoiser(inputs())["velocity"].tobytes() == denoiser(inputs())["velocity"].tobytes()


def test_graph_when_an_input_is_no_contiguous_array_then_same_answer(denoiser: Graph) -> None:
    noisy = np.random.default_rng(0).standard_normal((1, 128, 16)).astype(np.float32)
    straight = denoiser({**inputs(), "noisy": np.ascontiguousarray(noisy[:, :, ::2])})["velocity"]
    assert np.array_equal(denoiser({**inputs(), "noisy": noisy[:, :, ::2]})["velocity"], straight)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"noisy": np.ones((1, 128, 8))}, 'input "noisy" must be float32, not float64'),
        ({"noisy": np.ones((128, 8), np.float32)}, 'input "noisy" must have 3 axes (batch x 128 x frames)'),
        (
            {"noisy": np.ones((1, 64, 8), np.float32)},
            'input "noisy": axis 1 must be 128 (batch x 128 x frames), not 64',
        ),
        ({"onset_track": np.ones((1, 1, 9), np.float32)}, 'input "onset_track": axis 2 must be 8'),
        ({"embedding": np.ones((2, 4), np.float32)}, 'input "embedding": axis 0 must be 1'),
        ({"sigma": [0.5]}, 'input "sigma" must be a numpy array, not list'),
        ({"sigma": np.array([np.nan], np.float32)}, 'input "sigma" holds values that are not finite'),
        ({"noisy": np.ones((1, 128, 0), np.float32)}, 'input "noisy" is empty: axis 2 is 0'),
        ({"more": np.ones(1, np.float32)}, "takes noisy, sigma, onset_track, embedding, was given"),
    ],
)
def test_graph_when_an_input_does_not_fit_then_it_is_named(denoiser: Graph, changed: dict[str, Any], said: str) -> None:
    assert said in refusal(denoiser, **changed)


def test_graph_when_an_input_is_missing_then_said_so(denoiser: Graph) -> None:
    with pytest.raises(EngineError, match="was given nothing"):
        denoiser({})


def test_graph_when_an_output_is_not_finite_then_pack_graph_and_output_are_named(tmp_path: Path) -> None:
    graph = Graph(operator(tmp_path / "log.onnx", "Log"), where='pack "p", graph "g"', threads=1)
    assert np.allclose(graph({"x": np.ones((1, 2), np.float32)})["y"], 0.0)
    for bad in (0.0, -1.0):
        with pytest.raises(EngineError) as caught:
            graph({"x": np.array([[1.0, bad]], np.float32)})
        assert 'pack "p", graph "g": output "y" holds values that are not finite' in caught.value.sentence


def test_graph_when_an_output_has_another_length_than_promised_then_named(tmp_path: Path) -> None:
    path = operator(tmp_path / "same.onnx", "Identity")
    spec = GraphSpec(
        inputs=(TensorSpec(name="x", type="float32", axes=("n", "m")),),
        outputs=(TensorSpec(name="y", type="float32", axes=("m", "n")),),
    )
    with pytest.raises(EngineError, match=r'output "y": axis 0 must be 3'):
        Graph(path, spec=spec, threads=1)({"x": np.ones((2, 3), np.float32)})


def test_graph_when_the_runtime_fails_then_translated(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, "half"])
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [2, -1])
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], [shape]), opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    )
    onnx.save(model, tmp_path / "halve.onnx")
    graph = Graph(tmp_path / "halve.onnx", where='pack "p", graph "halve"', threads=1)
    assert graph({"x": np.ones(4, np.float32)})["y"].shape == (2, 2)
    with pytest.raises(EngineError) as caught:
        graph({"x": np.ones(3, np.float32)})
    assert 'pack "p", graph "halve": failed while it ran' in caught.value.sentence
    assert caught.value.hint


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        (("batch", 2), 'axis 1 of "x" (time) must be free, but the graph fixes it to 2'),
        (("batch", "n", 3), 'input "x" must have 2 axes, not 3'),
    ],
)
def test_graph_when_the_file_is_not_what_the_pack_says_then_first_mismatch(
    tmp_path: Path, axes: tuple[str | int, ...], said: str
) -> None:
    def tensor(name: str) -> TensorSpec:
        return TensorSpec(name=name, type="float32", axes=("batch", "time"))

    spec = GraphSpec(inputs=(tensor("x"),), outputs=(tensor("y"),))
    with pytest.raises(PackError) as caught:
        Graph(operator(tmp_path / "g.onnx", "Identity", axes=axes), spec=spec, where="here")
    assert f"here: {said}" in caught.value.sentence


def test_graph_when_a_number_differs_from_the_packs_then_both_are_told(tmp_path: Path) -> None:
    spec = GraphSpec(
        inputs=(TensorSpec(name="x", type="float32", axes=("batch", 3)),),
        outputs=(TensorSpec(name="y", type="float32", axes=("batch", 3)),),
    )
    with pytest.raises(PackError, match=r'axis 1 of "x" is 2 in the graph but 3 in pack\.json'):
        Graph(operator(tmp_path / "g.onnx", "Identity", axes=("batch", 2)), spec=spec)


def test_graph_when_the_file_is_junk_or_missing_then_pack_error(tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    with pytest.raises(PackError, match=r"junk\.onnx cannot be opened"):
        Graph(tmp_path / "junk.onnx")
    with pytest.raises(PackError, match="is missing"):
        Graph(tmp_path / "none.onnx")


def test_roles_when_read_then_every_tensor_name_is_a_constant_of_the_contract() -> None:
    names = {value for value in vars(contract).values() if isinstance(value, str)}
    for spec in (spec for variants in contract.ROLES.values() for spec in variants):
        assert {tensor.name for tensor in (*spec.inputs, *spec.outputs)} <= names


class Moved:
    """A graph y = -x on a provider that this machine lacks, and what it told the designer."""

    def __init__(self, folder: Path, runtime: FakeRuntime, *providers: str, kind: str = "Neg") -> None:
        self.said: list[str] = []
        self.graph = Graph(
            operator(folder / "g.onnx", kind),
            where="here",
            providers=(*providers, CPU),
            threads=1,
            notice=self.said.append,
            runtime=runtime,
        )

    def run(self, *values: float) -> list[float]:
        return self.graph({"x": np.array([values], np.float32)})["y"][0].tolist()


def raises(text: str) -> Any:
    def fault(name: str, run: Any) -> list[Any]:
        raise RuntimeError(text)

    return fault


def runs_out(name: str, run: Any) -> list[Any]:
    raise MemoryError


def overflows(name: str, run: Any) -> list[Any]:
    return [np.full_like(run()[0], np.inf)]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (raises("Failed to allocate memory for requested buffer"), "not enough memory"),
        (runs_out, "not enough memory"),
        (raises("device removed"), "device removed"),
        (overflows, 'output "y" holds values that are not finite'),
        (lambda name, run: [run()[0][:, :1]], "axis 1 must be 2"),
    ],
)
def test_graph_when_its_provider_fails_then_the_cpu_answers_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Any, why: str
) -> None:
    runtime = FakeRuntime(CUDA)
    moved = Moved(tmp_path, runtime, CUDA)
    assert moved.run(1.0, 2.0) == [-1.0, -2.0]
    assert (moved.graph.providers, moved.said) == ((CUDA, CPU), [])
    runtime.faults[CUDA] = fault
    assert moved.run(1.0, 2.0) == moved.run(1.0, 2.0) == [-1.0, -2.0]
    assert moved.graph.providers == (CPU,)
    (sentence,) = moved.said
    for words in ("here on CUDA: ", why, "The CPU does it now", "Free memory tries CUDA"):
        assert words in sentence
    assert sentence in caplog.text
    assert runtime.opened == [("g.onnx", CUDA), ("g.onnx", CPU)]


def test_graph_when_the_cpu_fails_at_the_same_input_then_that_error_and_nothing_moves(tmp_path: Path) -> None:
    runtime = FakeRuntime(CUDA)
    moved = Moved(tmp_path, runtime, CUDA, kind="Log")
    with pytest.raises(EngineError, match="not finite"):
        moved.run(-1.0)
    assert (moved.graph.providers, moved.said) == ((CUDA, CPU), [])
    assert moved.run(1.0) == [0.0]


def test_graph_when_many_threads_fail_at_once_then_one_new_session_and_one_sentence(tmp_path: Path) -> None:
    runtime = FakeRuntime(CUDA)
    moved = Moved(tmp_path, runtime, CUDA)
    barrier = threading.Barrier(4)

    def together(name: str, run: Any) -> list[Any]:
        barrier.wait(5)
        raise RuntimeError("lost")

    runtime.faults[CUDA] = together
    got: list[list[float]] = []
    threads = [threading.Thread(target=lambda: got.append(moved.run(3.0))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [[-3.0]] * 4
    assert len(moved.said) == 1
    assert runtime.opened == [("g.onnx", CUDA), ("g.onnx", CPU)]


def test_graph_when_tensorrt_fails_then_cuda_is_next_and_the_cpu_last(tmp_path: Path) -> None:
    runtime = FakeRuntime(TENSORRT, CUDA)
    moved = Moved(tmp_path, runtime, TENSORRT, CUDA)
    runtime.faults[TENSORRT] = raises("no engine")
    assert moved.run(1.0) == [-1.0]
    assert moved.graph.providers == (CUDA, CPU)
    assert "here on TensorRT: failed while it ran (no engine). CUDA does it now" in moved.said[0]
    runtime.faults[CUDA] = raises("lost")
    assert moved.run(1.0) == [-1.0]
    assert moved.graph.providers == (CPU,)
    assert len(moved.said) == 2


def test_graph_when_a_provider_does_not_open_it_then_the_next_does_and_it_is_said(tmp_path: Path) -> None:
    runtime = FakeRuntime(CUDA)
    runtime.refused[CUDA] = RuntimeError("out of memory")
    moved = Moved(tmp_path, runtime, CUDA)
    assert moved.graph.providers == (CPU,)
    assert "here on CUDA: it cannot be opened (out of memory). The CPU does it now" in moved.said[0]
    runtime = FakeRuntime(CUDA)
    runtime.left_out.add(CUDA)
    (again := tmp_path / "again").mkdir()
    assert "CUDA: it cannot be opened (ONNX Runtime left it out)" in Moved(again, runtime, CUDA).said[0]


def test_graph_when_on_directml_then_never_two_calls_at_once_and_elsewhere_they_may_be(tmp_path: Path) -> None:
    def most_at_once(provider: str, folder: Path) -> int:
        folder.mkdir()
        runtime = FakeRuntime(DIRECTML, CUDA)
        moved = Moved(folder, runtime, provider)
        inside, most = [0], [0]

        def slow(name: str, run: Any) -> list[Any]:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.05)
            inside[0] -= 1
            return run()

        runtime.faults[provider] = slow
        threads = [threading.Thread(target=moved.run, args=(1.0,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return most[0]

    assert most_at_once(DIRECTML, tmp_path / "directml") == 1
    assert most_at_once(CUDA, tmp_path / "cuda") > 1
