"""The demo's own clip: a drumstick on a wood block, a metal plate and a glass, with contact times known exactly.

Drawn with anti-aliased shapes and averaged over the exposure. A frame at ``t`` is exposed around ``t``; contacts are
instants on the same clock, deliberately not on frames. The stick also comes down twice without touching anything.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Layer = NDArray[np.float32]
Picture = NDArray[np.uint8]

WOOD, METAL, GLASS = 0, 1, 2
_SPOTS = ((150.0, 246.0), (332.0, 262.0), (474.0, 204.0))
"""Where the stick meets each thing, pixels."""
_EXPOSURES = 6
_FINE = 4


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """One downward movement.

    Attributes:
        time_s: when it is lowest.
        thing: over which of the three.
        lift_px: how high it starts.
        gap_px: how far above the thing it turns; 0 touches.
    """

    time_s: float
    thing: int
    lift_px: float
    gap_px: float = 0.0


_STROKES = (
    Stroke(time_s=0.913, thing=WOOD, lift_px=110),
    Stroke(time_s=1.587, thing=WOOD, lift_px=90),
    Stroke(time_s=2.041, thing=METAL, lift_px=100),
    Stroke(time_s=2.958, thing=GLASS, lift_px=105),
    Stroke(time_s=3.700, thing=METAL, lift_px=110, gap_px=46),
    Stroke(time_s=4.322, thing=METAL, lift_px=125),
    Stroke(time_s=4.701, thing=METAL, lift_px=80),
    Stroke(time_s=5.587, thing=GLASS, lift_px=95),
    Stroke(time_s=6.043, thing=GLASS, lift_px=85),
    Stroke(time_s=6.760, thing=WOOD, lift_px=115, gap_px=52),
    Stroke(time_s=7.371, thing=WOOD, lift_px=120),
    Stroke(time_s=7.729, thing=WOOD, lift_px=80),
    Stroke(time_s=8.512, thing=METAL, lift_px=130),
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The clip.

    Attributes:
        width_px, height_px, rate_hz, length_s: of the picture.
        strokes: what the stick does, ascending in time.
        shutter_s: length of an exposure.
    """

    width_px: int = 640
    height_px: int = 360
    rate_hz: float = 30.0
    length_s: float = 9.4
    strokes: tuple[Stroke, ...] = field(default=_STROKES, repr=False)
    shutter_s: float = 0.012

    @property
    def contacts_s(self) -> tuple[float, ...]:
        """Instants at which the stick touches something, ascending."""
        return tuple(stroke.time_s for stroke in self.strokes if stroke.gap_px == 0)

    @property
    def near_misses_s(self) -> tuple[float, ...]:
        """Instants at which it is lowest and touches nothing."""
        return tuple(stroke.time_s for stroke in self.strokes if stroke.gap_px > 0)

    def tip(self, time_s: float) -> tuple[float, float, float]:
        """Place of the stick's tip on the picture (x, y, pixels) and its height above the thing below, pixels."""
        number = bisect.bisect_left([stroke.time_s for stroke in self.strokes], time_s)
        after = self.strokes[number] if number < len(self.strokes) else None
        before = self.strokes[number - 1] if number else None
        if before is None or after is None:
            (x, y), height = _SPOTS[(after or self.strokes[-1]).thing], self._end_height(before, after, time_s)
            return x, y - height, height
        gap_s = after.time_s - before.time_s
        up_s, down_s = min(0.17, 0.34 * gap_s), min(0.21, 0.42 * gap_s)
        rise = before.gap_px + 0.5 * before.lift_px
        since_s, left_s = time_s - before.time_s, after.time_s - time_s
        if since_s < up_s:
            height = before.gap_px + 0.5 * before.lift_px * _leaving(since_s / up_s, before)
        elif left_s < down_s:
            height = after.gap_px + (after.lift_px - after.gap_px) * _arriving(left_s / down_s, after)
        else:
            share = _smooth((since_s - up_s) / (gap_s - up_s - down_s))
            height = rise + (after.lift_px - rise) * share
        across = _smooth(min(1.0, max(0.0, (since_s - 0.6 * up_s) / (gap_s - 0.6 * up_s - 0.5 * down_s))))
        (x0, y0), (x1, y1) = _SPOTS[before.thing], _SPOTS[after.thing]
        return x0 + (x1 - x0) * across, y0 + (y1 - y0) * across - height, height

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Every frame, uint8, (height, width, 3), RGB; the same each time."""
        random = np.random.default_rng(2)
        for number in range(round(self.length_s * self.rate_hz)):
            total = np.zeros((self.height_px, self.width_px, 3), np.float32)
            for part in range(_EXPOSURES):
                offset_s = self.shutter_s * ((part + 0.5) / _EXPOSURES - 0.5)
                total += self._instant(max(0.0, number / self.rate_hz + offset_s))
            grain = random.standard_normal((self.height_px, self.width_px, 1), dtype=np.float32)
            yield np.clip(total / _EXPOSURES + 1.2 * grain, 0, 255).astype(np.uint8)

    def _end_height(self, before: Stroke | None, after: Stroke | None, time_s: float) -> float:
        """Height before the first and after the last stroke."""
        if after is not None:
            left_s = after.time_s - time_s
            return after.gap_px + (after.lift_px - after.gap_px) * _arriving(min(1.0, left_s / 0.21), after)
        assert before is not None
        since_s = time_s - before.time_s
        return before.gap_px + 0.5 * before.lift_px * _leaving(min(1.0, since_s / 0.17), before)

    def _instant(self, time_s: float) -> Picture:
        picture = self._room.copy()
        x, y, height = self.tip(time_s)
        _shade(
            picture,
            (x - 0.45 * height, y + height + 4),
            (16 + 0.12 * height, 5 + 0.04 * height),
            0.5 / (1 + 0.02 * height),
        )
        for thing, (place, layer, cover) in enumerate(self._things):
            _lay(picture[place], layer, cover, self._sway(thing, time_s))
        _shade(
            picture,
            (x + 0.05 * height, y + height + 1),
            (9 + 0.1 * height, 3 + 0.03 * height),
            0.45 / (1 + 0.05 * height),
        )
        _stick(picture, x, y, lean=0.62 + 0.0016 * height)
        return picture

    def _sway(self, thing: int, time_s: float) -> tuple[float, float]:
        """How far a thing has given way after the last stroke on it, pixels."""
        ages = [(time_s - s.time_s, s.lift_px) for s in self.strokes if s.thing == thing and not s.gap_px]
        ages = [(age_s, lift) for age_s, lift in ages if 0 <= age_s < 0.8]
        if not ages or thing == WOOD:
            return 0.0, 0.0
        age_s, lift = ages[-1]
        ring = float(np.exp(-age_s / 0.12) * np.sin(2 * np.pi * 11 * age_s)) * lift / 100
        return (0.2 * ring, 2.2 * ring) if thing == METAL else (1.6 * ring, 0.3 * ring)

    @cached_property
    def _room(self) -> Picture:
        """Wall and table."""
        random = np.random.default_rng(1)
        rows = np.linspace(0, 1, self.height_px, dtype=np.float32)[:, None, None]
        columns = np.linspace(-1, 1, self.width_px, dtype=np.float32)[None, :, None]
        wall = np.array([96, 108, 122], np.float32) * (1.15 - 0.5 * rows) * (1 - 0.25 * columns**2)
        table = np.array([122, 92, 68], np.float32) * (0.6 + 0.55 * rows) * (1 - 0.2 * columns**2)
        streaks = random.standard_normal((self.height_px // 3, 6), dtype=np.float32)
        grain = cv2.resize(streaks, (self.width_px, self.height_px), interpolation=cv2.INTER_CUBIC)[..., None]
        plaster = random.standard_normal((60, 100), dtype=np.float32)
        rough = cv2.resize(plaster, (self.width_px, self.height_px), interpolation=cv2.INTER_CUBIC)[..., None]
        edge = np.clip((rows * self.height_px - 176) / 2, 0, 1)
        room = np.clip((wall + 3 * rough) * (1 - edge) + (table + 5 * grain) * edge, 0, 255).astype(np.uint8)
        for (x, y), wide in zip(((160, 303), (332, 288), (474, 300)), (92, 98, 50), strict=True):
            _shade(room, (x - 16, y), (wide, 13), 0.45)
        return room

    @cached_property
    def _things(self) -> tuple[tuple[tuple[slice, slice], Layer, Layer], ...]:
        """Where the three things are, with room to move, and their colour and coverage there."""
        things = []
        for draw in (_wood, _metal, _glass):
            layer, cover = draw(self.width_px, self.height_px)
            rows, columns = (np.flatnonzero(cover[..., 0].any(axis)) for axis in (1, 0))
            place = (slice(rows[0] - 6, rows[-1] + 7), slice(columns[0] - 6, columns[-1] + 7))
            things.append((place, layer[place].copy(), cover[place].copy()))
        return tuple(things)


def scene() -> Scene:
    """The demo's clip."""
    return Scene()


