"""Settings come from four places and the later wins; a mistake is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge import config
from bridge.errors import RequestError


def test_load_when_nothing_is_set_then_defaults(tmp_path: Path) -> None:
    settings = config.load(path=tmp_path / "none.toml", environment={})
    assert (settings.pack, settings.osc_port, settings.provider) == ("starter", 9124, "auto")


def test_load_when_all_places_speak_then_the_later_wins(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('pack = "from-file"\nosc_port = 9001\nthreads = 3\n')
    environment = {"FOLEY_BRIDGE_PACK": "from-env", "FOLEY_BRIDGE_OSC_PORT": "9002", "HOME": "x"}
    settings = config.load(path=file, environment=environment, flags={"pack": "from-flag", "threads": None})
    assert (settings.pack, settings.osc_port, settings.threads) == ("from-flag", 9002, 3)


def test_onset_pack_when_set_anywhere_then_it_finds_apart_unless_it_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('pack = "sound"\nonset_pack = "sound"\n')
    assert not config.load(path=file, environment={}).finds_apart
    assert not config.load(path=tmp_path / "none.toml", environment={}).finds_apart
    settings = config.load(path=file, environment={"FOLEY_BRIDGE_ONSET_PACK": "clean"})
    assert settings.finds_apart
    assert (settings.for_onsets.pack, settings.for_onsets.finds_apart) == ("clean", False)
    assert (settings.for_sound.pack, settings.for_sound.finds_apart) == ("sound", False)
    assert config.load(path=file, environment={}, flags={"onset_pack": "other"}).onset_pack == "other"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pakc = 'x'", ["pakc", "config.toml", "pack"]),
        ("osc_port = 'loud'", ["osc_port", "loud", "whole number"]),
        ("osc_port = 99999", ["osc_port", "1..65535"]),
        ("provider = 'tpu'", ["provider", "auto, cpu, cuda, directml, tensorrt, coreml"]),
        ("osc_port = inf", ["osc_port", "whole number"]),
        ("threads = 2.9", ["threads", "2.9"]),
        ("threads = true", ["threads", "True"]),
        ("threads = 100000", ["threads", "0..256"]),
        ("pack = ['a']", ["pack"]),
        ("threshold = nan", ["threshold"]),
        ("threshold = -0.5", ["threshold"]),
        ("= 3", ["config.toml", "Correct"]),
        ("progress_bar = 'maybe'", ["progress_bar", "'maybe'", "auto, on or off"]),
        ("controller_port = 65536", ["controller_port", "1..65535"]),
        ("controller_port = -1", ["controller_port", "0 to keep the door shut"]),
        ("controller_port = 9126", ["controller_port", "controller_peers", "192.168.1.20"]),
        ("controller_port = 9124\ncontroller_peers = '127.0.0.1'", ["controller_port and osc_port", "9124"]),
        ("controller_peers = 'ipad.local'", ["controller_peers", "ipad.local", "no IPv4 address"]),
        ("controller_bind = 'my-desk'", ["controller_bind", "my-desk", "in numbers"]),
        ("controller_bind = ''", ["controller_bind", "no IPv4 address"]),
        (
            "controller_port = 9126\ncontroller_peers = '127.0.0.1, 192.168.1.20'",
            ["192.168.1.20", "cannot reach controller_bind 127.0.0.1", "Set controller_bind"],
        ),
        ("controller_port = 9126\ncontroller_peers = '127.0.0.1:9126'", ["127.0.0.1", "port 9126", "the bridge's"]),
        ("controller_port = 9126\ncontroller_peers = '127.0.0.1:9124'", ["port 9124"]),
    ],
)
def test_load_when_the_file_is_wrong_then_the_error_names_it(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(RequestError) as caught:
        config.load(path=file, environment={})
    for word in words:
        assert word in caught.value.sentence


def test_door_when_nothing_is_set_then_it_is_shut_and_the_bar_is_automatic(tmp_path: Path) -> None:
    settings = config.load(path=tmp_path / "none.toml", environment={})
    assert (settings.controller_port, settings.controller_bind, settings.peers) == (0, "127.0.0.1", ())
    assert settings.progress_bar == "auto"


def test_door_when_set_as_in_the_guide_then_the_devices_are_read(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        'controller_port = 9126\ncontroller_bind = "192.168.1.5"\n'
        'controller_peers = "192.168.1.20, 192.168.1.21:9001"\nprogress_bar = "off"\n'
    )
    settings = config.load(path=file, environment={})
    assert [str(peer) for peer in settings.peers] == ["192.168.1.20:9125", "192.168.1.21:9001"]
    assert (settings.controller_port, settings.controller_bind, settings.progress_bar) == (9126, "192.168.1.5", "off")
    on_this = {"FOLEY_BRIDGE_CONTROLLER_PORT": "9126", "FOLEY_BRIDGE_CONTROLLER_PEERS": "127.0.0.1"}
    assert str(config.load(path=tmp_path / "none.toml", environment=on_this).peers[0]) == "127.0.0.1:9125"


@pytest.mark.parametrize("other", ["osc_port", "controller_port"])
def test_load_when_reapers_feedback_has_the_port_of_another_ear_then_refused(other: str) -> None:
    peers = {"controller_peers": "127.0.0.1"} if other == "controller_port" else {}
    with pytest.raises(RequestError, match="reaper_osc_port is 9300"):
        config.Settings(**{other: 9300, "reaper_osc_port": 9300, **peers})  # pyright: ignore[reportArgumentType]
