"""The matrix put to the test: faults of the product's own, planted from outside, each of which some cell must see.

``python -m tests.faults --plants`` runs the cells of each and says which saw it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bridge.host.reaper as reapers
import bridge.jobs.journal as journals
import bridge.jobs.recovery as recoveries
import bridge.media.files as files
from bridge.errors import HostUnsure

VARIABLE = "FAULTS_PLANT"
SEEN_BY = {
    "the journal is not written": ("kill daemon at half", "kill daemon at applied"),
    "recovery tells nobody": ("kill daemon at half", "kill daemon at applied"),
    "the project remembers no mark": ("kill daemon at applied", "REAPER sleeps at applying"),
    "every change is said to be there": ("kill daemon at unsent", "dialog, long at unsent"),
    "no change is said to be there": ("kill daemon at applied", "REAPER sleeps at applying"),
    "unfinished files stay": ("kill daemon at half", "disk full at half"),
    "a change without an answer is sent again": ("REAPER sleeps at applying",),
    "good news is forgotten before it is told": ("kill daemon at ended",),
    "a pack's files are looked at once only": ("pack altered at begun",),
    "recovery removes finished sound": ("kill daemon, undo, redo at applied", "kill both, older copy at applied"),
}
"""Plant -> the cells of *generate* that are run with it."""


def plant(name: str) -> None:
    """Makes the product of this process wrong."""
    recovery: Any = recoveries.Recovery
    recovering: Any = recoveries
    journal: Any = journals.Journal
    host: Any = reapers.ReaperHost
    write = host.write
    if name == "the journal is not written":
        journal._store = lambda self, *marks: None
    elif name == "recovery tells nobody":
        recovery._settle = lambda self, page: (self._outcome(page), self._journal.forget(page.mark))
    elif name == "the project remembers no mark":
        host.write = lambda self, change: write(self, replace(change, mark=""))
    elif name == "every change is said to be there":
        host.landed = lambda self, token, marks: marks
    elif name == "no change is said to be there":
        host.landed = lambda self, token, marks: ()
    elif name == "unfinished files stay":
        recovering._tidy = lambda page: None
        files._remove = lambda path: True
    elif name == "a change without an answer is sent again":
        host.write = lambda self, change: _twice(write, self, change)
    elif name == "good news is forgotten before it is told":
        end = journal.end
        journal.end = lambda self, mark, sentence, *, done=False: (
            self.forget(mark) if done else end(self, mark, sentence)
        )
    elif name == "a pack's files are looked at once only":
        import bridge.engine.loader as loader

        pack: Any = loader.LoadedPack
        pack.graph = _unverified(pack.graph)
    elif name == "recovery removes finished sound":
        tidy = recovering._tidy
        recovering._tidy = lambda page: (tidy(page), [recoveries._remove(Path(one)) for one in page.files])
    else:
        raise ValueError(name)


def _twice(write: Any, host: Any, change: Any) -> Any:
    try:
        return write(host, change)
    except HostUnsure:
        return write(host, change)


def _unverified(inner: Any) -> Any:
    def graph(pack: Any, role: str) -> Any:
        pack._verify = lambda: None
        return inner(pack, role)

    return graph
