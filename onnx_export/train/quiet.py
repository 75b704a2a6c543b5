"""Films in which nothing is touched: for training what is no onset, and for counting false ones.

A still camera, a slow pan or zoom, flicker, light that is switched, exposure that drifts, a cut, leaves in the wind,
passers-by far off, water, an encoder that pumps, and somebody who moves without touching anything. The same seed gives
the same film everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from bridge.dsp.motion import MotionSettings
from onnx_export.train import scene_things
from onnx_export.train.clips import Example, fine, grid, kept
from onnx_export.train.scene_cast import cast
from onnx_export.train.scene_courses import idle
from onnx_export.train.scene_paint import backdrop
from onnx_export.train.scene_things import Thing
from onnx_export.train.scene_view import Light, Shake, View, any_clock, any_shake, any_view
from onnx_export.train.scenes import Scene

VERSION = 1
"""Counts up when the same seed gives another film; part of the cache's key."""

KINDS = (
    "still",
    "hand held",
    "pan",
    "zoom",
    "flicker",
    "switch",
    "exposure",
    "cut",
    "wind",
    "passers",
    "water",
    "pumping",
    "gesture",
)
"""What a film shows; seed ``n`` shows ``KINDS[n % len(KINDS)]``."""

_TICKS_PER_S = 90_000


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """A film without a contact.

    Attributes:
        kind: one of ``KINDS``.
        takes: shown one after the other, each from its own beginning.
    """

    kind: str
    takes: tuple[Scene, ...]

    @property
    def length_s(self) -> float:
        """Its length."""
        return sum(take.length_s for take in self.takes)

    def frames(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Time stamps and grey pictures; after a cut the size stays."""
        begin_s, first = 0.0, self.takes[0].view
        for take in self.takes:
            for time_s, picture in take.frames():
                if picture.shape != (first.height_px, first.width_px):
                    picture = cv2.resize(picture, (first.width_px, first.height_px))
                yield begin_s + time_s, picture  # type: ignore[misc]
            begin_s += take.length_s


def film(seed: int, *, length_s: float = 7.0, kind: str = "") -> Quiet:
    """A film without a contact; the same for the same seed.

    Args:
        seed: any number from 0.
        length_s: its length.
        kind: one of ``KINDS``; the seed's own where none is named.
    """
    random = np.random.default_rng([seed, 79])
    kind = kind or KINDS[seed % len(KINDS)]
    shares = [1.0]
    if kind == "cut":
        edges = [0.0, *sorted(random.uniform(0.1, 0.9, int(random.integers(1, 4)))), 1.0]
        shares = list(np.diff(edges))
    take = _take(random, kind, length_s * shares[0], seed)
    takes = [take]
    for number, share in enumerate(shares[1:]):
        other = _take(random, kind, length_s * share, seed + 1000 * (number + 1))
        takes.append(replace(other, clock=take.clock))
    return Quiet(kind=kind, takes=tuple(takes))


def example(seed: int, settings: MotionSettings, *, length_s: float = 7.0, cache: Path | None = None) -> Example:
    """A film as motion, with no onset in it; kept in ``cache`` where one is named."""
    named = ["quiet", VERSION, seed, length_s]
    measured = fine(settings)
    motion, start_s = kept(cache, named, measured, lambda: grid(film(seed, length_s=length_s).frames(), measured))
    return Example(
        name=f"quiet-{seed}",
        group=f"quiet-{seed}",
        motion=motion,
        start_s=start_s,
        rate_hz=settings.rate_hz,
        onsets_s=np.zeros(0),
        valid_s=(0.1, length_s - 0.1),
        strength=np.zeros(0),
    )


def write_mp4(quiet: Quiet, path: Path, *, crf: int = 26) -> None:
    """Writes a film as H.264 without sound.

    Args:
        quiet: the film.
        path: the file to write.
        crf: how much is lost: 18 hardly anything, 40 a lot.
    """
    options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
    with av.open(str(path), "w") as container:
        rate = Fraction(quiet.takes[0].clock.rate_hz).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options=options)
        first = quiet.takes[0].view
        stream.width, stream.height, stream.pix_fmt = first.width_px // 2 * 2, first.height_px // 2 * 2, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        for time_s, picture in quiet.frames():
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[: stream.height, : stream.width]), "gray")
            frame.pts, frame.time_base = round(time_s * _TICKS_PER_S), stream.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _take(random: np.random.Generator, kind: str, length_s: float, seed: int) -> Scene:
    """One stretch without a cut."""
    height = int(random.choice([160, 180, 200, 216]))
    view = any_view(random, int(height * random.choice([4 / 3, 16 / 9, 16 / 9, 0.7])) // 2 * 2, height)
    actors = []
    if kind == "gesture":
        actors = cast(random, "idle", length_s, view)
    return Scene(
        kind=kind,
        length_s=length_s,
        view=view,
        clock=replace(any_clock(random), repeats=float(random.choice([0.0, 0.0, 0.1]))),
        shake=_shake(random, kind, view, length_s),
        light=_light(random, kind, length_s),
        actors=actors,
        things=_things(random, kind, length_s),
        events=[],
        shutter_s=0.015,
        shadow=(0.3, 0.2, 0.4 if actors else 0.0),
        backdrop=backdrop(random, view),
        noise=float(random.choice([0.0, 1.0, 2.5, 6.0, 10.0])),
        pumping=(0.9 if kind == "pumping" else 0.0, random.uniform(0.5, 4)),
        seed=seed,
    )


def _shake(random: np.random.Generator, kind: str, view: View, length_s: float) -> Shake:
    """On a tripod unless the kind, or one in four others, moves the camera."""
    if kind == "hand held" or random.random() < 0.25:
        shake = any_shake(random, view, length_s=length_s, knocks_s=())
    else:
        shake = replace(any_shake(random, view, length_s=length_s, knocks_s=()), jolts=[])
        shake = replace(shake, reach=np.zeros(4), pan=np.zeros(2))
    if kind == "pan":
        shake = replace(shake, pan=random.normal(0, 0.15, 2) * view.height_px)
    if kind == "zoom":
        tones = np.full((4, 4), random.uniform(0.03, 0.12))
        reach = np.array([0, 0, 0, random.uniform(0.02, 0.1)])
        shake = replace(shake, tones_hz=tones, reach=reach)
    return shake


def _light(random: np.random.Generator, kind: str, length_s: float) -> Light:
    """Steady unless the kind changes it."""
    if kind == "flicker":
        return Light(flicker=random.uniform(0.03, 0.25), flicker_hz=random.uniform(1, 14))
    if kind == "exposure":
        return Light(drift=random.uniform(0.1, 0.4), drift_hz=random.uniform(0.1, 0.6))
    if kind == "switch":
        times = sorted(random.uniform(0, length_s, int(random.integers(1, 7))))
        factors = [float(random.choice([0.3, 0.6, 1.5, 2.5])) for _ in times]
        lasts = [float(random.choice([0.005, 0.1, 0.4])) for _ in times]
        return Light(steps=tuple(zip(times, factors, lasts, strict=True)))
    return Light()


def _things(random: np.random.Generator, kind: str, length_s: float) -> list[Thing]:
    """What moves by itself."""
    if kind == "wind":
        return [scene_things.plants(random, [], wind=random.uniform(0.1, 0.5)) for _ in range(2)]
    if kind == "water":
        return [scene_things.water(random, [])]
    if kind == "passers" or (kind == "hand held" and random.random() < 0.5):
        return [scene_things.passer(random, idle(random, length_s)) for _ in range(int(random.integers(1, 5)))]
    return []
