"""The daemon without its process: verbs come in over real UDP, jobs run, the host is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge import app, demo_scene
from bridge.config import Settings
from bridge.engine import memory
from bridge.engine.engine import Engine
from bridge.engine.loader import load
from bridge.engine.providers import CPU, CUDA
from bridge.errors import PackError
from bridge.media import mux
from bridge.osc import client
from bridge.osc.server import OscServer
from bridge.packs.store import Store
from tests.fakes import FakeEngine, FakeHost, project, video_item
from tests.packs import finder_pack, tiny_pack
from tests.runtimes import FakeRuntime
from tests.tokens import TOKEN


class Daemon:
    """A bridge over a project in memory, reached over UDP."""

    def __init__(self, folder: Path) -> None:
        video = folder / "clip.mp4"
        video.write_bytes(b"picture")
        self.host = FakeHost(project(str(folder), video_item(str(video))))
        self.engine: FakeEngine | Exception = FakeEngine()
        self.bridge = app.Bridge(Settings(), self.host)
        self.bridge.engine = self._engine  # pyright: ignore[reportAttributeAccessIssue]
        self.bridge._desk = app.verbs.Desk(
            host=self.host,
            engine=self._engine,  # pyright: ignore[reportArgumentType]
            new_seed=lambda: 5,
            live=self.bridge.live,
        )
        self.server = OscServer(self.bridge.handle, token=TOKEN, port=0)
        self.server.start()

    def _engine(self) -> FakeEngine:
        if isinstance(self.engine, Exception):
            raise self.engine
        return self.engine

    def ask(self, verb: str, *arguments: str) -> client.Answer:
        began = time.monotonic()
        answer = client.ask(self.server.port, verb, arguments, token=TOKEN)
        assert answer is not None
        assert time.monotonic() - began < 0.3
        return answer

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < end, self.host.told
            time.sleep(0.005)

    def close(self) -> None:
        self.server.close()
        self.bridge.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.close()


def test_verb_when_accepted_then_answered_at_once_and_the_host_hears_how_it_ended(daemon: Daemon) -> None:
    answer = daemon.ask("detect", "10.5", "", "")
    assert answer.ok
    assert answer.job_id
    daemon.until(lambda: any(kind == "info" and "2 onsets found" in text for kind, text in daemon.host.told))
    assert daemon.host.undo_steps == ["Foley: find onsets"]
    assert not [text for kind, text in daemon.host.told if kind == "error"]


def test_verb_when_the_job_fails_then_one_error_sentence_reaches_the_host(daemon: Daemon) -> None:
    daemon.engine = PackError("there is no pack 'starter'", hint="Install again")
    daemon.ask("detect", "10.5", "", "")
    daemon.until(lambda: ("error", "there is no pack 'starter'. Install again.") in daemon.host.told)
    daemon.engine = FakeEngine()
    daemon.ask("detect", "10.5", "", "")
    daemon.until(lambda: daemon.host.undo_steps)


def test_cancel_when_a_job_runs_then_it_stops_and_the_project_is_unchanged(daemon: Daemon) -> None:
    began = threading.Event()

    class Slow(FakeEngine):
        def render(self, request, *, progress=lambda f: None, cancelled=lambda: False):
            began.set()
            while True:
                progress(0.5)
                time.sleep(0.002)

    daemon.engine = Slow()
    assert daemon.ask("cancel").sentence == "Nothing is being made."
    daemon.ask("generate", "10.5", "", "wood")
    assert began.wait(5)
    assert "%" in daemon.ask("status").sentence
    assert daemon.ask("cancel").sentence == "Cancelling."
    daemon.until(lambda: any("Cancelled" in text for _, text in daemon.host.told))
    assert daemon.host.undo_steps == []
    assert "Ready" in daemon.ask("status").sentence


def test_warm_up_when_the_pack_is_missing_then_the_daemon_lives_and_says_so_at_the_key(tmp_path: Path) -> None:
    host = FakeHost(project(str(tmp_path), video_item(__file__)))
    bridge = app.Bridge(Settings(pack="absent", packs_dir=str(tmp_path)), host)
    server = OscServer(bridge.handle, token=TOKEN, port=0)
    server.start()
    try:
        bridge.warm_up()
        answer = client.ask(server.port, "detect", token=TOKEN)
        assert answer is not None
        end = time.monotonic() + 5
        while not any(kind == "error" for kind, _ in host.told):
            assert time.monotonic() < end
            time.sleep(0.005)
        assert any("absent" in text for _, text in host.told)
        status = client.ask(server.port, "status", token=TOKEN)
        assert status is not None
        assert "Not ready" in status.sentence
    finally:
        server.close()
        bridge.close()


class Loaded:
    """A bridge with real packs on a provider that this machine lacks, over a real video."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        scene = demo_scene.scene()
        video = mux.encode_frames(folder / "clip.mp4", itertools.islice(scene.frames(), 40), scene.rate_hz)
        tiny_pack(folder)
        finder_pack(folder)
        self.runtime = FakeRuntime(CUDA)
        self.host = FakeHost(project(str(folder), video_item(str(video), length_s=1.0)))
        self.opened: list[Engine] = []
        self.opening = threading.Event()
        self.opening.set()
        self.store = Store([folder])
        self.bridge = app.Bridge(settings, self.host, open_engine=self._open)
        self.server = OscServer(self.bridge.handle, token=TOKEN, port=0)
        self.server.start()

    def _open(self, settings: Settings) -> Engine:
        self.opening.wait(5)
        packs = [
            load(self.store, name, threads=1, runtime=self.runtime)
            for name in dict.fromkeys((settings.pack, settings.onset_pack or settings.pack))
        ]
        self.opened.append(Engine(packs[0], onset_pack=packs[1] if len(packs) > 1 else None))
        return self.opened[-1]

    def ask(self, verb: str, *arguments: str) -> client.Answer:
        answer = client.ask(self.server.port, verb, arguments, token=TOKEN, timeout_s=5.0)
        assert answer is not None
        return answer

    def free(self) -> str:
        """What is said when memory is freed: at once, or to the host where this machine is too busy for that."""
        answer = self.ask("free")
        assert answer.ok
        return answer.sentence if "busy" not in answer.sentence else self.told("graphs of pack")

    def told(self, words: str) -> str:
        """The next sentence for the designer with these words in it."""
        end = time.monotonic() + 10
        while True:
            for kind, text in self.host.told:
                if kind != "progress" and words in text:
                    self.host.told.clear()
                    return text
            assert time.monotonic() < end, self.host.told
            time.sleep(0.005)

    def close(self) -> None:
        self.opening.set()
        self.server.close()
        self.bridge.close()


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[Loaded]:
    loaded = Loaded(tmp_path, Settings(pack="tiny"))
    yield loaded
    loaded.close()


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Loaded]:
    """As ``loaded``, but another pack finds the onsets."""
    loaded = Loaded(tmp_path, Settings(pack="tiny", onset_pack="finder"))
    yield loaded
    loaded.close()


