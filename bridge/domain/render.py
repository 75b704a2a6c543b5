"""A render's recipe: everything needed to make the sound again, as text that lives with the take and in the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bridge.domain import stored
from bridge.domain.clip import Section
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.errors import RequestError

SCHEMA = 1
_TIME_MAP: dict[str, Any] = {
    **dict.fromkeys(("source_length_s", "position_s", "length_s", "start_offset_s", "play_rate"), float),
    **{"loop": bool, "section": Section | None, "stretch_markers": int, "name": str},
}
_OUTPUT: dict[str, Any] = {
    **dict.fromkeys(("loudness_lufs", "true_peak_db"), float | None),
    **dict.fromkeys(("fade_in_ms", "fade_out_ms", "gain_db"), float),
}
"""What is counted with of what a recipe tells; anything else in the two tables is only shown."""
PLACED = "place"
"""What a recipe calls the pack of a sound that was placed, not generated."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a render was made.

    Attributes:
        request: what was asked.
        pack, pack_version, pack_digest: the model pack; the digest is the SHA-256 of its manifest.
        licence, commercial_use: the pack's; commercial use is "yes", "no" or "unknown".
        video_item_guid: the item it was made for ("" outside a host).
        source_path: the video file.
        time_map: the clip's own numbers (position_s, length_s, start_offset_s, play_rate, ...).
        provider: ONNX Runtime's name of what the denoiser ran on; the same bytes are only promised on the same.
        previous_digest: digest of the request whose render was partly kept; "" if all of it was made at once.
        onset_pack, onset_pack_digest: the pack that found the onsets, if that is known and it is another; else "".
        within: samples of the time selection in which this request changed the sound; None for all of it.
        parts: how the sound came to be that this request changed, step by step, the oldest first, as tables of JSON
            values (``bridge.engine.parts.Part``); empty for a sound that was made at once.
        controls: the named strengths in force, by name.
        output: how the sound became a file (rate, format, loudness, fades, ...); JSON values.
        source_sha256: SHA-256 of the video file, hex; "" if it was not taken.
    """

    request: Request
    pack: str
    pack_version: str
    pack_digest: str
    licence: str
    commercial_use: str
    video_item_guid: str
    source_path: str
    time_map: dict[str, Any]
    provider: str = ""
    previous_digest: str = ""
    onset_pack: str = ""
    onset_pack_digest: str = ""
    within: tuple[int, int] | None = None
    parts: tuple[Mapping[str, Any], ...] = ()
    controls: Mapping[str, float] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    source_sha256: str = ""

    @property
    def placed(self) -> bool:
        """Whether the sound is the reference itself, placed on the onsets."""
        return self.pack == PLACED

    @property
    def found_by(self) -> Mapping[str, str]:
        """The fields that tell of the pack that found the onsets."""
        return {"onset_pack": self.onset_pack, "onset_pack_digest": self.onset_pack_digest}

    def to_table(self) -> dict[str, Any]:
        """Everything as what JSON can hold."""
        return {"schema": SCHEMA, **asdict(self)}

    def to_json(self) -> str:
        """One line of JSON, keys sorted."""
        return json.dumps(self.to_table(), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Reads what ``to_json`` wrote, also what earlier versions wrote, which had fewer fields.

        Raises:
            RequestError: the text is no recipe, or one of a newer version.
        """
        hint = "Press Generate to make a new sound"
        try:
            table = stored.loads(text)
            schema = table.pop("schema")
            if schema != SCHEMA:
                raise RequestError(f"the take's recipe has schema {schema}, this version reads {SCHEMA}", hint=hint)
            if not stored.fitting(cls, table):
                raise ValueError("a field is missing, unknown or of another kind")
            for kinds, said in ((_TIME_MAP, table["time_map"]), (_OUTPUT, table.get("output", {}))):
                if not all(stored.fitting(kinds[name], value) for name, value in said.items() if name in kinds):
                    raise ValueError("a number is none")
            within = table.pop("within", None)
            return cls(
                request=request_of(table.pop("request")),
                within=None if within is None else (within[0], within[1]),
                parts=tuple(table.pop("parts", ())),
                **table,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RequestError("the take's recipe cannot be read", hint=hint) from error


def request_of(table: Mapping[str, Any]) -> Request:
    """A request from its fields as JSON holds them.

    Raises:
        ValueError: they make no request, or are none.
    """
    if not stored.fitting(Request, table):
        raise ValueError("a field is missing, unknown or of another kind")
    asked = dict(table)
    try:
        onsets = tuple(Onset(**fields) for fields in asked.pop("onsets"))
        reference = asked.pop("reference", None)
        heard = None if reference is None else Reference(**reference)
        mix = tuple((seed, float(amount)) for seed, amount in asked.pop("mix", ()))
        return Request(onsets=onsets, reference=heard, mix=mix, **asked)
    except RequestError as error:
        raise ValueError(error.message) from error
