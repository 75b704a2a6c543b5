"""Where a daemon can be stopped: wraps named functions of the product, from outside.

Convention: a step is named after what has just happened, or is about to. ``STEPS`` has them in the order of a job.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import bridge.app as app
import bridge.engine.engine as engines
import bridge.engine.graph as graphs
import bridge.host.line as lines
import bridge.host.reaper as reapers
import bridge.host.untold as untold
import bridge.jobs.journal as journals
import bridge.jobs.noted as noted
import bridge.jobs.onsets as onsets
import bridge.jobs.recovery as recoveries
import bridge.jobs.runner as runners
import bridge.media.files as files
import bridge.media.wav as wav
import bridge.osc.server as servers
from tests.faults import breakages, plants
from tests.faults.daemon import Control

STEPS = {
    "received": "the key press came",
    "accepted": "noted in the journal",
    "answered": "REAPER has the answer",
    "begun": "the job began",
    "read": "the project was read",
    "looked": "onsets were looked at",
    "opened": "a graph was opened",
    "first": "the first contact was rendered",
    "temp": "the temporary file is open",
    "half": "the file is half written",
    "synced": "the file is on the disk",
    "renamed": "the file has its name",
    "unsent": "before the change is sent",
    "sent": "sent, REAPER has not begun",
    "applying": "REAPER is amidst the change",
    "applied": "changed, not answered",
    "untaken": "answered, not noted",
    "taken": "noted as taken",
    "ended": "the job is over, untold",
    "told": "told, not noted",
}
INSIDE = ("applying", "applied")
"""Steps at which REAPER is held, not the daemon."""
READ_S, WRITE_S = 3.0, 3.0
"""Shorter patience with REAPER than a user's daemon has."""


def install(control: Control) -> None:
    """Wraps everything in this process."""
    if os.environ.get(plants.VARIABLE):
        plants.plant(os.environ[plants.VARIABLE])
    at = control.at
    bridges: list[app.Bridge] = []
    count = {"accepted": 0, "over": 0, "open": 0, "settled": 0}

    def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
        inner = getattr(owner, name)
        setattr(owner, name, lambda *args, **named: around(inner, *args, **named))

    def after(step: str) -> Callable[..., Any]:
        def call(inner: Callable[..., Any], *args: Any, **named: Any) -> Any:
            value = inner(*args, **named)
            at(step)
            return value

        return call

    def before(step: str) -> Callable[..., Any]:
        def call(inner: Callable[..., Any], *args: Any, **named: Any) -> Any:
            at(step)
            return inner(*args, **named)

        return call

    def handled(inner: Callable[..., Any], bridge: app.Bridge, verb: Any) -> Any:
        if hasattr(verb, "cursor_s"):
            at("received")
        return inner(bridge, verb)

    def patience(steps: list[str]) -> None:
        servers.PATIENCE_S = 30.0 if {"received", "accepted"} & set(steps) else 0.2

    def begun(inner: Callable[..., Any], notes: Any) -> None:
        at("before begun")
        inner(notes)
        at("begun")

    def encoded(inner: Callable[..., Any], *args: Any, **named: Any) -> Iterator[bytes]:
        at("temp")
        for number, part in enumerate(inner(*args, **named)):
            if number == 1:
                at("half")
            yield part
        at("half")

    def streamed(inner: Callable[..., Any], *args: Any, **named: Any) -> Iterator[Any]:
        for number, block in enumerate(inner(*args, **named)):
            broken.streamed()
            if number == 0:
                at("first")
            yield block

    def claimed(inner: Callable[..., Any], *args: Any) -> None:
        at("synced")
        inner(*args)
        at("renamed")

    def called(inner: Callable[..., Any], line: Any, module: str, name: str, *rest: Any) -> Any:
        if name != "write":
            return inner(line, module, name, *rest)
        send = line._client.send

        def sent(data: bytes) -> None:
            send(data)
            at("sent")

        line._client.send = sent
        try:
            return inner(line, module, name, *rest)
        finally:
            line._client.send = send

    def told(inner: Callable[..., Any], waiting: Any, sentence: Any) -> None:
        if sentence.kind != "progress":
            at("told")
        inner(waiting, sentence)

    def changed(inner: Callable[..., Any], bridge: app.Bridge, job: Any) -> None:
        if job.state.final:
            at("ended")
        inner(bridge, job)
        count["over"] += job.state.final

    def accepted(inner: Callable[..., Any], *args: Any) -> None:
        count["accepted"] += 1
        inner(*args)
        at("accepted")

    def counted(what: str) -> Callable[..., Any]:
        def call(inner: Callable[..., Any], *args: Any) -> None:
            inner(*args)
            count[what] += 1

        return call

    def born(inner: Callable[..., Any], bridge: app.Bridge, *args: Any, **named: Any) -> None:
        bridges.append(bridge)
        inner(bridge, *args, **named)

    wrap(app.Bridge, "__init__", born)
    wrap(app.Bridge, "handle", handled)
    wrap(app.Bridge, "_changed", changed)
    wrap(recoveries.Recovery, "_add", counted("open"))
    wrap(recoveries.Recovery, "_settle", counted("settled"))
    wrap(journals.Journal, "accept", accepted)
    handler = getattr(servers, "_Handler", None)
    wrap(*((handler, "handle") if handler else (servers.OscServer, "_send")), after("answered"))
    control.prepare = patience
    wrap(runners.Notes, "begun", begun)
    wrap(noted.NotedHost, "read", after("read"))
    wrap(onsets, "look", after("looked"))
    wrap(graphs.Graph, "__init__", after("opened"))
    wrap(engines.Engine, "stream", streamed)
    wrap(wav, "_encoded", encoded)
    wrap(files, "_claim", claimed)
    wrap(journals.Notes, "sending", after("unsent"))
    wrap(lines.Line, "call", called)
    wrap(journals.Notes, "taken", _around(at, "untaken", "taken"))
    wrap(untold.Untold, "told", told)
    seeds = {"seed": 5}
    secrets.randbelow = lambda limit: seeds["seed"]
    app.open_host = lambda: reapers.ReaperHost(read_timeout_s=READ_S, write_timeout_s=WRITE_S)
    broken = breakages.Breakages(bridges)
    broken.watch()

    def answer(order: dict[str, Any]) -> dict[str, Any]:
        if "seed" in order:
            seeds["seed"] = order["seed"]
        elif "break" in order:
            broken.begin(order["break"], order.get("where", ""))
        elif "heal" in order:
            broken.heal()
        elif order.get("ask") == "count":
            return dict(count)
        elif "ask" in order:
            if count["over"] < count["accepted"] or count["settled"] < count["open"]:
                return {"busy": "working", **count}
            return quiet(bridges)
        return {}

    control.answer = answer


def quiet(bridges: list[app.Bridge]) -> dict[str, Any]:
    """What is still to come of this daemon."""
    if not bridges:
        return {"busy": "starting"}
    (bridge,) = bridges
    runner: Any = bridge._runner
    host: Any = bridge._host
    if bridge._engine is None:
        return {"busy": "loading", "trouble": bridge._trouble}
    if any(not job.state.final for job in runner.jobs()):
        return {"busy": "working"}
    if host._untold.first() is not None:
        return {"busy": "telling"}
    return {"busy": ""}


def _around(at: Callable[[str], None], first: str, last: str) -> Callable[..., Any]:
    def call(inner: Callable[..., Any], *args: Any, **named: Any) -> Any:
        at(first)
        value = inner(*args, **named)
        at(last)
        return value

    return call
