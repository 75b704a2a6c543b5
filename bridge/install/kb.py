"""The action list and the keys: lines of ours in ``reaper-kb.ini``, every other byte of it kept.

Convention (REAPER's own, as practitioners describe it): ``SCR flags section name "text" path`` is an action,
``KEY modifier key command section`` a key. Flags 516 run another instance without asking. A modifier is 1 and 4 for
Shift, 8 for Ctrl (Cmd on a Mac), 16 for Alt; a letter's key is its capital's code. A line is ours if its name is the
one that ``scripts.identity`` gives for the file that it points to.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bridge.install.scripts import LETTERS, Script, identity

FILE = "reaper-kb.ini"
FLAGS = 516
HELD = ((8, "Cmd"), (16, "Opt"), (4, "Shift"), (32, "Ctrl"))
if sys.platform != "darwin":
    HELD = ((8, "Ctrl"), (16, "Alt"), (4, "Shift"), (32, "Win"))
CTRL_ALT_SHIFT = 1 + 4 + 8 + 16
REAPERS_OWN: Mapping[tuple[int, int], str] = {(CTRL_ALT_SHIFT, ord("S")): "File: Save new version of project"}
"""Keys with Ctrl, Alt and Shift that REAPER has from the start, without a line in the file."""

_ACTION = re.compile(rb'SCR +\d+ +(\d+) +(\S+) +(?:"[^"]*"|\S+) +(.*?)\s*$')
_KEY = re.compile(rb"KEY +(\d+) +(\d+) +(\S+) +(\d+)(?:\s|$)")


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What became of the file.

    Attributes:
        data: its bytes. keys: {script's file: letter} that have their default key now. notes: a sentence for each
            action that got none though it would like one.
    """

    data: bytes
    keys: Mapping[str, str]
    notes: tuple[str, ...]


def add(data: bytes, scripts: Sequence[Script], *, keys: bool = True, declined: Collection[str] = ()) -> Edited:
    """Registers the actions; lines of ours that are there are brought up to date, lines of older versions leave.

    Args:
        data: the file as it is, b"" if there is none. keys: whether default keys are wanted. declined: files of actions
            whose default key the user took away.
    """
    end = b"\r\n" if b"\r\n" in data or (not data and os.name == "nt") else b"\n"
    wanted = {script.identity.encode(): script for script in scripts}
    kept: list[bytes] = []
    there: set[bytes] = set()
    twins: list[str] = []
    for line in lines(data):
        name = _own_action(line)
        if name is not None:
            if name in wanted and name not in there:
                there.add(name)
                kept.append(_action_line(wanted[name]) + _end_of(line))
            continue
        if _is_default_key(line) and _command_of(line) not in wanted:
            continue
        if (twin := _by_hand(line, scripts)) is not None:
            twins.append(twin)
        kept.append(line)
    new = [_action_line(script) for name, script in wanted.items() if name not in there]
    given, lines_of_keys, notes = _keys(kept, scripts, declined) if keys else ({}, [], ())
    for line in (*new, *lines_of_keys):
        if kept and not kept[-1].endswith(b"\n"):
            kept[-1] += end
        kept.append(line + end)
    more = [f"{file} was also loaded by hand; that entry stays, remove it in REAPER's action list." for file in twins]
    return Edited(data=b"".join(kept), keys=given, notes=(*notes, *more))


def remove(data: bytes) -> bytes:
    """The file without the actions and default keys of ours; keys that the user gave to our actions stay."""
    return b"".join(line for line in lines(data) if _own_action(line) is None and not _is_default_key(line))


def registered(data: bytes) -> set[str]:
    """Names (``RS...``) of the actions of ours that are in the file."""
    return {name.decode() for line in lines(data) if (name := _own_action(line)) is not None}


def keys_of(data: bytes) -> dict[str, list[tuple[int, int]]]:
    """{name (``RS...``): its keys as (modifier, key)} for every named command in the file."""
    found: dict[str, list[tuple[int, int]]] = {}
    for line in lines(data):
        if (match := _KEY.match(line)) and match[3].startswith(b"_"):
            found.setdefault(match[3][1:].decode("latin-1"), []).append((int(match[1]), int(match[2])))
    return found


def lines(data: bytes) -> list[bytes]:
    """The file's lines with their ends; together they are the file."""
    return re.findall(rb"[^\n]*\n|[^\n]+$", data)


def shortcut(letter: str) -> str:
    """How a default key is called."""
    return "+".join([*(name for _, name in HELD[:3]), letter])


def _keys(
    kept: Sequence[bytes], scripts: Sequence[Script], declined: Collection[str]
) -> tuple[dict[str, str], list[bytes], tuple[str, ...]]:
    """Default keys that actions have, lines to add for them, and why others get none."""
    matches = [match for line in kept if (match := _KEY.match(line))]
    taken = {(int(match[1]), int(match[2])): match[3].decode("latin-1") for match in matches}
    bound = {match[3] for match in matches}
    given: dict[str, str] = {}
    new: list[bytes] = []
    notes: list[str] = []
    for script in scripts:
        pair = (CTRL_ALT_SHIFT, ord(script.letter or "\0"))
        if not script.letter or b"_" + script.identity.encode() in bound:
            if script.letter and taken.get(pair) == f"_{script.identity}":
                given[script.file] = script.letter
            continue
        holder = f"your command {taken[pair]}" if pair in taken else REAPERS_OWN.get(pair)
        if holder is not None or script.file in declined:
            why = "was taken away by you" if holder is None else f"is taken by {holder}"
            notes.append(f"{script.file} gets no key: {shortcut(script.letter)} {why}.")
            continue
        given[script.file] = script.letter
        taken[pair] = f"_{script.identity}"
        new.append(f"KEY {pair[0]} {pair[1]} _{script.identity} 0".encode())
    return given, new, tuple(notes)


def _action_line(script: Script) -> bytes:
    return f'SCR {FLAGS} 0 {script.identity} "Custom: {script.file}" "{script.path}"'.encode()


def _own_action(line: bytes) -> bytes | None:
    """The name in a line that registers an action of ours, whichever version's."""
    match = _ACTION.match(line)
    if match is None:
        return None
    file = re.split(rb"[/\\]", match[3].strip(b'"'))[-1]
    return match[2] if match[2] == identity(file.decode("latin-1")).encode() else None


def _by_hand(line: bytes, scripts: Sequence[Script]) -> str | None:
    """The file of an action of ours that a line registers under a name that REAPER or the user made."""
    match = _ACTION.match(line)
    if match is None or match[1] != b"0":
        return None
    path = match[3].strip(b'"').replace(b"\\", b"/").decode("latin-1")
    return next((one.file for one in scripts if path == one.path or path.endswith(f"/Scripts/{one.path}")), None)


def _command_of(line: bytes) -> bytes:
    match = _KEY.match(line)
    return match[3].lstrip(b"_") if match else b""


def _is_default_key(line: bytes) -> bool:
    """Whether a line gives an action of ours the key that the table gives it."""
    match = _KEY.match(line)
    return bool(match) and match[0].split() in _DEFAULT_KEYS


def _end_of(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]


_DEFAULT_KEYS = [
    f"KEY {CTRL_ALT_SHIFT} {ord(letter)} _{identity(file)} 0".encode().split() for file, letter in LETTERS.items()
]
