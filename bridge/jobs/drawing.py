"""The verb that draws what was seen as an automation envelope."""

from __future__ import annotations

from bridge.domain.wording import counted
from bridge.errors import RequestError
from bridge.host.base import Change, NewEnvelope, PointView
from bridge.jobs import level
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.runner import Context
from bridge.jobs.work import existing


def draw_level(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Draw level from picture*: a volume envelope on the foley tracks that follows the motion, to be edited."""
    view = desk.read(key)
    work = existing(desk, view)
    one = work.seen(desk, context)
    start_s, end_s = work.span or (0.0, work.frame.length_s)
    points = tuple(
        PointView(time_s=work.frame.position_s + time_s, gain=gain)
        for time_s, gain in level.Motion(one, work.frame).points(start_s, end_s)
    )
    envelopes = tuple(
        NewEnvelope(
            track_guid=guid, start_s=work.frame.position_s + start_s, end_s=work.frame.position_s + end_s, points=points
        )
        for guid in dict.fromkeys(layer.track_guid for layer, _ in work.layers)
    )
    if not one.onsets(work.frame, start_s, end_s):
        raise RequestError(
            f"Nothing that moves was seen in '{work.item.name}', so there is no level to draw",
            hint="Draw the envelope by hand, or choose another part",
        )
    desk.host.write(
        Change(
            token=view.token,
            undo_title="Foley: draw level from picture",
            envelopes=envelopes,
            score=work.score_change(),
            expect_item=work.item,
        )
    )
    where = "track" if len(envelopes) == 1 else f"{len(envelopes)} tracks"
    return f"{counted(len(points), 'point')} drawn on the {where} of '{work.item.name}'; edit them, then make again."
