"""OSC packets: the daemon's ear with its token, the controller door, and the small decoder inside REAPER."""

from __future__ import annotations

import functools
import queue
import struct
from random import Random
from typing import Any

from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage

from bridge.osc.door import ControllerDoor
from bridge.osc.limits import Allowance
from bridge.osc.messages import VERBS, Answer, Verb
from bridge.osc.peers import Peer
from bridge.osc.server import OscServer, pack_answer
from reaper_scripts.foley_inside import osc_packet
from tests.fuzz.cases import TEXTS, bent, chances
from tests.fuzz.target import Target

TOKEN = "0123456789abcdef" * 2
TAKEN: list[Verb] = []


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass") + b"\0"
    return data + b"\0" * (-len(data) % 4)


def _argument(chance: Random, tag: str) -> bytes:
    if tag in "sS":
        return _text(chance.choice(TEXTS)[:9000])
    if tag == "b":
        size = chance.choice((0, 1, 4, 1000, 2**31 - 1, 2**32 - 1))
        return struct.pack(">I", size) + bytes(min(size, 8))
    wide = tag in "htd"
    return chance.randbytes(8 if wide else 4) if tag in "ifrmchtd" else b""


@st.composite
def messages(draw: Any) -> bytes:
    """OSC with arguments of every type, in the places of ours and elsewhere; the token is mostly right."""
    chance = draw(chances)
    address = "/foley/" + chance.choice((*VERBS, *VERBS, "answer", "", "no", "x" * 300))
    if chance.randrange(8) == 0:
        address = chance.choice(("/", "//", "/foley", "/foley/*", "/foley/detect ", "/é", "/foley/[a-z]"))
    said = [
        *(chance.choice(("", "1.5", "-0", *TEXTS))[:5000] for _ in range(chance.choice((4, 4, 4, 0, 1, 9)))),
        TOKEN if chance.randrange(6) else chance.choice(TEXTS),
        f"{chance.random()}" if chance.randrange(6) else chance.choice(TEXTS),
    ]
    parts = [("s", _text(text)) for text in said]
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        tag = chance.choice("ifsbhtdScrmTFNI[]Zz")
        parts[chance.randrange(len(parts))] = (tag, _argument(chance, tag))
    data = _text(address) + _text("," + "".join(tag for tag, _ in parts)) + b"".join(part for _, part in parts)
    return draw(bent([data])) if chance.randrange(4) == 0 else data


def pressed(verb: str, *said: str) -> bytes:
    """A key press as the scripts in REAPER send it."""
    return osc_packet.encode(f"/foley/{verb}", [*(*said, "", "", "", "")[:4], TOKEN, "a1b2"])


class _Ear(OscServer):
    """The door without its threads: one packet in, what would be sent back out."""

    def __init__(self, handle: Any) -> None:
        super().__init__(handle, token=TOKEN, port=0)
        self._refusals = Allowance(1e12)  # every refusal is looked at
        self._sent: list[tuple[str, Answer]] = []

    def answer(self, data: bytes) -> tuple[str, Answer] | None:
        self._sent.clear()
        self._take(data, ("127.0.0.1", 9))
        while not self._orders.empty():
            entry = self._orders.get_nowait()
            assert entry is not None
            self._settle(entry[0], self._asked(entry[0].name, entry[1]))
        self._open.clear()
        return self._sent[-1] if self._sent else None

    def _send(self, name: str, answer: Answer, sender: Any) -> None:
        self._sent.append((name, answer))


@functools.cache
def _ear() -> Any:
    def handle(verb: Verb) -> Answer:
        TAKEN.append(verb)
        return Answer(ok=True, sentence=f"{verb.prompt}{verb.project}", job_id="7")

    return _Ear(handle)


def check_ear(case: bytes) -> bool:
    """One packet: whatever is answered can be sent and read, and without the token nothing is taken up."""
    ear = _ear()
    ear._known.clear()
    del TAKEN[:]
    answered = ear.answer(case)
    if answered is None:
        assert case.startswith(b"/foley/answer") or not case.startswith((b"/", b"#bundle"))
        return False
    name, answer = answered
    assert not answer.sentence.startswith("An unexpected fault"), answer.sentence
    assert answer.ok or answer.sentence
    assert not TAKEN or (TOKEN.encode() in case and len(TAKEN) == 1)
    packet = OscMessage(pack_answer(name, answer))
    assert len(list(packet.params)) == 4
    if TAKEN:
        assert ear.answer(case) == answered, "the same press gets another answer"
        assert len(TAKEN) == 1, "the same press was taken up twice"
    return answer.ok


@functools.cache
def _door() -> ControllerDoor:
    def handle(verb: str) -> Answer:
        assert verb in ("detect", "cancel")
        return Answer(ok=True, sentence="Yes.")

    door = ControllerDoor(
        handle, ["detect", "cancel"], bind="127.0.0.1", port=0, peers=[Peer(address="127.0.0.1", port=9)]
    )
    door._refusals = {"127.0.0.1": Allowance(1e12)}
    door._presses = {"127.0.0.1": Allowance(1e12)}
    door._refused.every_s = float("inf")
    return door


def check_door(case: bytes) -> bool:
    """One packet of a device that was named, and the same of a stranger, who presses nothing."""
    door = _door()
    door._take(case, "192.168.1.99")
    assert door._waiting.empty(), "a stranger pressed a button"
    door._take(case, "127.0.0.1")
    try:
        address, verb = door._waiting.get_nowait()
    except queue.Empty:
        return False
    door._answer(address, verb, door._asked(verb))
    return True


def check_packet(case: bytes) -> bool:
    """What the decoder inside REAPER takes, written again and read again, is the same."""
    address, arguments = osc_packet.decode(case)
    again = osc_packet.decode(osc_packet.encode(address, arguments))
    assert repr(again) == repr((address, arguments))
    return True


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
arguments = st.lists(texts | st.integers(-(2**31), 2**31 - 1) | st.floats(width=32, allow_nan=False), max_size=5)
TARGETS = [
    Target(
        name="osc_ear",
        check=check_ear,
        hostile=messages() | bent([pressed("generate", "1.5", "{t}", "wood", "run\ntoken\n/p/show.rpp")]),
        valid=st.tuples(st.sampled_from(sorted(VERBS)), st.sampled_from(("", "1.5", "-2"))).map(lambda p: pressed(*p)),
    ),
    Target(
        name="osc_door",
        check=check_door,
        hostile=bent([_text("/foley/detect") + _text(","), _text("/foley/cancel") + b",f\0\0" + struct.pack(">f", 1.0)])
        | messages(),
        valid=st.just(_text("/foley/detect") + _text(",")),
    ),
    Target(
        name="osc_packet",
        check=check_packet,
        hostile=messages() | bent([osc_packet.encode("/foley/answer", ["detect", 1, "Finding onsets.", 0.5])]),
        valid=arguments.map(lambda said: osc_packet.encode("/foley/answer", said)),
        raises=(ValueError,),
    ),
]
