"""Pictures of a video file, chosen by presentation time stamp and streamed.

Convention: ``time_s`` is source time. A picture shows from its time stamp until that of the next one, so the picture
at an instant is the last one whose time stamp is not later; frame rates are never used to compute a time. Before the
first picture the first one stands, after the last one the last. Images are RGB, uint8, height x width x 3, upright.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray

from bridge.errors import MediaError
from bridge.media.container import (
    STAMPS_BY_ORDER,
    VideoInfo,
    nothing_decodes,
    open_video,
    probe,
    quarter_turns,
    source_zero,
    stated_end,
    stated_end_of_picture,
)

__all__ = ["Frame", "VideoInfo", "decode", "probe", "sample"]

log = logging.getLogger(__name__)

SAME_INSTANT_S = 1e-6
"""Containers round time stamps; a picture less than this after an instant is the picture of that instant."""
LEAD_S = (0.0, 1.0, 5.0, 30.0)
"""How long before a wanted instant to look for a key frame, in this order, before starting at the beginning."""
CUT_OFF_S = 0.5
"""A file whose picture ends this much (or three frames) before its stated end was cut off."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture. ``time_s``: source time; ``image``: uint8, (height, width, 3), RGB, upright."""

    time_s: float
    image: NDArray[np.uint8] = field(repr=False)


def decode(
    path: Path | str, *, start_s: float = 0.0, end_s: float | None = None, max_width: int | None = None
) -> Iterator[Frame]:
    """Every picture that shows in [start_s, end_s), in order, each once: first the one that shows at ``start_s``.

    Args:
        path: the video; only read.
        start_s, end_s: source time; no end means the file's.
        max_width: larger pictures are scaled down to this width, keeping their shape.

    Raises:
        MediaError: as ``probe``; or, after the last picture that could be read, if the file was cut off before the end.
    """
    path = Path(path)
    with open_video(path) as (container, stream):
        for picture in _from(container, stream, path, start_s, end_s):
            yield Frame(time_s=picture.time_s, image=_upright(picture.raw, max_width=max_width))


def sample(
    path: Path | str,
    *,
    rate_hz: float,
    start_s: float = 0.0,
    end_s: float | None = None,
    size: tuple[int, int] | None = None,
) -> Iterator[Frame]:
    """The picture that shows at ``start_s + k / rate_hz``, for k = 0, 1, ... while that is before ``end_s``.

    ``Frame.time_s`` is the instant asked for, not the picture's own time stamp; a picture that shows at several of them
    is given several times.

    Args:
        path: the video; only read.
        rate_hz: pictures per second of source time, > 0.
        start_s, end_s: source time; no end means where the picture ends as the file states it.
        size: (width, height) of the upright images; None leaves them as they are.

    Raises:
        MediaError: as ``decode``.
    """
    if not rate_hz > 0:
        raise ValueError(f"rate_hz must be positive, got {rate_hz}")
    path = Path(path)
    with open_video(path) as (container, stream):
        if end_s is None:
            end_s = float(stated_end(container, stream) - source_zero(container))
        wanted = _Instants(start_s=start_s, end_s=end_s, rate_hz=rate_hz, size=size)
        shown: _Picture | None = None
        try:
            for picture in _from(container, stream, path, start_s, end_s):
                if shown is not None:
                    yield from wanted.served_by(shown, until_s=picture.time_s)
                shown = picture
        except MediaError:
            if shown is not None:
                yield from wanted.served_by(shown, until_s=shown.end_s)
            raise
        if shown is not None:
            yield from wanted.served_by(shown, until_s=end_s)


@dataclass(frozen=True, eq=False)
class _Picture:
    """A decoded picture before conversion. ``end_s``: where it ends, as far as the file says."""

    time_s: float
    end_s: float
    raw: av.VideoFrame


class _Instants:
    """The evenly spaced instants that are still wanted."""

    def __init__(self, *, start_s: float, end_s: float, rate_hz: float, size: tuple[int, int] | None) -> None:
        self._start_s, self._end_s, self._rate_hz, self._size = start_s, end_s, rate_hz, size
        self._step = 0

    def served_by(self, picture: _Picture, *, until_s: float) -> Iterator[Frame]:
        """Gives a picture for every wanted instant before ``until_s``; converts it only if there is one."""
        image: NDArray[np.uint8] | None = None
        limit_s = min(until_s, self._end_s) - SAME_INSTANT_S
        while (instant := self._start_s + self._step / self._rate_hz) < limit_s:
            if image is None:
                image = _upright(picture.raw, size=self._size)
            yield Frame(time_s=instant, image=image)
            self._step += 1


