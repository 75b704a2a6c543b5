"""Textures, sprites and backdrops for rendered scenes: everything grey, 0..255, from a random generator.

A sprite is a textured long shape that is laid between two points; its alpha says where it covers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from onnx_export.train.scene_view import View

Picture = NDArray[np.uint8]
MARGIN_PX = 56
"""Backdrops are this much larger than the picture on each side."""

_STYLES = ("plain", "cloud", "speckle", "gravel", "grain", "check", "blades", "tiles", "shapes")


def texture(random: np.random.Generator, rows: int, columns: int, *, style: str = "") -> Picture:
    """A texture of one of several styles, at random where none is named."""
    style = style or str(random.choice(_STYLES))
    base, contrast = random.uniform(40, 210), random.uniform(12, 60)
    picture = np.full((rows, columns), base, np.float32)
    picture += _noise(random, rows, columns, 6, contrast * random.uniform(0.1, 0.8))
    if style == "cloud":
        for cells in (12, 30, 80):
            picture += _noise(random, rows, columns, cells, contrast * random.uniform(0.1, 0.8))
    elif style == "speckle":
        for cells in (rows // 6 + 2, rows // 3 + 2, rows // 2 + 2):
            picture += _noise(random, rows, columns, cells, contrast * random.uniform(0.2, 0.8))
    elif style == "gravel":
        _pebbles(random, picture, base, contrast)
    elif style == "grain":
        picture += _stretched(random, rows, columns, contrast)
    elif style == "check":
        _checks(random, picture, contrast)
    elif style == "blades":
        _blades(random, picture, base, contrast)
    elif style == "tiles":
        _tiles(random, picture, contrast)
    elif style == "shapes":
        _shapes(random, picture)
    return np.clip(picture, 4, 251).astype(np.uint8)


def _noise(random: np.random.Generator, rows: int, columns: int, cells: int, level: float) -> NDArray[np.float32]:
    coarse = random.standard_normal((cells, max(2, cells * columns // rows)), dtype=np.float32) * np.float32(level)
    return cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _stretched(random: np.random.Generator, rows: int, columns: int, level: float) -> NDArray[np.float32]:
    """Wood, brushed metal: long one way, fine the other."""
    fine = random.standard_normal((max(4, rows // 3), 5), dtype=np.float32) * np.float32(level)
    picture = cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return picture if random.random() < 0.5 else cv2.resize(picture.T.copy(), (columns, rows))  # type: ignore[return-value]


def _pebbles(random: np.random.Generator, picture: NDArray[np.float32], base: float, contrast: float) -> None:
    rows, columns = picture.shape
    size = random.uniform(0.008, 0.05) * rows
    count = int(min(700, 0.8 * rows * columns / (size**2 * 4)))
    drawn = picture.clip(0, 255).astype(np.uint8)
    places, shades = random.random((count, 2)), random.normal(base, contrast, count)
    sizes = size * random.uniform(0.4, 1.4, (count, 2))
    for (x, y), shade, (a, b) in zip(places, shades, sizes, strict=True):
        at = (int(x * columns), int(y * rows))
        axes = (max(1, int(a)), max(1, int(b)))
        cv2.ellipse(drawn, at, axes, float(x * 360), 0, 360, float(np.clip(shade, 5, 250)), -1, cv2.LINE_AA)
    picture[:] = drawn


def _checks(random: np.random.Generator, picture: NDArray[np.float32], contrast: float) -> None:
    rows, columns = picture.shape
    period = random.uniform(0.03, 0.2) * rows
    x = np.sin(2 * np.pi * np.arange(columns) / period) * contrast
    y = np.sin(2 * np.pi * np.arange(rows) / period * random.uniform(0.5, 2)) * contrast
    if random.random() < 0.5:
        x, y = np.sign(x) * contrast, np.sign(y) * contrast
    picture += (x[None] * 0.6 + y[:, None] * random.choice([0.0, 0.6])).astype(np.float32)


def _blades(random: np.random.Generator, picture: NDArray[np.float32], base: float, contrast: float) -> None:
    rows, columns = picture.shape
    drawn = picture.clip(0, 255).astype(np.uint8)
    long, lean = random.uniform(0.04, 0.2) * rows, random.normal(0, 1)
    for _ in range(350):
        x, y = random.uniform(0, 1, 2) * (columns, rows)
        angle = -np.pi / 2 + lean + random.normal(0, 0.6)
        end = (int(x + long * np.cos(angle)), int(y + long * np.sin(angle)))
        shade = float(np.clip(random.normal(base, contrast), 5, 250))
        cv2.line(drawn, (int(x), int(y)), end, shade, int(random.integers(1, 4)), cv2.LINE_AA)
    picture[:] = drawn


def _tiles(random: np.random.Generator, picture: NDArray[np.float32], contrast: float) -> None:
    rows, columns = picture.shape
    high = max(6, int(random.uniform(0.05, 0.25) * rows))
    wide = max(6, int(high * random.uniform(0.8, 3)))
    shades = random.standard_normal((rows // high + 1, columns // wide + 1), dtype=np.float32) * np.float32(
        contrast / 3
    )
    picture += cv2.resize(shades, (columns, rows), interpolation=cv2.INTER_NEAREST)
    picture[::high] -= np.float32(contrast)
    picture[:, ::wide] -= np.float32(contrast)


def _shapes(random: np.random.Generator, picture: NDArray[np.float32]) -> None:
    rows, columns = picture.shape
    for _ in range(int(random.integers(4, 16))):
        corner = random.uniform(-0.1, 1, 2) * (columns, rows)
        far = corner + random.uniform(0.03, 0.4, 2) * (columns, rows)
        shade = random.uniform(15, 240)
        if random.random() < 0.6:
            cv2.rectangle(picture, corner.astype(int).tolist(), far.astype(int).tolist(), shade, -1)
        else:
            axes = (far - corner).astype(int) // 2 + 1
            cv2.ellipse(picture, corner.astype(int).tolist(), axes.tolist(), 30.0, 0, 360, shade, -1)


@dataclass(frozen=True, eq=False)
class Sprite:
    """A textured long shape.

    Attributes:
        ink: float32, (rows, columns, 2): brightness times alpha, and alpha (0..1); columns run along the shape.
    """

    ink: NDArray[np.float32]

    def lay(self, picture: Picture, begin: NDArray, end: NDArray, wide: tuple[float, float]) -> None:
        """Draws it from ``begin`` to ``end`` (its outermost points), half widths at both ends in pixels."""
        way = end - begin
        long = float(np.hypot(*way))
        way = way / long if long > 1e-6 else np.array([1.0, 0.0])
        if long < 1.0:
            end = begin + way
        side = np.array([-way[1], way[0]])
        a, b = max(0.6, wide[0]), max(0.6, wide[1])
        self.lay_corners(picture, np.array([begin - a * side, end - b * side, end + b * side, begin + a * side]))

    def lay_corners(self, picture: Picture, corners: NDArray) -> None:
        """Draws it into a quadrilateral: corners of first row begin and end, last row end and begin."""
        low = np.maximum(np.floor(corners.min(0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, picture.shape[::-1])
        if (high <= low).any():
            return
        rows, columns = self.ink.shape[:2]
        source = np.array([[0, 0], [columns - 1, 0], [columns - 1, rows - 1], [0, rows - 1]], np.float32)
        matrix = cv2.getPerspectiveTransform(source, (corners - low).astype(np.float32))
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        ink = cv2.warpPerspective(self.ink, matrix, size, flags=cv2.INTER_LINEAR)
        patch = picture[low[1] : high[1], low[0] : high[0]]
        patch[:] = (patch * (1 - ink[..., 1]) + ink[..., 0] + 0.5).astype(np.uint8)


def sprite(random: np.random.Generator, *, ends: str = "round", shade: float | None = None, style: str = "") -> Sprite:
    """A textured sprite with a light and a dark side.

    Args:
        random: where every choice comes from.
        ends: ``round``, ``square`` or ``disc`` (an ellipse).
        shade: mean brightness, at random where missing.
        style: of the texture.
    """
    rows, columns = (24, 72) if ends != "disc" else (40, 40)
    picture = texture(random, rows, columns, style=style).astype(np.float32)
    wanted = random.uniform(20, 235) if shade is None else shade
    picture += np.float32(wanted) - picture.mean()
    lit = np.linspace(-1, 1, rows, dtype=np.float32)[:, None] * np.float32(random.normal(0, 22))
    picture = np.clip(picture + lit, 3, 252)
    alpha = np.zeros((rows, columns), np.uint8)
    if ends == "disc":
        cv2.ellipse(alpha, (columns // 2, rows // 2), (columns // 2 - 1, rows // 2 - 1), 0, 0, 360, 255, -1)
    else:
        inset = 1 if ends == "square" else rows // 3
        cv2.rectangle(alpha, (inset, 1), (columns - 1 - inset, rows - 2), 255, -1)
        if ends == "round":
            for x in (inset, columns - 1 - inset):
                cv2.ellipse(alpha, (x, rows // 2), (inset - 1, rows // 2 - 1), 0, 0, 360, 255, -1)
    cover = cv2.GaussianBlur(alpha, (3, 3), 0).astype(np.float32) / 255
    return Sprite(np.stack([picture * cover, cover], 2).astype(np.float32))


def backdrop(random: np.random.Generator, view: View) -> Picture:
    """All that stands still: something far, a ground, perhaps a box or table with the surface on top."""
    rows, columns = view.height_px + 2 * MARGIN_PX, view.width_px + 2 * MARGIN_PX
    picture = texture(random, rows, columns)
    deep = random.uniform(0.05, 0.5)
    if random.random() < 0.5:
        half = random.uniform(0.3, 0.8, 2)
        if random.random() < 0.7:
            _plane(random, picture, view, (-4.0, -1.0, 4.0, 3.0), -deep)
        _box(random, picture, view, half, deep)
    else:
        _plane(random, picture, view, (-3.0, -1.5, 3.0, random.uniform(0.4, 5)), 0.0)
    if random.random() < 0.35:
        _clutter(random, picture)
    if random.random() < 0.3:
        dapple = _noise(random, rows, columns, int(random.integers(5, 20)), 1.0)
        lit = np.float32(random.uniform(0.4, 0.8)) + np.float32(0.6) * (dapple > random.uniform(-0.5, 0.5))
        picture = np.clip(picture * cv2.GaussianBlur(lit, (5, 5), 0), 0, 255).astype(np.uint8)
    if random.random() < 0.25:
        cv2.GaussianBlur(picture, (0, 0), random.uniform(0.6, 2.0), dst=picture)
    return picture


def _corners(view: View, points: list[tuple[float, float, float]]) -> NDArray[np.float64]:
    return view.project(np.array(points))[0] + MARGIN_PX


def _plane(random: np.random.Generator, picture: Picture, view: View, extent: tuple[float, ...], z: float) -> None:
    """A horizontal rectangle with a texture, in perspective."""
    left, near, right, far = extent
    near = max(near, -0.75 * view.distance / max(0.05, np.cos(view.elevation)))
    corners = _corners(view, [(left, far, z), (right, far, z), (right, near, z), (left, near, z)])
    ink = texture(random, 480, 640).astype(np.float32)
    Sprite(np.stack([ink, np.ones_like(ink)], 2)).lay_corners(picture, corners)


def _box(random: np.random.Generator, picture: Picture, view: View, half: NDArray, deep: float) -> None:
    """Top at the surface, front and sides below it."""
    x, y = float(half[0]), float(half[1])
    for face in (
        [(-x, -y, 0), (x, -y, 0), (x, -y, -deep), (-x, -y, -deep)],
        [(-x, y, 0), (-x, -y, 0), (-x, -y, -deep), (-x, y, -deep)],
        [(x, -y, 0), (x, y, 0), (x, y, -deep), (x, -y, -deep)],
    ):
        corners = (_corners(view, [tuple(map(float, p)) for p in face]) * 16).astype(np.int32)  # type: ignore[misc]
        cv2.fillConvexPoly(picture, corners, random.uniform(20, 200), cv2.LINE_AA, 4)
    _plane(random, picture, view, (-x, -y, x, y), 0.0)


def _clutter(random: np.random.Generator, picture: Picture) -> None:
    """Things about, out of the way."""
    rows, columns = picture.shape
    for _ in range(int(random.integers(2, 9))):
        angle = random.uniform(0, 2 * np.pi)
        place = np.array([0.5 + 0.42 * np.cos(angle), 0.5 + 0.42 * np.sin(angle)]) * (columns, rows)
        way = random.normal(0, 0.12, 2) * rows
        width = random.uniform(0.01, 0.1) * rows
        sprite(random, ends=str(random.choice(["round", "square"]))).lay(picture, place, place + way, (width, width))
