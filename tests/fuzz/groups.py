"""Every target by its name."""

from __future__ import annotations

from tests.fuzz import config, endpoints, frames, journal, notes, osc, packs, rpp, sound
from tests.fuzz.target import Target

GROUPS = (packs, config, rpp, notes, sound, endpoints, frames, osc, journal)
ALL: dict[str, Target] = {target.name: target for group in GROUPS for target in group.TARGETS}
