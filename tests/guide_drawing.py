"""Draws a project's state as an arrangement: ruler with markers, tracks, items with their sound, envelopes, hint line.

Convention: a state is what the simulated REAPER tells (``Designer.state``). Drawn at twice the size and reduced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bridge.media import video, wav

WIDTH, LEFT, RIGHT = 1100, 150, 14
SCALE = 2
TOP, RULER, LANE, TAKE = 40, 58, 66, 46
"""Heights, in pixels: of the title, of the ruler, of a track with one take, of each further take."""
FIRST_S, LAST_S = 1.5, 11.9

Colour = tuple[int, int, int]
"""Blue, green, red."""
BACK: Colour = (40, 36, 34)
HEAD: Colour = (58, 53, 50)
LANE_BACK: Colour = (48, 44, 42)
GRID: Colour = (64, 60, 57)
TEXT: Colour = (226, 222, 218)
QUIET: Colour = (160, 152, 146)
MARKER: Colour = (90, 150, 240)
ITEM: Colour = (104, 92, 66)
RESTING: Colour = (74, 68, 60)
WAVE: Colour = (222, 206, 140)
RESTING_WAVE: Colour = (130, 122, 100)
ENVELOPE: Colour = (120, 220, 150)
SELECTION: Colour = (120, 104, 84)

Picture = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What to draw. title: above it. sentence: of the hint line. state: the project. film: the video."""

    title: str
    sentence: str
    state: Mapping[str, Any]
    film: Path


