"""``foley-bridge serve`` and ``free``: the daemon, and a word to the one that runs."""

from __future__ import annotations

import argparse
import threading
from functools import partial

from bridge import app
from bridge.config import Settings
from bridge.errors import HostError
from bridge.health import stock
from bridge.osc import client

FREE_WAIT_S = 5.0
"""How long a daemon may take to close its models and answer."""


def serve(arguments: argparse.Namespace, settings: Settings) -> int:
    """Runs the daemon until it is stopped; looks for a stock reapy server now, and when a REAPER is there."""
    look = partial(stock.warn, threading.Event())
    look()
    return app.serve(settings, arguments.stop, look)


def free(arguments: argparse.Namespace, settings: Settings) -> int:
    """Asks the running daemon to close its models; 1 if it refuses."""
    port = client.daemon_port(settings.osc_port)
    answer = client.ask(port, "free", timeout_s=FREE_WAIT_S)
    if answer is None:
        raise HostError(
            f"no daemon answers on 127.0.0.1:{port}", hint="Only a daemon keeps models open; there is nothing to free"
        )
    print(answer.sentence)
    return 0 if answer.ok else 1
