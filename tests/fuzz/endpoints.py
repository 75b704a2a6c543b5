"""The announcements by which the two sides find each other, read by both."""

from __future__ import annotations

import json
import os
from pathlib import Path

from hypothesis import strategies as st

from bridge.host import endpoint
from reaper_scripts.foley_inside import endpoint as inside
from tests.fuzz.cases import bent_json
from tests.fuzz.files import folder
from tests.fuzz.target import Target

REAPER = {
    "port": 54321,
    "token": "a" * 64,
    "pid": 1,
    "version": "7.78/linux-x86_64",
    "resource_path": "/home/a/.config/REAPER",
    "api": endpoint.API,
    "run": "b" * 32,
}
DAEMON = {"port": 9124, "pid": 1, "token": "a" * 64}


def _put(name: str, case: bytes) -> Path:
    where = folder() / "endpoint"
    where.mkdir(mode=0o700, exist_ok=True)
    for old in where.iterdir():
        old.unlink()
    with os.fdopen(os.open(where / name, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        file.write(case)
    return where


def check_reaper(case: bytes) -> bool:
    """What REAPER announced, read by the daemon, as the only one and as one of several."""
    where = _put(endpoint.REAPER_FILE, case)
    endpoint.find_reaper(where, run="c" * 32)
    found = endpoint.find_reaper(where)
    assert 0 < found.port < 65536
    os.replace(where / endpoint.REAPER_FILE, where / "reaper-1.json")
    endpoint.find_reaper(where)
    return True


def check_daemon(case: bytes) -> bool:
    """What the daemon announced, read by another daemon and by the scripts in REAPER."""
    where = _put(endpoint.DAEMON_FILE, case)
    told = endpoint.announced_daemon(where)
    assert isinstance(told, dict)
    endpoint.withdraw_daemon(where)
    endpoint.refuse_second(where)
    read = inside.read(str(where / endpoint.DAEMON_FILE))
    assert isinstance(read, dict)
    before = os.environ.get(endpoint.FOLDER_VARIABLE)
    os.environ[endpoint.FOLDER_VARIABLE] = str(where)
    try:
        port, token = inside.daemon()
        assert 0 < port < 65536
        assert isinstance(token, str)
        inside.withdraw("x")
    finally:
        os.environ.pop(endpoint.FOLDER_VARIABLE)
        if before is not None:
            os.environ[endpoint.FOLDER_VARIABLE] = before
    return True


TARGETS = [
    Target(
        name="endpoint_reaper",
        check=check_reaper,
        hostile=bent_json([REAPER]),
        valid=st.just(json.dumps(REAPER).encode()),
    ),
    Target(name="endpoint_daemon", check=check_daemon, hostile=bent_json([DAEMON])),
]
