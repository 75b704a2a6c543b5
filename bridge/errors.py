"""The one error tree.

    BridgeError
      RequestError     what was asked cannot be done as asked (prompt, markers, item)
      MediaError       a video or sound file cannot be read or written
      PackError        a model pack is missing, damaged or does not fit
      EngineError      a graph failed while it ran
      HostError        the host (REAPER, a project file) is away, busy or refuses
        HostGone       the project, or the host's run, that was meant is not there any more
        HostUnsure     the host went silent during a write: nobody knows whether the change is there
      JobCancelled     the designer cancelled; not a failure

A message says what happened and to which file or item; the hint says what to do next. Foreign errors are translated
at the boundary, with ``from``. ``sentence`` is what the designer reads.
"""

from __future__ import annotations

import re

_LONGEST_MESSAGE, _LONGEST_HINT = 900, 500
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Signs that a terminal obeys, that turn the direction of what follows, or that no text can be made of."""


class BridgeError(Exception):
    """Base of everything the bridge raises on purpose.

    Args:
        message: what happened, naming the file or item; no full stop needed.
        hint: the way out, as an imperative; may be empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def sentence(self) -> str:
        """Message and hint as one readable line, whatever a file or a stranger put into it."""
        message = _readable(self.message, _LONGEST_MESSAGE).rstrip(".")
        hint = _readable(self.hint, _LONGEST_HINT).rstrip(".")
        return f"{message}. {hint}." if hint else f"{message}."

    def __str__(self) -> str:
        return self.sentence


def _readable(text: str, longest: int) -> str:
    """A text on one line, its middle left out where it is too long."""
    if len(text) > longest:
        head = longest * 2 // 3
        text = f"{text[:head]} ... {text[head + 5 - longest :]}"
    return " ".join(_NOT_SHOWN.sub("\ufffd", " ".join(text.split())).split())


class RequestError(BridgeError):
    """What was asked cannot be done as asked."""


class MediaError(BridgeError):
    """A video or sound file cannot be read or written."""


class PackError(BridgeError):
    """A model pack is missing, damaged or does not fit."""


class EngineError(BridgeError):
    """A graph failed while it ran."""


class HostError(BridgeError):
    """The host is away, busy, or refuses."""


class HostGone(HostError):
    """The project, or the run of the host, that was meant is not there any more and does not come back."""


class HostUnsure(HostError):
    """The host went silent during a write; the change may be there, so what it needs must be kept."""


class JobCancelled(BridgeError):
    """The designer cancelled the job."""