def draw(path: Path, shot: Shot) -> Path:
    """Writes the picture; the same shot gives the same bytes."""
    tracks = shot.state["tracks"]
    heights = [_height(track) for track in tracks]
    total = TOP + RULER + sum(heights) + 42
    canvas = np.full((total * SCALE, WIDTH * SCALE, 3), BACK, np.uint8)
    _text(canvas, shot.title, 14, 26, size=0.5)
    bottom = TOP + RULER + sum(heights)
    top, depth = TOP + RULER, 0
    for height in heights:
        _box(canvas, 0, top, LEFT - 2, top + height - 2, HEAD)
        _box(canvas, LEFT, top, WIDTH, top + height - 2, LANE_BACK)
        top += height
    _ruler(canvas, shot.state, bottom)
    top = TOP + RULER
    for track, height in zip(tracks, heights, strict=True):
        _name(canvas, track["name"], 10 + 14 * max(depth, 0), top)
        for item in track["items"]:
            _item(canvas, item, top, height - 2, shot.film)
        for envelope in track["envelopes"]:
            if envelope["visible"]:
                _envelope(canvas, envelope["points"], top, height - 2)
        depth += track["folder_depth"]
        top += height
    _markers(canvas, shot.state["markers"], bottom)
    _text(canvas, shot.sentence, 14, bottom + 26, size=0.42, colour=QUIET)
    small = cv2.resize(canvas, (WIDTH, total), interpolation=cv2.INTER_AREA)
    small = np.asarray(small, np.uint8) & 0xF8  # fewer colours make a smaller file
    done, encoded = cv2.imencode(".png", small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise OSError(f"{path} could not be drawn")
    path.write_bytes(encoded.tobytes())
    return path


def _x(time_s: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (time_s - FIRST_S) / (LAST_S - FIRST_S)


def _height(track: Mapping[str, Any]) -> int:
    if not track["items"]:
        return 30
    takes = max(len(item["takes"]) for item in track["items"])
    return LANE if takes == 1 else TAKE * takes


def _ruler(canvas: Picture, state: Mapping[str, Any], bottom: int) -> None:
    start_s, end_s = state["time_selection"]
    if end_s > start_s:
        _tint(canvas, _x(start_s), TOP, _x(end_s), bottom, SELECTION)
    for second in range(int(np.ceil(FIRST_S)), int(LAST_S) + 1):
        x = _x(second)
        _line(canvas, x, TOP + RULER, x, bottom, GRID)
        _text(canvas, f"{second} s", x + 3, TOP + RULER - 5, size=0.33, colour=QUIET)


def _markers(canvas: Picture, markers: list[Mapping[str, Any]], bottom: int) -> None:
    ends = [0.0, 0.0]  # where the last name of either row ends
    for marker in markers:
        x = _x(marker["position_s"])
        name = marker["name"]
        row = 0 if ends[0] <= x else 1
        width = 6.3 * len(name) + 6
        y = TOP + 2 + 19 * row
        _line(canvas, x, y, x, bottom, MARKER)
        _box(canvas, x, y, x + width, y + 16, MARKER)
        _text(canvas, name, x + 3, y + 12, size=0.34, colour=BACK)
        ends[row] = x + width + 2


def _name(canvas: Picture, name: str, x: float, top: int) -> None:
    lines = [name[:18], name[18:36]] if len(name) > 18 else [name]
    for number, line in enumerate(lines):
        _text(canvas, line, x, top + 20 + 16 * number, size=0.38)


def _item(canvas: Picture, item: Mapping[str, Any], top: int, height: int, film: Path) -> None:
    left, right = _x(item["position_s"]), _x(item["position_s"] + item["length_s"])
    takes = item["takes"]
    each = height / len(takes)
    for number, take in enumerate(takes):
        active = number == item["active_take"]
        begin = top + number * each
        _box(canvas, left, begin + 1, right, begin + each - 1, ITEM if active else RESTING)
        path = take["source"]["path"]
        if Path(path) == film:
            _strip(canvas, film, left, right, begin + 15, begin + each - 2)
        else:
            _wave(canvas, wav.read(path).samples[0], left, right, begin + 15, begin + each - 2, active)
        _text(
            canvas, take["name"] or Path(path).name, left + 4, begin + 12, size=0.33, colour=TEXT if active else QUIET
        )


def _strip(canvas: Picture, film: Path, left: float, right: float, top: float, bottom: float) -> None:
    frames = _frames(str(film))
    share = (right - left) / len(frames)
    for number, frame in enumerate(frames):
        x0, x1 = round((left + number * share) * SCALE), round((left + (number + 1) * share) * SCALE) - 2
        y0, y1 = round(top * SCALE), round(bottom * SCALE)
        canvas[y0:y1, x0:x1] = cv2.resize(frame, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)


@cache
def _frames(path: str) -> list[Picture]:
    found = [np.ascontiguousarray(frame.image[..., ::-1]) for frame in video.sample(path, rate_hz=1.2)]
    return [np.asarray(cv2.GaussianBlur(frame, (0, 0), 2.0), np.uint8) for frame in found]


def _wave(
    canvas: Picture, mono: NDArray[np.float32], left: float, right: float, top: float, bottom: float, active: bool
) -> None:
    columns = np.arange(round(left * SCALE), round(right * SCALE))
    edges = np.linspace(0, len(mono), len(columns) + 1).astype(int)
    middle, reach = (top + bottom) / 2 * SCALE, (bottom - top) / 2 * SCALE
    loudest = max(float(np.abs(mono).max(initial=0.0)), 1e-3)
    for column, begin, end in zip(columns, edges[:-1], edges[1:], strict=True):
        block = mono[begin : max(end, begin + 1)] / loudest
        high, low = middle - reach * float(block.max()), middle - reach * float(block.min())
        canvas[round(high) : max(round(low), round(high) + 2), column] = WAVE if active else RESTING_WAVE


def _envelope(canvas: Picture, points: list[list[float]], top: int, height: int) -> None:
    """Linear gain 0..1 over the height of the track."""
    at = [(_x(point[0]), top + height - 4 - (height - 8) * min(point[1], 1.0)) for point in points]
    shown = [(max(x, LEFT), y) for x, y in at if x <= WIDTH]
    pixels = np.round(np.array(shown) * SCALE).astype(np.int32)
    cv2.polylines(canvas, [pixels], False, ENVELOPE, 3, cv2.LINE_AA)
    for x, y in pixels:
        cv2.circle(canvas, (int(x), int(y)), 5, ENVELOPE, -1, cv2.LINE_AA)


def _tint(canvas: Picture, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    part = canvas[round(y0 * SCALE) : round(y1 * SCALE), round(x0 * SCALE) : round(x1 * SCALE)]
    part[:] = (0.5 * part + 0.5 * np.array(colour)).astype(np.uint8)


def _box(canvas: Picture, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    cv2.rectangle(canvas, (round(x0 * SCALE), round(y0 * SCALE)), (round(x1 * SCALE), round(y1 * SCALE)), colour, -1)


def _line(canvas: Picture, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    cv2.line(canvas, (round(x0 * SCALE), round(y0 * SCALE)), (round(x1 * SCALE), round(y1 * SCALE)), colour, SCALE)


def _text(canvas: Picture, text: str, x: float, y: float, *, size: float, colour: Colour = TEXT) -> None:
    """OpenCV's own strokes know ASCII only; other characters become question marks."""
    plain = text.encode("ascii", "replace").decode()
    place = (round(x * SCALE), round(y * SCALE))
    cv2.putText(canvas, plain, place, cv2.FONT_HERSHEY_SIMPLEX, size * SCALE, colour, SCALE, cv2.LINE_AA)
