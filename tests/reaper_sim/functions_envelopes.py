"""API: track envelopes and their points.

Convention: values are as scripts see them, through the envelope's scaling mode. Automation items are not simulated:
their index has to be -1 (the envelope itself), as in a project without any.
"""

from __future__ import annotations

from dataclasses import replace

from . import assumptions, envelopes
from .app import App
from .envelopes import ATTRIBUTES, Envelope, Point
from .faults import Unsimulated
from .ft import Cell, Text, api
from .model import Project, Track


def _changed(envelope: Envelope) -> None:
    envelope.track.project.touch()


# -- finding -----------------------------------------------------------------------------------------------------------


@api("CountTrackEnvelopes")
def count_track_envelopes(app: App, track: Track) -> int:
    return len(track.envelopes)


@api("GetTrackEnvelope")
def get_track_envelope(app: App, track: Track, index: int) -> Envelope | None:
    return track.envelopes[index] if 0 <= index < len(track.envelopes) else None


@api("GetTrackEnvelopeByName")
def get_track_envelope_by_name(app: App, track: Track, name: str) -> Envelope | None:
    return next((one for one in track.envelopes if app.envelope_name(one) == name), None)


@api("GetTrackEnvelopeByChunkName")
def get_track_envelope_by_chunk_name(app: App, track: Track, name: str) -> Envelope | None:
    return envelopes.find(track, name.removeprefix("<"))


@api("GetEnvelopeName")
def get_envelope_name(app: App, envelope: Envelope, name: Text, size: int) -> bool:
    name.set(app.envelope_name(envelope))
    return True


@api("Envelope_GetParentTrack")
def envelope_get_parent_track(app: App, envelope: Envelope, effect: Cell, parameter: Cell) -> Track:
    effect.value = parameter.value = -1
    return envelope.track


@api("GetSelectedEnvelope", "GetSelectedTrackEnvelope")
def get_selected_envelope(app: App, project: Project) -> None:
    return None


@api("CountAutomationItems")
def count_automation_items(app: App, envelope: Envelope) -> int:
    return 0


# -- switches and scaling ----------------------------------------------------------------------------------------------


@api("GetSetEnvelopeInfo_String")
def get_set_envelope_info_string(app: App, envelope: Envelope, name: str, value: Text, is_set: bool) -> bool:
    if name == "GUID":
        value.set(envelope.guid)
        return not is_set
    if name.startswith("P_EXT:"):
        if not is_set:
            value.set(envelope.texts.get(name, ""))
            return name in envelope.texts
        envelope.texts.pop(name, None)
        if value.value:
            envelope.texts[name] = value.value
    elif name in ATTRIBUTES:
        if not is_set:
            value.set(str(int(envelope.attribute(name))))
            return True
        envelope.set_attribute(name, value.value == "1")
    else:
        raise Unsimulated(f"GetSetEnvelopeInfo_String {name} is not simulated")
    _changed(envelope)
    return True


@api("GetEnvelopeScalingMode")
def get_envelope_scaling_mode(app: App, envelope: Envelope) -> int:
    return envelope.scaling_mode


@api("ScaleToEnvelopeMode")
def scale_to_envelope_mode(app: App, mode: int, gain: float) -> float:
    return envelopes.scale_to(mode, gain)


@api("ScaleFromEnvelopeMode")
def scale_from_envelope_mode(app: App, mode: int, position: float) -> float:
    return envelopes.scale_from(mode, position)


# -- points ------------------------------------------------------------------------------------------------------------


def _itself(index: int) -> None:
    if index != -1:
        raise Unsimulated(f"automation item {index}: automation items are not simulated, only -1")


@api("CountEnvelopePoints")
def count_envelope_points(app: App, envelope: Envelope) -> int:
    return len(envelope.points)


@api("CountEnvelopePointsEx")
def count_envelope_points_ex(app: App, envelope: Envelope, item: int) -> int:
    _itself(item)
    return len(envelope.points)


@api("GetEnvelopePoint")
def get_envelope_point(
    app: App, envelope: Envelope, index: int, time: Cell, value: Cell, shape: Cell, tension: Cell, selected: Cell
) -> bool:
    if not 0 <= index < len(envelope.points):
        return False
    point = envelope.points[index]
    time.value, value.value, shape.value = point.time_s, envelope.to_scripts(point.value), point.shape
    tension.value, selected.value = point.tension, point.selected
    return True


@api("GetEnvelopePointEx")
def get_envelope_point_ex(app: App, envelope: Envelope, item: int, index: int, *cells: Cell) -> bool:
    _itself(item)
    return get_envelope_point(app, envelope, index, *cells)


