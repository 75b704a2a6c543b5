"""Devices are named by number; what is no number is refused with the way out."""

from __future__ import annotations

import pytest

from bridge.errors import RequestError
from bridge.osc.peers import Peer, peers


def test_peers_when_written_as_in_the_guide_then_each_has_its_port() -> None:
    assert peers("192.168.1.20, 192.168.1.21:9001") == (
        Peer(address="192.168.1.20", port=9125),
        Peer(address="192.168.1.21", port=9001),
    )


def test_peers_when_nothing_or_twice_the_same_then_nobody_is_named_twice() -> None:
    assert peers("") == peers(" , ,") == ()
    assert peers("10.0.0.1,10.0.0.1:9125,") == (Peer(address="10.0.0.1"),)
    assert len(peers("10.0.0.1, 10.0.0.1:9126")) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ipad.local", ["controller_peers", "'ipad.local'", "no IPv4 address", "192.168.1.20"]),
        ("localhost:9000", ["'localhost'"]),
        ("::1", ["no IPv4 address"]),
        ("192.168.1", ["'192.168.1'"]),
        ("192.168.1.020", ["'192.168.1.020'"]),
        ("192.168.1.0/24", ["'192.168.1.0/24'"]),
        ("3232235796", ["'3232235796'"]),
        ("10.0.0.1 10.0.0.2", ["no IPv4 address"]),
        ("0.0.0.0", ["0.0.0.0", "no single device"]),
        ("255.255.255.255", ["no single device"]),
        ("239.1.2.3", ["no single device"]),
        ("10.0.0.1:", ["10.0.0.1", "1..65535"]),
        ("10.0.0.1:0", ["1..65535"]),
        ("10.0.0.1:65536", ["'65536'"]),
        ("10.0.0.1:nine", ["'nine'"]),
        ("10.0.0.1:\u0663", ["1..65535"]),
        ("10.0.0.1:9000:1", ["'9000:1'"]),
        (",".join(f"10.0.0.{n}" for n in range(1, 18)), ["17 devices", "16"]),
    ],
)
def test_peers_when_wrong_then_the_error_names_the_entry(text: str, words: list[str]) -> None:
    with pytest.raises(RequestError) as caught:
        peers(text)
    for word in words:
        assert word in caught.value.sentence
