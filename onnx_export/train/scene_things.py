"""What is touched and what else is about: how a thing answers a contact, and things that move by themselves.

A thing draws under the actors, over them, or both. Before a contact nothing answers it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from onnx_export.train.scene_actors import UP, Vector
from onnx_export.train.scene_paint import Picture, Sprite, sprite
from onnx_export.train.strokes import Course

Placed = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Pixels (n, 2) and pixels per unit (n,) of world points (n, 3), camera's unrest included."""
Draw = Callable[[Picture, Placed, float], None]


@dataclass(frozen=True, eq=False)
class Event:
    """A contact: when, where and how hard (0..1)."""

    time_s: float
    place: Vector
    force: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Thing:
    """Something drawn.

    Attributes:
        under: draws before the actors.
        over: draws after them.
        landings: contacts of its own, as when it falls over.
    """

    under: Draw | None = None
    over: Draw | None = None
    landings: tuple[Event, ...] = ()


def give(random: np.random.Generator, events: list[Event]) -> Thing:
    """A surface that gives way where it is hit: rings, or slowly comes back like a cushion."""
    rings = random.random() < 0.5
    size, wide = random.uniform(0.006, 0.035), random.uniform(0.05, 0.2)
    ring_hz, fade_s = random.uniform(4, 12), random.uniform(0.06, 0.3)

    def under(picture: Picture, placed: Placed, time_s: float) -> None:
        for event in _past(events, time_s, 3 * fade_s)[-2:]:
            age = time_s - event.time_s
            swing = np.cos(2 * np.pi * ring_hz * age) if rings else 1.0
            much = size * event.force * np.exp(-age / fade_s) * swing * min(1.0, age / 0.02)
            _bend(picture, placed, event.place, wide, float(much))

    return Thing(under=under)


def water(random: np.random.Generator, events: list[Event]) -> Thing:
    """Water: it moves all the time, rings spread from contacts, and drops fly."""
    swell, long = random.uniform(0.5, 2.5), random.uniform(12, 45)
    pace = random.uniform(2, 7)
    drops = scatter(random, events, shade=random.uniform(190, 250)).under

    def under(picture: Picture, placed: Placed, time_s: float) -> None:
        rows, columns = picture.shape
        x, y = np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)
        shift_x = np.float32(swell) * np.sin(y / long * 6.3 + pace * time_s)
        shift_y = np.float32(swell) * np.sin(x / long * 4.1 + 0.7 * pace * time_s)
        map_x = np.ascontiguousarray(x[None] + shift_x[:, None].astype(np.float32))
        map_y = np.ascontiguousarray(y[:, None] + shift_y[None].astype(np.float32))
        for event in _past(events, time_s, 0.8)[-2:]:
            _ring(map_x, map_y, placed, event, time_s - event.time_s)
        picture[:] = cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        assert drops is not None
        drops(picture, placed, time_s)

    return Thing(under=under)


def scatter(random: np.random.Generator, events: list[Event], *, shade: float | None = None) -> Thing:
    """Grains, dust, drops or leaves that fly up at a contact and come down."""
    shade = random.uniform(20, 235) if shade is None else shade
    grain, speed = random.uniform(0.003, 0.012), random.uniform(0.3, 1.3)
    gravity = random.uniform(0.8, 4.0)
    flying = random.uniform(-1, 1, (26, 3)) * (1, 1, 0.5) + (0, 0, 0.7)
    sizes = grain * random.uniform(0.5, 1.6, 26)

    def under(picture: Picture, placed: Placed, time_s: float) -> None:
        for event in _past(events, time_s, 1.0)[-3:]:
            age = time_s - event.time_s
            count = int(4 + 22 * event.force)
            far = flying[:count] * speed * np.sqrt(event.force)
            now, before = (event.place + a * far - 0.5 * gravity * a**2 * UP for a in (age, max(0.0, age - 0.012)))
            up = now[:, 2] >= -0.02
            a, scale = placed(now[up])
            b, _ = placed(before[up])
            for (x, y), (u, v), thick in zip(a * 16, b * 16, scale * sizes[:count][up], strict=True):
                thick = max(1, round(float(thick)))
                cv2.line(picture, (int(u), int(v)), (int(x), int(y)), shade, thick, cv2.LINE_AA, 4)

    return Thing(under=under)


