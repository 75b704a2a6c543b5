"""API: media items."""

from __future__ import annotations

from typing import Any

from .app import App
from .ft import Text, api
from .model import Item, Project, Take, Track, new_guid
from .parameters import get_value, set_value, text_parameter

COMPUTED: dict[str, Any] = {
    "IP_ITEMNUMBER": lambda item: item.track.items.index(item),
    "B_MUTE_ACTUAL": lambda item: bool(item.values["B_MUTE"]) or bool(item.track.values["B_MUTE"]),
}


def all_items(project: Project) -> list[Item]:
    """The items by track, then by position."""
    return [item for track in project.tracks for item in track.items]


def _at(things: list[Any], index: int) -> Any:
    return things[index] if 0 <= index < len(things) else None


@api("CountMediaItems")
def count_media_items(app: App, project: Project) -> int:
    return len(all_items(project))


@api("GetMediaItem")
def get_media_item(app: App, project: Project, index: int) -> Item | None:
    return _at(all_items(project), index)


@api("CountTrackMediaItems", "GetTrackNumMediaItems")
def count_track_media_items(app: App, track: Track) -> int:
    return len(track.items)


@api("GetTrackMediaItem")
def get_track_media_item(app: App, track: Track, index: int) -> Item | None:
    return _at(track.items, index)


@api("AddMediaItemToTrack")
def add_media_item_to_track(app: App, track: Track) -> Item:
    item = Item(track)
    track.items.append(item)
    track.sort_items()
    track.project.touch()
    return item


@api("DeleteTrackMediaItem")
def delete_track_media_item(app: App, track: Track, item: Item) -> bool:
    if item not in track.items:
        return False
    track.items.remove(item)
    track.project.touch()
    return True


@api("MoveMediaItemToTrack")
def move_media_item_to_track(app: App, item: Item, track: Track) -> bool:
    if item.track is track:
        return False
    item.track.items.remove(item)
    item.track = track
    track.items.append(item)
    track.sort_items()
    track.project.touch()
    return True


def copy_item(item: Item) -> Item:
    """A copy with new GUIDs and sources of its own, on the same track; not yet in its place."""
    twin = Item.from_state(item.to_state(), item.track)
    twin.guid = new_guid()
    for take in twin.takes:
        if take is not None:
            take.guid = new_guid()
    item.track.items.append(twin)
    return twin


@api("SplitMediaItem")
def split_media_item(app: App, item: Item, position: float) -> Item | None:
    start, length = item.values["D_POSITION"], item.values["D_LENGTH"]
    if not start < position < start + length:
        return None
    right = copy_item(item)
    item.values["D_LENGTH"] = position - start
    right.values.update(D_POSITION=position, D_LENGTH=start + length - position)
    for take in right.takes:
        if take is not None:
            take.values["D_STARTOFFS"] += (position - start) * take.values["D_PLAYRATE"]
    item.track.sort_items()
    item.track.project.touch()
    return right


@api("GetMediaItemInfo_Value")
def get_media_item_info_value(app: App, item: Item, name: str) -> float:
    return get_value(item, name, COMPUTED)


@api("SetMediaItemInfo_Value")
def set_media_item_info_value(app: App, item: Item, name: str, value: float) -> bool:
    done = set_value(item, name, value, COMPUTED)
    item.track.sort_items()
    item.track.project.touch()
    return done


@api("SetMediaItemPosition")
def set_media_item_position(app: App, item: Item, position: float, refresh: bool) -> bool:
    return set_media_item_info_value(app, item, "D_POSITION", position)


@api("SetMediaItemLength")
def set_media_item_length(app: App, item: Item, length: float, refresh: bool) -> bool:
    return set_media_item_info_value(app, item, "D_LENGTH", length)


@api("GetSetMediaItemInfo_String")
def get_set_media_item_info_string(app: App, item: Item, name: str, value: Text, is_set: bool) -> bool:
    if is_set:
        item.track.project.touch()
    return text_parameter(item, name, value, is_set, ("P_NOTES",))


@api("GetMediaItem_Track", "GetMediaItemTrack")
def get_media_item_track(app: App, item: Item) -> Track:
    return item.track


@api("GetItemProjectContext")
def get_item_project_context(app: App, item: Item) -> Project:
    return item.track.project


@api("MarkTrackItemsDirty")
def mark_track_items_dirty(app: App, track: Track, item: Item) -> None:
    track.project.touch()


# -- selection ---------------------------------------------------------------------------------------------------------


def _selected(project: Project) -> list[Item]:
    return [item for item in all_items(project) if item.values["B_UISEL"]]


@api("CountSelectedMediaItems")
def count_selected_media_items(app: App, project: Project) -> int:
    return len(_selected(project))


@api("GetSelectedMediaItem")
def get_selected_media_item(app: App, project: Project, index: int) -> Item | None:
    return _at(_selected(project), index)


@api("IsMediaItemSelected")
def is_media_item_selected(app: App, item: Item) -> bool:
    return bool(item.values["B_UISEL"])


@api("SetMediaItemSelected")
def set_media_item_selected(app: App, item: Item, selected: bool) -> None:
    item.values["B_UISEL"] = int(selected)
    item.track.project.touch()


@api("SelectAllMediaItems")
def select_all_media_items(app: App, project: Project, selected: bool) -> None:
    for item in all_items(project):
        item.values["B_UISEL"] = int(selected)
    project.touch()


# -- takes of an item --------------------------------------------------------------------------------------------------


@api("CountTakes", "GetMediaItemNumTakes")
def count_takes(app: App, item: Item) -> int:
    return len(item.takes)


@api("GetTake", "GetMediaItemTake")
def get_take(app: App, item: Item, index: int) -> Take | None:
    return item.active_take if index == -1 else _at(item.takes, index)


@api("GetActiveTake")
def get_active_take(app: App, item: Item) -> Take | None:
    return item.active_take


@api("AddTakeToMediaItem")
def add_take_to_media_item(app: App, item: Item) -> Take:
    take = Take(item)
    item.takes.append(take)
    item.track.project.touch()
    return take
