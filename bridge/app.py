"""Puts the parts together; the only file that knows them all.

``Bridge`` is the daemon without its process: OSC verbs come in, jobs run, the host is told. ``serve`` is the process.
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import __version__, libraries
from bridge.config import Settings
from bridge.domain.job import Job, JobState
from bridge.domain.request import MAX_SEED
from bridge.engine import memory
from bridge.errors import BridgeError, HostError, RequestError
from bridge.host import endpoint
from bridge.host.base import Host
from bridge.host.lock import DaemonLock
from bridge.host.reaper import ReaperHost
from bridge.jobs import verbs
from bridge.jobs.desk import Wishes
from bridge.jobs.journal import JOURNAL_FILE, Journal
from bridge.jobs.live import Live
from bridge.jobs.noted import NotedHost
from bridge.jobs.recovery import Recovery
from bridge.jobs.runner import Context, Runner
from bridge.osc.door import ControllerDoor
from bridge.osc.feedback import Feedback
from bridge.osc.limits import Allowance
from bridge.osc.messages import VERBS, Answer, Cancel, Free, Status, Touched, Verb
from bridge.osc.server import PATIENCE_S, OscServer
from bridge.osc.surface import MarkerEar
from bridge.packs.store import SHIPPED_FOLDER, Store
from bridge.progress import Terminal
from bridge.stopping import Stop, leave, say_goodbye

if TYPE_CHECKING:
    from bridge.engine.engine import Engine
    from bridge.engine.loader import LoadedPack

log = logging.getLogger(__name__)

TELL_EVERY_S = 0.5
LIVE_ENDED = "Live mode ended when the bridge was restarted. Press its key again to switch it on."


def open_store(settings: Settings) -> Store:
    """The user's packs, then the shipped ones."""
    return Store([Path(settings.packs_dir), SHIPPED_FOLDER])


def open_engine(settings: Settings) -> Engine:
    """The chosen packs, verified whole; their graphs open when they are first needed.

    Raises:
        PackError: there is no such pack, or it is damaged. EngineError: a library is missing.
    """
    libraries.load()
    from bridge.engine.engine import Engine
    from bridge.engine.loader import load

    store = open_store(settings)

    def loaded(name: str) -> LoadedPack:
        return load(store, name, provider=settings.provider, threads=settings.threads, progress=log.info)

    return Engine(loaded(settings.pack), onset_pack=loaded(settings.onset_pack) if settings.finds_apart else None)


def open_host() -> ReaperHost:
    """REAPER, wherever it announced itself; nothing is dialled yet."""
    return ReaperHost()