def _from(
    container: InputContainer, stream: VideoStream, path: Path, start_s: float, end_s: float | None
) -> Iterator[_Picture]:
    """The picture that shows at ``start_s``, then every later one before ``end_s``; at least one."""
    zero = source_zero(container)
    stop_s = float("inf") if end_s is None else end_s
    shown: _Picture | None = None
    last: _Picture | None = None
    started = False
    for picture in _after_seek(container, stream, zero, start_s):
        last = picture
        if picture.time_s <= start_s + SAME_INSTANT_S:
            shown = picture
            continue
        if shown is not None:
            yield shown
            shown, started = None, True
        if started and picture.time_s >= stop_s - SAME_INSTANT_S:
            return
        started = True
        yield picture
    if last is None:
        raise nothing_decodes(path)
    if shown is not None:
        yield shown
    stated = stated_end_of_picture(container, stream)
    if stated is None:
        return
    stated_s = float(stated - zero)
    if last.end_s < min(stop_s, stated_s) - max(CUT_OFF_S, 3 * (last.end_s - last.time_s)):
        raise MediaError(
            f"{path} is cut off: its picture can be read until {last.end_s:.2f} s of {stated_s:.2f} s",
            hint=f"Copy or export the file again, or trim the item to end before {last.end_s:.2f} s of the source",
        )


def _after_seek(container: InputContainer, stream: VideoStream, zero: Fraction, start_s: float) -> Iterator[_Picture]:
    """Pictures from a key frame whose picture is not later than ``start_s``, or else from the first one of the file."""
    tick = Fraction(stream.time_base or 1)
    begin = int(zero / tick) if stream.start_time is None else stream.start_time
    moved = False
    for lead_s in LEAD_S:
        target = int((zero + Fraction(start_s - lead_s)) / tick)
        if target <= begin:
            break
        try:
            container.seek(target, stream=stream, backward=True)
        except FFmpegError:
            continue
        moved = True
        pictures = _pictures(container, stream, zero, skip_broken=True)
        first = next(pictures, None)
        if first is not None and first.time_s <= start_s + SAME_INSTANT_S:
            yield first
            yield from pictures
            return
    if moved:
        container.seek(begin, stream=stream, backward=True)
    yield from _pictures(container, stream, zero, skip_broken=False)


def _pictures(
    container: InputContainer, stream: VideoStream, zero: Fraction, *, skip_broken: bool
) -> Iterator[_Picture]:
    """Pictures in the order of showing. ``skip_broken``: leave out those before the first whole one (after a seek)."""
    tick = Fraction(stream.time_base or 1)
    spacing = 1 / (stream.average_rate or stream.guessed_rate or Fraction(25))
    due = zero
    latest: Fraction | None = None
    for raw, stamp in _decoded(container, stream):
        if skip_broken and latest is None and raw.is_corrupt:
            continue
        time = due if stamp is None else stamp * tick
        if latest is not None and time <= latest:
            continue
        latest = time
        due = time + (raw.duration * tick if raw.duration else spacing)
        yield _Picture(time_s=float(time - zero), end_s=float(due - zero), raw=raw)


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[tuple[av.VideoFrame, int | None]]:
    """Whatever decodes, with its time stamp in ticks; ends where the file can no longer be read."""
    by_order = container.format.name in STAMPS_BY_ORDER
    places: deque[int | None] = deque()
    damaged = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError as error:
            log.warning("%s can no longer be read: %s", container.name, error)
            packet = None
        if packet is not None and packet.size:
            places.append(packet.dts)
        try:
            for raw in stream.codec_context.decode(None) if packet is None else packet.decode():
                place = places.popleft() if places else None
                yield raw, place if by_order else raw.pts
        except (FFmpegError, EOFError):
            if packet is not None and packet.size:
                damaged += 1
                places.pop()
        if packet is None:
            break
    if damaged:
        log.warning("%s: %d damaged pictures were left out", container.name, damaged)


def _upright(
    raw: av.VideoFrame, *, size: tuple[int, int] | None = None, max_width: int | None = None
) -> NDArray[np.uint8]:
    turns = quarter_turns(raw)
    width, height = (raw.height, raw.width) if turns % 2 else (raw.width, raw.height)
    if size is not None:
        width, height = size
    elif max_width is not None and width > max_width:
        width, height = max_width, max(1, round(height * max_width / width))
    stored = (height, width) if turns % 2 else (width, height)
    rgb = raw.reformat(width=stored[0], height=stored[1], format="rgb24", interpolation="AREA").to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, turns)).astype(np.uint8, copy=False)
