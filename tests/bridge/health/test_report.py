"""The report says nothing private, and the doctor's first advice is what everything else needs."""

from __future__ import annotations

import pytest

from bridge.health.finding import Finding, first_to_fix
from bridge.health.report import Scrubber


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("/home/ann/packs/x y/model.onnx: damaged", "<packs folder>/...: damaged"),
        ("/home/ann/Films/Secret Client/a b.mp4 is missing", "<home>/... is missing"),
        (r"c:\users\ann bo\roaming\reaper\reaper.ini is bad", "<REAPER's folder>/... is bad"),
        ("REAPER uses /mnt/Secret Client/lib/libpython.so, which", "REAPER uses <path>, which"),
        (r"D:\Films\Secret Client\My Film.mp4 is missing. Do it", "<path> is missing. Do it"),
        (r"\\server\secret\z.wav is gone", "<path> is gone"),
        ("ann on annsmac, not Joanna", "<user> on <computer>, not Joanna"),
        ("answers on 127.0.0.1:9124 and/or 1/2; licence MIT", "answers on 127.0.0.1:9124 and/or 1/2; licence MIT"),
    ],
)
def test_text_when_cleaned_then_only_what_is_private_is_gone(text: str, cleaned: str) -> None:
    folders = {"C:\\Users\\Ann Bo\\Roaming\\REAPER": "REAPER's folder", "/home/ann/packs": "packs folder"}
    assert Scrubber(folders, home="/home/ann", user="ann", machine="annsmac").clean(text) == cleaned


def test_fix_when_several_are_bad_then_what_is_needed_is_first_and_then_their_order() -> None:
    def finding(name: str, *, good: bool = False, needed: bool = False, late: bool = False) -> Finding:
        return Finding(name=name, good=good, text="", needed=needed, late=late)

    found = [finding("folder", late=True), finding("fine", good=True), finding("actions"), finding("daemon")]
    first = first_to_fix(found)
    assert first is not None
    assert first.name == "actions"
    needed = first_to_fix([*found, finding("pack", needed=True)])
    assert needed is not None
    assert needed.name == "pack"
    assert first_to_fix([finding("fine", good=True)]) is None
