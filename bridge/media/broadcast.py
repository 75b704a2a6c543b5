"""What a broadcast WAV says of itself: where it lies on the clock, who made it, which scene and take.

Convention: two chunks. ``bext`` (EBU Tech 3285, version 1, or 2 where the loudness is known) has fields of fixed size
in ASCII; ``iXML`` (www.ixml.info, 1.61) has the same text whole and in any language. Where both tell, ``bext`` is right
about all that fits into it, since more tools edit it. Date and time are given, never taken from a clock here.
"""

from __future__ import annotations

import logging
import math
import re
import struct
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bridge.errors import RequestError
from bridge.media import riff
from bridge.media.container import check_readable

log = logging.getLogger(__name__)

BEXT_CHUNK = b"bext"
IXML_CHUNK = b"iXML"
IXML_VERSION = "1.61"
LARGEST_CHUNK_BYTES = 1 << 22
"""Of a file that somebody else made, not more than this is taken for text."""
_BEXT = struct.Struct("<256s32s32s10s8sQH64s5h180s")
_UNKNOWN = 0x7FFF
_SIZES = {"description": 256, "originator": 32, "originator_reference": 32}
_TAGS = {"project": "PROJECT", "scene": "SCENE", "take": "TAKE", "note": "NOTE"}
_IXML_BEXT = {
    "description": "BWF_DESCRIPTION",
    "originator": "BWF_ORIGINATOR",
    "originator_reference": "BWF_ORIGINATOR_REFERENCE",
}
_NOT_IN_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True)
class Broadcast:
    """What is told. Text may be of any length and language; ``bext`` holds as much as fits (256, 32, 32 letters).

    Attributes:
        description: what is heard. originator: who made the file. originator_reference: its name with them.
        date: "2026-01-31". time: "23:59:59"; when it was made; "" if that is not known.
        time_reference_samples: samples of the file's own rate between midnight and its first sample: where it lies
            on the time line.
        project, scene, take, note: as on a slate.
        timecode_rate: frames a second as a fraction, e.g. "25/1" or "30000/1001"; "" if there is no picture.
        drop_frame: how they are counted.
        track_names: of the channels, in order; may be shorter than the channels are many.
        loudness_lufs, true_peak_db: of the whole file, if they were measured.
    """

    description: str = ""
    originator: str = "Foley Bridge"
    originator_reference: str = ""
    date: str = ""
    time: str = ""
    time_reference_samples: int = 0
    project: str = ""
    scene: str = ""
    take: str = ""
    note: str = ""
    timecode_rate: str = ""
    drop_frame: bool = False
    track_names: tuple[str, ...] = ()
    loudness_lufs: float | None = None
    true_peak_db: float | None = None

    def __post_init__(self) -> None:
        for name, shape, example in (
            ("date", r"\d{4}-\d\d-\d\d", "2026-01-31"),
            ("time", r"\d\d:\d\d:\d\d", "23:59:59"),
            ("timecode_rate", r"[1-9]\d*/[1-9]\d*", "25/1"),
        ):
            said = getattr(self, name)
            if said and not re.fullmatch(shape, said, re.ASCII):
                raise RequestError(
                    f"the {name} of a broadcast file cannot be '{said}'", hint=f"Write it like {example}, or leave it"
                )
        if not 0 <= self.time_reference_samples < 2**64:
            raise RequestError(
                f"a broadcast file cannot begin {self.time_reference_samples} samples after midnight",
                hint="Let the item begin at 0 or later",
            )


def to_chunks(broadcast: Broadcast, form: riff.Format) -> bytes:
    """Both chunks, for a file of this format."""
    return riff.chunk(BEXT_CHUNK, _bext(broadcast, form)) + riff.chunk(IXML_CHUNK, _ixml(broadcast, form))


def read_broadcast(path: Path | str) -> Broadcast | None:
    """What a file says of itself; None if it has neither chunk. What is damaged in it is left out, with a warning.

    Raises:
        MediaError: missing, a folder, empty or unreadable.
    """
    path = Path(path)
    check_readable(path)
    found: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        for name, size in riff.chunks(file):
            if name in (BEXT_CHUNK, IXML_CHUNK) and name not in found and size <= LARGEST_CHUNK_BYTES:
                found[name] = file.read(size)
    if not found:
        return None
    told = _from_ixml(path, found.get(IXML_CHUNK, b""))
    for key, value in _from_bext(path, found.get(BEXT_CHUNK, b"")).items():
        if key not in _SIZES or _ascii(told.get(key, ""), _SIZES[key]).decode() != value:
            told[key] = value
    return Broadcast(**{"originator": "", **told})


def _bext(broadcast: Broadcast, form: riff.Format) -> bytes:
    loudness = _hundredths(broadcast.loudness_lufs)
    peak = _hundredths(broadcast.true_peak_db)
    measured = not loudness == peak == _UNKNOWN
    layout = {1: "mono", 2: "stereo"}.get(form.channels, f"{form.channels} channels")
    kind = "float" if form.subtype == "FLOAT" else "integer"
    history = f"A=PCM,F={form.rate_hz},W={form.bits},M={layout},T={kind}\r\n"
    texts = [_ascii(getattr(broadcast, name), size) for name, size in _SIZES.items()]
    return (
        _BEXT.pack(
            *texts,
            broadcast.date.encode(),
            broadcast.time.encode(),
            broadcast.time_reference_samples,
            2 if measured else 1,
            bytes(64),
            *((loudness, _UNKNOWN, peak, _UNKNOWN, _UNKNOWN) if measured else (0,) * 5),
            bytes(180),
        )
        + history.encode()
    )