class Bridge:
    """Takes orders, runs them one after another, tells the host how they go.

    Args:
        settings: what the user set. host: the DAW. open_engine: opens the pack that the settings name.
        watchers: are given every snapshot of a job, as soon as it is there; must not raise or wait.
        journal: where jobs are noted; what a daemon before this one left there is settled. None for none.
    """

    def __init__(
        self,
        settings: Settings,
        host: Host,
        *,
        open_engine: Callable[[Settings], Engine] = open_engine,
        watchers: Sequence[Callable[[Job], None]] = (),
        journal: Journal | None = None,
    ) -> None:
        self._settings = settings
        self._open_engine = open_engine
        self._host = host
        self._engine: Engine | None = None
        self._engine_lock = threading.Lock()
        self._trouble = ""
        self._told_at = 0.0
        self._refusals_logged = Allowance(1)
        self._watchers = tuple(watchers)
        self._following: dict[str, str] = {}
        self.live = Live(self._follow)
        self._desk = verbs.Desk(
            host=host,
            engine=self.engine,
            new_seed=lambda: secrets.randbelow(MAX_SEED + 1),
            threshold=settings.chosen_threshold,
            wishes=Wishes(
                take_markers=settings.score == "take",
                project_rate=settings.sample_rate == "project",
                output=settings.output,
            ),
            live=self.live,
        )
        self._journal = journal
        self._runner = Runner(on_change=self._changed, journal=journal)
        self._recovery = None if journal is None else Recovery(journal, host, lambda verb: _called(verb))
        if self._recovery is not None:
            self._recovery.start()

    def engine(self) -> Engine:
        """The engine, loaded once; every caller waits for the same load.

        Raises:
            PackError: the pack is missing or damaged; tried again at the next call.
        """
        with self._engine_lock:
            if self._engine is None:
                began = time.perf_counter()
                log.info("Loading %s", self._wanted)
                engine = self._open_engine(self._settings)
                engine.warm_up()
                self._engine = engine
                self._trouble = ""
                seconds = time.perf_counter() - began
                log.info("%s loaded and warm after %.1f s", _packs(engine.pack_names), seconds)
            return self._engine

    def warm_up(self) -> None:
        """Loads the pack in the background; a failure is logged now and told at the first key press."""

        def work() -> None:
            try:
                self.engine()
            except BridgeError as error:
                self._trouble = error.sentence
                log.error("%s", error.sentence)
            except Exception as error:
                self._trouble = f"An unexpected fault: {type(error).__name__}. The log has more."
                log.exception("unexpected, while a pack was loaded")

        threading.Thread(target=work, name="foley-warm-up", daemon=True).start()

    def handle(self, verb: Verb) -> Answer:
        """Accepts or refuses one verb, at once.

        Raises:
            RequestError: the queue is full, or memory shall be freed that is in use.
        """
        if isinstance(verb, Cancel):
            number = self._runner.cancel()
            return Answer(ok=True, sentence="Cancelling." if number else "Nothing is being made.")
        if isinstance(verb, Status):
            return Answer(ok=True, sentence=self._status())
        if isinstance(verb, Free):
            return Answer(ok=True, sentence=self._free())
        if isinstance(verb, Touched):
            self.live.touched(verb.project)
            if self.live.forgotten(verb.project):
                self._end_live(verb.project)
            return Answer(ok=True)
        key = verbs.KeyPress(
            cursor_s=verb.cursor_s, mouse_track_guid=verb.mouse_track_guid, prompt=verb.prompt, project=verb.project
        )
        job = self._submit(verb.NAME, key)
        started = verbs.VERBS[verb.NAME].started
        if self._engine is None and self._engine_lock.locked():
            started = f"{started}, as soon as {self._wanted} can be used"
        return Answer(ok=True, sentence=f"{started}.", job_id=job.id)

    def _submit(self, name: str, key: verbs.KeyPress) -> Job:
        def work(context: Context) -> str:
            if self._engine is None:
                self._told_at = 0.0  # or the designer would read on what waits, and not for what
                context.progress(0.0, f"Loading {self._wanted}")
            libraries.load()
            from bridge.jobs.doing import DOES

            desk = replace(self._desk, host=NotedHost(self._host, context.notes))
            return " ".join(filter(None, (DOES[name](desk, context, key), *self._notices())))

        try:
            return self._runner.submit(name, work, project=key.project)
        except BridgeError as error:
            if self._refusals_logged.take():
                log.warning("%s refused: %s", name, error.sentence)
            raise

    def _follow(self, project: str) -> None:
        """A render of a live project, unless one of that project waits already."""
        waiting = self._runner.job(self._following.get(project, ""))
        if waiting is None or waiting.state is not JobState.QUEUED:
            self._following[project] = self._submit(verbs.LIVE, verbs.KeyPress(project=project)).id

    def _end_live(self, project: str) -> None:
        """Ends, in turn with the keys, the live mode that a daemon before this one began, and tells it."""

        def work(context: Context) -> str:
            if self.live.is_on(project):  # its key was pressed before
                return ""
            try:
                self._host.watch(project, on=False)
                self._host.tell(LIVE_ENDED)
            except HostError as error:
                log.debug("live mode is not ended in REAPER yet: %s", error)
                self.live.ask_again(project)
            return ""

        try:
            self._runner.submit(verbs.LIVE, work, project=project)
        except RequestError as error:
            log.debug("live mode is not ended in REAPER yet: %s", error)
            self.live.ask_again(project)

    @property
    def _wanted(self) -> str:
        """The packs that the settings name, in words."""
        return _packs(tuple(dict.fromkeys((self._settings.pack, self._settings.onset_pack or self._settings.pack))))

    def close(self) -> None:
        """Cancels what runs and lets go of the host."""
        self.live.close()
        if self._recovery is not None:
            self._recovery.close()
        self._runner.close()
        self._host.close()
        if self._journal is not None:
            self._journal.close()

    def _notices(self) -> tuple[str, ...]:
        journal = self._journal.take_notice() if self._journal else ""
        return (*(self._engine.take_notices() if self._engine else ()), journal)

    def _free(self) -> str:
        """Closes the pack's graphs; says which, and what that gave back; to the host too if the sender gave up waiting.

        Raises:
            RequestError: they are in use or being opened.
        """
        if any(not job.state.final for job in self._runner.jobs()):
            raise RequestError("The models are in use", hint="Wait until nothing is being made, or press Cancel")
        if not self._engine_lock.acquire(blocking=False):
            raise RequestError("The models are being loaded", hint="Try again in a moment")
        began = time.monotonic()
        try:
            before = memory.resident_bytes()
            closed = self._engine.release() if self._engine else ()
            memory.give_back()
            after = memory.resident_bytes()
        finally:
            self._engine_lock.release()
        if not closed:
            return "Nothing to free: no model is open."
        packs = _packs(self._engine.pack_names if self._engine else (self._settings.pack,))
        graphs = f"{len(closed)} graph{'s' if len(closed) > 1 else ''} of {packs}"
        amount = "" if before is None or after is None else f"{max(0, before - after) / 1e6:.0f} MB freed: "
        sentence = f"{amount}{graphs} closed; the next key press opens what it needs."
        log.info("%s", sentence)
        if time.monotonic() - began > PATIENCE_S / 2:
            self._host.tell(sentence, kind="info")
        return sentence

    def _status(self) -> str:
        for job in reversed(self._runner.jobs()):
            if job.state is JobState.RUNNING:
                return f"{job.sentence or verbs.VERBS[job.verb].started}: {100 * job.progress:.0f} %."
        if self._trouble:
            return f"Not ready: {self._trouble}"
        if self._engine is None:
            return f"Ready; {self._wanted} (loading), foley-bridge {__version__}."
        name, *onsets = self._engine.pack_names
        by = f" (onsets by {onsets[0]})" if onsets else ""
        return f"Ready; pack {name}{by}, foley-bridge {__version__}."

    def _changed(self, job: Job) -> None:
        for watcher in self._watchers:
            watcher(job)
        if job.state is JobState.FAILED and self._recovery is not None and self._recovery.later(job.mark):
            return  # whether its change is there will be known, and told, when REAPER answers again
        if job.state is JobState.FAILED:
            self._tell(job, "info" if job.verb == verbs.LIVE else "error")
        elif job.state.final:
            log.debug("%s: %s is %s", job.id, job.verb, job.state.value)
            log.debug("%s: %s", job.id, job.sentence)
            if job.sentence:
                self._tell(job, "progress" if job.verb == verbs.LIVE else "info")
            elif self._journal is not None:
                self._journal.forget(job.mark)
        elif job.verb == verbs.LIVE and not job.progress:
            return  # its project may be gone, which is told to nobody
        elif time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            text = job.sentence or verbs.VERBS[job.verb].started
            self._host.tell(f"{text}: {100 * job.progress:.0f} %", kind="progress")

    def _tell(self, job: Job, kind: str) -> None:
        """Tells how a job ended, and forgets it when that was heard."""
        journal = self._journal
        if journal is not None and kind == "progress":  # which gives way to whatever is newer, and may never be heard
            journal.forget(job.mark)
        self._host.tell(job.sentence, kind=kind, told=None if journal is None else lambda: journal.forget(job.mark))


