"""An example sound whose timbre is wanted, named so that it can be found and known again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bridge.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A stretch of a sound file.

    Attributes:
        path: the file; a video's sound counts too. Two references are equal wherever their file lies.
        sha256: of the whole file, hex: another file under the same name is not this reference.
        start_s, length_s: the stretch, from the file's beginning; without a length up to its end.
    """

    path: str = field(compare=False, repr=False)
    sha256: str
    start_s: float = 0.0
    length_s: float | None = None

    def __post_init__(self) -> None:
        good = math.isfinite(self.start_s) and self.start_s >= 0.0
        if self.length_s is not None:
            good = good and math.isfinite(self.length_s) and self.length_s > 0.0
        if not good:
            raise RequestError(
                f"the reference {self.path} has no part from {self.start_s:g} s, {self.length_s} s long",
                hint="Choose a part that lies in the file",
            )