def _from_bext(path: Path, data: bytes) -> dict:
    if len(data) < _BEXT.size:
        if data:
            log.warning("%s: its bext chunk is too short and is left out", path)
        return {}
    *texts, date, time, reference, version, _, loudness, _, peak, _, _, _ = _BEXT.unpack(data[: _BEXT.size])
    told: dict = {name: _text(text) for name, text in zip(_SIZES, texts, strict=True)}
    told["date"] = _digits(date, (4, 2, 2), "-")
    told["time"] = _digits(time, (2, 2, 2), ":")
    told["time_reference_samples"] = reference
    if version >= 2:
        for name, value in (("loudness_lufs", loudness), ("true_peak_db", peak)):
            told[name] = value / 100.0 if abs(value) <= 9999 else None
    return told


def _ixml(broadcast: Broadcast, form: riff.Format) -> bytes:
    root = ElementTree.Element("BWFXML")
    _add(root, "IXML_VERSION", IXML_VERSION)
    for name, tag in _TAGS.items():
        _add(root, tag, getattr(broadcast, name))
    speed = ElementTree.SubElement(root, "SPEED")
    if broadcast.timecode_rate:
        _add(speed, "TIMECODE_RATE", broadcast.timecode_rate)
        _add(speed, "TIMECODE_FLAG", "DF" if broadcast.drop_frame else "NDF")
    _add(speed, "FILE_SAMPLE_RATE", form.rate_hz)
    _add(speed, "AUDIO_BIT_DEPTH", form.bits)
    _add(speed, "DIGITIZER_SAMPLE_RATE", form.rate_hz)
    _add(speed, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", broadcast.time_reference_samples >> 32)
    _add(speed, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO", broadcast.time_reference_samples & 0xFFFFFFFF)
    _add(speed, "TIMESTAMP_SAMPLE_RATE", form.rate_hz)
    tracks = ElementTree.SubElement(root, "TRACK_LIST")
    _add(tracks, "TRACK_COUNT", form.channels)
    for index in range(form.channels):
        track = ElementTree.SubElement(tracks, "TRACK")
        _add(track, "CHANNEL_INDEX", index + 1)
        _add(track, "INTERLEAVE_INDEX", index + 1)
        _add(track, "NAME", broadcast.track_names[index] if index < len(broadcast.track_names) else "")
    bext = ElementTree.SubElement(root, "BEXT")
    for name, tag in _IXML_BEXT.items():
        _add(bext, tag, getattr(broadcast, name))
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "utf-8") + b"\n"


def _from_ixml(path: Path, data: bytes) -> dict:
    data = data.rstrip(b"\0 \r\n\t")
    if not data:
        return {}
    try:
        if b"<!DOCTYPE" in data:
            raise ElementTree.ParseError("it defines words of its own")
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        log.warning("%s: its iXML chunk is damaged and is left out (%s)", path, error)
        return {}
    told: dict = {name: root.findtext(tag) or "" for name, tag in _TAGS.items()}
    told |= {name: root.findtext(f"BEXT/{tag}") or "" for name, tag in _IXML_BEXT.items()}
    high, low = (_number(root.findtext(f"SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_{half}")) for half in ("HI", "LO"))
    told["time_reference_samples"] = high << 32 | low
    rate = (root.findtext("SPEED/TIMECODE_RATE") or "").strip()
    told["timecode_rate"] = rate if re.fullmatch(r"[1-9]\d*/[1-9]\d*", rate, re.ASCII) else ""
    told["drop_frame"] = (root.findtext("SPEED/TIMECODE_FLAG") or "").strip() == "DF"
    names = [track.findtext("NAME") or "" for track in root.findall("TRACK_LIST/TRACK")]
    while names and not names[-1]:
        names.pop()
    told["track_names"] = tuple(names)
    return told


def _add(parent: ElementTree.Element, tag: str, value: object) -> None:
    ElementTree.SubElement(parent, tag).text = _clean(str(value))


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold; lines end as XML reads them."""
    return _NOT_IN_XML.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def _ascii(text: str, size: int) -> bytes:
    """As much of a text as fits into a field, letters without their accents, what has no ASCII letter as "?"."""
    letters = unicodedata.normalize("NFKD", _clean(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).encode("ascii", "replace")[:size]


def _text(field: bytes) -> str:
    """A field that another tool may have filled with more than ASCII."""
    said = field.split(b"\0")[0]
    try:
        return said.decode()
    except UnicodeDecodeError:
        return said.decode("latin-1")


def _hundredths(value: float | None) -> int:
    if value is None or not math.isfinite(value) or abs(value) > 99.99:
        return _UNKNOWN
    return round(value * 100.0)


def _digits(text: bytes, widths: tuple[int, ...], between: str) -> str:
    """A date or time with any of the separators that the standard allows, with ours; "" if it is none."""
    pattern = rb"[-_:./ ]".join(rb"(\d{%d})" % width for width in widths)
    found = re.fullmatch(pattern, text)
    return between.join(part.decode() for part in found.groups()) if found else ""


def _number(text: str | None) -> int:
    said = (text or "").strip()
    return int(said) & 0xFFFFFFFF if re.fullmatch(r"\d{1,10}", said, re.ASCII) else 0
