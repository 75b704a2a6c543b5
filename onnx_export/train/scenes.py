"""Rendered scenes with known contacts: tools, hands, feet, balls and blocks that touch, or nearly touch, things.

Everything is drawn from a random generator: what moves, how it touches, what the touched thing does, camera, light,
noise, blur and frame rate. A frame at ``t`` is exposed around ``t``; contacts are instants on the same clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bridge.dsp.motion import MotionSettings
from onnx_export.train.clips import Example, fine, grid, kept
from onnx_export.train.strokes import Course, bounces, idle, strikes

Picture = NDArray[np.uint8]
Point = NDArray[np.float64]

RATES_HZ = (16.0, 24.0, 25.0, 25.0, 25.0, 30.0, 30.0, 30.0, 50.0)
_EXPOSURES = 3
_SHIFT = 4


@dataclass
class Scene:
    """One rendered scene.

    Attributes:
        width_px, height_px: size of the picture.
        length_s: its length.
        rate_hz: frames per second; ``jitter`` and ``repeats`` make them uneven.
        course: what the actor's contact point does.
        surface: where on the picture the course's origin lies, pixels.
        normal: unit vector away from the surface.
        shutter_s: length of exposure.
    """

    width_px: int
    height_px: int
    length_s: float
    rate_hz: float
    course: Course
    surface: Point
    normal: Point
    shutter_s: float
    draw_actor: Callable[[Picture, Point, float], None]
    draw_thing: Callable[[Picture, Point, float], None]
    draw_extra: Callable[[Picture, Point, float], None]
    backdrop: Picture = field(repr=False)
    camera: Callable[[float], Point]
    light: Callable[[float], float]
    noise: float
    jitter: float
    repeats: float
    seed: int

    @property
    def contacts_s(self) -> NDArray[np.float64]:
        """Instants of contact within the scene, ascending."""
        times = np.array(self.course.contacts_s)
        return times[times < self.length_s] if len(times) else times

    def tip(self, time_s: float) -> Point:
        """Where the contact point is on the picture, camera at rest, pixels."""
        along, above = self.course.at(time_s)
        tangent = np.array([-self.normal[1], self.normal[0]])
        return self.surface + self.height_px * (along * tangent + above * self.normal)

    def frames(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Time stamps and grey pictures."""
        random = np.random.default_rng(self.seed)
        last: NDArray[np.uint8] | None = None
        for number in range(int(self.length_s * self.rate_hz)):
            time_s = (number + random.uniform(-0.5, 0.5) * self.jitter) / self.rate_hz
            if last is None or random.random() >= self.repeats:
                last = self._frame(max(0.0, time_s), random)
            yield max(0.0, time_s), last

    def _frame(self, time_s: float, random: np.random.Generator) -> NDArray[np.uint8]:
        total = np.zeros((self.height_px, self.width_px), np.float32)
        for part in range(_EXPOSURES):
            total += self._instant(time_s + self.shutter_s * ((part + 0.5) / _EXPOSURES - 0.5))
        picture = total * np.float32(self.light(time_s) / _EXPOSURES)
        if self.noise > 0:
            picture += random.standard_normal(picture.shape, dtype=np.float32) * np.float32(self.noise)
        return np.clip(picture, 0, 255).astype(np.uint8)

    def _instant(self, time_s: float) -> Picture:
        """The picture of one moment."""
        shift = self.camera(time_s)
        margin = (np.array(self.backdrop.shape[::-1]) - (self.width_px, self.height_px)) / 2
        matrix = np.array([[1, 0, shift[0] - margin[0]], [0, 1, shift[1] - margin[1]]])
        size = (self.width_px, self.height_px)
        picture = cv2.warpAffine(self.backdrop, matrix, size, borderMode=cv2.BORDER_REFLECT)
        self.draw_extra(picture, shift, time_s)  # type: ignore[arg-type]
        self.draw_thing(picture, shift, time_s)  # type: ignore[arg-type]
        self.draw_actor(picture, shift, time_s)  # type: ignore[arg-type]
        return picture  # type: ignore[return-value]


