"""What an onset graph looks at: front ends by the name that a pack's manifest gives them.

Convention: a front end turns frames, in order, into steps on a uniform clock, ready for the graph. It is made anew for
every pass over a video. A new kind is one class here and one line in ``_KINDS``; the *when* stage knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.dsp import motion, pictures
from bridge.dsp.motion import MotionGrid, MotionSettings, compress
from bridge.dsp.pictures import PictureSettings, PictureSteps
from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.stages import Frontend


class FrontEnd(Protocol):
    """Frames in, one at a time; finished steps out."""

    @property
    def tensor(self) -> str:
        """Name of the graph's input."""
        ...

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sizes of one step."""
        ...

    @property
    def rate_hz(self) -> float:
        """Steps per second."""
        ...

    @property
    def max_width(self) -> int | None:
        """Frames that are wider may be made this narrow; None wants them as they are."""
        ...

    @property
    def first_s(self) -> float:
        """Source time of the first step; 0 before the first frame."""
        ...

    def feed(self, time_s: float, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Steps, (steps, *shape), that are finished with this frame, which appears at a source time."""
        ...

    def finish(self, end_s: float) -> NDArray[np.float32]:
        """The last steps, once no frame is left; the last picture stands until ``end_s``, source time."""
        ...


def front_end(wanted: Frontend, *, where: str) -> FrontEnd:
    """A fresh front end as a manifest describes it.

    Args:
        wanted: ``when.frontend``.
        where: names the pack in errors.

    Raises:
        PackError: the kind is unknown here, or its numbers do not fit.
    """
    if wanted.kind not in _KINDS:
        raise PackError(
            f'{where} wants to look at the picture in a way that is unknown here: "{wanted.kind}"',
            hint="Update Foley Bridge",
        )
    return _KINDS[wanted.kind](wanted.to_wire())


class _Motion:
    """Motion of the picture on a grid."""

    tensor = contract.MOTION

    def __init__(self, numbers: Mapping[str, Any]) -> None:
        settings = MotionSettings.from_manifest(numbers)
        self.shape = (motion.CHANNELS, settings.rows, settings.columns)
        self.rate_hz = settings.rate_hz
        self.max_width = 2 * settings.width_px
        self._grid = MotionGrid(settings)

    @property
    def first_s(self) -> float:
        return float(self._grid.settings.step_time_s(self._grid.first_step or 0))

    def feed(self, time_s: float, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        return compress(self._grid.feed(time_s, image))

    def finish(self, end_s: float) -> NDArray[np.float32]:
        return compress(self._grid.finish())


class _Pictures:
    """The picture itself, small; from frames as large as they are, since scaling twice would blur."""

    tensor = contract.PICTURES
    max_width = None

    def __init__(self, numbers: Mapping[str, Any]) -> None:
        settings = PictureSettings.from_manifest(numbers)
        self.shape = (pictures.CHANNELS, settings.rows, settings.columns)
        self.rate_hz = settings.rate_hz
        self._steps = PictureSteps(settings)
        self.feed = self._steps.feed
        self.finish = self._steps.finish

    @property
    def first_s(self) -> float:
        return self._steps.settings.step_time_s(self._steps.first_step or 0)


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], FrontEnd]] = MappingProxyType(
    {motion.KIND: _Motion, pictures.KIND: _Pictures}
)
