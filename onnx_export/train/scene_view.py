"""How a rendered scene is filmed: a pinhole camera over a plane, its shake, its light and its clock.

World: the touched surface is the plane ``z = 0``, ``x`` to the right, ``y`` away from the camera, ``z`` off the
surface; the unit is about one picture height at the origin. Picture: pixels, right and down. ``roll`` makes walls and
ceilings of floors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

RATES_HZ = (15.0, 16.0, 20.0, 24.0, 25.0, 25.0, 25.0, 25.0, 29.97, 29.97, 30.0, 30.0, 50.0, 60.0)


@dataclass(frozen=True, kw_only=True)
class View:
    """Where the camera stands.

    Attributes:
        width_px, height_px: size of the picture.
        elevation: angle of looking down, radians: 0 is along the surface, pi / 2 straight down on it.
        distance: from the origin, picture heights; small exaggerates depth.
        roll: turn of the picture, radians.
        centre: where the world's origin lies on the picture, pixels.
        zoom: picture heights per unit at the origin.
    """

    width_px: int
    height_px: int
    elevation: float
    distance: float
    roll: float
    centre: tuple[float, float]
    zoom: float = 1.0

    def project(self, points: Sequence[Points] | Points) -> tuple[Points, Points]:
        """Pixels, shape (n, 2), and pixels per unit of length there, shape (n,), of world points, shape (n, 3)."""
        p = np.asarray(points, dtype=np.float64)
        c, s = np.cos(self.elevation), np.sin(self.elevation)
        depth = np.maximum(0.12 * self.distance, self.distance + p[:, 1] * c - p[:, 2] * s)
        scale = self.height_px * self.zoom * self.distance / depth
        right, down = p[:, 0] * scale, -(p[:, 1] * s + p[:, 2] * c) * scale
        c, s = np.cos(self.roll), np.sin(self.roll)
        x = self.centre[0] + c * right - s * down
        y = self.centre[1] + s * right + c * down
        return np.stack([x, y], 1), scale


def any_view(random: np.random.Generator, width_px: int, height_px: int) -> View:
    """From the side, from above, or on a wall."""
    wall = random.random() < 0.15
    roll = float(random.choice([-1, 1])) * np.pi / 2 if wall else 0.0
    aspect = width_px / height_px
    where = np.array([random.uniform(0.35, 0.65), random.uniform(0.4, 0.75)])
    if wall:
        where = np.array([0.5 - np.sign(roll) * random.uniform(-0.1, 0.25) / aspect, random.uniform(0.4, 0.6)])
    return View(
        width_px=width_px,
        height_px=height_px,
        elevation=float(random.choice([random.uniform(0.05, 0.5), random.uniform(0.3, 1.0), random.uniform(0.9, 1.5)])),
        distance=float(np.exp(random.uniform(np.log(1.2), np.log(5.0)))),
        roll=roll + random.normal(0, 0.12),
        centre=(float(where[0] * width_px), float(where[1] * height_px)),
        zoom=float(np.exp(random.uniform(-0.25, 0.8 if aspect > 1 else 0.2))),
    )


def framed(view: View, places: Sequence[Points]) -> View:
    """The view, moved and, if it must be, widened until it shows all of some world points."""
    size = np.array([view.width_px, view.height_px])
    for _ in range(8):
        if not len(places):
            break
        at, _ = view.project(places)
        low, high = at.min(0), at.max(0)
        shift = np.maximum(0.08 * size - low, 0) - np.maximum(high - 0.92 * size, 0)
        if ((high - low) <= 0.84 * size).all():
            x, y = np.array(view.centre) + shift
            return replace(view, centre=(float(x), float(y)))
        view = replace(view, zoom=view.zoom * 0.85)
    return view


@dataclass
class Shake:
    """What the camera's unrest does to the picture: shift, turn and zoom over time.

    Attributes:
        centre: what it turns and zooms about, pixels.
        reach: amplitudes of shift right, shift down (pixels), turn (radians) and zoom (share).
        pan: shift per second, pixels.
        jolts: time and shift in pixels of knocks that die away.
    """

    centre: tuple[float, float]
    reach: Points
    tones_hz: Points = field(repr=False)
    phases: Points = field(repr=False)
    pan: Points = field(default_factory=lambda: np.zeros(2))
    jolts: list[tuple[float, float, float]] = field(default_factory=list)

    @property
    def still(self) -> bool:
        """Whether it never moves."""
        return not (self.reach.any() or self.pan.any() or self.jolts)

    def at(self, time_s: float) -> Points:
        """Affine matrix, (2, 3), from the picture at rest to the picture taken."""
        tones = np.sin(2 * np.pi * self.tones_hz * time_s + self.phases) / (0.5 + self.tones_hz)
        right, down, turn, zoom = self.reach * tones.sum(0)
        for begin_s, x, y in self.jolts:
            age = time_s - begin_s
            if 0 <= age < 0.6:
                ring = np.exp(-age / 0.1) * np.sin(2 * np.pi * 6 * age)
                right, down = right + x * ring, down + y * ring
        size = 1 + zoom
        c, s = size * np.cos(turn), size * np.sin(turn)
        cx, cy = self.centre
        x = cx - c * cx + s * cy + right + self.pan[0] * time_s
        y = cy - s * cx - c * cy + down + self.pan[1] * time_s
        return np.array([[c, -s, x], [s, c, y]])


def any_shake(random: np.random.Generator, view: View, *, length_s: float, knocks_s: Sequence[float]) -> Shake:
    """Tripod, hand, pan, or a camera on the table that feels some of the knocks."""
    kind = random.choice(["still", "hand", "hand", "hand", "walk", "pan"])
    unit = view.height_px
    reach = np.zeros(4)
    if kind != "still":
        much = float(np.exp(random.uniform(np.log(0.002), np.log(0.025))))
        reach = much * np.array([unit, unit, random.uniform(0, 1.5), random.uniform(0, 1.5)])
    tones = random.uniform(0.1, 1.5, (4, 4)) if kind != "walk" else random.uniform(1.0, 4.0, (4, 4))
    jolts = []
    if random.random() < 0.12:
        jolts += [(t, 0.0, unit * random.uniform(0.002, 0.012)) for t in knocks_s if random.random() < 0.7]
    if random.random() < 0.12:
        for _ in range(int(random.integers(1, 5))):
            jolts.append((random.uniform(0, length_s), *(unit * random.normal(0, 0.015, 2))))
    return Shake(
        centre=(view.width_px / 2, view.height_px / 2),
        reach=reach,
        tones_hz=tones,
        phases=random.uniform(0, 2 * np.pi, (4, 4)),
        pan=random.normal(0, 0.05 * unit, 2) * (kind == "pan"),
        jolts=sorted(jolts),
    )


@dataclass(frozen=True, kw_only=True)
class Light:
    """Brightness over time: flicker, slow drift, and steps when somebody switches or the camera sets itself anew."""

    flicker: float = 0.0
    flicker_hz: float = 1.0
    drift: float = 0.0
    drift_hz: float = 0.1
    steps: tuple[tuple[float, float, float], ...] = ()
    """Time, what brightness is multiplied by, and how long the change takes, seconds."""

    def at(self, time_s: float) -> float:
        """What a picture is multiplied by."""
        gain = 1 + self.flicker * np.sin(2 * np.pi * self.flicker_hz * time_s)
        gain *= 1 + self.drift * np.sin(2 * np.pi * self.drift_hz * time_s + 1)
        for begin_s, factor, lasts_s in self.steps:
            gain *= 1 + (factor - 1) * min(1.0, max(0.0, (time_s - begin_s) / lasts_s))
        return float(gain)


def any_light(random: np.random.Generator, length_s: float) -> Light:
    """Mostly steady."""
    steps = []
    if random.random() < 0.12:
        for _ in range(int(random.integers(1, 4))):
            lasts_s = float(random.choice([0.01, 0.3, 1.0]))
            steps.append((random.uniform(0, length_s), float(random.choice([0.7, 0.85, 1.15, 1.35])), lasts_s))
    return Light(
        flicker=float(random.choice([0.0, 0.0, 0.0, 0.01, 0.03])),
        flicker_hz=random.uniform(0.3, 12),
        drift=float(random.choice([0.0, 0.0, 0.05, 0.15])),
        drift_hz=random.uniform(0.03, 0.4),
        steps=tuple(sorted(steps)),
    )


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When frames are taken.

    Attributes:
        rate_hz: frames per second.
        jitter: how uneven the times are, share of a frame.
        repeats: chance that a frame shows the one before it.
    """

    rate_hz: float
    jitter: float = 0.0
    repeats: float = 0.0

    def ticks(self, random: np.random.Generator, length_s: float) -> Iterator[tuple[float, bool]]:
        """Time of each frame and whether it is a new picture."""
        for number in range(int(length_s * self.rate_hz)):
            time_s = max(0.0, (number + random.uniform(-0.5, 0.5) * self.jitter) / self.rate_hz)
            yield time_s, number == 0 or random.random() >= self.repeats


def any_clock(random: np.random.Generator) -> Clock:
    """15 to 60 frames per second, mostly even."""
    return Clock(
        rate_hz=float(random.choice(RATES_HZ)),
        jitter=float(random.choice([0.0, 0.0, 0.0, 0.6])),
        repeats=float(random.choice([0.0, 0.0, 0.0, 0.05, 0.15])),
    )
