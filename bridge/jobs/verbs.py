"""Every verb that is a job, by its name on the wire: what it is called, and who may press it.

Only words, so that the daemon listens before the libraries that do the work are loaded; ``doing`` has what they do.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.jobs.desk import Desk, KeyPress

__all__ = ["LIVE", "VERBS", "Desk", "KeyPress", "Kind"]

LIVE = "following"
"""The verb that live mode presses by itself; it has no key."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A verb: what it is called while it runs, and whether a controller without words may press it."""

    started: str
    wordless: bool = True


VERBS: dict[str, Kind] = {
    "detect": Kind(started="Finding onsets"),
    "more": Kind(started="Looking for more onsets"),
    "fewer": Kind(started="Leaving out the least sure onsets"),
    "generate": Kind(started="Making sound"),
    "place": Kind(started="Placing the reference"),
    "variation": Kind(started="Making a new variation"),
    "little": Kind(started="Varying a little"),
    "lot": Kind(started="Varying a lot"),
    "again": Kind(started="Making again what changed"),
    "exactly": Kind(started="Making exactly again"),
    "keep": Kind(started="Keeping this take"),
    "level": Kind(started="Drawing the level"),
    "live": Kind(started="Switching live mode"),
    LIVE: Kind(started="Following the markers", wordless=False),
    "prompt": Kind(started="Setting the prompt", wordless=False),
    "reference": Kind(started="Listening to the reference"),
    "forget": Kind(started="Forgetting the reference"),
    "controls": Kind(started="Setting the controls", wordless=False),
    "recipe": Kind(started="Looking up the recipe"),
}