def _smooth(share: float) -> float:
    return share * share * (3 - 2 * share)


def _arriving(left: float, stroke: Stroke) -> float:
    """Share of the height that is left at a share of the time that is left; a contact arrives at full speed."""
    return 1 - (1 - left) ** 2.3 if stroke.gap_px == 0 else _smooth(left)


def _leaving(gone: float, stroke: Stroke) -> float:
    """Share of the rise that is done; a rebound leaves at full speed."""
    return 1 - (1 - gone) ** 2.0 if stroke.gap_px == 0 else _smooth(gone)


def _wood(width: int, height: int) -> tuple[Layer, Layer]:
    layer, cover = _blank(width, height)
    front = [(84, 262), (232, 262), (232, 304), (84, 304)]
    top = [(84, 262), (232, 262), (216, 234), (100, 234)]
    _fill(layer, cover, front, (150, 98, 52))
    _fill(layer, cover, top, (196, 138, 82))
    for number in range(5):
        y = 239 + 5 * number
        _fill(
            layer,
            cover,
            [(98 - 3 * number, y), (218 + 3 * number, y), (218 + 3 * number, y + 1.2), (98 - 3 * number, y + 1)],
            (176, 118, 66),
        )
        _fill(
            layer,
            cover,
            [(84, 268 + 7 * number), (232, 266 + 8 * number), (232, 267 + 8 * number), (84, 269.5 + 7 * number)],
            (130, 82, 42),
        )
    return layer, cover


