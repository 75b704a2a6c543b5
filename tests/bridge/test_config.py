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
        ("osc_port = 'loud'", ["osc_port", "loud", "int"]),
        ("osc_port = 99999", ["osc_port", "1..65535"]),
        ("provider = 'tpu'", ["provider", "auto, cpu, cuda, directml, tensorrt, coreml"]),
        ("osc_port = inf", ["osc_port", "int"]),
        ("threads = 2.9", ["threads", "2.9"]),
        ("threads = true", ["threads", "True"]),
        ("threads = 100000", ["threads", "0..256"]),
        ("pack = ['a']", ["pack"]),
        ("threshold = nan", ["threshold"]),
        ("threshold = -0.5", ["threshold"]),
        ("= 3", ["config.toml", "Correct"]),
    ],
)
def test_load_when_the_file_is_wrong_then_the_error_names_it(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(RequestError) as caught:
        config.load(path=file, environment={})
    for word in words:
        assert word in caught.value.sentence
