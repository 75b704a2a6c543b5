"""What every verb does, by its name on the wire.

A verb reads the project once, works with nothing held, and writes once: a function of a ``Desk``, a job's context and
the key press, which returns the sentence that tells the designer how it ended, or raises a BridgeError with the project
unchanged. Importing this brings the libraries that read pictures and make sound.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.jobs import drawing, generating, onsets, settings, takes
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.live import toggle
from bridge.jobs.runner import Context
from bridge.jobs.verbs import LIVE

DOES: dict[str, Callable[[Desk, Context, KeyPress], str]] = {
    "detect": onsets.detect,
    "more": onsets.more,
    "fewer": onsets.fewer,
    "generate": generating.generate,
    "place": generating.place,
    "variation": takes.variation,
    "little": takes.little,
    "lot": takes.lot,
    "again": takes.again,
    "exactly": takes.exactly,
    "keep": takes.keep,
    "level": drawing.draw_level,
    "live": toggle,
    LIVE: takes.live,
    "prompt": settings.set_prompt,
    "reference": settings.use_reference,
    "forget": settings.forget_reference,
    "controls": settings.set_controls,
    "recipe": settings.show_recipe,
}