def _metal(width: int, height: int) -> tuple[Layer, Layer]:
    layer, cover = _blank(width, height)
    _oval(layer, cover, (332, 272), (92, 22), (78, 84, 92))
    _oval(layer, cover, (332, 266), (92, 22), (158, 166, 176))
    _oval(layer, cover, (332, 266), (80, 17), (128, 137, 148))
    _oval(layer, cover, (314, 263), (46, 8), (168, 178, 188))
    _oval(layer, cover, (300, 261), (20, 3), (226, 232, 238))
    return layer, cover


def _glass(width: int, height: int) -> tuple[Layer, Layer]:
    layer, cover = _blank(width, height)
    body = [(440, 204), (508, 204), (498, 302), (450, 302)]
    _fill(layer, cover, body, (150, 186, 196), opacity=0.42)
    _fill(layer, cover, [(446, 250), (502, 250), (497, 299), (451, 299)], (92, 150, 176), opacity=0.45)
    _oval(layer, cover, (474, 302), (24, 6), (120, 158, 170), opacity=0.7)
    _oval(layer, cover, (474, 204), (34, 8), (205, 226, 232), opacity=0.9)
    _oval(layer, cover, (474, 205), (30, 6), (120, 146, 156), opacity=0.8)
    _oval(layer, cover, (474, 250), (28, 6), (132, 184, 204), opacity=0.7)
    _fill(layer, cover, [(448, 216), (453, 216), (459, 290), (455, 290)], (235, 245, 248), opacity=0.75)
    return layer, cover


def _stick(picture: Picture, x: float, y: float, *, lean: float) -> None:
    """Drumstick, hand and sleeve; the bead's lowest point lies at (x, y)."""
    along = np.array([np.sin(lean + 0.55), -np.cos(lean + 0.55)])
    across = np.array([along[1], -along[0]])
    bead = np.array([x, y - 5.0])
    grip = bead + 168 * along
    _paint_line(picture, grip - 6 * along, grip + 420 * (along + 0.35 * across), 46, (58, 66, 92))
    _paint(
        picture,
        [bead - 2 * across, bead + 2 * across, grip + 6 * across + 40 * along, grip - 6 * across + 40 * along],
        (214, 178, 124),
    )
    _paint(
        picture,
        [bead + 0.4 * across, bead + 2 * across, grip + 6 * across + 40 * along, grip + 2 * across + 40 * along],
        (176, 138, 88),
    )
    _paint_oval(picture, bead, (6.5, 5.0), (226, 194, 144))
    _paint_oval(picture, bead + np.array([-1.5, -1.6]), (2.4, 1.6), (248, 230, 196))
    _paint_oval(picture, grip + 14 * along + 5 * across, (25, 19), (178, 126, 100))
    _paint_oval(picture, grip + 12 * along + 2 * across, (22, 16), (206, 152, 122))
    for finger in range(4):
        _paint_oval(picture, grip + (finger * 8 - 6) * along - 7 * across, (6.5, 8.5), (214 - 5 * finger, 160, 130))


