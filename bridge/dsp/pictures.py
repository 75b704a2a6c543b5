"""Small pictures on a uniform clock, for onset graphs that look at pixels.

Convention: times are *source time*. A picture counts for step ``round(rate_hz * time)``, a tie for the later one, and
step ``k`` shows the last picture that counts for ``k`` or earlier: the one that shows just before the middle of ``k /
rate_hz`` to ``(k + 1) / rate_hz``. Step ``k`` is named by its beginning, ``k / rate_hz``. So any two passes over one
file agree step by step, whatever its frame rate, even or not.

That is how SyncFusion's authors (repository mcomunita/syncfusion) make and name their frames: FFmpeg's ``fps`` filter
(script/gh_preprocess_videos.py) rounds so; an onset is labelled with the step it falls into, and a found one is written
down at the step's beginning (main/dataset_onset.py, main/module_onset.py), which is half a step early on average.
Theirs go through 320 x 240 (bicubic) and JPEG on the disk before they are resized to 112 x 112 with antialiasing,
stretched; here a picture is resized once. On real clips the difference is 0.004 of full scale (root mean square), and
0.015 at the quality FFmpeg chooses for JPEG by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.dsp.resize import resize
from bridge.errors import PackError

KIND = "pictures"
CHANNELS = 3
"""Red, green, blue."""
HOLD_S = 10.0
"""How long the last picture stands when the file goes on without pictures."""

_SLACK_STEPS = 1e-5
"""Time stamps are rounded; one this much before a tie is the tie."""


@dataclass(frozen=True, kw_only=True)
class PictureSettings:
    """The numbers of the front end; a pack's manifest carries them as ``when.frontend``.

    Attributes:
        rate_hz: steps per second.
        rows, columns: size of the pictures; the ratio of their sides is not kept.
    """

    rate_hz: float = 15.0
    rows: int = 112
    columns: int = 112

    def __post_init__(self) -> None:
        sizes = (self.rows, self.columns)
        if not self.rate_hz > 0 or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise PackError(f"the picture front end's numbers make no sense: {asdict(self)}", hint="Repair the pack")

    @classmethod
    def from_manifest(cls, frontend: Mapping[str, Any]) -> PictureSettings:
        """Settings from a manifest's ``when.frontend``.

        Raises:
            PackError: another kind of front end, or a number that is unknown or makes no sense.
        """
        numbers = dict(frontend)
        kind = numbers.pop("kind", None)
        if kind != KIND:
            raise PackError(f"the pack asks for a picture front end {kind!r}", hint="Update the bridge")
        try:
            return cls(**numbers)
        except TypeError as error:
            raise PackError(f"the pack's picture front end does not fit: {error}", hint="Update the bridge") from error

    def to_manifest(self) -> dict[str, Any]:
        """What ``from_manifest`` reads."""
        return {"kind": KIND, **asdict(self)}

    def step_time_s(self, step: int) -> float:
        """Source time by which a step is named."""
        return step / self.rate_hz

    def step_of(self, time_s: float) -> int:
        """The step for which a picture counts that appears at a source time."""
        return int(np.floor(time_s * self.rate_hz + 0.5 + _SLACK_STEPS))


class PictureSteps:
    """Frames in, one at a time; finished steps out. Holds one frame, however long the video.

    Attributes:
        settings: the numbers in use.
        first_step: number of the first step; None before the first frame.
    """

    def __init__(self, settings: PictureSettings) -> None:
        self.settings = settings
        self.first_step: int | None = None
        self._step = 0
        self._image: NDArray[np.uint8] | None = None
        self._time_s = 0.0

    def feed(self, time_s: float, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Steps that are finished now that this frame appears.

        Args:
            time_s: source time at which the frame appears; frames must come in order.
            image: uint8, (height, width, 3) RGB.

        Returns:
            float32 in 0..1, (steps, 3, rows, columns), read-only; often one step or none. However many steps a picture
            stands for, it is in memory once.
        """
        step = self.settings.step_of(time_s)
        if self._image is None:
            self.first_step = self._step = step
        done = self._until(step)
        self._image, self._time_s = image, time_s
        return done

    def finish(self, end_s: float) -> NDArray[np.float32]:
        """The last steps, once no frame is left; shape as ``feed``.

        Args:
            end_s: source time until which the last picture stands, for ``HOLD_S`` at most.
        """
        return self._until(self.settings.step_of(min(end_s, self._time_s + HOLD_S)))

    def _until(self, step: int) -> NDArray[np.float32]:
        """Every step before that one, with the picture that stands."""
        shape = (CHANNELS, self.settings.rows, self.settings.columns)
        count = step - self._step
        if self._image is None or count <= 0:
            return np.zeros((0, *shape), np.float32)
        self._step = step
        small = resize(self._image, rows=self.settings.rows, columns=self.settings.columns)
        return np.broadcast_to(small, (count, *shape))
