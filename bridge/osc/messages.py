"""What is said on the OSC wire: one dataclass per message, addresses ``/foley/<verb>``, and the one answer.

Convention: a verb's arguments are all optional and in this order: cursor (text, ``repr`` of seconds, because OSC's
floats are 32 bits; "" = unknown; numbers are taken too), GUID of the track under the mouse (text), words typed (text),
project (text: the token by which the host knows the tab in which the key was pressed; "" = the one in front). On the
daemon's own door two texts come last, after the four: the token of ``daemon.json``, and the press id, a random word
that is new for each key press. The answer is ``/foley/answer`` with verb (s), ok (i, 1 or 0), sentence (s), job id (s,
"" if no job was made).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from bridge.errors import RequestError

T = TypeVar("T")
PREFIX = "/foley/"
ANSWER_ADDRESS = "/foley/answer"
LONGEST_PROMPT = 500
LONGEST_GUID = 64
LONGEST_TOKEN = 128
LONGEST_PRESS = 64
LONGEST_PROJECT = 4300
"""A token holds the path of a project file, for which REAPER has room of 4096 characters."""


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A key press.

    Attributes:
        cursor_s: edit cursor at the key press, project time; None if the sender did not say.
        mouse_track_guid: track under the mouse; "" if none.
        prompt: words typed just now; "" if none.
        project: token of the project in which the key was pressed; "" if the sender did not say.
    """

    NAME: ClassVar[str] = ""

    cursor_s: float | None = None
    mouse_track_guid: str = ""
    prompt: str = ""
    project: str = ""


@dataclass(frozen=True, kw_only=True)
class Detect(Verb):
    """Find onsets."""

    NAME: ClassVar[str] = "detect"


@dataclass(frozen=True, kw_only=True)
class Generate(Verb):
    """Make sound for the markers."""

    NAME: ClassVar[str] = "generate"


@dataclass(frozen=True, kw_only=True)
class Variation(Verb):
    """Another take with another seed."""

    NAME: ClassVar[str] = "variation"


@dataclass(frozen=True, kw_only=True)
class Again(Verb):
    """Make again only what changed in the markers."""

    NAME: ClassVar[str] = "again"


@dataclass(frozen=True, kw_only=True)
class Cancel(Verb):
    """Stop what is being made."""

    NAME: ClassVar[str] = "cancel"


@dataclass(frozen=True, kw_only=True)
class Free(Verb):
    """Close the graphs until they are needed again."""

    NAME: ClassVar[str] = "free"


@dataclass(frozen=True, kw_only=True)
class Status(Verb):
    """What is going on?"""

    NAME: ClassVar[str] = "status"


@dataclass(frozen=True, kw_only=True)
class SetPrompt(Verb):
    """Remember the prompt in the project."""

    NAME: ClassVar[str] = "prompt"


@dataclass(frozen=True, kw_only=True)
class More(Verb):
    """Lower the threshold: more of the onsets that were seen."""

    NAME: ClassVar[str] = "more"


@dataclass(frozen=True, kw_only=True)
class Fewer(Verb):
    """Raise the threshold: fewer of them."""

    NAME: ClassVar[str] = "fewer"


@dataclass(frozen=True, kw_only=True)
class Live(Verb):
    """Make again by itself whenever the score changes, or not any more."""

    NAME: ClassVar[str] = "live"


@dataclass(frozen=True, kw_only=True)
class Touched(Verb):
    """The score of a watched project changed; sent by the script in REAPER, never by a key."""

    NAME: ClassVar[str] = "touched"


@dataclass(frozen=True, kw_only=True)
class Keep(Verb):
    """Only the active take stays."""

    NAME: ClassVar[str] = "keep"


@dataclass(frozen=True, kw_only=True)
class Exactly(Verb):
    """The active take again, from its recipe."""

    NAME: ClassVar[str] = "exactly"


@dataclass(frozen=True, kw_only=True)
class Little(Verb):
    """A take close to the active one."""

    NAME: ClassVar[str] = "little"


@dataclass(frozen=True, kw_only=True)
class Lot(Verb):
    """A take farther from it."""

    NAME: ClassVar[str] = "lot"


