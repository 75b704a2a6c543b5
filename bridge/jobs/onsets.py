"""The verbs about *when*: find onsets, more of them, fewer of them."""

from __future__ import annotations

import logging
from dataclasses import replace

from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.wording import counted
from bridge.errors import RequestError
from bridge.host.base import SAME_S, Change, ItemView, MarkerView, ProjectView
from bridge.jobs import choose, label, score, seen
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.runner import Context
from bridge.jobs.seen import Seen

log = logging.getLogger(__name__)

STEP = 0.15
"""*More* and *Fewer onsets* move the threshold past this share of the onsets, at least past one."""

BESIDE_S = 0.1
"""An onset this close to a marker that the designer wrote gets no marker of its own."""

Span = tuple[float, float]


def detect(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Find onsets*: markers at the onsets of the item's visible part.

    Only plain ones of the bridge's own are replaced: what a designer typed, or gave words, stays.
    """
    view = desk.read(key)
    item = choose.video_item(view)
    clip = choose.clip_of(item)
    span = choose.within(view, clip)
    in_take = desk.wishes.take_markers
    desk.engine().check_clip(clip)
    known = _known_or_anew(view)
    one = look(desk, context, clip, span, known.get(item.guid), 0.0, 1.0)
    found = above(one, clip, span)
    if not found:
        sentence = f"No onsets were found in '{item.name}'{_where(span, clip)}; the markers are unchanged."
        if not one.onsets(clip, *(span or (0.0, clip.length_s))):
            return sentence
        kept = remembered(known, item, one, {})
        desk.host.write(Change(token=view.token, undo_title="Foley: find onsets", expect_item=item, score=kept))
        return f"{sentence} Press More onsets for the surest of what was seen."
    there = score.markers_in(clip, score.markers_of(view, item, clip, in_take=in_take), span)
    old = [marker for marker in there if score.is_plain(marker)]
    typed = [marker.position_s - clip.position_s for marker in there if not score.is_plain(marker)]
    found = {name: onset for name, onset in found.items() if not _stands(onset, typed)}
    add = [score.new_marker(clip, onset, name) for name, onset in found.items()]
    desk.host.write(
        Change(
            token=view.token,
            undo_title="Foley: find onsets",
            expect_item=item,
            score=remembered(known, item, one, found),
            **score.edit(item, clip, old, add, in_take=in_take),
        )
    )
    replaced = f", replacing {len(old)}" if old else ""
    kept = f"; {counted(len(typed), 'marker')} with words of your own kept" if typed else ""
    return f"{counted(len(found), 'onset')} found in '{item.name}'{_where(span, clip)}{replaced}{kept}."


def _stands(onset: Onset, typed: list[float]) -> bool:
    """Whether a marker with words of the designer's stands where an onset was found."""
    return any(abs(onset.time_s - time_s) <= BESIDE_S for time_s in typed)


def more(desk: Desk, context: Context, key: KeyPress) -> str:
    """*More onsets*: a lower threshold for what was seen; markers follow, those that were edited stay."""
    return _moved(desk, key, more=True)


def fewer(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Fewer onsets*: a higher threshold for what was seen; markers follow, those that were edited stay."""
    return _moved(desk, key, more=False)


def look(
    desk: Desk, context: Context, clip: Clip, span: Span | None, before: Seen | None, start: float, end: float
) -> Seen:
    """What is seen in an item, or anew in a part of it; takes the job's progress from ``start`` to ``end``."""
    left, right = span or (0.0, clip.length_s)
    part = clip if span is None else clip.sub(clip.position_s + left, clip.position_s + right)
    detection = desk.engine().detect(
        part,
        progress=context.part(start, end, f"Finding onsets in '{clip.name}'"),
        cancelled=context.cancelled,
        threshold=desk.threshold,
    )
    peaks = [replace(peak, time_s=peak.time_s + left) for peak in detection.peaks]
    empty = Seen(threshold=detection.threshold)
    return (before or empty).renewed(clip, peaks, left, right, detection.threshold)


def above(one: Seen, clip: Clip, span: Span | None) -> dict[str, Onset]:
    """Origin -> onset of the peaks from the threshold up, with the level that their markers' names keep."""
    start_s, end_s = span or (0.0, clip.length_s)
    found = one.onsets(clip, start_s, end_s).items()
    return {
        name: replace(onset, strength=label.rounded(onset.strength))
        for name, onset in found
        if onset.confidence >= one.threshold
    }


def remembered(known: dict[str, Seen], item: ItemView, one: Seen, written: dict[str, Onset]) -> str:
    """What the project shall remember once these onsets are markers."""
    places = frozenset(seen.place_of(name) for name in written)
    return seen.store(seen.with_one(known, item.guid, replace(one, written=one.written | places)))


def _known_or_anew(view: ProjectView) -> dict[str, Seen]:
    """What the project remembers; nothing if that is damaged: it is looked at anew."""
    try:
        return seen.load(view.score)
    except RequestError as error:
        log.warning("%s", error.sentence)
        return {}


def _moved(desk: Desk, key: KeyPress, *, more: bool) -> str:
    view = desk.read(key)
    item = choose.video_item(view)
    clip = choose.clip_of(item)
    span = choose.within(view, clip)
    known = seen.load(view.score)
    if item.guid not in known:
        raise RequestError(
            f"Nobody has looked at the picture of '{item.name}' yet", hint="Press Find onsets, then More or Fewer"
        )
    before = known[item.guid]
    start_s, end_s = span or (0.0, clip.length_s)
    peaks = before.onsets(clip, start_s, end_s)
    threshold = _next_threshold([peak.confidence for peak in peaks.values()], before.threshold, more=more)
    if threshold is None:
        what = "every peak that was seen is an onset" if more else "no onset that is left is less sure than another"
        return f"'{item.name}'{_where(span, clip)}: {what}; the markers are unchanged."
    one = replace(before, threshold=threshold)
    wanted = above(one, clip, span)
    marks = score.markers_in(clip, score.markers_of(view, item, clip, in_take=desk.wishes.take_markers), span)
    delete, add, written = _follow(clip, marks, peaks, wanted, one)
    desk.host.write(
        Change(
            token=view.token,
            undo_title="Foley: more onsets" if more else "Foley: fewer onsets",
            expect_item=item,
            score=seen.store(seen.with_one(known, item.guid, replace(one, written=written))),
            **score.edit(
                item,
                clip,
                delete,
                [score.new_marker(clip, wanted[name], name) for name in add],
                in_take=desk.wishes.take_markers,
            ),
        )
    )
    number = len(marks) - len(delete) + len(add)
    change = f"{len(add)} more" if more else f"{len(delete)} fewer"
    return f"{counted(number, 'onset')} in '{item.name}'{_where(span, clip)}, {change} (threshold {threshold:.2f})."


def _next_threshold(heights: list[float], threshold: float, *, more: bool) -> float | None:
    """The threshold that lets some more, or some fewer, of the heights through; None if none does."""
    heights = sorted(heights, reverse=True)
    now = sum(height >= threshold for height in heights)
    step = max(1, round(STEP * now))
    if more:
        following = heights[now : now + step]
        return following[-1] if following else None
    higher = sorted({height for height in heights[:now] if height > heights[now - 1]}) if now else []
    few_enough = (height for height in higher if sum(other >= height for other in heights) <= now - step)
    return next(few_enough, higher[-1] if higher else None)


def _follow(
    clip: Clip, marks: tuple[MarkerView, ...], peaks: dict[str, Onset], wanted: dict[str, Onset], one: Seen
) -> tuple[list[MarkerView], list[str], frozenset[float]]:
    """(markers to delete, origins to add, places that are written then) so that untouched markers follow."""
    owner = {}
    for marker in marks:
        name = _origin_at(marker, peaks, clip) or marker.origin
        if name:
            owner[name] = marker
    delete = [
        marker
        for name, marker in owner.items()
        if name in peaks and name not in wanted and _untouched(marker, peaks[name], clip)
    ]
    gone = {seen.place_of(name) for name, marker in owner.items() if marker in delete}
    kept = {seen.place_of(name) for name, marker in owner.items() if marker not in delete}
    add = [name for name in wanted if name not in owner and seen.place_of(name) not in one.written]
    return delete, add, (one.written - (gone - kept)) | {seen.place_of(name) for name in add}


def _untouched(marker: MarkerView, peak: Onset, clip: Clip) -> bool:
    """Whether a marker still stands where the bridge put it, under the name that it gave."""
    moved = abs(marker.position_s - clip.position_s - peak.time_s) > 2 * SAME_S
    return marker.ours and not moved and marker.name == label.name_of(peak.strength)


def _origin_at(marker: MarkerView, peaks: dict[str, Onset], clip: Clip) -> str:
    """The origin of the peak at whose very place a marker stands; "" if there is none."""
    time_s = marker.position_s - clip.position_s
    return next((name for name, peak in peaks.items() if abs(peak.time_s - time_s) <= 2 * SAME_S), "")


def _where(span: Span | None, clip: Clip) -> str:
    if span is None:
        return ""
    return f" from {clip.position_s + span[0]:.3f} to {clip.position_s + span[1]:.3f} s"
