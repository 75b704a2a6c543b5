"""The index for ReaPack holds every file, and only actions go into the action list."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bridge import __version__
from bridge.__main__ import main
from bridge.install import scripts


def test_index_when_written_then_every_file_is_in_it_and_only_actions_are_registered(tmp_path: Path) -> None:
    out = tmp_path / "index.xml"
    assert main(["reaper", "index", "--url", "https://example.org/x y/", "--out", str(out)]) == 0
    top = ElementTree.parse(out).getroot()
    assert (top.tag, top.get("version")) == ("index", "1")
    (package,) = top.iter("reapack")
    assert package.get("type") == "script"
    (version,) = package.iter("version")
    assert version.get("name") == __version__
    sources = {source.get("file"): source for source in version.iter("source")}
    files = scripts.shipped()
    assert set(sources) == set(files)
    actions = {action.file for action in scripts.actions(files)}
    assert {name for name, source in sources.items() if source.get("main") == "main"} == actions
    assert "foley_generate.py" in actions
    for name, source in sources.items():
        assert source.text == f"https://example.org/x y/{name}"
        assert source.get("main") in (None, "main")


def test_index_when_the_address_or_the_file_is_no_good_then_a_sentence_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "index.xml"
    assert main(["reaper", "index", "--url", "somewhere", "--out", str(out)]) == 2
    assert "is no web address" in capsys.readouterr().err
    out.write_text("mine")
    assert main(["reaper", "index", "--url", "https://example.org", "--out", str(out)]) == 2
    assert out.read_text() == "mine"
