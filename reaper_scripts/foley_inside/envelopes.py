"""The volume envelope of a track as (project time, linear gain), whatever scale REAPER keeps it in.

Convention: found by the name of its chunk, since names of envelopes are translated. One that does not exist yet is made
by the action that shows it, with the designer's track selection put back. It is always made visible: REAPER does not
save an active envelope that cannot be seen.
"""

from . import api
from .api import Refusal, rp

CHUNK = "<VOLENV2"
TOGGLE_VISIBLE = 40406
"""Action "Track: Toggle track volume envelope visible" on the selected tracks."""
EDGE_S = 1e-6
HOLD_S = 1e-3
"""So far outside of what is drawn, points hold the level that was there: no slope reaches into the rest."""


def points(project, track):
    """The points of a track's volume envelope in force: dicts of time_s, gain, ascending; none if it is off.

    In slices.
    """
    envelope = _of(track)
    if envelope is None or not _is(envelope, "ACTIVE"):
        return []
    mode = rp.RPR_GetEnvelopeScalingMode(envelope)
    found = []
    for index in range(rp.RPR_CountEnvelopePoints(envelope)):
        answer = rp.RPR_GetEnvelopePoint(envelope, index, 0.0, 0.0, 0, 0.0, False)
        found.append({"time_s": answer[3], "gain": rp.RPR_ScaleFromEnvelopeMode(mode, answer[4])})
        if (yield):
            api.still_there(project, envelope, "TrackEnvelope*")
    return found


def draw(project, track, start_s, end_s, new):
    """Puts points in the place of those between two times; what is before and after sounds as it did.

    Args:
        new: dicts of time_s, gain.

    Raises:
        Refusal: REAPER gives the track no volume envelope.
    """
    envelope = _visible(project, track)
    mode = rp.RPR_GetEnvelopeScalingMode(envelope)
    edges = [time_s for time_s in (start_s - HOLD_S, end_s + HOLD_S) if time_s > 0.0]
    held = [(time_s, rp.RPR_Envelope_Evaluate(envelope, time_s, 48000.0, 1, 0.0, 0.0, 0.0, 0.0)[5]) for time_s in edges]
    rp.RPR_DeleteEnvelopePointRange(envelope, start_s - HOLD_S - EDGE_S, end_s + HOLD_S + EDGE_S)
    drawn = [(point["time_s"], rp.RPR_ScaleToEnvelopeMode(mode, point["gain"])) for point in new]
    for time_s, value in held + drawn:
        rp.RPR_InsertEnvelopePoint(envelope, time_s, value, 0, 0.0, False, True)
    rp.RPR_Envelope_SortPoints(envelope)


def _of(track):
    envelope = rp.RPR_GetTrackEnvelopeByChunkName(track, CHUNK)
    return None if api.is_null(envelope) else envelope


def _visible(project, track):
    envelope = _of(track)
    if envelope is not None and api.has("GetSetEnvelopeInfo_String"):
        for key in ("ACTIVE", "VISIBLE"):
            rp.RPR_GetSetEnvelopeInfo_String(envelope, key, "1", True)
        return envelope
    if envelope is None or not _is(envelope, "VISIBLE"):
        _toggle(project, track)
    envelope = _of(track)
    if envelope is None:
        raise Refusal("REAPER shows no volume envelope for the track", "Show it (press V on the track) and try again")
    _switch_on(envelope)
    return envelope


def _switch_on(envelope):
    """In force again where the designer bypassed it; REAPER 6 takes that from the chunk alone."""
    if _is(envelope, "ACTIVE"):
        return
    chunk = rp.RPR_GetEnvelopeStateChunk(envelope, "", api.BIG, False)[2]
    lines = ["ACT 1" + line.strip()[5:] if line.split()[:2] == ["ACT", "0"] else line for line in chunk.splitlines()]
    rp.RPR_SetEnvelopeStateChunk(envelope, "\n".join(lines) + "\n", False)
    if not _is(envelope, "ACTIVE"):
        raise Refusal("the volume envelope of the track is bypassed", "Switch it on and press the key again")


def _toggle(project, track):
    count = rp.RPR_CountSelectedTracks2(project, True)
    selected = [rp.RPR_GetSelectedTrack2(project, index, True) for index in range(count)]
    for other in selected:
        rp.RPR_SetTrackSelected(other, False)
    rp.RPR_SetTrackSelected(track, True)
    rp.RPR_Main_OnCommandEx(TOGGLE_VISIBLE, 0, project)
    rp.RPR_SetTrackSelected(track, False)
    for other in selected:
        rp.RPR_SetTrackSelected(other, True)


def _is(envelope, key):
    """Whether an envelope is ACTIVE or VISIBLE: asked of REAPER 7, read in the chunk of REAPER 6."""
    if api.has("GetSetEnvelopeInfo_String"):
        return rp.RPR_GetSetEnvelopeInfo_String(envelope, key, "", False)[3] == "1"
    word = {"ACTIVE": "ACT", "VISIBLE": "VIS"}[key]
    chunk = rp.RPR_GetEnvelopeStateChunk(envelope, "", api.BIG, False)[2]
    for line in chunk.splitlines():
        parts = line.split()
        if parts[:1] == [word]:
            return parts[1:2] == ["1"]
    return False