def random_scene(seed: int, *, length_s: float = 7.0) -> Scene:
    """A scene; the same for the same seed."""
    random = np.random.default_rng([seed, 77])
    height = int(random.choice([180, 216, 270]))
    width = int(height * random.choice([4 / 3, 16 / 9, 16 / 9, 16 / 9, 9 / 16 * 1.2])) // 2 * 2
    rate_hz = float(random.choice(RATES_HZ))
    kind = random.choice(["stick", "stick", "stick", "hand", "hand", "foot", "ball", "block", "idle"])
    if kind in ("ball", "block"):
        course = bounces(random, length_s)
    elif kind == "idle":
        course = idle(random, length_s)
    else:
        hold = {"stick": random.choice([0.05, 0.3, 0.9]), "hand": 0.5, "foot": 0.95}[str(kind)]
        course = strikes(random, length_s, hold=float(hold), misses=float(random.choice([0.0, 0.15, 0.3])))
    sideways = random.random() < 0.15
    angle = random.normal(-np.pi / 2, 0.3) if not sideways else random.choice([0.0, np.pi]) + random.normal(0, 0.2)
    normal = np.array([np.cos(angle), np.sin(angle)])
    where = random.uniform(0.35, 0.65, 2) + (0 if sideways else np.array([0, 0.2]))
    surface = where * (width, height)
    scene = Scene(
        width_px=width,
        height_px=height,
        length_s=length_s,
        rate_hz=rate_hz,
        course=course,
        surface=surface,
        normal=normal,
        shutter_s=random.uniform(0.1, 0.7) / max(24.0, rate_hz),
        draw_actor=_nothing,
        draw_thing=_nothing,
        draw_extra=_nothing,
        backdrop=_backdrop(random, width, height, surface),
        camera=_camera(random, height),
        light=_light(random),
        noise=float(random.choice([0.0, 1.0, 2.5, 6.0])),
        jitter=float(random.choice([0.0, 0.0, 0.0, 0.6])),
        repeats=float(random.choice([0.0, 0.0, 0.0, 0.15])),
        seed=seed,
    )
    scene.draw_actor = _actor(random, scene, str(kind))
    scene.draw_thing = _thing(random, scene)
    if random.random() < 0.35:
        scene.draw_extra = _passer(random, scene)
    return scene


def example(seed: int, settings: MotionSettings, *, length_s: float = 7.0, cache: Path | None = None) -> Example:
    """A scene as motion, ready for training; kept in ``cache`` where one is named."""
    scene = random_scene(seed, length_s=length_s)
    named = ["scene", seed, length_s]
    motion, start_s = kept(cache, named, fine(settings), lambda: grid(scene.frames(), fine(settings)))
    return Example(
        name=f"scene-{seed}",
        group=f"scene-{seed}",
        motion=motion,
        start_s=start_s,
        rate_hz=settings.rate_hz,
        onsets_s=scene.contacts_s,
        valid_s=(0.1, length_s - 0.1),
    )


