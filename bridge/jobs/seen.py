"""What was seen in the picture of each item, kept in the project: so the threshold can move without looking again.

Convention: peaks lie at places in what the take plays (start offset plus item time times play rate), rounded to a
microsecond, so that they stay right when the item is moved or its edges are trimmed. ``written`` are those that became
markers: one of them without a marker was deleted by the designer and does not come back by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bridge.domain import stored
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.errors import RequestError
from bridge.host.base import SAME_S

LEAST = 0.02
"""Peaks below this are nothing."""
MOST_ITEMS = 64
MOST_PEAKS = 6000


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen in one item.

    Attributes:
        threshold: activation from which a peak is a marker. peaks: place -> (activation, strength).
        written: places of the peaks that became markers.
    """

    threshold: float
    peaks: Mapping[float, tuple[float, float]] = field(default_factory=dict)
    written: frozenset[float] = frozenset()

    def onsets(self, clip: Clip, start_s: float, end_s: float) -> dict[str, Onset]:
        """Origin -> peak as an onset in clip time, of those that the clip shows in [start, end), ascending."""
        found: dict[str, Onset] = {}
        for place, (activation, strength) in self.peaks.items():
            for number, project_s in enumerate(clip.shown_at(place)):
                time_s = max(0.0, float(project_s) - clip.position_s)
                if start_s - SAME_S <= time_s < end_s - SAME_S:
                    found[origin(place, number)] = Onset(time_s=time_s, confidence=activation, strength=strength)
        return dict(sorted(found.items(), key=lambda entry: entry[1].time_s))

    def renewed(self, clip: Clip, peaks: Iterable[Onset], start_s: float, end_s: float, threshold: float) -> Seen:
        """With other peaks (clip time) between two clip times."""
        again = self.onsets(clip, start_s, end_s)
        gone = {place_of(name) for name in again}
        kept = {place: peak for place, peak in self.peaks.items() if place not in gone}
        for onset in peaks:
            place = round(clip.played_time(clip.position_s + onset.time_s), 6)
            if onset.confidence >= LEAST:
                kept[place] = (round(onset.confidence, 4), round(onset.strength, 3))
        if len(kept) > MOST_PEAKS:
            surest = sorted(kept, key=lambda place: -kept[place][0])[:MOST_PEAKS]
            kept = {place: kept[place] for place in surest}
        return replace(self, threshold=threshold, peaks=kept, written=self.written - gone)


def origin(place: float, number: int) -> str:
    """The word that a marker remembers of the peak that it was made for; ``number`` counts a loop's rounds."""
    return f"{place:.6f}" if number == 0 else f"{place:.6f}/{number}"


def place_of(name: str) -> float:
    """The place of the peak that an origin names; nan if it names none."""
    try:
        return float(name.partition("/")[0])
    except ValueError:
        return float("nan")


def load(text: str) -> dict[str, Seen]:
    """{GUID of a video item: what was seen in it}, as the project remembers it; empty if it remembers nothing."""

    def number(value: object) -> float:
        if not stored.fitting(float, value):
            raise ValueError("no number")
        return float(value)  # pyright: ignore[reportArgumentType]

    try:
        table = stored.loads(text) if text else {}
        return {
            guid: Seen(
                threshold=number(entry["threshold"]),
                peaks={number(place): (number(a), number(s)) for place, a, s in entry["peaks"]},
                written=frozenset(map(number, entry["written"])),
            )
            for guid, entry in table.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RequestError(
            "What the project remembers of its pictures cannot be read", hint="Press Find onsets again"
        ) from error


def with_one(known: Mapping[str, Seen], guid: str, one: Seen) -> dict[str, Seen]:
    """What the project knows, with what was seen in one item in place of what was known of it, as the newest."""
    return {**{other: seen for other, seen in known.items() if other != guid}, guid: one}


def store(seen: Mapping[str, Seen]) -> str:
    """One line of JSON; the items that came first go if there are too many."""
    newest = dict(list(seen.items())[-MOST_ITEMS:])
    return json.dumps(
        {
            guid: {
                "threshold": one.threshold,
                "peaks": [[place, *one.peaks[place]] for place in sorted(one.peaks)],
                "written": sorted(one.written),
            }
            for guid, one in newest.items()
        },
        separators=(",", ":"),
    )
