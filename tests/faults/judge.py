"""The rule that every cell must keep, looked at by code.

A job ends FINISHED (one undo step, one new item, take or set of markers, sound whole and equal to the undisturbed one,
told as finished), LOST (everything as before, told with the way out) or UNSURE (told to look whether it is there; or
UNSAVED: it was there and told, and REAPER was killed before it was saved).
Never twice, never in silence, never with a broken or unfinished file, never told as what it is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bridge.errors import MediaError
from bridge.media import wav
from tests.faults.shop import LENGTH_S, Look, Shop

GOOD = re.compile(r"\d+ onsets? (sounded|found|made as|from)|was finished")
BAD = re.compile(r"was lost|nothing was changed|is unchanged|was not written|is full|cannot be|not enough memory")
UNSURE = re.compile(r"[Ll]ook whether")
BEFORE = re.compile(r"not saved|before it was saved|project is not open now")
CURE = re.compile(
    r"[Pp]ress (the key|Generate)|try again|Try again|Start it in a terminal|Get the pack again|[Ll]ook whether|"
    r"Save the project|Bring the media|[Mm]ake the project's media folder|Change the folder's permissions|Try provider|"
    r"Look at your projects|Make the folder|Check the disk"
)


@dataclass
class Verdict:
    """How a cell ended; no faults is good."""

    outcome: str
    faults: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def judge(
    shop: Shop,
    before: Look,
    sound: dict[str, Any],
    verb: str,
    *,
    unheard: bool = False,
    frozen: bool = False,
    kept: bool = False,
) -> Verdict:
    """The verdict on what became of one key press.

    Args:
        before: how things stood. sound: the undisturbed outcome of each verb (``outcome_of``).
        unheard: nobody was there who could have been told that the press came to nothing.
        kept: a whole sound may stay: the change may have gone out, or the daemon died when the file had its name.
        frozen: nothing could be removed from the folder.
    """
    now, said = shop.look(), list(dict.fromkeys(shop.listen()))
    faults = [fault for fault in _files(shop) if not (frozen and fault.startswith("an unfinished file"))]
    made = outcome_of(shop, before, now, verb)
    good = [one for one in said if GOOD.search(one) and not BEFORE.search(one)]
    bad = [one for one in said if BAD.search(one) and one not in good]
    asked = [one for one in said if UNSURE.search(one) or BEFORE.search(one)]
    if made is None:
        outcome = "LOST"
        early = [one for one in good if one in shop.before]
        if good and not early:
            faults.append(f"told as finished, and is not there: {good[0]}")
        if early:
            outcome = "UNSAVED"
        elif asked:
            outcome = "UNSURE"
        elif not said and not unheard:
            faults.append("silent: nothing was told")
        elif unheard and not said:
            outcome = "UNHEARD"
        if said and not early and not any(CURE.search(one) for one in said):
            faults.append(f"no way out is told: {said[-1]}")
        stray = sorted(name for name in set(now.files) - set(before.files) if name.endswith(".wav"))
        if outcome == "LOST" and stray and not kept:
            faults.append(f"a sound stayed that nobody holds: {stray[0]}")
        if now.project != before.project:
            faults.append("the project is not as it was: " + _difference(before.project, now.project))
    else:
        outcome = "FINISHED"
        if made != sound[verb]:
            faults.append(f"made {_short(made)} instead of {_short(sound[verb])}")
        if bad:
            faults.append(f"told as lost, and is there: {bad[0]}")
        if asked and not good:
            outcome = "UNSURE"
        elif not good:
            faults.append(f"silent: it is there, and nobody said so ({said})")
    extra = len(now.steps) - len(before.steps)
    if not shop.restarted and extra != (0 if made is None else 1):
        faults.append(f"{extra} undo steps: {now.steps}")
    return Verdict(outcome, faults, said)


def outcome_of(shop: Shop, before: Look, now: Look, verb: str) -> Any:
    """What a verb made, in a form that can be compared; None if the project is as it was."""
    if now.project == before.project:
        return None
    if verb == "detect":
        return [(round(one["position_s"], 6), one["name"]) for one in now.project["markers"]]
    old = {take["guid"] for take in _takes(before)}
    fresh = [take for take in _takes(now) if take["guid"] not in old]
    return [_sound(take) for take in fresh]


def _takes(look: Look) -> list[dict[str, Any]]:
    items = [item for track in look.project["tracks"] for item in track["items"] if "foley" in item["ext"]]
    return [take for item in items for take in item["takes"]]


def _sound(take: dict[str, Any]) -> tuple[int, int, float]:
    path = (take["source"] or {}).get("path", "")
    try:
        samples = wav.read(path).samples[0]
    except MediaError as error:
        return (0, 0, hash(error.sentence))
    return len(samples), int(np.abs(samples * 2**23).astype(np.int64).sum()), float(np.abs(samples).max())


def _files(shop: Shop) -> list[str]:
    faults = []
    for path in sorted(shop.foley.iterdir()) if shop.foley.is_dir() else []:
        if path.name.startswith(".foley-") or path.name.endswith(".part"):
            faults.append(f"an unfinished file stayed: {path.name}")
        elif path.suffix == ".wav":
            try:
                length = wav.read(path).samples.shape[1]
            except MediaError as error:
                faults.append(f"a broken file stayed: {error.sentence}")
            else:
                if length != round(LENGTH_S * 48000):
                    faults.append(f"{path.name} has {length} samples")
    if not shop.film_is_whole():
        faults.append("the source was changed")
    faults += [f"REAPER: {fault['message']}" for fault in shop.reaper.forgive_faults()]
    return faults


def _difference(before: Any, now: Any, where: str = "") -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in {**before, **now}:
            if before.get(name) != now.get(name):
                return _difference(before.get(name), now.get(name), f"{where}/{name}")
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            if one != other:
                return _difference(one, other, f"{where}/{number}")
    return f"{where}: {_short(before)} -> {_short(now)}"


def _short(value: Any) -> str:
    return str(value)[:160]
