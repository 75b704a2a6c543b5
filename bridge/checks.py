"""``foley-bridge doctor``: what works, and the first thing to fix.

Each check gives one line; the first that failed decides the advice. Nothing is changed and nothing leaves the machine.
"""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge import __version__, app, config
from bridge.config import Settings
from bridge.engine.devices import others, providers_for, title
from bridge.engine.engine import Engine
from bridge.errors import BridgeError
from bridge.health import report
from bridge.health.finding import Finding, first_to_fix
from bridge.health.reaper import Chain
from bridge.media.files import probe_writable
from bridge.osc import client
from bridge.packs.manifest import Manifest


def doctor(settings: Settings, *, resource: Path | None = None, report_to: Path | None = None) -> int:
    """Prints every finding and the first thing to fix; 1 if something that is needed is missing.

    Args:
        resource: REAPER's folder, None looks for it. report_to: file that gets the findings without what is private.

    Raises:
        RequestError: the report's name is taken. MediaError: the report cannot be written.
    """
    if report_to is not None:
        report.refuse_taken(report_to)
    chain = Chain(resource)
    findings = []
    for finding in _findings(settings, chain):
        findings.append(finding)
        mark = "ok " if finding.good else ("!! " if finding.needed else "-- ")
        print(f"{mark}{finding.name}: {finding.text}")
    first = first_to_fix(findings)
    print("Everything works." if first is None else f"Fix first: {first.name}. {first.cure}")
    if report_to is not None:
        folders = {settings.packs_dir: "packs folder", str(config.config_path().parent): "settings folder"}
        if chain.resource is not None:
            folders[str(chain.resource)] = "REAPER's folder"
        written = report.write(report_to, findings, settings, scrubber=report.Scrubber(folders))
        print(f"wrote {written}, without your paths, names and prompts; read it before you hand it on")
    return 1 if first is not None and first.needed else 0


def _findings(settings: Settings, chain: Chain) -> Iterator[Finding]:
    """Every finding as soon as it is made, each after what it needs; the pack is opened once for all that need it."""
    yield _python(settings)
    yield _settings(settings)
    yield _folder(settings)
    opened = _Opened(settings)
    yield _tried("pack", opened.pack)
    if settings.finds_apart:
        yield _tried("onset pack", opened.onset_pack)
    yield _tried("provider", opened.provider)
    yield from chain.findings()
    yield _daemon(settings)
    yield chain.ports(client.daemon_port(settings.osc_port))
    yield from chain.media_folder()


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
    if answer is not None and answer.sentence.startswith("Not ready"):
        cure = "Do what it says, then start `foley-bridge serve` again."
        public = f"answers on {where}, and is not ready"
        return Finding(
            name="daemon", good=False, text=f"answers on {where}: {answer}", cure=cure, needed=False, public=public
        )
    if answer is not None:
        return Finding(name="daemon", good=True, text=f"answers on {where}: {answer}", public=f"answers on {where}")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        cure = f"Stop the program that holds UDP port {port}, or set another osc_port."
        return Finding(name="daemon", good=False, text=f"another program holds {where}", cure=cure, needed=False)
    cure = "Start it with `foley-bridge serve` and leave it running."
    return Finding(name="daemon", good=False, text=f"not running on {where}", cure=cure, needed=False)


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, good=True, text=look())
    except BridgeError as error:
        return Finding(name=name, good=False, text=error.message, cure=(error.hint or "See the log").rstrip(".") + ".")
