"""From where a port answers, seen on real sockets."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from bridge.health import ports
from bridge.health.ports import Reach


def listener(address: str, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    line = socket.socket(family, socket.SOCK_STREAM)
    line.bind((address, 0))
    line.listen()
    return line


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's tables")
def test_port_when_bound_here_or_everywhere_then_the_table_tells() -> None:
    with listener("127.0.0.1") as here, listener("0.0.0.0") as everywhere:
        assert ports.reach(here.getsockname()[1]) is Reach.HERE
        assert ports.reach(everywhere.getsockname()[1]) is Reach.NETWORK
        port = here.getsockname()[1]
    assert ports.reach(port) is Reach.NOBODY


def test_port_when_there_is_no_table_then_connections_tell(tmp_path: Path) -> None:
    with listener("127.0.0.1") as here:
        assert ports.reach(here.getsockname()[1], [tmp_path / "none"]) is Reach.HERE
        port = here.getsockname()[1]
    assert ports.reach(port, [tmp_path / "none"]) is Reach.NOBODY


@pytest.mark.skipif(ports._other_address() is None, reason="this machine has no other address")
def test_port_when_there_is_no_table_and_the_other_address_answers_then_it_is_on_the_network(tmp_path: Path) -> None:
    with listener("0.0.0.0") as everywhere:
        assert ports.reach(everywhere.getsockname()[1], [tmp_path / "none"]) is Reach.NETWORK


@pytest.mark.skipif(sys.byteorder != "little", reason="the table is a little-endian machine's")
def test_table_when_read_then_addresses_of_both_kinds_are_told_and_connections_left_out(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st\n"
    four = "   0: 0100007F:0902 00000000:0000 0A\n   1: 0100007F:0903 0100007F:1111 01\n"
    six = "   0: 00000000000000000000000001000000:0904 0:0 0A\n   1: 00000000000000000000000000000000:0905 0:0 0A\n"
    mapped = "   2: 0000000000000000FFFF00000100007F:0906 0:0 0A\n"
    (tmp_path / "tcp").write_text(head + four)
    (tmp_path / "tcp6").write_text(head + six + mapped)
    tables = [tmp_path / "tcp", tmp_path / "tcp6"]
    told = [ports.reach(port, tables) for port in (0x902, 0x903, 0x904, 0x905, 0x906)]
    assert told == [Reach.HERE, Reach.NOBODY, Reach.HERE, Reach.NETWORK, Reach.HERE]
