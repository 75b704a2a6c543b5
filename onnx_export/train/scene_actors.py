"""Who touches: tools, hands, feet, balls and things put down, as textured parts around a contact point.

An actor's contact point follows its course exactly; the rest of the body follows the point. See ``scene_view`` for the
world that places are in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onnx_export.train.scene_paint import Sprite, sprite
from onnx_export.train.strokes import Course

Vector = NDArray[np.float64]
UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class Part:
    """A sprite between two places of the world.

    Attributes:
        sprite: what it looks like.
        begin, end: its ends; for a disc both are the centre.
        wide: half widths at both ends, picture heights.
        spin: turn of a disc on the picture, radians; None for a long shape.
    """

    sprite: Sprite
    begin: Vector
    end: Vector
    wide: tuple[float, float]
    spin: float | None = None


Body = Callable[[float, Vector], list[Part]]


@dataclass(eq=False)
class Actor:
    """Something with a contact point.

    Attributes:
        course: of the contact point.
        origin: where the course's zero lies on the surface.
        heading: unit vector along the surface.
        body: parts at a time around a contact point, far ones first.
        mirrored: it comes from the other side of the surface, as the second of two clapping hands.
    """

    course: Course
    origin: Vector
    heading: Vector
    body: Body
    mirrored: bool = False

    def tip(self, time_s: float) -> Vector:
        """The contact point, shape (3,)."""
        along, above = self.course.at(time_s)
        return self.origin + along * self.heading + above * UP

    def parts(self, time_s: float) -> list[Part]:
        """What to draw."""
        parts = self.body(time_s, self.tip(time_s))
        if not self.mirrored:
            return parts
        over = np.array([1.0, 1.0, -1.0])
        return [Part(p.sprite, p.begin * over, p.end * over, p.wide, p.spin) for p in parts]


def tool(random: np.random.Generator, *, long: tuple[float, float] = (0.3, 1.0), head: bool = False) -> Body:
    """A stick in a hand on an arm, or a hammer: it turns about the wrist and moves with the elbow."""
    length = random.uniform(*long)
    thick = random.uniform(0.007, 0.022) * (1.3 if head else 1.0)
    side = _flat(random.uniform(0, 2 * np.pi))
    grip_above = length * np.sin(random.uniform(0.05, 1.0))
    wrist = random.uniform(0.2, 1.3)
    arm = _arm(random, side)
    wood = sprite(random, shade=float(random.choice([random.uniform(20, 240), random.uniform(130, 220)])))
    iron = sprite(random, ends="square")
    size = random.uniform(0.03, 0.09)

    def body(time_s: float, tip: Vector) -> list[Part]:
        rise = float(np.clip((grip_above - wrist * tip[2]) / length, -0.9, 0.98))
        way = np.sqrt(1 - rise**2) * side + rise * UP
        grip = tip + length * way
        parts = arm(grip)
        if not head:
            begin = tip + 0.6 * thick * UP
            return [*parts[:-1], Part(wood, begin, grip + 0.12 * length * way, (thick, thick)), parts[-1]]
        upright = UP - rise * way
        upright /= max(0.2, float(np.linalg.norm(upright)))
        middle = tip + 0.5 * size * upright
        stick = Part(wood, middle, grip + 0.1 * length * way + 0.5 * size * upright, (thick, thick))
        return [*parts, stick, Part(iron, tip, tip + size * upright, (0.35 * size, 0.35 * size))]

    return body


def hand(random: np.random.Generator, *, fist: bool = False) -> Body:
    """A hand with fingers, or a fist, on an arm; the contact point is below its fingertips or knuckles."""
    size = random.uniform(0.07, 0.2)
    side = _flat(random.uniform(0, 2 * np.pi))
    across = np.array([-side[1], side[0], 0.0])
    rise = np.sin(random.uniform(0.0, 1.1))
    wrist = random.uniform(0.0, 0.8)
    arm = _arm(random, side, width=size * 0.35)
    skin = random.uniform(40, 230)
    fingers = [sprite(random, shade=skin, style="cloud") for _ in range(4)]
    palm = sprite(random, shade=skin * 0.95, style="cloud")
    spread = random.uniform(0.2, 0.32) * size
    lengths = (0.8, 1.0, 0.97, 0.8)

    def body(time_s: float, tip: Vector) -> list[Part]:
        lean = float(np.clip(rise - wrist * tip[2] / size * 0.3, -0.6, 0.95))
        way = np.sqrt(1 - lean**2) * side + lean * UP
        thick = 0.11 * size
        base = tip + thick * UP
        knuckles = base + (0.1 if fist else 0.55) * size * way
        wrist_at = knuckles + 0.6 * size * way
        parts = arm(wrist_at)[:-1]
        parts.append(Part(palm, knuckles - 0.1 * size * way, wrist_at, (0.42 * size, 0.3 * size)))
        if fist:
            return parts
        for number, (look, long) in enumerate(zip(fingers, lengths, strict=True)):
            root = knuckles + (number - 1.5) * spread * 0.75 * across
            end = base + (number - 1.5) * spread * across + (1 - long) * 0.55 * size * way
            parts.append(Part(look, end, root, (0.75 * thick, thick)))
        thumb = knuckles + 0.35 * size * way - 0.35 * size * across
        return [*parts, Part(fingers[0], thumb - 0.3 * size * (way + across), thumb, (0.8 * thick, thick))]

    return body


def foot(random: np.random.Generator, course: Course, heading: Vector, look: np.random.Generator) -> Body:
    """A shoe on a leg: the heel comes down first or the foot flat; the toes leave last.

    Args:
        random: of this foot.
        course: of the heel.
        heading: where the toes point.
        look: generator in one state for both feet, so that they match.
    """
    long, thick = look.uniform(0.1, 0.22), look.uniform(0.02, 0.04)
    shin = look.uniform(0.25, 0.5)
    hip_above = shin * look.uniform(1.7, 1.98)
    up = float(look.choice([0.0, 0.25, 0.45]))
    shoe, trousers = sprite(look), sprite(look)
    leg = sprite(look, shade=float(look.uniform(20, 220)))
    wide = look.uniform(0.03, 0.06)
    ahead = random.uniform(-0.02, 0.02)

    def body(time_s: float, tip: Vector) -> list[Part]:
        pitch = _pitch(course, time_s, long, up)
        toe = tip + long * (np.cos(pitch) * heading + np.sin(pitch) * UP)
        toe[2] = max(toe[2], 0.0)
        sole = thick * UP
        ankle = tip + 0.25 * (toe - tip) + 2.2 * thick * UP
        middle = course.at(time_s - 0.3)[0] * 0.5 + course.at(time_s + 0.3)[0] * 0.5 - course.at(time_s)[0]
        hip = np.array([*(tip + (0.3 * middle + ahead) * heading)[:2], hip_above])
        knee = _knee(ankle, hip, shin, heading)
        return [
            Part(trousers, knee, hip + 0.3 * UP, (wide, 1.4 * wide)),
            Part(leg, ankle, knee, (0.7 * wide, wide)),
            Part(shoe, tip + sole - 0.2 * thick * heading, toe + 0.8 * sole, (thick, 0.8 * thick)),
        ]

    return body


def tapping(random: np.random.Generator, heading: Vector) -> Body:
    """A foot that taps: the heel stays on the ground and the toes come down."""
    long, thick = random.uniform(0.12, 0.3), random.uniform(0.025, 0.05)
    shoe, leg = sprite(random), sprite(random)

    def body(time_s: float, tip: Vector) -> list[Part]:
        heel = np.array([*(tip - long * heading)[:2], 0.0])
        ankle = heel + 0.2 * long * heading + 2 * thick * UP
        return [
            Part(leg, ankle, ankle + 0.9 * UP - 0.2 * heading, (1.2 * thick, 2.2 * thick)),
            Part(shoe, heel + thick * UP, tip + thick * UP, (thick, 0.8 * thick)),
        ]

    return body


def ball(random: np.random.Generator, course: Course) -> Body:
    """A ball that turns as it goes and gives a little when it hits."""
    radius = random.uniform(0.03, 0.11)
    look = sprite(random, ends="disc")
    turns = random.uniform(-6, 6)

    def body(time_s: float, tip: Vector) -> list[Part]:
        centre = tip + radius * UP
        return [Part(look, centre, centre, (radius, radius), spin=turns * time_s + course.at(time_s)[0] / radius)]

    return body


def block(random: np.random.Generator, course: Course, *, held: bool, soft: bool) -> Body:
    """A box, cup or bag that is dropped, or put down by a hand; something soft flattens when it lands."""
    half, tall = random.uniform(0.03, 0.14), random.uniform(0.05, 0.25)
    look = sprite(random, ends="square" if not soft else "round")
    give, back_s = (random.uniform(0.15, 0.5), random.uniform(0.08, 0.6)) if soft else (0.0, 1.0)
    holder = hand(random, fist=True) if held else None

    def body(time_s: float, tip: Vector) -> list[Part]:
        squash = 0.0
        age = since(course, time_s)
        if give and age < 4 * back_s and tip[2] < 0.01:
            squash = give * min(1.0, age / 0.03) * float(np.exp(-age / back_s))
        top = tip + tall * (1 - squash) * UP
        wide = half * (1 + squash)
        parts = [Part(look, tip, top, (wide, wide * 0.95))]
        return parts if holder is None else [*parts, *holder(time_s, top)]

    return body


def since(course: Course, time_s: float) -> float:
    """Time since the last contact; long where there was none."""
    past = [time_s - t for t in course.contacts_s if t <= time_s]
    return past[-1] if past else 1e3


def _arm(random: np.random.Generator, side: Vector, width: float | None = None) -> Callable[[Vector], list[Part]]:
    """Sleeve, forearm and, last, the hand around a grip."""
    long = random.uniform(0.6, 1.2)
    wide = random.uniform(0.03, 0.1) if width is None else width
    turn = random.normal(0, 0.5)
    c, s = np.cos(turn), np.sin(turn)
    way = np.array([c * side[0] - s * side[1], s * side[0] + c * side[1], random.uniform(0.0, 0.7)])
    follow = random.uniform(0.2, 0.9)
    home: list[Vector] = []
    skin = random.uniform(40, 230)
    fore = sprite(random, shade=skin, style="cloud")
    sleeve, palm = sprite(random), sprite(random, shade=skin, style="cloud")
    cuff = random.uniform(0.1, 0.5)

    def arm(grip: Vector) -> list[Part]:
        if not home:
            home.append(grip + long * way)
        elbow = home[0] + follow * (grip + long * way - home[0])
        along = (elbow - grip) / max(1e-6, float(np.linalg.norm(elbow - grip)))
        wrist = grip + cuff * (elbow - grip)
        return [
            Part(fore, grip, wrist, (0.75 * wide, 0.9 * wide)),
            Part(sleeve, wrist, elbow + 0.6 * along, (wide, 1.5 * wide)),
            Part(palm, grip - 0.8 * wide * along, grip + 1.2 * wide * along, (wide, 0.9 * wide)),
        ]

    return arm


def _pitch(course: Course, time_s: float, long: float, up: float) -> float:
    """Angle of a foot: toes up before the heel comes down, heel up after the toes' turn."""
    above = course.at(time_s)[1]
    speed = course.at(time_s + 0.01)[1] - course.at(time_s - 0.01)[1]
    down = min(0.9, 1.2 * above / long) * float(np.clip(speed / 0.01, 0, 1))
    ahead = [t - time_s for t in course.contacts_s if t > time_s]
    raised = max(0.0, 1 - ahead[0] / 0.2) if ahead else 0.0
    raised = max(raised, 1 - since(course, time_s) / 0.09)
    return up * raised - down


def _knee(ankle: Vector, hip: Vector, shin: float, heading: Vector) -> Vector:
    """Where two bones of the same length meet, bent forward."""
    half = float(np.linalg.norm(hip - ankle)) / 2
    bulge = max(0.0, shin**2 - half**2) ** 0.5
    return (ankle + hip) / 2 + bulge * heading


def _flat(angle: float) -> Vector:
    return np.array([np.cos(angle), np.sin(angle), 0.0])
