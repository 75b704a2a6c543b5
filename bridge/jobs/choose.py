"""Which item a key press means, and every reason why it cannot be done; nothing is changed here."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from bridge.domain.clip import Clip, Section
from bridge.domain.render import Recipe
from bridge.errors import MediaError, RequestError
from bridge.host.base import SAME_S, FoleyItemView, FoleyTrackView, ItemView, ProjectView
from bridge.jobs import reach
from bridge.media.files import probe_writable


def video_item(view: ProjectView) -> ItemView:
    """The one video item that a key press means.

    Raises:
        RequestError: none, or several and no selection or track says which.
        MediaError: its file is offline or missing.
    """
    if len(view.items) == 0 and view.muted:
        names = " and ".join(f"'{name}'" for name in view.muted[:3])
        raise RequestError(
            f"Under the edit cursor at {view.cursor_s:.3f} s lies only muted video: {names}",
            hint="Unmute it, or select the item, and press the key again",
        )
    if len(view.items) == 0:
        raise RequestError(
            f"No video item lies under the edit cursor at {view.cursor_s:.3f} s",
            hint="Put the edit cursor over a video item and press the key again",
        )
    if view.chosen == "topmost" and len(view.items) > 1:
        names = " and ".join(f"'{item.name}' (track {item.track_index + 1})" for item in view.items[:3])
        raise RequestError(
            f"{len(view.items)} video items lie under the edit cursor at {view.cursor_s:.3f} s: {names}",
            hint="Select the one you mean, or mute the other, and press the key again",
        )
    return online(view.items[0])


def online(item: ItemView) -> ItemView:
    """The item, if its file is there.

    Raises:
        MediaError: it is offline or missing.
    """
    if item.offline or not item.source_path or not os.path.isfile(item.source_path):
        raise MediaError(
            f"The file of '{item.name}' is offline or missing: {item.source_path or 'no file'}",
            hint="Bring the media online or relink the item, and press the key again",
        )
    return item


def clip_of(item: ItemView) -> Clip:
    """The item's time map.

    Raises:
        RequestError: stretch markers, or numbers that make no clip.
    """
    section = None
    if item.section_length_s is not None or item.reverse or item.section_offset_s:
        length_s = item.section_length_s
        if length_s is None:
            length_s = item.source_length_s - item.section_offset_s
        section = Section(offset_s=item.section_offset_s, length_s=length_s, reverse=item.reverse)
    return Clip(
        name=item.name,
        source_path=item.source_path,
        source_length_s=item.source_length_s,
        position_s=item.position_s,
        length_s=item.length_s,
        start_offset_s=item.start_offset_s,
        play_rate=item.play_rate,
        loop=item.loop,
        section=section,
        stretch_markers=item.stretch_markers,
    )


def within(view: ProjectView, clip: Clip) -> tuple[float, float] | None:
    """The part of the item (clip time) that the time selection leaves to work on; None for all of it.

    Raises:
        RequestError: there is a time selection, and the item lies outside it.
    """
    start_s, end_s = view.selection_start_s, view.selection_end_s
    if end_s - start_s <= SAME_S:
        return None
    left, right = max(0.0, start_s - clip.position_s), min(clip.length_s, end_s - clip.position_s)
    if right - left <= SAME_S:
        raise RequestError(
            f"The time selection from {start_s:.3f} to {end_s:.3f} s does not touch {clip.title}, of which "
            f"{clip.position_s:.3f} to {clip.end_s:.3f} s is meant",
            hint="Move it over the item, or remove it, and press the key again",
        )
    return None if left <= SAME_S and right >= clip.length_s - SAME_S else (left, right)


def foley_items(view: ProjectView) -> tuple[tuple[FoleyItemView, Recipe], ...]:
    """The bridge's own items that a key press means, each with the recipe of its active take, from the top.

    Selected ones win; else the layers that were made last for the video item under the cursor; else what lies under the
    cursor itself.

    Raises:
        RequestError: there is none, several sets are selected, or a recipe cannot be read.
    """
    selected = [item for item in view.foley_items if item.selected]
    if len({(item.video_item_guid, item.set_id or item.guid) for item in selected}) > 1:
        raise RequestError(
            f"{len(selected)} foley items are selected", hint="Select the one you mean and press the key again"
        )
    found = selected
    if not found and view.items:
        video = video_item(view)
        made = [item for item in view.foley_items if item.video_item_guid == video.guid]
        found = _set_of(sorted(made, key=partial(_rank, view, video))[:1], made)
    if not found:
        under = [i for i in view.foley_items if i.position_s <= view.cursor_s < i.position_s + i.length_s]
        found = _set_of(under[:1], under)
    if not found:
        name = f" for '{view.items[0].name}'" if view.items else ""
        raise RequestError(
            f"There is no foley{name} under the edit cursor at {view.cursor_s:.3f} s yet", hint="Press Generate first"
        )
    return tuple((item, _recipe(item)) for item in found)


def _recipe(item: FoleyItemView) -> Recipe:
    """The recipe of an item's active take; raises RequestError that names the item."""
    try:
        return Recipe.from_json(item.recipe)
    except RequestError as error:
        name = Path(item.audio_path).name or f"the foley at {item.position_s:.3f} s"
        raise RequestError(f"'{name}': {error.message}", hint=error.hint) from error


