"""Reading and writing of named parameters (``D_POSITION``, ``P_NAME``, ``P_EXT:x``), the same for tracks, items, takes.

Convention: a parameter that REAPER has but the simulator does not know is a loud failure, not a silent 0.
"""

from __future__ import annotations

from typing import Any

from .faults import Unsimulated
from .ft import Text


def get_value(thing: Any, name: str, computed: dict[str, Any]) -> float:
    """The number of a parameter; ``computed`` are those that follow from the place of the object."""
    if name in computed:
        return float(computed[name](thing))
    if name not in thing.values:
        raise Unsimulated(f"{type(thing).__name__} has no simulated parameter {name}")
    return float(thing.values[name])


def set_value(thing: Any, name: str, value: float, computed: dict[str, Any]) -> bool:
    """Sets a parameter; False for one that cannot be set."""
    if name in computed:
        return False
    if name not in thing.values:
        raise Unsimulated(f"{type(thing).__name__} has no simulated parameter {name}")
    thing.values[name] = value
    return True


def text_parameter(thing: Any, name: str, value: Text, is_set: bool, known: tuple[str, ...]) -> bool:
    """Gets or sets a text parameter. An empty ``P_EXT`` text is removed and then reads as absent (False)."""
    if name == "GUID":
        if is_set:
            thing.guid = value.value
        value.set(thing.guid)
        return True
    is_extension = name.startswith("P_EXT:")
    if not is_extension and name not in known:
        raise Unsimulated(f"{type(thing).__name__} has no simulated text {name}")
    if is_set:
        if value.value or not is_extension:
            thing.texts[name] = value.value
        else:
            thing.texts.pop(name, None)
        return True
    value.set(thing.texts.get(name, ""))
    return name in thing.texts or not is_extension
