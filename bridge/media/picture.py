"""A picture of what was found and made: film strip, onset activation and waveform over one time line, as a PNG.

Convention: every time is clip time and every panel spans the same 0..length_s. Drawn at twice the size and reduced,
which smooths text and lines alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.domain.audio import Audio
from bridge.domain.onsets import Activation, Onset
from bridge.errors import MediaError
from bridge.media.files import write_whole

WIDTH = 1600
SCALE = 2
LEFT, RIGHT = 96, 32
STRIP_GAP = 2

Colour = tuple[int, int, int]
"""Blue, green, red."""
BACK: Colour = (34, 28, 24)
PANEL: Colour = (46, 38, 33)
GRID: Colour = (66, 56, 50)
TEXT: Colour = (214, 208, 202)
QUIET: Colour = (148, 138, 130)
CURVE: Colour = (226, 178, 92)
ONSET: Colour = (96, 168, 255)
KNOWN: Colour = (132, 214, 128)
WAVE: Colour = (196, 186, 120)
THRESHOLD: Colour = (150, 120, 220)


def draw(
    out_path: Path | str,
    *,
    activation: Activation,
    onsets: Sequence[Onset],
    audio: Audio,
    length_s: float,
    title: str,
    known: ArrayLike | None = None,
    threshold: float | None = None,
    thumbnails: Sequence[NDArray[np.uint8]] = (),
    overwrite: bool = False,
) -> Path:
    """Writes the picture, 1600 pixels wide; returns the name it got (the next free one, unless ``overwrite``).

    Args:
        out_path: wanted name.
        activation: its ``start_s`` is read as clip time. threshold: drawn as a line, if given.
        onsets: drawn through both panels. known: times of true contacts, drawn as triangles, if given.
        audio: the sound, from clip time 0. length_s: what the time line spans, > 0.
        title: one line. thumbnails: RGB pictures of evenly spaced instants of the clip, in order.

    Raises:
        MediaError: the picture cannot be written.
    """
    out_path = Path(out_path)
    strip_px = _strip_height(thumbnails)
    top = 64
    panels = [
        _Panel(top=top + strip_px, height=210, length_s=length_s),
        _Panel(top=top + strip_px + 210 + 28, height=210, length_s=length_s),
    ]
    height = panels[-1].top + panels[-1].height + 64
    canvas = np.full((height * SCALE, WIDTH * SCALE, 3), BACK, np.uint8)
    _text(canvas, title, LEFT, 40, size=0.78, colour=TEXT)
    _legend(canvas, known is not None, threshold is not None)
    _strip(canvas, thumbnails, top, strip_px - 12)
    for panel, name in zip(panels, ("activation", "sound"), strict=True):
        _frame(canvas, panel, name)
    _time_line(canvas, panels)
    for onset in onsets:
        x = panels[0].x(onset.time_s)
        _line(canvas, x, panels[0].top, x, panels[1].top + panels[1].height, ONSET, 1.1)
    _waveform(canvas, panels[1], audio)
    _curve(canvas, panels[0], activation)
    if threshold is not None:
        y = panels[0].y(threshold)
        for x in range(LEFT, WIDTH - RIGHT, 12):
            _line(canvas, x, y, x + 6, y, THRESHOLD, 1.2)
    for time_s in np.asarray(() if known is None else known, np.float64).ravel():
        _triangle(canvas, panels[0].x(float(time_s)), panels[0].top + panels[0].height + 14)
    small = cv2.resize(canvas, (WIDTH, height), interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".png", small)
    if not done:
        raise MediaError(f"{out_path} could not be drawn")
    return write_whole(Path(out_path), encoded.tobytes(), overwrite=overwrite)


@dataclass(frozen=True, kw_only=True)
class _Panel:
    top: int
    height: int
    length_s: float

    def x(self, time_s: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(time_s / self.length_s, 0.0), 1.0)

    def y(self, level: float) -> float:
        """Pixel row of 0..1, with a little air above and below."""
        return self.top + self.height - 8 - (self.height - 16) * min(max(level, 0.0), 1.0)


def _strip_height(thumbnails: Sequence[NDArray[np.uint8]]) -> int:
    if not thumbnails:
        return 0
    height, width = thumbnails[0].shape[:2]
    each = (WIDTH - LEFT - RIGHT) / len(thumbnails) - STRIP_GAP
    return round(min(max(each * height / width, 40), 220)) + 12


def _strip(canvas: NDArray[np.uint8], thumbnails: Sequence[NDArray[np.uint8]], top: int, height: int) -> None:
    """Pictures side by side, each cut around its middle to fit its share of the time line."""
    share = (WIDTH - LEFT - RIGHT) / max(len(thumbnails), 1)
    for index, image in enumerate(thumbnails):
        left, right = round((LEFT + index * share) * SCALE), round((LEFT + (index + 1) * share - STRIP_GAP) * SCALE)
        box_w, box_h = right - left, height * SCALE
        zoom = max(box_w / image.shape[1], box_h / image.shape[0])
        method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
        size = (max(box_w, round(image.shape[1] * zoom)), max(box_h, round(image.shape[0] * zoom)))
        scaled = cv2.resize(np.ascontiguousarray(image[..., ::-1]), size, interpolation=method)
        x, y = (size[0] - box_w) // 2, (size[1] - box_h) // 2
        canvas[top * SCALE : top * SCALE + box_h, left:right] = scaled[y : y + box_h, x : x + box_w]


def _frame(canvas: NDArray[np.uint8], panel: _Panel, name: str) -> None:
    cv2.rectangle(canvas, _at(LEFT, panel.top), _at(WIDTH - RIGHT, panel.top + panel.height), PANEL, -1)
    _text(canvas, name, 14, panel.top + panel.height / 2 + 5, size=0.46, colour=QUIET)


def _time_line(canvas: NDArray[np.uint8], panels: Sequence[_Panel]) -> None:
    length_s, bottom = panels[0].length_s, panels[-1].top + panels[-1].height
    step_s = next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300) if length_s / step <= 14), 600)
    for tick in range(int(length_s / step_s + 1e-6) + 1):
        x = panels[0].x(tick * step_s)
        for panel in panels:
            _line(canvas, x, panel.top, x, panel.top + panel.height, GRID, 1)
        label = f"{tick * step_s:.1f} s" if step_s < 1 else f"{tick * step_s:g} s"
        _text(canvas, label, x - 3.6 * len(label), bottom + 26, size=0.46, colour=QUIET)


def _curve(canvas: NDArray[np.uint8], panel: _Panel, activation: Activation) -> None:
    times, values = activation.times_s(), activation.values
    seen = (times >= 0) & (times <= panel.length_s)
    points = np.array(
        [[panel.x(float(t)), panel.y(float(v))] for t, v in zip(times[seen], values[seen], strict=True)], np.float64
    )
    if len(points) < 2:
        return
    pixels = np.round(points * SCALE * 16).astype(np.int32)
    floor = round(panel.y(0.0) * SCALE * 16)
    area = np.concatenate([pixels, [[pixels[-1, 0], floor], [pixels[0, 0], floor]]]).astype(np.int32)
    tinted = canvas.copy()
    cv2.fillPoly(tinted, [area], CURVE, cv2.LINE_AA, 4)
    cv2.addWeighted(tinted, 0.22, canvas, 0.78, 0.0, canvas)
    cv2.polylines(canvas, [pixels], False, CURVE, 3, cv2.LINE_AA, 4)


def _waveform(canvas: NDArray[np.uint8], panel: _Panel, audio: Audio) -> None:
    """Highest and lowest sample behind each column of pixels."""
    mono = audio.samples.mean(axis=0)
    middle, reach = (panel.top + panel.height / 2) * SCALE, (panel.height / 2 - 8) * SCALE
    columns = np.arange(round(LEFT * SCALE), round(panel.x(min(audio.length_s, panel.length_s)) * SCALE))
    per_column = panel.length_s * audio.rate_hz / ((WIDTH - LEFT - RIGHT) * SCALE)
    loudest = max(float(np.abs(mono).max(initial=0.0)), 1e-3)
    for column in columns:
        begin = int((column - LEFT * SCALE) * per_column)
        block = mono[begin : max(begin + 1, int((column + 1 - LEFT * SCALE) * per_column))]
        if block.size:
            high, low = float(block.max()) / loudest, float(block.min()) / loudest
            top, bottom = round(middle - high * reach), round(middle - low * reach)
            canvas[top : max(bottom, top + SCALE), column] = WAVE


def _legend(canvas: NDArray[np.uint8], with_known: bool, with_threshold: bool) -> None:
    entries = [("onset found", ONSET)]
    if with_known:
        entries.append(("true contact", KNOWN))
    if with_threshold:
        entries.append(("threshold", THRESHOLD))
    x = WIDTH - RIGHT
    for name, colour in reversed(entries):
        x -= 8.2 * len(name) + 4
        _text(canvas, name, x, 40, size=0.46, colour=QUIET)
        x -= 16
        cv2.circle(canvas, _at(x + 4, 36), 5 * SCALE, colour, -1, cv2.LINE_AA)
        x -= 18


def _triangle(canvas: NDArray[np.uint8], x: float, y: float) -> None:
    """A small one, pointing up between the panels."""
    corners = np.array([[x, y - 10], [x - 6, y + 4], [x + 6, y + 4]], np.float64)
    cv2.fillPoly(canvas, [np.round(corners * SCALE * 16).astype(np.int32)], KNOWN, cv2.LINE_AA, 4)


def _line(
    canvas: NDArray[np.uint8], x0: float, y0: float, x1: float, y1: float, colour: Colour, thickness: float
) -> None:
    cv2.line(canvas, _at(x0, y0), _at(x1, y1), colour, max(1, round(thickness * SCALE)), cv2.LINE_AA)


def _text(canvas: NDArray[np.uint8], text: str, x: float, y: float, *, size: float, colour: Colour) -> None:
    """OpenCV's own strokes know ASCII only; other characters become question marks."""
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(canvas, plain, _at(x, y), cv2.FONT_HERSHEY_SIMPLEX, size * SCALE, colour, SCALE, cv2.LINE_AA)


def _at(x: float, y: float) -> tuple[int, int]:
    return round(x * SCALE), round(y * SCALE)
