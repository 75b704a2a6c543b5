"""A key press whose datagram the system drops, as it does while the daemon's door is flooded."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from bridge.host import endpoint
from bridge.osc.messages import Answer
from bridge.osc.server import pack_answer
from tests.reaper_sim.client import SimReaper
from tests.story import SCRIPTS
from tests.tokens import TOKEN


def test_key_when_its_first_datagrams_are_lost_then_the_same_press_is_sent_again_and_answered(tmp_path: Path) -> None:
    packets: list[bytes] = []
    with (
        SimReaper.start(tmp_path / "reaper", web_port=None) as reaper,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door,
    ):
        door.bind(("127.0.0.1", 0))
        door.settimeout(20.0)
        endpoint.announce_daemon(door.getsockname()[1], TOKEN)

        def answer() -> None:
            for number in range(3):
                data, sender = door.recvfrom(65536)
                packets.append(data)
                if number == 2:
                    door.sendto(pack_answer("cancel", Answer(ok=True, sentence="Cancelling.")), sender)

        answering = threading.Thread(target=answer)
        answering.start()
        reaper.run_script(SCRIPTS / "foley_cancel.py")
        answering.join()
        endpoint.withdraw_daemon()
        assert reaper.help_text() == "Cancelling."
        assert reaper.console() == ""
    assert len(packets) == 3
    assert len(set(packets)) == 1, "one press id: the daemon takes them for one key press"
