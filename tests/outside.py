"""Is anything of ours reached through another address of the machine? Told from within a network namespace.

``python -m tests.outside FOLDER`` starts the daemon with every door that it has and a simulated REAPER with our server,
in a namespace with a second address, and prints JSON: every listening socket of both, what each answers on 127.0.0.1
and on the other address, and the same of a control that listens on all addresses. Exit code 77: no namespace here.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from bridge.osc import client
from tests import namespace
from tests.bridge.osc.wires import packet
from tests.packs import tiny_pack
from tests.reaper_sim.client import SimReaper
from tests.story import SCRIPTS, Studio, daemon, free_udp_port

NO_NAMESPACE = 77
WAIT_S = 2.0
DOORS = ("FOLEY_BRIDGE_OSC_PORT", "FOLEY_BRIDGE_CONTROLLER_PORT", "FOLEY_BRIDGE_REAPER_OSC_PORT")


def listening(pid: int) -> list[list[Any]]:
    """Every socket of a process, and of those that it started, that takes what comes: kind, address, port."""
    process = psutil.Process(pid)
    found = []
    for one in (process, *process.children(recursive=True)):
        for line in one.net_connections("inet"):
            if line.type == socket.SOCK_DGRAM or line.status == psutil.CONN_LISTEN:
                kind = "udp" if line.type == socket.SOCK_DGRAM else "tcp"
                found.append([kind, line.laddr.ip, line.laddr.port])
    return sorted(found)


def refused(kind: str, address: str, port: int) -> bool:
    """Whether nobody is there: a connection, or a datagram, comes back as refused."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as line:
        line.settimeout(0.3)
        try:
            line.connect((address, port))
            if kind == "udp":
                line.send(b"/foley/status\0\0\0")
                line.recv(65536)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
    return False


def report(folder: Path) -> dict[str, Any]:
    """What is listened on, and what is refused."""
    pack = tiny_pack(folder / "packs")
    env = {name: str(free_udp_port()) for name in DOORS}
    env |= {name: str(folder / "home") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    env |= {"FOLEY_BRIDGE_CONTROLLER_PEERS": "127.0.0.1", "FOLEY_BRIDGE_ENDPOINT": str(folder / "endpoint")}
    os.environ["FOLEY_BRIDGE_ENDPOINT"] = env["FOLEY_BRIDGE_ENDPOINT"]
    with ExitStack() as stack:
        server = [SCRIPTS / "foley_server.py"]
        reaper = stack.enter_context(
            SimReaper.start(folder / "reaper", env=env, tick_s=0.005, web_port=None, startup_scripts=server)
        )
        flags = ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]
        process = stack.enter_context(daemon(folder, *flags, env=env))
        desk = Studio(reaper=reaper, daemon=process, folder=folder, item="")
        port = int(env[DOORS[0]])
        desk.until(lambda: client.ask(port, "status") is not None)
        sockets = [*listening(process.pid), *listening(reaper.pid)]
        control = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        control.bind(("0.0.0.0", 0))
        control.listen()
        return {
            "daemon": listening(process.pid),
            "reaper": listening(reaper.pid),
            "doors": sorted(int(env[name]) for name in DOORS),
            "outside": [[kind, port, refused(kind, namespace.SECOND_ADDRESS, port)] for kind, _, port in sockets],
            "inside": [[kind, port, refused(kind, "127.0.0.1", port)] for kind, _, port in sockets],
            "control": refused("tcp", namespace.SECOND_ADDRESS, control.getsockname()[1]),
            "status": client.ask(port, "status") is not None,
            "button": _button(int(env[DOORS[1]])),
        }


def _button(port: int) -> bool:
    """Whether the controller door hears a device on this computer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 9125))
        line.settimeout(WAIT_S)
        line.sendto(packet("/foley/status"), ("127.0.0.1", port))
        return line.recv(65536).startswith(b"/foley/")


if __name__ == "__main__":
    try:
        namespace.enter()
    except OSError as reason:
        print(reason)
        sys.exit(NO_NAMESPACE)
    print(json.dumps(report(Path(sys.argv[1]))))