@dataclass(frozen=True, kw_only=True)
class UseReference(Verb):
    """The selected item says what is wanted."""

    NAME: ClassVar[str] = "reference"


@dataclass(frozen=True, kw_only=True)
class Forget(Verb):
    """The prompt says it again."""

    NAME: ClassVar[str] = "forget"


@dataclass(frozen=True, kw_only=True)
class Place(Verb):
    """The reference itself on every onset."""

    NAME: ClassVar[str] = "place"


@dataclass(frozen=True, kw_only=True)
class SetControls(Verb):
    """Remember controls with a track."""

    NAME: ClassVar[str] = "controls"


@dataclass(frozen=True, kw_only=True)
class ShowRecipe(Verb):
    """How was the active take made?"""

    NAME: ClassVar[str] = "recipe"


@dataclass(frozen=True, kw_only=True)
class DrawLevel(Verb):
    """An envelope drawn from the picture."""

    NAME: ClassVar[str] = "level"


KINDS: tuple[type[Verb], ...] = (
    Detect,
    Generate,
    Variation,
    Again,
    Cancel,
    Free,
    Status,
    SetPrompt,
    More,
    Fewer,
    Live,
    Touched,
    Keep,
    Exactly,
    Little,
    Lot,
    UseReference,
    Forget,
    Place,
    SetControls,
    ShowRecipe,
    DrawLevel,
)
VERBS: dict[str, type[Verb]] = {kind.NAME: kind for kind in KINDS}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the sender of a verb gets back, once, within 0.3 s.

    Attributes:
        ok: whether the verb was accepted. sentence: for the designer; may be empty. job_id: the job made, "" if none.
    """

    ok: bool
    sentence: str = ""
    job_id: str = ""

    def __str__(self) -> str:
        return self.sentence


def sealed(arguments: Sequence[T], token: str, press: str) -> list[T | str]:
    """A verb's arguments as the daemon's own door wants them."""
    return [*(*arguments, "", "", "", "")[: max(4, len(arguments))], token, press]


def opened(address: str, arguments: Sequence[object]) -> tuple[str, list[object], str, str]:
    """(address, the verb's arguments, token, press id) of a message to the daemon's own door; "" for what is missing.

    Raises:
        RequestError: token or press id are no texts, or too long.
    """
    if len(arguments) != 6:
        return address, list(arguments), "", ""
    token = _text(address, "token", arguments[-2], LONGEST_TOKEN)
    press = _text(address, "press id", arguments[-1], LONGEST_PRESS)
    return address, list(arguments[:-2]), token, press


def parse(address: str, arguments: Sequence[object]) -> Verb:
    """The verb that an OSC message means.

    Raises:
        RequestError: an unknown address, or arguments that are not as above.
    """
    name = address[len(PREFIX) :] if address.startswith(PREFIX) else ""
    kind = VERBS.get(name)
    if kind is None:
        known = ", ".join(PREFIX + verb for verb in VERBS)
        raise RequestError(f"The bridge does not know {address[:80]!r}", hint=f"Send one of {known}")
    if len(arguments) > 4:
        raise RequestError(
            f"{address} has {len(arguments)} arguments", hint="Send cursor, track GUID, prompt and project"
        )
    cursor, guid, prompt, project = (*arguments, "", "", "", "")[:4]
    return kind(
        cursor_s=_seconds(address, cursor),
        mouse_track_guid=_text(address, "track GUID", guid, LONGEST_GUID),
        prompt=" ".join(_text(address, "prompt", prompt, LONGEST_PROMPT).split()),
        project=_text(address, "project", project, LONGEST_PROJECT),
    )


def _seconds(address: str, value: object) -> float | None:
    if value == "":
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        seconds = float(value)
        if not math.isfinite(seconds):
            raise ValueError
    except ValueError:
        raise RequestError(
            f"The cursor sent with {address} is not a time: {str(value)[:40]!r}", hint="Send seconds as text"
        ) from None
    return seconds


def _text(address: str, what: str, value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise RequestError(f"The {what} sent with {address} is not text", hint=f"Send the {what} as a string")
    if len(value) > longest:
        raise RequestError(f"The {what} is {len(value)} characters long", hint=f"Keep it below {longest + 1}")
    return value