def _actor(random: np.random.Generator, scene: Scene, kind: str) -> Callable[[Picture, Point, float], None]:
    """What moves: drawn so that its contact point lies on the course."""
    unit = scene.height_px
    shade, edge = _two_shades(random)
    if kind == "ball":
        radius = unit * random.uniform(0.03, 0.1)

        def ball(picture: Picture, shift: Point, time_s: float) -> None:
            centre = scene.tip(time_s) + radius * scene.normal + shift
            _disc(picture, centre, radius, shade)
            _disc(picture, centre + radius * 0.25 * scene.normal, radius * 0.5, edge)

        return ball
    if kind == "block":
        half = unit * random.uniform(0.03, 0.12)
        tall = unit * random.uniform(0.05, 0.16)
        tangent = np.array([-scene.normal[1], scene.normal[0]])

        def block(picture: Picture, shift: Point, time_s: float) -> None:
            foot = scene.tip(time_s) + shift
            top = foot + tall * scene.normal
            _polygon(
                picture,
                [foot - half * tangent, foot + half * tangent, top + half * tangent, top - half * tangent],
                shade,
            )
            _line(picture, foot + half * tangent, top - half * tangent, 2, edge)

        return block
    lean = random.uniform(0.35, 1.15) * random.choice([-1, 1])
    sway = random.uniform(-0.6, 1.2)
    long = unit * (random.uniform(0.35, 0.9) if kind in ("stick", "idle") else random.uniform(0.08, 0.2))
    thick = unit * (random.uniform(0.012, 0.04) if kind in ("stick", "idle") else random.uniform(0.05, 0.11))
    arm = unit * random.uniform(0.05, 0.13)
    skin = float(np.clip(shade + random.uniform(-50, 50), 10, 245))
    whole = kind == "foot" or random.random() < 0.3

    def tool(picture: Picture, shift: Point, time_s: float) -> None:
        _, above = scene.course.at(time_s)
        tip = scene.tip(time_s) + shift
        turned = lean if whole else lean * (1 - sway * above)
        c, s = np.cos(turned), np.sin(turned)
        up = np.array([scene.normal[0] * c - scene.normal[1] * s, scene.normal[0] * s + scene.normal[1] * c])
        grip = tip + long * up
        _line(picture, grip, grip + 2 * unit * up, arm, skin)
        _line(picture, tip + 0.5 * thick * up, grip, thick, shade)
        _disc(picture, grip, arm * 0.75, edge)
        if kind == "foot":
            tangent = np.array([-scene.normal[1], scene.normal[0]])
            _line(
                picture,
                tip + 0.5 * thick * scene.normal,
                tip + 0.5 * thick * scene.normal + 2 * thick * tangent,
                thick,
                shade,
            )

    return tool


def _thing(random: np.random.Generator, scene: Scene) -> Callable[[Picture, Point, float], None]:
    """What is touched, and what it does then: nothing, shake, squash, scatter or ripple."""
    unit = scene.height_px
    shade, edge = _two_shades(random)
    tangent = np.array([-scene.normal[1], scene.normal[0]])
    half, deep = unit * random.uniform(0.2, 0.7), unit * random.uniform(0.03, 0.3)
    answer = random.choice(["none", "none", "shake", "squash", "scatter", "ripple"])
    size = unit * random.uniform(0.005, 0.03)
    ring_hz, fade_s = random.uniform(4, 12), random.uniform(0.05, 0.25)
    speed = unit * random.uniform(0.3, 1.2)
    flying = random.uniform(-1, 1, (24, 2)) + np.array([0.0, 0.7])
    grain = random.uniform(0.004, 0.014) * unit

    def thing(picture: Picture, shift: Point, time_s: float) -> None:
        past = [
            (time_s - t, f)
            for t, f in zip(scene.course.contacts_s, scene.course.force, strict=True)
            if 0 <= time_s - t < 0.9
        ]
        centre = scene.surface + shift
        moved = 0.0
        if past and answer in ("shake", "squash"):
            age, force = past[-1]
            swing = np.cos(2 * np.pi * ring_hz * age) if answer == "shake" else 1.0
            moved = -size * force * np.exp(-age / fade_s) * swing * min(1.0, age / 0.02)
        top = centre + moved * scene.normal
        base = centre - deep * scene.normal
        _polygon(
            picture, [top - half * tangent, top + half * tangent, base + half * tangent, base - half * tangent], shade
        )
        _line(picture, top - half * tangent, top + half * tangent, 2, edge)
        for age, force in past:
            along = scene.course.at(time_s - age)[0]
            spot = centre + unit * along * tangent
            if answer == "scatter":
                for right, up in flying[: int(6 + 18 * force)]:
                    fly = spot + age * speed * force * (right * tangent + up * scene.normal) + (0, 0.8 * unit * age**2)
                    _disc(picture, fly, grain, edge)
            elif answer == "ripple" and age < 0.6:
                wide = (0.3 + age) * unit * 0.25
                axes = (int(wide * 16), int(wide * 5))
                at = (int(spot[0] * 16), int(spot[1] * 16))
                cv2.ellipse(picture, at, axes, 0, 0, 360, edge, 1, cv2.LINE_AA, _SHIFT)

    return thing


