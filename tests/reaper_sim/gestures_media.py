"""What the designer does with media files: place one, set it offline."""

from __future__ import annotations

from typing import Any

from . import media
from .app import App
from .functions_tracks import insert_track
from .model import Item, Source, Take


def place_media(app: App, wanted: dict[str, Any]) -> Item:
    """An item with one take of a file, peaks built, as after dragging the file in; not yet an undo step."""
    source = media.open_source(wanted["path"], app.outside)
    app.peaks.add(source.path)
    if wanted["section"] is not None or wanted["reverse"]:
        source = _section(source, wanted["section"], bool(wanted["reverse"]))
    track = app.find(wanted["track"]) if wanted["track"] else insert_track(app.project, 1 << 20, "Video")
    item = Item(track)
    take = Take(item)
    take.set_source(source)
    take.texts["P_NAME"] = wanted["path"].replace("\\", "/").rsplit("/", 1)[-1]
    take.values.update(D_STARTOFFS=wanted["start_offset_s"], D_PLAYRATE=wanted["play_rate"])
    length = wanted["length_s"]
    if length is None:
        length = max(0.0, source.length_s - wanted["start_offset_s"]) / wanted["play_rate"]
    item.takes.append(take)
    item.values.update(D_POSITION=wanted["position_s"], D_LENGTH=length, B_LOOPSRC=int(wanted["loop"]))
    item.values.update(B_MUTE=int(wanted["muted"]), B_UISEL=int(wanted["selected"]))
    track.items.append(item)
    track.sort_items()
    return item


def _section(source: Source, section: list[float] | None, reverse: bool) -> Source:
    offset, length = section if section is not None else (0.0, source.file_length_s)
    wrapper = Source(type="SECTION", section_offset_s=offset, section_length_s=length, reverse=reverse, parent=source)
    source.owner = wrapper
    return wrapper


def set_media_online(app: App, item: Item, online: bool) -> None:
    """Sets the file behind the active take offline or online."""
    take = item.active_take
    if take is not None and take.source is not None:
        root = take.source.root
        root.offline = True
        if online:
            fresh = media.open_source(root.path, app.outside)
            root.offline, root.file_length_s = fresh.offline, fresh.file_length_s
        item.track.project.touch()
