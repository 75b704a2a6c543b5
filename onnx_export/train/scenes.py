"""Rendered scenes with known contacts: tools, hands, feet, balls and boxes that touch, or nearly touch, things.

Everything is drawn from a random generator: who moves, how it touches, what the touched thing does, camera, light,
noise, blur and frame rate. A frame at ``t`` is exposed around ``t``; contacts are instants on the same clock. The same
seed gives the same scene everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bridge.dsp.motion import MotionSettings
from onnx_export.train.clips import Example, fine, grid, kept
from onnx_export.train.scene_actors import Actor, Part
from onnx_export.train.scene_cast import KINDS, apart, cast, contacts_of, surroundings
from onnx_export.train.scene_paint import MARGIN_PX, Picture, backdrop
from onnx_export.train.scene_things import Event, Placed, Thing
from onnx_export.train.scene_view import (
    Clock,
    Light,
    Shake,
    View,
    any_clock,
    any_light,
    any_shake,
    any_view,
    framed,
)

VERSION = 5
"""Counts up when the same seed gives another scene; part of the cache's key."""

_MOST_EXPOSURES = 5


@dataclass
class Scene:
    """One rendered scene.

    Attributes:
        kind: one of ``KINDS``.
        length_s: its length.
        actors: who may touch.
        things: what answers, and what else moves.
        events: the actors' contacts; ``contacts`` adds what things do.
        shutter_s: length of exposure.
        shadow: horizontal way of a shadow per height, and its depth 0..1 (third number).
        travel: how the backdrop goes by while the camera keeps up with a walker, pixels per second.
        noise: of the sensor, grey levels.
        pumping: how much sharpness is lost and comes back as a coarse encoder's does, 0..1, and how often per second.
    """

    kind: str
    length_s: float
    view: View
    clock: Clock
    shake: Shake
    light: Light
    actors: list[Actor]
    things: list[Thing]
    events: list[Event]
    shutter_s: float
    shadow: tuple[float, float, float]
    backdrop: Picture = field(repr=False)
    noise: float
    pumping: tuple[float, float]
    seed: int
    travel: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def contacts(self) -> list[Event]:
        """Every contact within the scene, ascending."""
        every = [*self.events, *(event for thing in self.things for event in thing.landings)]
        return sorted((e for e in every if 0 <= e.time_s < self.length_s), key=lambda event: event.time_s)

    @property
    def contacts_s(self) -> NDArray[np.float64]:
        """Instants of contact, ascending."""
        return np.array([event.time_s for event in self.contacts])

    @property
    def forces(self) -> NDArray[np.float64]:
        """How hard each contact is, 0..1, linear in the speed it comes with; 1 is the hardest of the scene."""
        forces = np.array([event.force for event in self.contacts])
        return forces / forces.max() if len(forces) else forces

    def frames(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Time stamps and grey pictures."""
        random = np.random.default_rng([self.seed, 78])
        last: NDArray[np.uint8] | None = None
        for time_s, fresh in self.clock.ticks(random, self.length_s):
            if fresh or last is None:
                last = self._frame(time_s, random)
            yield time_s, last

    def placed(self, time_s: float) -> Placed:
        """Where world points are on the picture of a moment."""
        if self.shake.still:
            return self.view.project
        matrix = self.shake.at(time_s)
        zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))

        def place(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            at, scale = self.view.project(points)
            return at @ matrix[:, :2].T + matrix[:, 2], scale * zoom

        return place

    def _frame(self, time_s: float, random: np.random.Generator) -> NDArray[np.uint8]:
        placed = self.placed(time_s)
        picture = self._still(time_s)
        for thing in self.things:
            if thing.under:
                thing.under(picture, placed, time_s)
        if self.shadow[2] > 0:
            self._shade(picture, placed, time_s)
        picture = self._exposed(picture, placed, time_s)
        for thing in self.things:
            if thing.over:
                thing.over(picture, placed, time_s)
        bright = picture.astype(np.float32)
        if self.pumping[0] > 0:
            keep = 1 - self.pumping[0] * (time_s * self.pumping[1] % 1.0)
            dull = cv2.blur(bright, (5, 5))
            bright = dull + np.float32(keep) * (bright - dull)
        bright *= np.float32(self.light.at(time_s))
        if self.noise > 0:
            bright += random.standard_normal(bright.shape, dtype=np.float32) * np.float32(self.noise)
        return np.clip(bright, 0, 255).astype(np.uint8)

    def _still(self, time_s: float) -> Picture:
        """What stands still, as the camera sees it at a moment."""
        rows, columns = self.view.height_px, self.view.width_px
        if self.shake.still and not any(self.travel):
            return self.backdrop[MARGIN_PX : MARGIN_PX + rows, MARGIN_PX : MARGIN_PX + columns].copy()
        matrix = self.shake.at(time_s)
        matrix[:, 2] += matrix[:, :2] @ (np.array(self.travel) * time_s - MARGIN_PX)
        size = (columns, rows)
        return cv2.warpAffine(self.backdrop, matrix, size, borderMode=cv2.BORDER_REFLECT)  # type: ignore[return-value]

    def _exposed(self, picture: Picture, placed: Placed, time_s: float) -> Picture:
        """The actors, drawn at several moments of the exposure where they are fast."""
        if not self.actors:
            return picture
        half_s = self.shutter_s / 2
        way = max(_moved(actor, placed, time_s - half_s, time_s + half_s) for actor in self.actors)
        count = int(np.clip(np.ceil(way / 4), 1, _MOST_EXPOSURES))
        total: NDArray[np.float32] | None = None
        for part in range(count):
            layer = picture.copy() if count > 1 else picture
            moment_s = time_s + self.shutter_s * ((part + 0.5) / count - 0.5)
            for actor in self.actors:
                _draw(layer, placed, actor.parts(moment_s))
            if count == 1:
                return layer
            total = layer.astype(np.float32) if total is None else cv2.accumulate(layer, total)  # type: ignore[assignment]
        assert total is not None
        return (total / count + 0.5).astype(np.uint8)

    def _shade(self, picture: Picture, placed: Placed, time_s: float) -> None:
        """Shadows of the actors on the surface; they meet them where they touch."""
        mask = np.zeros_like(picture)
        slant = np.array([self.shadow[0], self.shadow[1], -1.0])
        for actor in self.actors:
            parts = actor.parts(time_s)
            ends = np.array([p for part in parts for p in (part.begin, part.end)])
            ground, scale = placed(ends + np.maximum(ends[:, 2:], 0) * slant)
            for number, part in enumerate(parts):
                a, b = (ground[2 * number + k] * 16 for k in (0, 1))
                if max(np.abs(a).max(), np.abs(b).max()) > 16 * 4000:
                    continue
                thick = max(1, round(2 * part.wide[0] * float(scale[2 * number])))
                begin, end = (int(a[0]), int(a[1])), (int(b[0]), int(b[1]))
                cv2.line(mask, begin, end, 255, min(thick, 200), cv2.LINE_8, 4)
        mask = cv2.blur(mask, (5, 5))
        dark = cv2.multiply(picture, mask, scale=self.shadow[2] / 255)
        cv2.subtract(picture, dark, picture)


def random_scene(seed: int, *, length_s: float = 7.0, kind: str = "") -> Scene:
    """A scene; the same for the same seed.

    Args:
        seed: any number from 0.
        length_s: its length.
        kind: one of ``KINDS``, at random where none is named.
    """
    random = np.random.default_rng([seed, 77])
    drawn = str(random.choice(list(KINDS), p=np.array(list(KINDS.values())) / sum(KINDS.values())))
    kind = kind or drawn
    height = int(random.choice([160, 180, 200, 216]))
    width = int(height * random.choice([4 / 3, 3 / 2, 16 / 9, 16 / 9, 16 / 9, 0.68])) // 2 * 2
    view = any_view(random, width, height)
    if kind == "clap":
        view = replace(view, roll=np.pi / 2 + random.normal(0, 0.3), elevation=random.uniform(0, 0.5))
    if kind in ("walk", "tap"):
        view = replace(view, roll=random.normal(0, 0.1), elevation=random.uniform(0.05, 0.8))
    if kind in ("ball", "drop", "put"):
        view = replace(view, elevation=min(view.elevation, 1.1))
    actors = cast(random, kind, length_s, view)
    events = contacts_of(actors)
    view = framed(view, [event.place for event in events])
    shake = any_shake(random, view, length_s=length_s, knocks_s=[event.time_s for event in events])
    drift = actors[0].course.drift
    ends, _ = view.project(np.array([np.zeros(3), -0.1 * drift * actors[0].heading]))
    travel = (ends[1] - ends[0]) / 0.1
    clock = any_clock(random)
    return Scene(
        kind=kind,
        length_s=length_s,
        view=view,
        clock=clock,
        shake=shake,
        light=any_light(random, length_s),
        actors=actors,
        things=[] if drift else surroundings(random, kind, actors, events, length_s),
        events=events,
        shutter_s=random.uniform(0.1, 0.9) / max(24.0, clock.rate_hz),
        shadow=(random.normal(0, 0.5), random.normal(0, 0.5), float(random.choice([0.0, random.uniform(0.2, 0.7)]))),
        backdrop=apart(backdrop(random, view), view, actors),
        noise=float(random.choice([0.0, 1.0, 2.5, 6.0])),
        pumping=(float(random.choice([0.0, 0.0, 0.0, 0.6])), random.uniform(0.5, 3)),
        seed=seed,
        travel=(float(travel[0]), float(travel[1])),
    )


def example(seed: int, settings: MotionSettings, *, length_s: float = 7.0, cache: Path | None = None) -> Example:
    """A scene as motion, ready for training; kept in ``cache`` where one is named."""
    scene = random_scene(seed, length_s=length_s)
    named = ["scene", VERSION, seed, length_s]
    motion, start_s = kept(cache, named, fine(settings), lambda: grid(scene.frames(), fine(settings)))
    return Example(
        name=f"scene-{seed}",
        group=f"scene-{seed}",
        motion=motion,
        start_s=start_s,
        rate_hz=settings.rate_hz,
        onsets_s=scene.contacts_s,
        valid_s=(0.1, length_s - 0.1),
        strength=scene.forces,
    )


def _moved(actor: Actor, placed: Placed, begin_s: float, end_s: float) -> float:
    """How far the contact point goes on the picture, pixels."""
    at, _ = placed(np.array([actor.tip(begin_s), actor.tip(end_s)]))
    return float(np.hypot(*(at[1] - at[0])))


def _draw(picture: Picture, placed: Placed, parts: list[Part]) -> None:
    """Lays every part."""
    ends, scale = placed(np.array([p for part in parts for p in (part.begin, part.end)]))
    for number, part in enumerate(parts):
        a, b = ends[2 * number], ends[2 * number + 1]
        wide = (part.wide[0] * float(scale[2 * number]), part.wide[1] * float(scale[2 * number + 1]))
        if part.spin is not None:
            way = wide[0] * np.array([np.cos(part.spin), np.sin(part.spin)])
            a, b = a - way, b + way
        part.sprite.lay(picture, a, b, wide)
