"""REAPER's side of the chain: its folder, our actions in it, its Python, our server there, and what else listens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bridge import app
from bridge.errors import BridgeError, HostError, RequestError
from bridge.health import ports, stock
from bridge.health.finding import Finding
from bridge.health.ports import Reach
from bridge.host import endpoint
from bridge.host.base import ProjectView
from bridge.host.endpoint import Endpoint
from bridge.install import folders, ini, scripts, status
from bridge.media.files import probe_writable


class Chain:
    """What REAPER and its folder look like now; each part is looked at once.

    Args:
        named: REAPER's folder, if the user names it; else the one that a running REAPER tells, else the usual.
    """

    def __init__(self, named: Path | None = None) -> None:
        self._announced = _announced()
        self._named = f' --resource "{named}"' if named is not None else ""
        self._view: ProjectView | None = None
        self._away: HostError | None = None
        self._lost: RequestError | None = None
        self.resource: Path | None = None
        told = Path(self._announced.resource_path) if self._announced is not None else None
        try:
            self.resource = told if named is None and told is not None and told.is_dir() else folders.find(named)
        except RequestError as error:
            self._lost = error

    def findings(self) -> Iterator[Finding]:
        """Folder, actions, Python, server, and who can reach it, in the order in which they need one another."""
        self._ask()
        yield self._folder()
        if self.resource is not None:
            yield self._scripts(self.resource)
            yield self._python(self.resource)
        yield self._server()
        if self._announced is not None and self._view is not None:
            yield self._door(self._announced.port)
        yield self._stock()

    def ports(self, osc_port: int) -> Finding:
        """Whether REAPER itself wants the port that the daemon listens on."""
        surfaces = () if self.resource is None else ini.osc_ports(self.resource)
        if osc_port in surfaces:
            return Finding(
                name="ports",
                good=False,
                text=f"REAPER's OSC control surface listens on UDP port {osc_port}, which the keys use",
                cure="Give that control surface another port in REAPER's Preferences, or set another osc_port.",
                needed=False,
            )
        pages = () if self.resource is None else ini.web_ports(self.resource)
        more = (
            f"; REAPER's web interface is on (port {pages[0]}): any web page that you open can press keys through it, "
            "and the bridge does not need it"
            if pages
            else ""
        )
        return Finding(name="ports", good=True, text=f"REAPER does not want UDP port {osc_port} of the keys{more}")

    def media_folder(self) -> Iterator[Finding]:
        """Whether sound can be written where the open project wants it; nothing while REAPER is away."""
        if self._view is None or not self._view.media_dir:
            return
        folder = Path(self._view.media_dir)
        try:
            probe_writable(folder)
        except OSError as error:
            text = f"{folder}: {error.strerror}"
            cure = "Make it writable, or save the project elsewhere."
            yield Finding(
                name="media folder", good=False, text=text, cure=cure, needed=False, public=error.strerror or "refused"
            )
            return
        yield Finding(name="media folder", good=True, text=f"{folder} can be written", public="it can be written")

    def _ask(self) -> None:
        host = app.open_host()
        try:
            self._view = host.read()
        except HostError as error:
            self._away = error
        finally:
            host.close()

    def _folder(self) -> Finding:
        if self.resource is not None:
            return Finding(name="REAPER's folder", good=True, text=str(self.resource))
        error = self._lost or RequestError("not found")
        cure = _sentence(error.hint)
        return Finding(
            name="REAPER's folder", good=False, text=error.message, cure=cure, needed=False, late=self._view is None
        )

    def _scripts(self, resource: Path) -> Finding:
        name = "actions"
        try:
            found = status.look(resource, scripts.shipped())
        except BridgeError as error:
            return Finding(name=name, good=False, text=error.message, cure=_sentence(error.hint), needed=False)
        if not found.trouble:
            keys = f"{len(found.keys)} have a key"
            starts = "the server starts with REAPER" if found.starts else "the server is started by hand"
            return Finding(name=name, good=True, text=f"installed, of this version; {keys}; {starts}")
        if self._view is not None and not found.present:
            return Finding(name=name, good=True, text="REAPER runs them from a folder that you chose yourself")
        cure = f"Close REAPER and run `foley-bridge reaper install{self._named}`."
        return Finding(name=name, good=False, text=found.trouble, cure=cure, needed=False)

    def _python(self, resource: Path) -> Finding:
        found = ini.python(resource)
        if not found.trouble:
            return Finding(name="Python in REAPER", good=True, text=found.told)
        if self._view is not None:
            return Finding(name="Python in REAPER", good=True, text=f"{found.trouble}; our server runs all the same")
        cure = _sentence(ini.how_to_python())
        return Finding(name="Python in REAPER", good=False, text=found.trouble, cure=cure, needed=False)

    def _server(self) -> Finding:
        if self._view is not None:
            project = os.path.basename(self._view.path) or "an unsaved project"
            return Finding(
                name="REAPER", good=True, text=f"answers; {project} is open", public="answers; a project is open"
            )
        error = self._away or HostError("REAPER does not answer")
        late = self.resource is None
        return Finding(
            name="REAPER", good=False, text=error.message, cure=_sentence(error.hint), needed=False, late=late
        )

    def _door(self, port: int) -> Finding:
        where = ports.reach(port)
        if where is not Reach.NETWORK:
            return Finding(name="server", good=True, text=f"listens {Reach.HERE.value} (TCP port {port})")
        return Finding(
            name="server",
            good=False,
            text=f"TCP port {port} of our server in REAPER answers on the network",
            cure="Restart REAPER and install the actions of this version again; something else holds that port.",
            needed=False,
        )

    def _stock(self) -> Finding:
        said = stock.sentence()
        configured = self.resource is not None and ini.reapy_server(self.resource)
        if said:
            return Finding(name="network", good=False, text=said, cure=stock.CURE, needed=False)
        if configured:
            text = "reapy's own server does not listen now, but starts whenever a program imports reapy"
            return Finding(name="network", good=False, text=text, cure=stock.CURE, needed=False, late=True)
        return Finding(name="network", good=True, text="no stock reapy server listens on this machine")


def _announced() -> Endpoint | None:
    try:
        return endpoint.find_reaper()
    except HostError:
        return None


def _sentence(hint: str) -> str:
    return (hint or "See the log").rstrip(".") + "."
