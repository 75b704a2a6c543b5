"""Which OSC control surfaces REAPER has: the ``csurf_N`` lines of ``reaper.ini``.

Convention: ``csurf_N=OSC "name" flags recvport "sendip" sendport maxpacket sleep "patternfile"``, flags 1 receive,
2 send, 4 let messages be bound to actions; ``csurf_cnt`` says how many lines count. Read once, when REAPER starts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import assumptions

RECEIVE, SEND, BIND = 1, 2, 4


@dataclass(frozen=True, kw_only=True)
class OscConfig:
    """One OSC surface.

    Attributes:
        name: what the list of surfaces shows. flags: sum of RECEIVE, SEND and BIND.
        receive_port: UDP port on which REAPER listens; 0 = answers that come back to the sending socket.
        send_ip, send_port: the device; port 0 = whoever sent last.
        largest_packet_bytes, sleep_ms: of what is sent, and the pause after each packet.
        patterns: name of a pattern file in ``OSC``; "" = the built-in patterns.
    """

    name: str = "Foley"
    flags: int = RECEIVE | SEND
    receive_port: int = 0
    send_ip: str = "127.0.0.1"
    send_port: int = 0
    largest_packet_bytes: int = 1024
    sleep_ms: int = 10
    patterns: str = ""

    def text(self) -> str:
        """The value of the line."""
        numbers = f'{self.flags} {self.receive_port} "{self.send_ip}" {self.send_port}'
        return f'OSC "{self.name}" {numbers} {self.largest_packet_bytes} {self.sleep_ms} "{self.patterns}"'

    @classmethod
    def parse(cls, text: str) -> OscConfig | None:
        """The surface of a line's value; None if it is of another kind. What is missing at its end is 0 or empty."""
        words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^\s"]+)', text)]
        if not words or words[0] != "OSC":
            return None
        name, flags, port, ip, send_port, packet, sleep, patterns = (*words[1:9], *_MISSING[len(words[1:9]) :])
        return cls(
            name=name,
            flags=_whole(flags),
            receive_port=_whole(port),
            send_ip=ip,
            send_port=_whole(send_port),
            largest_packet_bytes=_whole(packet),
            sleep_ms=_whole(sleep),
            patterns=patterns,
        )


_MISSING = ("", "0", "0", "", "0", "1024", "10", "")


def _whole(text: str) -> int:
    found = re.match(r"-?\d+", text)
    return int(found[0]) if found else 0


def read(resource: Path) -> list[OscConfig]:
    """The OSC surfaces in the section [REAPER] of ``reaper.ini``, in order of their numbers."""
    values = _values(_text(resource))
    count = _whole(values.get("csurf_cnt", ""))
    if not assumptions.SURFACES_BEYOND_THE_COUNT_ARE_IGNORED:
        count = max([count, *(int(key[6:]) + 1 for key in values if key[:6] == "csurf_" and key[6:].isdigit())])
    found = [OscConfig.parse(values.get(f"csurf_{number}", "")) for number in range(count)]
    return [config for config in found if config is not None]


def write(resource: Path, surfaces: Sequence[OscConfig]) -> None:
    """Adds surfaces to ``reaper.ini``, as the preferences do; the rest stays, and what is there is not added."""
    text = _text(resource)
    surfaces = [config for config in surfaces if config.text() not in _values(text).values()]
    if not surfaces:
        return
    count = int(_values(text).get("csurf_cnt", "0") or 0)
    lines = [line for line in text.splitlines() if not line.lower().startswith("csurf_cnt=")]
    if "[reaper]" not in [line.strip().lower() for line in lines]:
        lines.append("[REAPER]")
    at = [line.strip().lower() for line in lines].index("[reaper]") + 1
    added = [f"csurf_{count + number}={config.text()}" for number, config in enumerate(surfaces)]
    lines[at:at] = [f"csurf_cnt={count + len(surfaces)}", *added]
    (resource / "reaper.ini").write_text("\n".join(lines) + "\n", "utf-8")


def _text(resource: Path) -> str:
    path = resource / "reaper.ini"
    return path.read_text("utf-8") if path.exists() else ""


def _values(text: str) -> dict[str, str]:
    section, values = "", dict[str, str]()
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip().lower()
        elif "=" in line and section == "[reaper]":
            key, value = line.split("=", 1)
            values[key.strip().lower()] = value.strip()
    return values
