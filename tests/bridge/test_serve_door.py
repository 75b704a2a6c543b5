"""The controller door of a daemon as users run it: shut unless it is asked for, and then for buttons alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.jobs.verbs import LIVE
from tests import story
from tests.bridge.osc.wires import Device, packet
from tests.packs import tiny_pack

WORDS = ("prompt", "controls", LIVE, "*")
"""What no button may say."""


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device()
    yield device
    device.close()


@pytest.fixture(scope="module")
def door(device: Device, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The UDP port of a running daemon's controller door; the device is the only one that may use it."""
    folder = tmp_path_factory.mktemp("desk")
    pack = tiny_pack(folder / "packs")
    port = story.free_udp_port()
    env = {
        **{name: str(folder / "home") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")},
        "FOLEY_BRIDGE_ENDPOINT": str(folder / "endpoint"),
        "FOLEY_BRIDGE_OSC_PORT": str(story.free_udp_port()),
        "FOLEY_BRIDGE_CONTROLLER_PORT": str(port),
        "FOLEY_BRIDGE_CONTROLLER_PEERS": f"127.0.0.1:{device.port}",
    }
    flags = ("--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1")
    with story.daemon(folder, *flags, env=env) as process:
        end = time.monotonic() + 60
        while not (folder / "endpoint" / "daemon.json").exists() or "door is open" not in log(folder):
            assert process.poll() is None, log(folder)
            assert time.monotonic() < end, log(folder)
            time.sleep(0.05)
        yield port
    assert "stopped" in log(folder)


def log(folder: Path) -> str:
    return (folder / "daemon.log").read_text("utf-8", "replace")


def told(device: Device, port: int, data: bytes) -> list[object]:
    """The answer to a press; what the daemon says of its state meanwhile is passed over."""
    device.send(port, data)
    heard = device.hear_until(lambda address, values: address == "/foley/answer", timeout_s=10.0)
    return heard[-1][1]


def test_button_when_its_device_is_named_then_the_daemon_does_it(device: Device, door: int) -> None:
    assert told(device, door, packet("/foley/cancel"))[:3] == ["cancel", 1, "Nothing is being made."]
    assert told(device, door, packet("/foley/cancel", ("f", 1.0)))[0] == "cancel"
    device.send(door, packet("/foley/status"))
    heard: dict[str, list[object]] = {}
    while not {"/foley/answer", "/foley/state"} <= set(heard):
        address, values = device.hear_until(lambda address, values: True, timeout_s=10.0)[0]
        heard[address] = values
    assert heard["/foley/answer"][:2] == ["status", 1]
    assert heard["/foley/state"][1]


def test_button_when_the_verb_takes_words_then_the_daemon_does_not_know_it(device: Device, door: int) -> None:
    for verb in WORDS:
        name, taken, sentence, job = told(device, door, packet(f"/foley/{verb}"))
        assert (name, taken, job) == ("", 0, "")
        assert "The controller door does not know" in str(sentence)
    assert told(device, door, packet("/foley/generate", ("s", "glass")))[1] == 0
    assert told(device, door, packet("/foley/cancel"))[2] == "Nothing is being made."


@pytest.mark.skipif(os.name == "nt", reason="no second address there")
def test_stranger_when_it_presses_then_neither_done_nor_answered(device: Device, door: int) -> None:
    try:
        stranger = Device("127.0.0.2")
    except OSError:
        pytest.skip("this system has no 127.0.0.2")
    stranger.send(door, packet("/foley/cancel"))
    assert told(device, door, packet("/foley/cancel"))[0] == "cancel"
    assert stranger.hear(0.2) is None
    stranger.close()
