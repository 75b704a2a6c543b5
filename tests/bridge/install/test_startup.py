"""The start-up file: a block of ours in front, every other byte kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import RequestError
from bridge.install import startup
from bridge.install.scripts import identity

_text = st.one_of(
    st.binary(max_size=60), st.lists(st.sampled_from([b"\n", b"\r\n", b"-- hi", b"return", b"\xe9"])).map(b"".join)
)


@settings(deadline=None)
@given(st.sampled_from([b"", b"\xef\xbb\xbf"]), _text)
def test_start_up_file_when_added_and_removed_then_every_byte_is_back(mark: bytes, text: bytes) -> None:
    data = mark + text
    added = startup.add(data)
    assert startup.has(added)
    assert not startup.has(data)
    assert startup.add(added) == added
    assert startup.remove(added) == data
    assert added.startswith(mark)


def test_start_up_file_when_it_ends_in_return_then_ours_runs_before() -> None:
    added = startup.add(b"local x = 1\nreturn x")
    call = f'reaper.Main_OnCommand(reaper.NamedCommandLookup("_{identity("foley_server.py")}"), 0)'.encode()
    assert added.index(call) < added.index(b"return x")


def test_start_up_file_when_an_older_block_is_there_then_it_is_replaced() -> None:
    old = b"-- mine\n" + startup.BEGIN + b" (0.1)\nold_call()\n" + startup.END + b"\n-- mine too\n"
    added = startup.add(old)
    assert b"old_call" not in added
    assert added.count(startup.END) == 1
    assert startup.remove(added) == b"-- mine\n-- mine too\n"


def test_start_up_file_when_our_last_line_is_gone_then_nothing_is_guessed() -> None:
    with pytest.raises(RequestError, match="by hand"):
        startup.add(startup.BEGIN + b"\nsomething\n")
    with pytest.raises(RequestError, match="__startup"):
        startup.remove(startup.BEGIN + b"\nsomething\n")