def _rank(view: ProjectView, video: ItemView, item: FoleyItemView) -> tuple[bool, ...]:
    """Which of a video's foley is meant, best first: what a time selection meets, else what the cursor is over."""
    start_s, end_s = view.selection_start_s, view.selection_end_s
    elsewhere = not _meet(item, video.position_s, video.position_s + video.length_s)
    if end_s - start_s > SAME_S:
        return (not _meet(item, start_s, end_s), elsewhere)
    return (
        elsewhere,
        not item.position_s <= view.cursor_s < item.position_s + item.length_s,
        abs(item.position_s - video.position_s) > SAME_S,
    )


def _meet(item: FoleyItemView, start_s: float, end_s: float) -> bool:
    return item.position_s < end_s - SAME_S and start_s + SAME_S < item.position_s + item.length_s


def parts_of_layer(view: ProjectView, layer: FoleyItemView, frame: Clip) -> tuple[FoleyItemView, ...]:
    """The items that a layer was split into and that lie where its sound does; of selected ones those alone.

    Raises:
        RequestError: the item lies elsewhere, pasted away from its picture.
    """
    if not _meet(layer, frame.position_s, frame.end_s):
        raise RequestError(
            f"The foley at {layer.position_s:.3f} s belongs to {frame.title} at {frame.position_s:.3f} s",
            hint="Move it back below its picture, or press Generate here",
        )
    key = (layer.video_item_guid, layer.track_guid, layer.layer, layer.set_id)
    same = [i for i in view.foley_items if (i.video_item_guid, i.track_guid, i.layer, i.set_id) == key]
    inside = [i for i in same if _meet(i, frame.position_s, frame.end_s) and i.selected == layer.selected]
    if not layer.set_id:
        inside = [i for i in inside if i.recipe == layer.recipe]
    return (layer, *(item for item in inside if item.guid != layer.guid))


def _set_of(first: list[FoleyItemView], items: list[FoleyItemView]) -> list[FoleyItemView]:
    """The layers that were made together with an item and lie where it lies, itself first of its words."""
    if not first or not first[0].set_id:
        return first
    one = first[0]
    found: dict[str | None, FoleyItemView] = {one.layer: one}
    for item in items:
        together = item.set_id == one.set_id and item.video_item_guid == one.video_item_guid
        if together and abs(item.position_s - one.position_s) <= SAME_S:
            found.setdefault(item.layer, item)
    return [item for item in items if item in found.values()]


def track_of(view: ProjectView, guid: str) -> FoleyTrackView | None:
    """The bridge's track of a GUID."""
    return next((track for track in view.foley_tracks if track.guid == guid), None)


def audio_folder(view: ProjectView, name: str) -> Path:
    """Where a project's foley goes: ``Foley`` in its media folder.

    Args:
        name: of the item or sound that it is for.

    Raises:
        RequestError: the project was never saved. MediaError: nothing can be written there, or it leads elsewhere.
    """
    if not view.path:
        raise RequestError(
            f"The project of '{name}' has never been saved, so the sound has no folder to live in",
            hint="Save the project (Ctrl+S) and press the key again",
        )
    folder = reach.foley_folder(view, name)
    try:
        probe_writable(folder)
    except OSError as error:
        raise MediaError(
            f"The sound for '{name}' cannot be written to {error.filename}: {error.strerror}",
            hint="Make the project's media folder writable and press the key again",
        ) from error
    return folder