def _called(verb: str) -> str:
    return verbs.VERBS[verb].started if verb in verbs.VERBS else verb


def _packs(names: tuple[str, ...]) -> str:
    return f"pack{'s' if len(names) > 1 else ''} {' and '.join(names)}"


def serve(settings: Settings, stop: Stop, when_met: Callable[[], object] = lambda: None) -> int:
    """Runs the daemon until it shall stop; returns the exit code.

    Args:
        stop: listens for signals already. when_met: called when a REAPER is reached; must return at once.

    Raises:
        BridgeError: another daemon runs, or a port is taken.
    """
    token = secrets.token_hex(32)
    with ExitStack() as stack:
        stack.enter_context(DaemonLock())
        terminal = stack.enter_context(Terminal(sys.stderr, settings.progress_bar))
        words = {name: kind.started for name, kind in verbs.VERBS.items()}
        feedback = Feedback(settings.peers if settings.controller_port else (), words=words)
        journal = Journal(endpoint.folder() / JOURNAL_FILE)
        host = open_host()
        host.when_met(when_met)
        bridge = Bridge(settings, host, watchers=(terminal.changed, feedback.changed), journal=journal)
        stack.enter_context(feedback)
        stack.callback(bridge.close)
        server = stack.enter_context(OscServer(bridge.handle, token=token, port=settings.osc_port, holder=_holder))
        stack.enter_context(_announced(server.port, token))
        if settings.controller_port:
            stack.enter_context(_door(settings, bridge, feedback))
        if settings.reaper_osc_port:
            stack.enter_context(MarkerEar(settings.reaper_osc_port, bridge.live.touched))
        print(f"foley-bridge {__version__} listens on 127.0.0.1:{server.port} (Ctrl+C stops it)", flush=True)
        bridge.warm_up()
        stop.wait()
    say_goodbye("foley-bridge: stopped.")
    return leave(0)


def _door(settings: Settings, bridge: Bridge, feedback: Feedback) -> ControllerDoor:
    """The controller door: *status* tells every device again, anything else is a key press without words."""

    def pressed(name: str) -> Answer:
        if name == Status.NAME:
            feedback.repeat()
            return Answer(ok=True, sentence=feedback.sentence)
        return bridge.handle(VERBS[name]())

    wordless = {name for name, kind in verbs.VERBS.items() if kind.wordless} | {Cancel.NAME, Free.NAME, Status.NAME}
    door = ControllerDoor(
        pressed, wordless, bind=settings.controller_bind, port=settings.controller_port, peers=settings.peers
    )
    devices = ", ".join(peer.address for peer in settings.peers)
    log.info("the controller door is open on %s:%d for %s", settings.controller_bind, door.port, devices)
    return door


@contextmanager
def _announced(port: int, token: str) -> Iterator[None]:
    endpoint.announce_daemon(port, token)
    try:
        yield
    finally:
        endpoint.withdraw_daemon()


def _holder() -> str:
    """Who holds the port, if it is one of ours that says so."""
    pid = endpoint.announced_daemon().get("pid")
    if not isinstance(pid, int) or pid == os.getpid() or not endpoint.alive(pid):
        return ""
    return f"another foley-bridge (process {pid})"
