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
        """Message and hint as one readable line."""
        message = " ".join(self.message.split()).rstrip(".")
        hint = " ".join(self.hint.split()).rstrip(".")
        return f"{message}. {hint}." if hint else f"{message}."

    def __str__(self) -> str:
        return self.sentence


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