def plants(random: np.random.Generator, events: list[Event], *, wind: float | None = None) -> Thing:
    """Blades and leaves that are struck, swing, and hide part of the actors.

    Args:
        random: where every choice comes from.
        events: contacts that strike them.
        wind: how far they sway, share of their height; at random, mostly little, where missing.
    """
    count = int(random.integers(40, 130))
    spread, tall = random.uniform(0.25, 0.6), random.uniform(0.05, 0.25)
    roots = np.concatenate([random.normal(0, spread, (count, 2)), np.full((count, 1), -0.7 * tall)], 1)
    lean = random.normal(0, 0.45, (count, 3)) * tall + tall * UP
    breeze = float(random.choice([0.0, 0.03, 0.1])) if wind is None else wind
    sway, sway_hz = breeze * tall, random.uniform(0.3, 1.5)
    phase = random.uniform(0, 6.3, count) * random.choice([0.15, 1.0]) + roots[:, 0] * 4
    swing_hz, fade_s = random.uniform(1.5, 5), random.uniform(0.15, 0.6)
    width, near = random.uniform(0.5, 1.3) * tall, random.uniform(0.05, 0.2)
    shades = np.clip(random.normal(random.uniform(60, 190), 40, 6), 5, 250)
    thick = random.uniform(0.004, 0.02)

    def draw(picture: Picture, placed: Placed, time_s: float, members: slice) -> None:
        tips = roots[members] + lean[members]
        tips[:, 0] += sway * np.sin(2 * np.pi * sway_hz * time_s + phase[members])
        for event in _past(events, time_s, 3 * fade_s)[-3:]:
            age = time_s - event.time_s
            away = tips - event.place
            close = np.exp(-(away[:, :2] ** 2).sum(1) / near**2)
            swing = np.exp(-age / fade_s) * np.cos(2 * np.pi * swing_hz * age) * min(1.0, age / 0.03)
            push = away / np.maximum(0.05, np.linalg.norm(away, axis=1, keepdims=True)) - 0.6 * UP
            tips = tips + push * (close * swing * event.force * width)[:, None]
        ends, scale = placed(np.concatenate([roots[members], tips]))
        lines = np.stack(np.split((ends * 16).astype(np.int32), 2), 1)
        line_px = max(1, round(float(np.median(scale)) * thick))
        for number, shade in enumerate(shades):
            group = list(lines[number :: len(shades)])
            if group:
                cv2.polylines(picture, group, False, float(shade), line_px, cv2.LINE_AA, 4)

    half = slice(0, count // 2)
    rest = slice(count // 2, count)
    return Thing(
        under=lambda picture, placed, time_s: draw(picture, placed, time_s, half),
        over=lambda picture, placed, time_s: draw(picture, placed, time_s, rest),
    )


def loose(random: np.random.Generator, events: list[Event]) -> Thing:
    """Something near the first contact that rolls or slides off a little at every contact, or falls over once."""
    if not events:
        return Thing()
    first = events[0].place
    angle = random.uniform(0, 2 * np.pi)
    off = np.array([np.cos(angle), np.sin(angle), 0.0])
    spot = np.array([first[0], first[1], 0.0]) + random.uniform(0.06, 0.15) * off
    half, tall = random.uniform(0.02, 0.06), random.uniform(0.08, 0.25)
    look = sprite(random, ends=str(random.choice(["round", "square"])))
    hardest = max(events[:3], key=lambda event: event.force)
    falls = random.random() < 0.5
    fall_s = random.uniform(0.25, 0.45)
    slide, stop_s = random.uniform(0.1, 0.5), random.uniform(0.1, 0.3)

    def under(picture: Picture, placed: Placed, time_s: float) -> None:
        base, top = spot, spot + tall * UP
        if falls:
            share = min(1.0, max(0.0, (time_s - hardest.time_s) / fall_s))
            turn = 0.5 * np.pi * share**2.2
            top = spot + tall * (np.cos(turn) * UP + np.sin(turn) * off)
        else:
            gone = sum(
                e.force * stop_s * (1 - np.exp(-(time_s - e.time_s) / stop_s)) for e in _past(events, time_s, 99)
            )
            base, top = (p + slide * gone * off for p in (base, top))
        _lay(picture, placed, look, base + half * UP, top, half)

    landing = hardest.time_s + fall_s
    landings = (Event(landing, spot + tall * off, 0.5),) if falls else ()
    return Thing(under=under, landings=landings)


def hanging(random: np.random.Generator, events: list[Event]) -> Thing:
    """Something that hangs beside the contacts and swings on after them."""
    spot = np.array([random.normal(0, 0.15), random.normal(0, 0.1), random.uniform(0.3, 0.6)])
    long, half = random.uniform(0.15, 0.4), random.uniform(0.01, 0.06)
    look = sprite(random)
    swing_hz, fade_s, much = random.uniform(0.7, 2), random.uniform(0.4, 1.5), random.uniform(0.1, 0.7)

    def under(picture: Picture, placed: Placed, time_s: float) -> None:
        turn = 0.0
        for event in _past(events, time_s, 3 * fade_s)[-3:]:
            age = time_s - event.time_s
            turn += much * event.force * np.exp(-age / fade_s) * np.sin(2 * np.pi * swing_hz * age)
        end = spot + long * (np.sin(turn) * np.array([1.0, 0, 0]) - np.cos(turn) * UP)
        _lay(picture, placed, look, spot, end, half)

    return Thing(under=under)


def passer(random: np.random.Generator, course: Course) -> Thing:
    """Somebody or something that moves behind and touches nothing."""
    look = sprite(random, ends=str(random.choice(["round", "disc", "square"])))
    half, tall = random.uniform(0.03, 0.12), random.uniform(0.1, 0.5)
    origin = np.array([random.uniform(-0.7, 0.7), random.uniform(0.1, 1.2), random.uniform(-0.1, 0.3)])
    speed = random.normal(0, 0.2)

    def under(picture: Picture, placed: Placed, time_s: float) -> None:
        along, above = course.at(time_s)
        spot = origin + np.array([along + speed * time_s, 0, 0.4 * above])
        _lay(picture, placed, look, spot, spot + tall * UP, half)

    return Thing(under=under)


def screen(random: np.random.Generator, place: Vector, course: Course) -> Thing:
    """Something in front that hides the contact, still or hardly moving."""
    look = sprite(random, ends=str(random.choice(["round", "square"])))
    off = np.array([random.normal(0, 0.12), -random.uniform(0.05, 0.4), random.uniform(-0.1, 0.1)])
    way = np.array([random.normal(0, 0.3), 0.0, random.normal(0, 0.3)])
    half, loose = random.uniform(0.02, 0.1), float(random.choice([0.0, 0.03]))

    def over(picture: Picture, placed: Placed, time_s: float) -> None:
        along, above = course.at(time_s)
        spot = place + off + loose * np.array([along, 0, above])
        _lay(picture, placed, look, spot - way / 2, spot + way / 2, half)

    return Thing(over=over)


def _past(events: list[Event], time_s: float, reach_s: float) -> list[Event]:
    return [event for event in events if 0 <= time_s - event.time_s < reach_s]


def _lay(picture: Picture, placed: Placed, look: Sprite, begin: Vector, end: Vector, half: float) -> None:
    ends, scale = placed(np.array([begin, end]))
    look.lay(picture, ends[0], ends[1], (half * float(scale[0]), half * float(scale[1])))


def _bend(picture: Picture, placed: Placed, place: Vector, wide: float, much: float) -> None:
    """Pushes the picture around a place: down the surface's normal and, seen from above, together."""
    at, scale = placed(np.array([place, place - 0.1 * UP]))
    centre, unit = at[0], float(scale[0])
    sigma = min(36.0, max(4.0, wide * unit))
    low = np.maximum((centre - 2.5 * sigma).astype(int), 0)
    high = np.minimum((centre + 2.5 * sigma).astype(int) + 1, picture.shape[::-1])
    if (high - low < 3).any():
        return
    x = np.arange(low[0], high[0], dtype=np.float32) - np.float32(centre[0])
    y = np.arange(low[1], high[1], dtype=np.float32) - np.float32(centre[1])
    bell = np.exp(-(x[None] ** 2 + y[:, None] ** 2) / np.float32(2 * sigma**2)).astype(np.float32)
    down = (at[1] - at[0]) / 0.1
    shrink = np.float32(much / wide * 0.7 * (1 - min(1.0, float(np.hypot(*down)) / unit)))
    map_x = x[None] - bell * np.float32(much * down[0]) + bell * shrink * x[None] + np.float32(centre[0] - low[0])
    map_y = y[:, None] - bell * np.float32(much * down[1]) + bell * shrink * y[:, None] + np.float32(centre[1] - low[1])
    patch = picture[low[1] : high[1], low[0] : high[0]]
    patch[:] = cv2.remap(patch.copy(), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _ring(map_x: NDArray[np.float32], map_y: NDArray[np.float32], placed: Placed, event: Event, age: float) -> None:
    """Adds a ring that spreads to where a picture is read from."""
    at, scale = placed(event.place[None])
    unit = float(scale[0])
    centre, radius, wide = at[0], (0.05 + 0.5 * age) * unit, 0.05 * unit
    low = np.maximum((centre - radius - 3 * wide).astype(int), 0)
    high = np.minimum((centre + radius + 3 * wide).astype(int) + 1, map_x.shape[::-1])
    if (high - low < 3).any():
        return
    x = np.arange(low[0], high[0], dtype=np.float32)[None] - np.float32(centre[0])
    y = np.arange(low[1], high[1], dtype=np.float32)[:, None] - np.float32(centre[1])
    far = np.sqrt(x**2 + y**2) + np.float32(1e-3)
    much = np.float32(0.02 * unit * event.force * np.exp(-age / 0.3)) * np.exp(-(((far - radius) / wide) ** 2))
    much = much * np.sin((far - radius) / wide * 3) / far
    map_x[low[1] : high[1], low[0] : high[0]] += much * x
    map_y[low[1] : high[1], low[0] : high[0]] += much * y
