"""The daemon's ear over real UDP: one answer within 0.3 s, and nothing that arrives is fatal."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.errors import BridgeError, RequestError
from bridge.osc import client
from bridge.osc.messages import Answer, Generate, Status, Verb, sealed
from bridge.osc.server import OscServer
from tests.tokens import TOKEN


class Desk:
    """A handler that remembers what it was asked."""

    def __init__(self) -> None:
        self.heard: list[Verb] = []
        self.wait = threading.Event()
        self.wait.set()

    def handle(self, verb: Verb) -> Answer:
        self.heard.append(verb)
        self.wait.wait(5.0)
        if verb.prompt == "refuse":
            raise RequestError("The prompt is silly", hint="Type another")
        if verb.prompt == "break":
            raise KeyError("oops")
        return Answer(ok=True, sentence=f"{verb.NAME} taken", job_id="j1")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def server(desk: Desk) -> Iterator[OscServer]:
    with OscServer(desk.handle, token=TOKEN, port=0) as server:
        yield server
        desk.wait.set()


@pytest.fixture
def line(server: OscServer) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(2.0)
        line.connect(("127.0.0.1", server.port))
        yield line


def packet(address: str, *arguments: object) -> bytes:
    builder = OscMessageBuilder(address=address)
    for argument in arguments:
        builder.add_arg(argument)  # pyright: ignore[reportArgumentType]
    return builder.build().dgram


def said(address: str, *arguments: object, token: str = TOKEN, press: str = "") -> bytes:
    """A message as our scripts send it."""
    return packet(address, *sealed(arguments, token, press or secrets.token_hex(8)))


def ask(line: socket.socket, data: bytes) -> list[object]:
    line.send(data)
    message = OscMessage(line.recv(65536))
    assert message.address == "/foley/answer"
    return list(message.params)


def test_verb_when_sent_then_the_sender_gets_verb_ok_sentence_and_job(desk: Desk, line: socket.socket) -> None:
    assert ask(line, said("/foley/generate", "1.5", "{T}", "wood")) == ["generate", 1, "generate taken", "j1"]
    assert desk.heard == [Generate(cursor_s=1.5, mouse_track_guid="{T}", prompt="wood")]


def test_refusal_when_the_handler_raises_then_the_sentence_is_the_answer(line: socket.socket) -> None:
    assert ask(line, said("/foley/prompt", "", "", "refuse")) == [
        "prompt",
        0,
        "The prompt is silly. Type another.",
        "",
    ]


def test_fault_when_the_handler_breaks_then_it_is_answered_and_the_next_verb_works(line: socket.socket) -> None:
    verb, ok, sentence, _ = ask(line, said("/foley/prompt", "", "", "break"))
    assert (verb, ok) == ("prompt", 0)
    assert "KeyError" in str(sentence)
    assert ask(line, said("/foley/status"))[1] == 1


def test_answer_when_the_handler_is_slow_then_it_still_comes_within_300_ms(desk: Desk, line: socket.socket) -> None:
    desk.wait.clear()
    began = time.monotonic()
    _, ok, sentence, _ = ask(line, said("/foley/generate"))
    assert time.monotonic() - began < 0.3
    assert ok == 1
    assert "busy" in str(sentence)


BROKEN = {
    "address only": b"/foley/detect\0\0\0",
    "no end": b"/foley/detect",
    "tags without comma": b"/foley/detect\0\0\0s\0\0\0",
    "argument missing": b"/foley/detect\0\0\0,s\0\0",
    "argument cut short": b"/foley/detect\0\0\0,s\0\0abc",
    "bracket": b"/foley/detect\0\0\0,]\0\0",
    "not utf-8": b"/foley/detect\0\0\0,s\0\0\xff\xfe\xfd\0",
    "blob larger than the packet": b"/foley/detect\0\0\0,b\0\0\x7f\xff\xff\xff",
    "unknown type": b"/foley/detect\0\0\0,Z\0\0",
    "true": said("/foley/detect", True),
    "nil": said("/foley/detect", None),
    "wrong type": said("/foley/detect", "1", 2),
    "unknown address": said("/foley/explode"),
    "foreign address": said("/play", 1),
    "too large": said("/foley/prompt", "", "", "x" * 9000),
    "largest datagram": b"/" * 65507,
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_packet_when_it_begins_like_osc_then_it_is_answered_not_ok(
    desk: Desk, line: socket.socket, name: str
) -> None:
    answer = ask(line, BROKEN[name])
    assert answer[1] == 0
    assert str(answer[2]).endswith(".")
    assert desk.heard == []
    assert ask(line, said("/foley/status"))[1] == 1


def test_bundle_when_sent_then_it_is_refused_and_nothing_is_done(desk: Desk, line: socket.socket) -> None:
    bundle = OscBundleBuilder(IMMEDIATELY)
    bundle.add_content(OscMessage(said("/foley/generate")))  # pyright: ignore[reportArgumentType]
    assert "bundles" in str(ask(line, bundle.build().dgram)[2])
    assert desk.heard == []


@pytest.mark.parametrize(
    "junk", [b"", b"\0\0\0\0", b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 300, packet("/foley/answer", 1)]
)
def test_junk_when_it_is_no_osc_or_an_answer_then_it_is_dropped_in_silence(
    desk: Desk, line: socket.socket, junk: bytes
) -> None:
    line.send(junk)
    assert ask(line, said("/foley/status"))[0] == "status"
    assert desk.heard == [Status()]


def test_sentence_when_very_long_then_the_answer_still_fits_a_packet(server: OscServer) -> None:
    def handle(verb: Verb) -> Answer:
        return Answer(ok=False, sentence="ä" * 100_000)

    with OscServer(handle, token=TOKEN, port=0) as other:
        answer = client.ask(other.port, "status", token=TOKEN)
    assert answer is not None
    assert len(answer.sentence) == 1500


def test_server_when_open_then_only_this_computer_can_reach_it(server: OscServer) -> None:
    assert server._line.getsockname()[0] == "127.0.0.1"


def test_start_when_the_port_is_taken_then_the_error_names_port_holder_and_way_out(server: OscServer) -> None:
    with pytest.raises(BridgeError) as caught:
        OscServer(
            lambda verb: Answer(ok=True), token=TOKEN, port=server.port, holder=lambda: "process 4711 (foley-bridge)"
        )
    assert str(server.port) in caught.value.sentence
    assert "process 4711" in caught.value.sentence
    assert "--port" in caught.value.hint


def test_close_when_called_twice_then_the_port_is_free_again(desk: Desk) -> None:
    server = OscServer(desk.handle, token=TOKEN, port=0)
    server.start()
    port = server.port
    server.close()
    server.close()
    again = OscServer(desk.handle, token=TOKEN, port=port)
    again.close()


def test_client_when_nobody_listens_then_there_is_no_answer(desk: Desk) -> None:
    server = OscServer(desk.handle, token=TOKEN, port=0)
    port = server.port
    server.close()
    assert client.ask(port, "status", timeout_s=0.2) is None


def test_client_when_the_daemon_listens_then_its_answer_comes(server: OscServer, desk: Desk) -> None:
    answer = client.ask(server.port, "generate", ["2.5"], token=TOKEN)
    assert answer == Answer(ok=True, sentence="generate taken", job_id="j1")
    assert desk.heard == [Generate(cursor_s=2.5)]


def refused_at_most(line: socket.socket, data: bytes, times: int) -> list[str]:
    """The sentences that come back when a packet is sent so often."""
    for _ in range(times):
        line.send(data)
    found: list[str] = []
    line.settimeout(0.3)
    try:
        while True:
            _, ok, sentence, _ = OscMessage(line.recv(65536)).params
            assert ok == 0
            found.append(str(sentence))
    except TimeoutError:
        return found
    finally:
        line.settimeout(2.0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (packet("/foley/generate"), "without a token"),
        (packet("/foley/generate", "1.5", "{T}", "wood", "", "", "1234"), "without a token"),
        (said("/foley/generate", token="x" + TOKEN[1:]), "with a wrong token"),
        (said("/foley/generate", token=TOKEN + "x"), "with a wrong token"),
        (said("/foley/generate", token=TOKEN[:-1]), "with a wrong token"),
        (said("/foley/generate", token="é" * 32), "with a wrong token"),
    ],
    ids=["none", "none, all else", "first letter", "one too many", "one too few", "not ascii"],
)
def test_token_when_wrong_or_missing_then_nothing_is_done_and_few_are_answered(
    desk: Desk, server: OscServer, line: socket.socket, data: bytes, why: str
) -> None:
    sentences = refused_at_most(line, data, 40)
    assert 1 <= len(sentences) <= 7
    assert all(why in sentence and "REAPER" in sentence for sentence in sentences)
    assert server.refused == 40
    assert desk.heard == []
    assert ask(line, said("/foley/status"))[1] == 1


def test_token_when_wrong_a_thousand_times_then_the_log_has_one_line_and_the_count_at_the_end(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        OscServer(desk.handle, token=TOKEN, port=0) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line,
    ):
        line.connect(("127.0.0.1", server.port))
        for _ in range(20):
            refused_at_most(line, said("/foley/cancel", token="wrong"), 50)
            if server.refused >= 500:
                break
        logged = [record.getMessage() for record in caplog.records if "not taken" in record.getMessage()]
        assert len(logged) == 1
        refused = server.refused
    logged = [record.getMessage() for record in caplog.records if "not taken" in record.getMessage()]
    assert len(logged) == 2
    assert f"{refused - 1} with a wrong token" in logged[1]
    assert "wrong" + TOKEN not in caplog.text
    assert TOKEN not in caplog.text


def test_key_press_when_it_is_sent_again_then_the_answer_is_the_same_and_nothing_is_done_twice(
    desk: Desk, line: socket.socket
) -> None:
    data = said("/foley/generate", "1.5")
    first = ask(line, data)
    assert [ask(line, data) for _ in range(20)] == [first] * 20
    assert desk.heard == [Generate(cursor_s=1.5)]
    assert ask(line, said("/foley/generate", "1.5"))[1] == 1
    assert len(desk.heard) == 2


def test_key_press_when_it_has_no_press_id_then_it_is_refused(desk: Desk, line: socket.socket) -> None:
    _, ok, sentence, _ = ask(line, packet("/foley/generate", *sealed([], TOKEN, "")))
    assert (ok, "press id" in str(sentence)) == (0, True)
    assert desk.heard == []
