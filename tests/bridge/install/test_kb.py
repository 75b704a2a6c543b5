"""The key list: what is ours goes in and out, and every other byte stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.install import kb, scripts
from bridge.install.scripts import Script

ACTIONS = scripts.actions(scripts.shipped())
GENERATE = next(action for action in ACTIONS if action.file == "foley_generate.py")

_key = st.builds(
    lambda modifier, key, command, section: f"KEY {modifier} {key} {command} {section}".encode(),
    st.sampled_from([1, 9, 29]),
    st.integers(60, 95),
    st.sampled_from(["40001", "0", "_RSmine", "_SWS_ABOUT"]),
    st.sampled_from([0, 32060]),
)
_scr = st.sampled_from(
    [b'SCR 4 0 RSmine "Custom: foley_generate.py" "Foley Bridge/foley_generate.py"', b"SCR 4", b"KEY"]
)
_line = st.one_of(_key, _scr, st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")))


@st.composite
def _files(draw: st.DrawFn) -> bytes:
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    data = end.join(draw(st.lists(_line, max_size=8)))
    return data + draw(st.sampled_from([b"", end]))


@settings(deadline=None)
@given(_files())
def test_key_list_when_installed_and_taken_out_then_every_byte_of_the_users_is_there(data: bytes) -> None:
    added = kb.add(data, ACTIONS).data
    assert added.startswith(data)
    taken_out = kb.remove(added)
    assert taken_out in (data, data + b"\n", data + b"\r\n")
    assert taken_out == data or not data.endswith(b"\n")


@settings(deadline=None)
@given(_files())
def test_key_list_when_installed_twice_then_the_second_time_changes_nothing(data: bytes) -> None:
    once = kb.add(data, ACTIONS)
    again = kb.add(once.data, ACTIONS)
    assert again.data == once.data
    assert again.keys == once.keys


@settings(deadline=None)
@given(_files())
def test_keys_when_given_then_no_other_line_has_the_combination(data: bytes) -> None:
    before = {tuple(line.split()[1:3]) for line in data.split(b"\n") if line.startswith(b"KEY ")}
    added = kb.add(data, ACTIONS).data[len(data) :]
    new = [tuple(line.split()[1:3]) for line in added.split(b"\n") if line.startswith(b"KEY ")]
    assert not before & set(new)
    assert len(new) == len(set(new))


def test_keys_when_one_is_taken_then_the_action_gets_none_and_a_sentence_says_by_what() -> None:
    edited = kb.add(b"KEY 29 71 _SWS_ABOUT 32060\n", ACTIONS)
    assert "foley_generate.py" not in edited.keys
    assert edited.keys["foley_find_onsets.py"] == "O"
    assert edited.notes == (f"foley_generate.py gets no key: {kb.shortcut('G')} is taken by your command _SWS_ABOUT.",)


def test_keys_when_reaper_has_one_from_the_start_then_it_is_left_alone() -> None:
    script = Script(file="foley_x.py", text="", identity=scripts.identity("foley_x.py"), letter="S")
    edited = kb.add(b"", [script])
    assert b"KEY" not in edited.data
    assert "Save new version" in edited.notes[0]


def test_key_when_the_user_chose_another_for_our_action_then_it_stays_the_only_one() -> None:
    mine = f"KEY 9 71 _{GENERATE.identity} 0\n".encode()
    added = kb.add(mine, [GENERATE]).data
    assert added.count(b"KEY") == 1
    assert kb.remove(added) == mine


def test_key_list_when_an_older_version_is_there_then_its_lines_become_this_ones() -> None:
    gone = scripts.identity("foley_gone.py")
    old = (
        b"KEY 1 65 40001 0\r\n"
        + f'SCR 4 0 {GENERATE.identity} "Custom: old.py" "C:\\elsewhere\\foley_generate.py"\r\n'.encode()
        + f'SCR 4 0 {GENERATE.identity} "Custom: old.py" "C:\\elsewhere\\foley_generate.py"\r\n'.encode()
        + f'SCR 516 0 {gone} "Custom: foley_gone.py" "Foley Bridge/foley_gone.py"\r\n'.encode()
        + b"KEY 1 66 40002 0\r\n"
    )
    lines = kb.add(old, [GENERATE], keys=False).data.split(b"\r\n")
    wanted = f'SCR 516 0 {GENERATE.identity} "Custom: foley_generate.py" "Foley Bridge/foley_generate.py"'
    assert lines == [b"KEY 1 65 40001 0", wanted.encode(), b"KEY 1 66 40002 0", b""]


def test_key_list_when_an_action_was_loaded_by_hand_before_then_that_line_stays_and_is_named() -> None:
    by_hand = b'SCR 4 0 RS12 "Custom: foley_generate.py" "C:\\R\\Scripts\\Foley Bridge\\foley_generate.py"\n'
    edited = kb.add(by_hand, [GENERATE])
    assert edited.data.startswith(by_hand)
    assert edited.notes == (
        "foley_generate.py was also loaded by hand; that entry stays, remove it in REAPER's action list.",
    )


def test_key_list_when_the_last_line_has_no_end_then_ours_begin_on_a_line_of_their_own() -> None:
    assert kb.add(b"KEY 1 65 40001 0", [GENERATE]).data.startswith(b"KEY 1 65 40001 0\nSCR 516 0 RS")
    assert kb.add(b"A\r\nB", [GENERATE]).data.startswith(b"A\r\nB\r\nSCR 516 0 RS")


def test_names_when_made_then_they_depend_on_the_file_alone() -> None:
    assert GENERATE.identity == "RS419826a1da0c1851bc0aba83958a68806306f6a7"
    assert len({action.identity for action in ACTIONS}) == len(ACTIONS)


@pytest.mark.parametrize("letter", sorted(scripts.LETTERS.values()))
def test_letters_when_chosen_then_each_is_one_actions_and_free_in_reaper(letter: str) -> None:
    assert list(scripts.LETTERS.values()).count(letter) == 1
    assert (kb.CTRL_ALT_SHIFT, ord(letter)) not in kb.REAPERS_OWN
