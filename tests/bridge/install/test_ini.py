"""What REAPER's settings say, as REAPER writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.install import ini


def said(tmp_path: Path, text: str) -> ini.Python:
    (tmp_path / "reaper.ini").write_bytes(text.encode("latin-1"))
    return ini.python(tmp_path)


def test_python_when_switched_on_with_a_library_that_is_there_then_nothing_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "libpython3.11.so").touch()
    head = "\xef\xbb\xbf[Other]\r\nreascript=0\r\n[REAPER]\r\ntitle=caf\xe9\r\nlonely\r\n"
    found = said(
        tmp_path,
        f"{head}REASCRIPT=1\r\npythonlibpath64={tmp_path}\r\npythonlibdll64=libpython3.11.so\r\n[x]\r\nreascript=0",
    )
    assert found.trouble == ""
    assert found.version == (3, 11)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not switched on"),
        ("[reaper]\nreascript=0\n", "not switched on"),
        ("[reaper]\nreascript=1\npythonlibpath64=/nowhere\npythonlibdll64=python311.dll\n", "not there"),
        ("[reaper]\nreascript=1\npythonlibpath64={here}\npythonlibdll64=python313.dll\n", "Python 3.13; 3.8 to 3.12"),
        ("[reaper]\nreascript=1\npythonlibpath64={here}\npythonlibdll64=python37.dll\n", "Python 3.7"),
        ("[reaper]\nreascript=1\n", ""),
    ],
)
def test_python_when_something_is_wrong_then_it_is_said(text: str, words: str, tmp_path: Path) -> None:
    for name in ("python313.dll", "python37.dll"):
        (tmp_path / name).touch()
    trouble = said(tmp_path, text.replace("{here}", str(tmp_path))).trouble
    assert words in trouble
    assert bool(words) == bool(trouble)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("python312.dll", (3, 12)),
        ("libpython3.9.dylib", (3, 9)),
        ("/Library/Frameworks/Python.framework/Versions/3.10", (3, 10)),
        ("/opt/homebrew/opt/python@3.11/lib", (3, 11)),
        ("Python", None),
    ],
)
def test_python_when_named_then_its_version_is_read(name: str, version: tuple[int, int] | None) -> None:
    assert ini._version(name) == version


def test_surfaces_when_listed_then_their_ports_are_read(tmp_path: Path) -> None:
    surfaces = 'csurf_0=OSC "my pad" 3 9124 "10.0.0.2" 9000 1024 10 ""\ncsurf_1=HTTP 0 2307 "" "index.html" 0 ""\n'
    said(tmp_path, f'[reaper]\n{surfaces}csurf_2=OSC "out" 2 9125 "x" 1 1 1 ""\n')
    assert ini.osc_ports(tmp_path) == (9124,)
    assert ini.web_ports(tmp_path) == (2307,)
