"""What happens in a rendered scene: who acts in which manner, what answers, and how hard each contact is."""

from __future__ import annotations

import numpy as np

from onnx_export.train import scene_actors, scene_things
from onnx_export.train.scene_actors import Actor, Vector
from onnx_export.train.scene_courses import Manner, any_manner, bounces, idle, puts, scrapes, steps, strikes
from onnx_export.train.scene_paint import MARGIN_PX, Picture
from onnx_export.train.scene_things import Event, Thing
from onnx_export.train.scene_view import View

KINDS = {
    "stick": 0.34,
    "hammer": 0.06,
    "scrape": 0.09,
    "hand": 0.1,
    "two hands": 0.08,
    "clap": 0.03,
    "walk": 0.1,
    "tap": 0.03,
    "ball": 0.05,
    "drop": 0.04,
    "put": 0.05,
    "idle": 0.03,
}
"""What happens, and how often."""

_APART_LEVELS = 35.0


def cast(random: np.random.Generator, kind: str, length_s: float, view: View) -> list[Actor]:
    """Who touches, by kind; courses are squeezed so that contacts stay in view."""
    narrow = min(1.0, 0.8 * view.width_px / view.height_px / view.zoom)
    heading = _flat(random.uniform(0, 2 * np.pi) if random.random() < 0.5 else random.normal(0, 0.3))
    origin = np.zeros(3)
    if kind in ("walk", "tap"):
        return _feet(random, kind, length_s, heading)
    if kind in ("ball", "drop", "put"):
        course = puts(random, length_s) if kind == "put" else bounces(random, length_s)
        soft = kind == "drop" and random.random() < 0.5
        held = kind == "put" and random.random() < 0.8
        body = scene_actors.ball(random, course) if kind == "ball" else None
        body = body or scene_actors.block(random, course, held=held, soft=soft)
        return [Actor(course, origin, narrow * heading, body)]
    if kind == "idle":
        return [Actor(idle(random, length_s), origin, narrow * heading, _striker(random, "any"))]
    if kind == "scrape":
        return [Actor(scrapes(random, length_s), origin, narrow * heading, _striker(random, "any"))]
    if kind == "clap":
        manner = Manner(hold=0.4, misses=0.1, wander=0.0, pace=random.uniform(0.5, 1.2), reach=random.uniform(0.1, 0.3))
        course = strikes(random, length_s, manner)
        bodies = [scene_actors.hand(random) for _ in range(2)]
        return [Actor(course, origin, heading * 0.2, body, mirrored=bool(i)) for i, body in enumerate(bodies)]
    hold = {"stick": random.choice([0.05, 0.3, 0.9]), "hammer": 0.3}.get(kind, 0.5)
    manner = any_manner(random, hold=float(hold))
    if kind != "two hands":
        return [Actor(strikes(random, length_s, manner), origin, narrow * heading, _striker(random, kind))]
    apart = random.uniform(0.08, 0.25) * np.array([-heading[1], heading[0], 0.0])
    what = str(random.choice(["hand", "hand", "stick"]))
    return [
        Actor(
            strikes(random, length_s, manner, start_s=start_s),
            side * apart,
            0.4 * narrow * heading,
            _striker(random, what),
        )
        for side, start_s in ((1.0, 0.0), (-1.0, random.uniform(0.1, 0.6)))
    ]


def _feet(random: np.random.Generator, kind: str, length_s: float, heading: Vector) -> list[Actor]:
    if kind == "tap":
        manner = Manner(
            hold=0.95, misses=0.05, wander=0.0, pace=random.uniform(0.5, 1.2), reach=random.uniform(0.04, 0.12)
        )
        return [Actor(strikes(random, length_s, manner), np.zeros(3), heading, scene_actors.tapping(random, heading))]
    apart = random.uniform(0.03, 0.08) * np.array([-heading[1], heading[0], 0.0])
    look = int(random.integers(1 << 30))
    return [
        Actor(
            course,
            side * apart,
            heading,
            scene_actors.foot(random, course, heading, np.random.default_rng(look)),
        )
        for side, course in zip((1.0, -1.0), steps(random, length_s), strict=True)
    ]


def _striker(random: np.random.Generator, kind: str) -> scene_actors.Body:
    """A body that strikes: a stick, hammer, hand or fist."""
    if kind == "any":
        kind = str(random.choice(["stick", "stick", "hand", "hammer"]))
    if kind == "stick":
        return scene_actors.tool(random, long=(0.25, 1.0))
    if kind == "hammer":
        return scene_actors.tool(random, long=(0.2, 0.6), head=True)
    return scene_actors.hand(random, fist=random.random() < 0.35)


def contacts_of(actors: list[Actor]) -> list[Event]:
    """The actors' contacts, as hard as they are fast; two clapping hands are one."""
    found = []
    for actor in actors:
        if not actor.mirrored:
            course = actor.course
            found += [(t, actor.tip(t), speed) for t, speed in zip(course.contacts_s, course.speeds(), strict=True)]
    hardest = max((speed for _, _, speed in found), default=1.0)
    events = [Event(t, place, float(np.clip(speed / hardest, 0.02, 1.0))) for t, place, speed in found]
    return sorted(events, key=lambda event: event.time_s)


def surroundings(
    random: np.random.Generator, kind: str, actors: list[Actor], events: list[Event], length_s: float
) -> list[Thing]:
    """How the world answers, and what else moves in it."""
    things = []
    if random.random() < 0.3:
        things += [scene_things.passer(random, idle(random, length_s)) for _ in range(int(random.integers(1, 3)))]
    if kind != "clap":
        answer = str(
            random.choice(["none", "none", "give", "give", "scatter", "plants", "plants", "water", "loose", "hanging"])
        )
        if answer != "none":
            make = getattr(scene_things, answer)
            things.append(make(random, events))
        if answer == "plants" and random.random() < 0.5:
            things.append(scene_things.scatter(random, events))
    if events and random.random() < 0.12:
        things.append(scene_things.screen(random, events[0].place, idle(random, length_s)))
    return things


def apart(picture: Picture, view: View, actors: list[Actor]) -> Picture:
    """The backdrop, brighter or darker where the actors would not be seen against it."""
    x, y = (round(c) + MARGIN_PX for c in view.centre)
    reach = view.height_px // 4
    ground = float(picture[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach].mean())
    inks = [part.sprite.ink for part in actors[0].parts(0.0)]
    actor = float(np.mean([ink[..., 0].sum() / ink[..., 1].sum() for ink in inks]))
    off = ground - actor
    if abs(off) >= _APART_LEVELS:
        return picture
    side = 1.0 if off > 0 else -1.0
    if not 25 < actor + side * _APART_LEVELS < 230:
        side = -side
    return np.clip(picture + (actor + side * _APART_LEVELS - ground), 3, 252).astype(np.uint8)


def _flat(angle: float) -> Vector:
    return np.array([np.cos(angle), np.sin(angle), 0.0])
