"""A loaded pack: verified first, graphs opened once, on any thread."""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.engine import Engine
from bridge.engine.graph import Graph
from bridge.engine.loader import load
from bridge.engine.providers import CPU, CUDA
from bridge.errors import EngineError, PackError
from bridge.packs.store import Store
from tests.packs import BANDS, DECAY_FRAMES, HOP, tiny_pack
from tests.runtimes import FakeRuntime


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


def test_graph_when_its_file_changed_since_the_pack_was_loaded_then_it_is_not_opened(
    store: Store, tmp_path: Path
) -> None:
    pack = load(store, "tiny", provider="cpu", threads=1)
    pack.graph("decoder")
    pack.release()
    path = tmp_path / "tiny" / "decoder.onnx"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(400) + whole[len(whole) // 2 + 400 :])
    with pytest.raises(PackError, match="damaged"):
        pack.graph("decoder")
    path.write_bytes(whole)
    pack.graph("decoder")


def test_graph_when_the_pack_was_replaced_since_then_the_way_out_is_told(store: Store, tmp_path: Path) -> None:
    pack = load(store, "tiny", provider="cpu", threads=1)
    manifest = tmp_path / "tiny" / "pack.json"
    manifest.write_text(manifest.read_text() + "\n")
    with pytest.raises(PackError, match="replaced by another version") as caught:
        pack.graph("decoder")
    assert "start it again" in caught.value.hint


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


def request() -> Request:
    return Request(
        length_samples=24000, rate_hz=48000, onsets=(Onset(time_s=0.1, confidence=1.0),), prompt="wood", seed=1
    )


def test_release_when_graphs_are_open_then_their_sessions_are_gone_and_the_next_use_makes_the_same_sound(
    store: Store,
) -> None:
    engine = Engine(load(store, "tiny", provider="cpu", threads=1))
    before = engine.render(request()).samples
    sessions = [weakref.ref(engine.pack.graph(role)._session) for role in ("text", "denoiser", "decoder")]
    assert sorted(engine.release()) == ["decoder", "denoiser", "text"]
    assert [session() for session in sessions] == [None] * 3
    assert engine.pack.providers() == {}
    assert engine.release() == ()
    assert np.array_equal(engine.render(request()).samples, before)
    assert engine.pack.providers() == {"decoder": CPU, "denoiser": CPU, "text": CPU}


def test_pack_when_one_graph_fails_on_the_gpu_then_the_others_stay_and_it_is_said_once(store: Store) -> None:
    def full(name: str, run):
        if name == "denoiser.onnx":
            raise RuntimeError("CUDA failure 2: out of memory")
        return run()

    runtime = FakeRuntime(CUDA)
    runtime.faults[CUDA] = full
    engine = Engine(load(store, "tiny", threads=1, runtime=runtime))
    on_cpu = Engine(load(store, "tiny", provider="cpu", threads=1))
    assert np.array_equal(engine.render(request()).samples, on_cpu.render(request()).samples)
    assert engine.pack.providers() == {"decoder": CUDA, "denoiser": CPU, "text": CUDA}
    (notice,) = engine.take_notices()
    assert 'graph "denoiser" on CUDA: there is not enough memory' in notice
    assert engine.take_notices() == ()
    engine.render(request())
    assert engine.take_notices() == ()
    runtime.faults.clear()
    engine.release()
    engine.render(request())
    assert set(engine.pack.providers().values()) == {CUDA}


def test_load_when_a_provider_is_insisted_on_that_is_not_there_then_no_pack(store: Store) -> None:
    with pytest.raises(EngineError, match="CUDA cannot be used"):
        load(store, "tiny", provider="cuda", runtime=FakeRuntime())