def test_job_when_a_graph_leaves_the_gpu_then_its_sentence_ends_with_that_once(loaded: Loaded) -> None:
    def lost(name: str, run: Callable[[], list]) -> list:
        if name == "onset.onnx":
            raise RuntimeError("the device was lost")
        return run()

    loaded.runtime.faults[CUDA] = lost
    loaded.ask("detect")
    sentence = loaded.told("clip.mp4")
    assert 'graph "onset" on CUDA: failed while it ran (the device was lost). The CPU does it now' in sentence
    assert loaded.opened[0].pack.providers()["onset"] == CPU
    assert loaded.opened[0].pack.providers()["denoiser"] == CUDA
    loaded.ask("detect")
    assert "CUDA" not in loaded.told("clip.mp4")


def test_free_when_models_are_open_then_they_close_and_the_next_key_works_as_before(loaded: Loaded) -> None:
    loaded.ask("generate", "", "", "wood")
    first = loaded.told("as 'wood'")
    assert "4 graphs of pack tiny closed; the next key press opens what it needs." in loaded.free()
    assert loaded.opened[0].pack.providers() == {}
    assert loaded.free() == "Nothing to free: no model is open."
    loaded.ask("generate", "", "", "wood")
    assert loaded.told("as 'wood'") == first
    assert len(loaded.opened) == 1


def test_keys_when_two_packs_share_the_work_then_status_names_both_and_free_closes_both(shared: Loaded) -> None:
    shared.ask("generate", "", "", "wood")
    shared.told("as 'wood'")
    assert "Ready; pack tiny (onsets by finder)" in shared.ask("status").sentence
    (engine,) = shared.opened
    assert set(engine.onset_pack.providers()) == {"onset"}
    assert "onset" not in engine.pack.providers()
    assert "4 graphs of packs tiny and finder closed" in shared.free()
    assert engine.providers() == {}
    shared.ask("detect")
    shared.told("clip.mp4")
    assert set(engine.providers()) == {"onset"}


