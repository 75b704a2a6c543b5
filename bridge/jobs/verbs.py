"""Every verb that is a job, by its name on the wire.

A verb reads the project once, works with nothing held, and writes once: a function of a ``Desk``, a job's context and
the key press, which returns the sentence that tells the designer how it ended, or raises a BridgeError with the project
unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.jobs import drawing, generating, onsets, settings, takes
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.live import toggle
from bridge.jobs.runner import Context

__all__ = ["LIVE", "VERBS", "Desk", "KeyPress", "Kind"]

LIVE = "following"
"""The verb that live mode presses by itself; it has no key."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A verb: what it does, what it is called while it runs, and whether a controller without words may press it."""

    run: Callable[[Desk, Context, KeyPress], str]
    started: str
    wordless: bool = True


VERBS: dict[str, Kind] = {
    "detect": Kind(run=onsets.detect, started="Finding onsets"),
    "more": Kind(run=onsets.more, started="Looking for more onsets"),
    "fewer": Kind(run=onsets.fewer, started="Leaving out the least sure onsets"),
    "generate": Kind(run=generating.generate, started="Making sound"),
    "place": Kind(run=generating.place, started="Placing the reference"),
    "variation": Kind(run=takes.variation, started="Making a new variation"),
    "little": Kind(run=takes.little, started="Varying a little"),
    "lot": Kind(run=takes.lot, started="Varying a lot"),
    "again": Kind(run=takes.again, started="Making again what changed"),
    "exactly": Kind(run=takes.exactly, started="Making exactly again"),
    "keep": Kind(run=takes.keep, started="Keeping this take"),
    "level": Kind(run=drawing.draw_level, started="Drawing the level"),
    "live": Kind(run=toggle, started="Switching live mode"),
    LIVE: Kind(run=takes.live, started="Following the markers", wordless=False),
    "prompt": Kind(run=settings.set_prompt, started="Setting the prompt", wordless=False),
    "reference": Kind(run=settings.use_reference, started="Listening to the reference"),
    "forget": Kind(run=settings.forget_reference, started="Forgetting the reference"),
    "controls": Kind(run=settings.set_controls, started="Setting the controls", wordless=False),
    "recipe": Kind(run=settings.show_recipe, started="Looking up the recipe"),
}
