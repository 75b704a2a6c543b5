"""``foley-bridge doctor``: what works, and the first thing to fix.

Each check gives one line; the first that failed decides the advice. Nothing is changed and nothing leaves the machine.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge import __version__, app, config
from bridge.config import Settings
from bridge.engine.devices import others, providers_for, title
from bridge.engine.engine import Engine
from bridge.errors import BridgeError, HostError
from bridge.media.files import probe_writable
from bridge.osc import client
from bridge.packs.manifest import Manifest

STOCK_REAPY_PORT = 2306


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the doctor's.

    Attributes:
        name: what was looked at. good: whether it is as it should be. text: what was seen. cure: what to do if not.
        needed: whether the tool works at all without it.
    """

    name: str
    good: bool
    text: str
    cure: str = ""
    needed: bool = True


def doctor(settings: Settings) -> int:
    """Prints every finding and the first thing to fix; 1 if something that is needed is missing."""
    findings = []
    for finding in _findings(settings):
        findings.append(finding)
        mark = "ok " if finding.good else ("!! " if finding.needed else "-- ")
        print(f"{mark}{finding.name}: {finding.text}")
    bad = [finding for finding in findings if not finding.good]
    if not bad:
        print("Everything works.")
        return 0
    first = min(bad, key=lambda finding: not finding.needed)
    print(f"Fix first: {first.name}. {first.cure}")
    return 1 if first.needed else 0


def _findings(settings: Settings) -> Iterator[Finding]:
    """Every finding as soon as it is made; the pack is opened once for the two that need it."""
    yield _python(settings)
    yield _settings(settings)
    yield _folder(settings)
    opened = _Opened(settings)
    yield _tried("pack", opened.pack)
    if settings.finds_apart:
        yield _tried("onset pack", opened.onset_pack)
    yield _tried("provider", opened.provider)
    yield _daemon(settings)
    yield _reaper(settings)
    yield _stock_reapy(settings)


class _Opened:
    """The packs in use, with every graph open, if they can be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine: Engine | None = None

    def pack(self) -> str:
        """What the one that makes sound is; raises what is wrong with it."""
        engine = app.open_engine(self._settings.for_sound)
        if self._settings.finds_apart:
            engine.generator.warm_up()
        else:
            engine.warm_up()
        self._engine = engine
        more = "" if self._settings.finds_apart else _lacks(engine.pack.manifest)
        return _whole(engine.pack.manifest) + more

    def onset_pack(self) -> str:
        """What the one that finds onsets is, if it is another; raises what is wrong with it."""
        engine = app.open_engine(self._settings.for_onsets)
        engine.detector.warm_up()
        if self._engine is not None:
            self._engine = Engine(self._engine.pack, onset_pack=engine.pack)
        return _whole(engine.pack.manifest)

    def provider(self) -> str:
        """Where its graphs run and why not elsewhere; where they would run, if the pack does not open."""
        wanted = self._settings.provider
        best = providers_for(wanted)[0]
        running = {} if self._engine is None else self._engine.providers()
        where = f"graphs run on {title(best)}"
        moved = [f"{role} on {title(name)}" for role, name in running.items() if name != best]
        if moved:
            where += f", but {', '.join(moved)}"
        notices = () if self._engine is None else self._engine.take_notices()
        return " ".join((f"{where}. Not used: {', '.join(others(wanted, best))}.", *notices))


def _whole(manifest: Manifest) -> str:
    return f"{manifest.name} {manifest.version} is whole and its graphs open; licence {manifest.licence.name}"


def _lacks(manifest: Manifest) -> str:
    """What a pack that stands alone cannot do."""
    if manifest.when is None:
        return "; it finds no onsets: set onset_pack to a pack that does"
    return "; it finds onsets and makes no sound" if manifest.what is None else ""


def _python(settings: Settings) -> Finding:
    text = f"foley-bridge {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding(name="program", good=sys.version_info >= (3, 10), text=text, cure="Install Python 3.10 to 3.13.")


def _settings(settings: Settings) -> Finding:
    path = config.config_path()
    text = f"{path} ({'read' if path.is_file() else 'not there, defaults are used'})"
    return Finding(name="settings", good=True, text=text)


def _folder(settings: Settings) -> Finding:
    folder = Path(settings.packs_dir)
    try:
        probe_writable(folder)
    except OSError as error:
        cure = f"Make {error.filename} writable, or set packs_dir to another folder."
        text = f"{error.filename}: {error.strerror}"
        return Finding(name="packs folder", good=False, text=text, cure=cure, needed=False)
    return Finding(name="packs folder", good=True, text=str(folder))


def _daemon(settings: Settings) -> Finding:
    port = client.daemon_port(settings.osc_port)
    where = f"127.0.0.1:{port}"
    answer = client.ask(port, "status")
    if answer is not None:
        return Finding(name="daemon", good=True, text=f"answers on {where}: {answer}")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        cure = f"Stop the program that holds UDP port {port}, or set another osc_port."
        return Finding(name="daemon", good=False, text=f"another program holds {where}", cure=cure, needed=False)
    cure = "Start it with `foley-bridge serve` and leave it running."
    return Finding(name="daemon", good=False, text=f"not running on {where}", cure=cure, needed=False)


def _reaper(settings: Settings) -> Finding:
    host = app.open_host()
    try:
        view = host.read()
    except HostError as error:
        return Finding(name="REAPER", good=False, text=error.message, cure=error.hint + ".", needed=False)
    finally:
        host.close()
    name = os.path.basename(view.path) or "an unsaved project"
    return Finding(name="REAPER", good=True, text=f"answers; {name} is open")


def _stock_reapy(settings: Settings) -> Finding:
    if not _listens(STOCK_REAPY_PORT):
        return Finding(name="network", good=True, text="no stock reapy server listens on this machine")
    text = f"a program listens on port {STOCK_REAPY_PORT}, where reapy's own server lets anybody run code as you"
    cure = (
        "In REAPER, stop the script 'activate_reapy_server' and remove it from the actions; the bridge needs no such."
    )
    return Finding(name="network", good=False, text=text, cure=cure, needed=False)


def _listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, good=True, text=look())
    except BridgeError as error:
        return Finding(name=name, good=False, text=error.message, cure=(error.hint or "See the log").rstrip(".") + ".")