def test_job_when_the_onset_packs_graph_leaves_the_gpu_then_it_is_said(shared: Loaded) -> None:
    def lost(name: str, run: Callable[[], list]) -> list:
        if name == "onset.onnx":
            raise RuntimeError("the device was lost")
        return run()

    shared.runtime.faults[CUDA] = lost
    shared.ask("detect")
    assert 'pack "finder", graph "onset" on CUDA' in shared.told("clip.mp4")


def test_free_when_it_takes_longer_than_the_sender_waits_then_the_host_hears_how_it_ended(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded.ask("detect")
    loaded.told("clip.mp4")
    quick = loaded.opened[0].release

    def slow() -> tuple[str, ...]:
        time.sleep(0.3)
        return quick()

    monkeypatch.setattr(loaded.opened[0], "release", slow)
    assert "busy" in loaded.ask("free").sentence
    assert "graphs of pack tiny closed" in loaded.told("closed")


def test_free_when_a_job_runs_then_refused_with_the_way_out(loaded: Loaded) -> None:
    hold, began = threading.Event(), threading.Event()

    def slow(name: str, run: Callable[[], list]) -> list:
        began.set()
        hold.wait(5)
        return run()

    loaded.ask("detect")
    loaded.told("clip.mp4")
    loaded.runtime.faults[CUDA] = slow
    loaded.ask("detect")
    assert began.wait(5)
    answer = loaded.ask("free")
    assert (answer.ok, answer.sentence) == (
        False,
        "The models are in use. Wait until nothing is being made, or press Cancel.",
    )
    assert loaded.opened[0].pack.providers()
    hold.set()
    loaded.told("clip.mp4")
    assert loaded.ask("free").ok


def test_warm_up_when_it_fails_unexpectedly_then_status_says_so_and_the_daemon_lives(loaded: Loaded) -> None:
    def fails(settings: Settings) -> Engine:
        raise ValueError("nobody thought of this")

    loaded.bridge._open_engine = fails
    loaded.bridge.warm_up()
    ends = time.monotonic() + 5
    while "Not ready" not in (said := loaded.ask("status").sentence):
        assert time.monotonic() < ends, said
    assert said == "Not ready: An unexpected fault: ValueError. The log has more."


def test_free_when_the_pack_is_being_loaded_or_never_was_then_a_sentence(loaded: Loaded) -> None:
    assert loaded.ask("free").sentence == "Nothing to free: no model is open."
    loaded.opening.clear()
    loaded.bridge.warm_up()
    end = time.monotonic() + 5
    while (answer := loaded.ask("free")).ok:
        assert time.monotonic() < end
    assert "being loaded" in answer.sentence


def test_key_when_the_pack_is_being_loaded_then_it_is_taken_and_everything_says_why_it_waits(loaded: Loaded) -> None:
    loaded.opening.clear()
    loaded.bridge.warm_up()
    waiting = "Finding onsets, as soon as pack tiny can be used."
    ends = time.monotonic() + 5
    while (said := loaded.ask("detect").sentence) != waiting:  # the load had not begun
        loaded.ask("cancel")
        assert time.monotonic() < ends, said
    ends = time.monotonic() + 5
    while (said := loaded.ask("status").sentence) != "Loading pack tiny: 0 %.":
        assert time.monotonic() < ends, said
    while ("progress", "Loading pack tiny: 0 %") not in loaded.host.told:
        assert time.monotonic() < ends, loaded.host.told
    loaded.opening.set()
    assert "1 onset found" in loaded.told("clip.mp4")
    assert "Ready; pack tiny, foley-bridge" in loaded.ask("status").sentence


@pytest.mark.skipif(memory.resident_bytes() is None, reason="the system does not tell how much memory a process holds")
def test_memory_when_a_large_block_was_used_in_small_pieces_then_it_is_given_back() -> None:
    pieces = [bytearray(100_000) for _ in range(2_000)]
    last = bytearray(1_000)
    full = memory.resident_bytes()
    del pieces
    memory.give_back()
    rest = memory.resident_bytes()
    assert full is not None
    assert rest is not None
    assert full - rest > 150e6
    assert last is not None
