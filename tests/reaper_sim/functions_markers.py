"""API: project markers and regions: the older functions (numbers, indices) and the pointer functions of 7.62.

Convention: the enumeration index counts markers and regions together in order of time; the displayed number is separate
for markers and regions, shared numbers are allowed for markers only; the GUID stays.
"""

from __future__ import annotations

import ctypes as ct
from typing import Any

from . import assumptions
from .app import App
from .faults import Unsimulated
from .ft import Cell, CStrings, Text, api
from .model import Marker, Project


def add_marker(
    project: Project, is_region: bool, start: float, end: float, name: str, wanted: int, color: int
) -> Marker:
    """A new marker or region; the existing one when the same marker is there already."""
    if is_region:
        start, end = min(start, end), max(start, end)
    for marker in project.markers_near(start, assumptions.SAME_POSITION_TOLERANCE_S):
        if marker.name == name and assumptions.SAME_MARKER_TWICE_IS_ONE and not is_region and not marker.is_region:
            return marker
    number = _number(project, is_region, wanted)
    marker = Marker(project, start, end if is_region else 0.0, is_region, name, number, color)
    project.insert_marker(marker)
    project.touch()
    return marker


def _number(project: Project, is_region: bool, wanted: int) -> int:
    taken, lowest = project.numbers_taken(is_region)
    number = wanted
    if wanted < 0 or wanted in taken:
        number = lowest if assumptions.LOWEST_FREE_NUMBER_IS_GIVEN else max(taken, default=0) + 1
    project.take_number(is_region, number)
    return number


def change_marker(marker: Marker, **fields: Any) -> None:
    """Sets fields of a marker and restores the order."""
    for name, value in fields.items():
        setattr(marker, name, value)
    if marker.is_region and marker.end_s < marker.position_s:
        marker.position_s, marker.end_s = marker.end_s, marker.position_s
    marker.project.sort_markers()
    marker.project.touch()


def _at(project: Project, index: int) -> Marker | None:
    return project.markers[index] if 0 <= index < len(project.markers) else None


def _numbered(project: Project, number: int, is_region: bool) -> Marker | None:
    return next((m for m in project.markers if m.number == number and m.is_region == is_region), None)


# -- older functions ---------------------------------------------------------------------------------------------------


@api("AddProjectMarker2")
def add_project_marker2(
    app: App, project: Project, is_region: bool, start: float, end: float, name: str, wanted: int, color: int
) -> int:
    return add_marker(project, is_region, start, end, name, wanted, color).number


@api("AddProjectMarker")
def add_project_marker(
    app: App, project: Project, is_region: bool, start: float, end: float, name: str, wanted: int
) -> int:
    return add_marker(project, is_region, start, end, name, wanted, 0).number


@api("CountProjectMarkers")
def count_project_markers(app: App, project: Project, markers: Cell, regions: Cell) -> int:
    regions.value = sum(marker.is_region for marker in project.markers)
    markers.value = len(project.markers) - regions.value
    return len(project.markers)


@api("EnumProjectMarkers3")
def enum_project_markers3(
    app: App,
    project: Project,
    index: int,
    region: Cell,
    start: Cell,
    end: Cell,
    name: CStrings,
    number: Cell,
    color: Cell,
) -> int:
    marker = _at(project, index)
    if marker is None:
        return 0
    region.value, start.value, end.value = marker.is_region, marker.position_s, marker.end_s
    number.value, color.value = marker.number, marker.color
    name.set(marker.name)
    return index + 1


@api("EnumProjectMarkers2")
def enum_project_markers2(
    app: App, project: Project, index: int, region: Cell, start: Cell, end: Cell, name: CStrings, number: Cell
) -> int:
    return enum_project_markers3(app, project, index, region, start, end, name, number, Cell(None, ct.c_int))


@api("EnumProjectMarkers")
def enum_project_markers(
    app: App, index: int, region: Cell, start: Cell, end: Cell, name: CStrings, number: Cell
) -> int:
    return enum_project_markers2(app, app.project, index, region, start, end, name, number)


@api("SetProjectMarker4")
def set_project_marker4(
    app: App, project: Project, number: int, region: bool, start: float, end: float, name: str, color: int, flags: int
) -> bool:
    marker = _numbered(project, number, region)
    if marker is None:
        return False
    _set(marker, start, end, name, color, flags)
    return True


def _set(marker: Marker, start: float, end: float, name: str, color: int, flags: int) -> None:
    text = "" if flags & 1 else name or marker.name
    ends = end if marker.is_region else 0.0
    change_marker(marker, position_s=start, end_s=ends, name=text, color=color or marker.color)


@api("SetProjectMarker3")
def set_project_marker3(
    app: App, project: Project, number: int, region: bool, start: float, end: float, name: str, color: int
) -> bool:
    return set_project_marker4(app, project, number, region, start, end, name, color, 0)


