"""A loaded pack: verified first, graphs opened once, on any thread."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from bridge.engine import devices
from bridge.engine.devices import CPU, providers_for
from bridge.engine.graph import Graph
from bridge.engine.loader import load
from bridge.errors import EngineError, PackError
from bridge.packs.store import Store
from tests.packs import BANDS, DECAY_FRAMES, HOP, tiny_pack


@pytest.fixture
def store(tmp_path: Path) -> Store:
    tiny_pack(tmp_path)
    return Store([tmp_path])


def test_load_when_graphs_are_asked_for_then_opened_once_and_said_so(store: Store) -> None:
    said: list[str] = []
    pack = load(store, "tiny", provider="cpu", threads=1, progress=said.append)
    assert pack.graph("text") is pack.graph("text")
    assert said == ['Checking pack "tiny"', 'Loading "text" of pack "tiny"']
    assert pack.manifest.require_what().vocabulary == "vocabulary.json"
    assert pack.path("vocabulary.json").is_file()
    assert len(pack.digest) == 64


def test_load_when_many_threads_ask_at_once_then_one_session(store: Store) -> None:
    said: list[str] = []

    def slowly(sentence: str) -> None:
        said.append(sentence)
        time.sleep(0.02)

    pack = load(store, "tiny", threads=1, progress=slowly)
    barrier = threading.Barrier(8)
    got: list[Graph] = []

    def ask() -> None:
        barrier.wait()
        got.append(pack.graph("decoder"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len({id(graph) for graph in got}) == 1
    assert len(said) == 2


def test_load_when_a_role_is_not_in_the_pack_then_pack_error(store: Store) -> None:
    with pytest.raises(PackError, match='no "reverb" graph'):
        load(store, "tiny").graph("reverb")


def test_load_when_the_pack_is_damaged_then_nothing_is_opened(store: Store, tmp_path: Path) -> None:
    (tmp_path / "tiny" / "text.onnx").write_bytes(b"")
    with pytest.raises(PackError, match=r'"text\.onnx" is damaged'):
        load(store, "tiny")


def test_tiny_pack_when_sampled_then_bursts_at_the_onset_as_worked_out_on_paper(store: Store) -> None:
    pack = load(store, "tiny", threads=1)
    frames, onset = 48, 16
    noise = np.random.default_rng(5).standard_normal((1, BANDS, frames)).astype(np.float32)
    track = np.zeros((1, 1, frames), np.float32)
    track[0, 0, onset] = 1.0
    embedding = pack.graph("text")({"tags": np.array([[0, 0, 1, 0, 0]], np.float32)})["embedding"]
    sound, sigmas = noise, np.linspace(1.0, 0.0, 4)
    for sigma, after in itertools.pairwise(sigmas):
        inputs = {"noisy": sound, "sigma": np.array([sigma], np.float32), "onset_track": track, "embedding": embedding}
        turn = np.pi / 2 * (sigma - after)
        velocity = pack.graph("denoiser")(inputs)["velocity"]
        sound = (np.cos(turn) * sound - np.sin(turn) * velocity).astype(np.float32)
    envelope = np.where(np.arange(frames) < onset, 0.0, np.exp(-(np.arange(frames) - onset) / DECAY_FRAMES))
    tilt = 2.0 / (1.0 + np.exp(-6.0 * np.linspace(-0.5, 0.5, BANDS)))
    assert np.allclose(sound, noise * envelope * tilt[None, :, None], atol=1e-5)
    audio = pack.graph("decoder")({"latent": sound})["audio"]
    assert audio.shape == (1, 1, frames * HOP)
    assert np.abs(audio[0, 0, : onset * HOP]).max() < 1e-6
    assert np.abs(audio[0, 0, onset * HOP : (onset + 1) * HOP]).max() > 0.05


def test_providers_when_cpu_then_only_it() -> None:
    assert providers_for("cpu") == (CPU,)


def test_providers_when_unknown_then_says_which_there_are() -> None:
    with pytest.raises(EngineError, match="auto, cpu, cuda"):
        providers_for("tpu")


def test_providers_when_cuda_does_not_work_then_auto_takes_the_cpu_and_cuda_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "cuda_problem", lambda: "there is no NVIDIA driver (libcuda.so.1)")
    assert providers_for("auto") == (CPU,)
    with pytest.raises(EngineError) as caught:
        providers_for("cuda")
    assert "no NVIDIA driver" in caught.value.sentence


def test_providers_when_cuda_works_then_auto_takes_it_with_the_cpu_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda_problem", lambda: "")
    assert providers_for("auto") == providers_for("cuda") == (devices.CUDA, CPU)


def test_providers_when_looked_for_on_this_machine_then_nothing_is_printed(tmp_path: Path) -> None:
    code = (
        "import ctypes\nfrom bridge.engine import devices\ndevices.providers_for()\n"
        "devices.cuda_problem.cache_clear()\nctypes.CDLL = lambda *a, **k: None\ndevices.providers_for()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_graph_when_a_provider_does_not_open_then_the_cpu_is_used_and_it_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tiny_pack(tmp_path) / "text.onnx"
    real = ort.InferenceSession

    def session(model: str, options: ort.SessionOptions, providers: list[str]) -> ort.InferenceSession:
        if providers[0] != CPU:
            raise RuntimeError("out of memory")
        return real(model, options, providers=providers)

    monkeypatch.setattr(ort, "InferenceSession", session)
    graph = Graph(path, providers=(devices.CUDA, CPU), where="here")
    assert graph.providers == (CPU,)
    assert "here: does not open with CUDAExecutionProvider (out of memory)" in caplog.text
