"""Every target by its name."""

from __future__ import annotations

from tests.fuzz import config, notes, packs, rpp
from tests.fuzz.target import Target

ALL: dict[str, Target] = {target.name: target for group in (packs, config, rpp, notes) for target in group.TARGETS}