@api("SetProjectMarker2")
def set_project_marker2(
    app: App, project: Project, number: int, region: bool, start: float, end: float, name: str
) -> bool:
    return set_project_marker4(app, project, number, region, start, end, name, 0, 0)


@api("SetProjectMarker")
def set_project_marker(app: App, number: int, region: bool, start: float, end: float, name: str) -> bool:
    return set_project_marker4(app, app.project, number, region, start, end, name, 0, 0)


@api("SetProjectMarkerByIndex2")
def set_project_marker_by_index2(
    app: App,
    project: Project,
    index: int,
    region: bool,
    start: float,
    end: float,
    number: int,
    name: str,
    color: int,
    flags: int,
) -> bool:
    if flags & 2:
        raise Unsimulated("SetProjectMarkerByIndex2 with flag 2 (postponed sorting) is not simulated")
    marker = _at(project, index)
    if marker is None or marker.is_region != region:
        return False
    marker.number = number
    _set(marker, start, end, name, color, flags)
    return True


@api("SetProjectMarkerByIndex")
def set_project_marker_by_index(
    app: App, project: Project, index: int, region: bool, start: float, end: float, number: int, name: str, color: int
) -> bool:
    return set_project_marker_by_index2(app, project, index, region, start, end, number, name, color, 0)


def remove_marker(marker: Marker | None) -> bool:
    """Takes a marker out of its project."""
    if marker is None:
        return False
    del marker.project.markers[marker.project.index_of(marker)]
    marker.project.touch()
    return True


@api("DeleteProjectMarker")
def delete_project_marker(app: App, project: Project, number: int, is_region: bool) -> bool:
    return remove_marker(_numbered(project, number, is_region))


@api("DeleteProjectMarkerByIndex")
def delete_project_marker_by_index(app: App, project: Project, index: int) -> bool:
    return remove_marker(_at(project, index))


@api("GetLastMarkerAndCurRegion")
def get_last_marker_and_cur_region(app: App, project: Project, time_s: float, marker_index: Cell, region: Cell) -> None:
    marker_index.value = region.value = -1
    for index, marker in enumerate(project.markers):
        if marker.is_region and marker.position_s <= time_s < marker.end_s:
            region.value = index
        elif not marker.is_region and marker.position_s <= time_s:
            marker_index.value = index


# -- pointer functions (REAPER 7.62 and later) -------------------------------------------------------------------------


@api("GetNumRegionsOrMarkers")
def get_num_regions_or_markers(app: App, project: Project) -> int:
    return len(project.markers)


@api("GetRegionOrMarker")
def get_region_or_marker(app: App, project: Project, index: int, guid: str) -> Marker | None:
    if index >= 0:
        return _at(project, index)
    return next((marker for marker in project.markers if marker.guid == guid), None)


@api("AddRegionOrMarker")
def add_region_or_marker(
    app: App, project: Project, is_region: bool, start: float, end: float, name: str, wanted: int, color: int
) -> Marker:
    return add_marker(project, is_region, start, end, name, wanted, color)


_FIELDS = {"D_STARTPOS": "position_s", "D_ENDPOS": "end_s", "I_NUMBER": "number", "I_CUSTOMCOLOR": "color"}


@api("GetRegionOrMarkerInfo_Value")
def get_region_or_marker_info_value(app: App, project: Project, marker: Marker, name: str) -> float:
    computed = {
        "I_INDEX": lambda: project.markers.index(marker),
        "B_ISREGION": lambda: marker.is_region,
        "I_DISPLAYEDCOLOR": lambda: marker.color or 0x1808080,
        "B_VISIBLE": lambda: not marker.values["B_HIDDEN"],
    }
    if name in _FIELDS:
        return float(getattr(marker, _FIELDS[name]))
    if name in computed:
        return float(computed[name]())
    if name in marker.values:
        return float(marker.values[name])
    raise Unsimulated(f"GetRegionOrMarkerInfo_Value {name} is not simulated")


@api("SetRegionOrMarkerInfo_Value")
def set_region_or_marker_info_value(app: App, project: Project, marker: Marker, name: str, value: float) -> float:
    if name in _FIELDS:
        whole = name.startswith("I_")
        change_marker(marker, **{_FIELDS[name]: int(value) if whole else value})
    elif name in marker.values:
        marker.values[name] = value
        project.touch()
    else:
        raise Unsimulated(f"SetRegionOrMarkerInfo_Value {name} is not simulated")
    return value


@api("GetSetRegionOrMarkerInfo_String")
def get_set_region_or_marker_info_string(
    app: App, project: Project, marker: Marker, name: str, value: Text, is_set: bool
) -> bool:
    if name == "GUID" and not is_set:
        value.set(marker.guid)
    elif name == "P_NAME" and is_set:
        change_marker(marker, name=value.value)
    elif name == "P_NAME":
        value.set(marker.name)
    elif name == "GUID":
        return False
    else:
        raise Unsimulated(f"GetSetRegionOrMarkerInfo_String {name} is not simulated")
    return True