def _passer(random: np.random.Generator, scene: Scene) -> Callable[[Picture, Point, float], None]:
    """Something that moves behind and touches nothing."""
    course = idle(random, scene.length_s)
    shade, _ = _two_shades(random)
    radius = scene.height_px * random.uniform(0.04, 0.2)
    origin = np.array([scene.width_px, scene.height_px]) * random.uniform(0.1, 0.9, 2)

    def passer(picture: Picture, shift: Point, time_s: float) -> None:
        along, above = course.at(time_s)
        _disc(picture, origin + scene.height_px * np.array([along, -0.5 * above]) + shift, radius, shade)

    return passer


def _nothing(picture: Picture, shift: Point, time_s: float) -> None:
    """Draws nothing."""


def _backdrop(random: np.random.Generator, width: int, height: int, surface: Point) -> Picture:
    """Texture of several grains, some shapes, larger than the picture."""
    margin = 40
    rows, columns = height + 2 * margin, width + 2 * margin
    picture = np.full((rows, columns), random.uniform(60, 190), np.float32)
    for cells in (4, 12, 40, 110):
        coarse = random.standard_normal((cells, cells), dtype=np.float32) * np.float32(random.uniform(0, 22))
        picture += cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(random.integers(0, 7))):
        corner = random.uniform(0, 1, 2) * (columns, rows)
        far = corner + random.uniform(0.05, 0.4, 2) * (columns, rows)
        cv2.rectangle(picture, corner.astype(int).tolist(), far.astype(int).tolist(), random.uniform(30, 225), -1)
    if random.random() < 0.5:
        picture[int(surface[1]) + margin :] *= np.float32(random.uniform(0.6, 1.3))
    return np.clip(picture, 5, 250).astype(np.uint8)


def _camera(random: np.random.Generator, unit: int) -> Callable[[float], Point]:
    """Tripod, hand-held shake, or a pan."""
    kind = random.choice(["still", "still", "hand", "hand", "pan"])
    reach = unit * random.uniform(0.002, 0.03) if kind != "still" else 0.0
    tones = random.uniform(0.15, 2.2, (4, 2))
    phases = random.uniform(0, 2 * np.pi, (4, 2))
    weights = random.uniform(0, 1, (4, 2)) / (0.5 + tones) / 2
    pan = random.normal(0, 0.05 * unit, 2) * (kind == "pan")

    def camera(time_s: float) -> Point:
        return reach * (weights * np.sin(2 * np.pi * tones * time_s + phases)).sum(0) + pan * time_s

    return camera


def _light(random: np.random.Generator) -> Callable[[float], float]:
    depth = float(random.choice([0.0, 0.0, 0.01, 0.03]))
    rate_hz = random.uniform(0.3, 9)
    return lambda time_s: 1 + depth * float(np.sin(2 * np.pi * rate_hz * time_s))


def _two_shades(random: np.random.Generator) -> tuple[float, float]:
    shade = random.uniform(15, 240)
    return float(shade), float((shade + random.uniform(60, 160)) % 235 + 10)


def _disc(picture: Picture, centre: Point, radius: float, shade: float) -> None:
    at = (int(centre[0] * 16), int(centre[1] * 16))
    cv2.circle(picture, at, int(radius * 16), shade, -1, cv2.LINE_AA, _SHIFT)


def _line(picture: Picture, begin: Point, end: Point, thick: float, shade: float) -> None:
    a, b = ((int(p[0] * 16), int(p[1] * 16)) for p in (begin, end))
    cv2.line(picture, a, b, shade, max(1, round(thick)), cv2.LINE_AA, _SHIFT)


def _polygon(picture: Picture, corners: list[Point], shade: float) -> None:
    points = (np.array(corners) * 16).astype(np.int32)
    cv2.fillConvexPoly(picture, points, shade, cv2.LINE_AA, _SHIFT)