@api("GetEnvelopePointByTime")
def get_envelope_point_by_time(app: App, envelope: Envelope, time: float) -> int:
    return sum(point.time_s <= time for point in envelope.points) - 1


@api("GetEnvelopePointByTimeEx")
def get_envelope_point_by_time_ex(app: App, envelope: Envelope, item: int, time: float) -> int:
    _itself(item)
    return get_envelope_point_by_time(app, envelope, time)


@api("InsertEnvelopePoint")
def insert_envelope_point(
    app: App,
    envelope: Envelope,
    time: float,
    value: float,
    shape: int,
    tension: float,
    selected: bool,
    unsorted: Cell,
) -> bool:
    envelope.points.append(Point(time, envelope.from_scripts(value), shape, tension, selected))
    if not unsorted.value:
        envelope.sort()
    _changed(envelope)
    return True


@api("InsertEnvelopePointEx")
def insert_envelope_point_ex(
    app: App,
    envelope: Envelope,
    item: int,
    time: float,
    value: float,
    shape: int,
    tension: float,
    selected: bool,
    unsorted: Cell,
) -> bool:
    _itself(item)
    return insert_envelope_point(app, envelope, time, value, shape, tension, selected, unsorted)


@api("SetEnvelopePoint")
def set_envelope_point(
    app: App,
    envelope: Envelope,
    index: int,
    time: Cell,
    value: Cell,
    shape: Cell,
    tension: Cell,
    selected: Cell,
    unsorted: Cell,
) -> bool:
    """Sets everything: a Python script cannot leave a value out."""
    if not 0 <= index < len(envelope.points):
        return False
    gain = envelope.from_scripts(value.value)
    envelope.points[index] = Point(time.value, gain, shape.value, tension.value, bool(selected.value))
    if not unsorted.value:
        envelope.sort()
    _changed(envelope)
    return True


@api("SetEnvelopePointEx")
def set_envelope_point_ex(app: App, envelope: Envelope, item: int, index: int, *cells: Cell) -> bool:
    _itself(item)
    return set_envelope_point(app, envelope, index, *cells)


@api("DeleteEnvelopePointRange")
def delete_envelope_point_range(app: App, envelope: Envelope, start: float, end: float) -> bool:
    def inside(time: float) -> bool:
        return start < time < end or (time == start < end) or (time == end and assumptions.ENVELOPE_RANGE_HAS_ITS_END)

    kept = [point for point in envelope.points if not inside(point.time_s)]
    found = len(kept) < len(envelope.points)
    envelope.points = kept
    _changed(envelope)
    return found


@api("DeleteEnvelopePointRangeEx")
def delete_envelope_point_range_ex(app: App, envelope: Envelope, item: int, start: float, end: float) -> bool:
    _itself(item)
    return delete_envelope_point_range(app, envelope, start, end)


@api("DeleteEnvelopePointEx")
def delete_envelope_point_ex(app: App, envelope: Envelope, item: int, index: int) -> bool:
    _itself(item)
    if not 0 <= index < len(envelope.points):
        return False
    del envelope.points[index]
    _changed(envelope)
    return True


@api("Envelope_SortPoints")
def envelope_sort_points(app: App, envelope: Envelope) -> bool:
    envelope.sort()
    _changed(envelope)
    return True


@api("Envelope_SortPointsEx")
def envelope_sort_points_ex(app: App, envelope: Envelope, item: int) -> bool:
    _itself(item)
    return envelope_sort_points(app, envelope)


@api("Envelope_Evaluate")
def envelope_evaluate(
    app: App, envelope: Envelope, time: float, rate: float, samples: int, value: Cell, *slopes: Cell
) -> int:
    if any(point.shape == 5 and point.tension for point in envelope.points):
        raise Unsimulated("Envelope_Evaluate with bezier points is not simulated")
    value.value = envelopes.evaluate(envelope, time)
    return max(1, samples)


# -- end of a cycle ----------------------------------------------------------------------------------------------------


def sort_forgotten(app: App) -> list[str]:
    """Envelopes that a script left unsorted at the end of its cycle; REAPER would play them wrongly until reloaded."""
    found = [one for project in app.tabs for track in project.tracks for one in track.envelopes if not one.is_sorted]
    for envelope in found:
        envelope.points = [replace(point) for point in sorted(envelope.points, key=lambda point: point.time_s)]
    return [
        f"{app.envelope_name(one)} of {one.track.texts.get('P_NAME', '')}: Envelope_SortPoints missing" for one in found
    ]