def _blank(width: int, height: int) -> tuple[Layer, Layer]:
    return np.zeros((height, width, 3), np.float32), np.zeros((height, width, 1), np.float32)


def _fill(
    layer: Layer, cover: Layer, corners: Sequence[tuple[float, float]], colour: Colour, *, opacity: float = 1.0
) -> None:
    mask = np.zeros(cover.shape[:2], np.uint8)
    cv2.fillPoly(mask, [_fixed(corners)], 255, cv2.LINE_AA, _FINE)
    _over(layer, cover, mask, colour, opacity)


def _oval(
    layer: Layer,
    cover: Layer,
    centre: tuple[float, float],
    axes: tuple[float, float],
    colour: Colour,
    *,
    opacity: float = 1.0,
) -> None:
    mask = np.zeros(cover.shape[:2], np.uint8)
    cv2.ellipse(mask, *_fixed_oval(centre, axes), 0, 0, 360, 255, -1, cv2.LINE_AA, _FINE)
    _over(layer, cover, mask, colour, opacity)


def _over(layer: Layer, cover: Layer, mask: NDArray[np.uint8], colour: Colour, opacity: float) -> None:
    """Lays a colour over a layer whose colours are multiplied by their coverage."""
    alpha = mask[..., None].astype(np.float32) * np.float32(opacity / 255)
    layer *= 1 - alpha
    layer += alpha * np.array(colour, np.float32)
    cover *= 1 - alpha
    cover += alpha


def _lay(picture: Picture, layer: Layer, cover: Layer, shift: tuple[float, float]) -> None:
    if max(abs(shift[0]), abs(shift[1])) > 0.02:
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
        size = (picture.shape[1], picture.shape[0])
        layer = np.asarray(cv2.warpAffine(layer, matrix, size), np.float32)
        cover = np.asarray(cv2.warpAffine(cover, matrix, size), np.float32)[..., None]
    picture[:] = np.minimum(picture * (1 - cover) + layer, 255)


def _shade(picture: Picture, centre: tuple[float, float], axes: tuple[float, float], depth: float) -> None:
    """A soft shadow."""
    reach = (int(axes[0] * 1.8) + 2, int(axes[1] * 1.8) + 2)
    left, top = max(0, int(centre[0]) - reach[0]), max(0, int(centre[1]) - reach[1])
    right, bottom = int(centre[0]) + reach[0], int(centre[1]) + reach[1]
    patch = picture[top:bottom, left:right]
    y, x = np.mgrid[top : top + patch.shape[0], left : left + patch.shape[1]].astype(np.float32)
    far = ((x - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2
    patch[:] = patch * (1 - np.float32(depth) * np.exp(-far)[..., None])


def _paint(picture: Picture, corners: list[NDArray[np.float64]], colour: Colour) -> None:
    cv2.fillConvexPoly(picture, _fixed(corners), colour, cv2.LINE_AA, _FINE)


def _paint_line(
    picture: Picture, begin: NDArray[np.float64], end: NDArray[np.float64], thick: int, colour: Colour
) -> None:
    ends = _fixed([begin, end])
    cv2.line(picture, ends[0].tolist(), ends[1].tolist(), colour, thick, cv2.LINE_AA, _FINE)


def _paint_oval(picture: Picture, centre: NDArray[np.float64], axes: tuple[float, float], colour: Colour) -> None:
    cv2.ellipse(picture, *_fixed_oval(centre, axes), 0, 0, 360, colour, -1, cv2.LINE_AA, _FINE)


def _fixed(points: object) -> NDArray[np.int32]:
    """Points in the fixed-point pixels of OpenCV's drawing."""
    return np.round(np.asarray(points, np.float64) * 2**_FINE).astype(np.int32)


def _fixed_oval(centre: object, axes: tuple[float, float]) -> tuple[list[int], list[int]]:
    return _fixed(centre).tolist(), _fixed(axes).tolist()
