"""Opens a video file read-only and says, for each way it can be bad, which it is and what to do.

Convention: source time 0 is where the container begins (``ZERO_IS_CONTAINER_START``), not where its picture begins.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from bridge.errors import MediaError

log = logging.getLogger(__name__)

ZERO_IS_CONTAINER_START = True
"""Whether source time 0 is the container's start time (the earliest of its streams), as players do it. How REAPER
places a picture that begins later than its container is not documented and was not verified: see REAPER.md B.3."""

STILL_FORMATS = ("image2", "_pipe")
"""Formats of one image a file: ``image2`` and libavformat's ``png_pipe``, ``jpeg_pipe`` and so on."""


STAMPS_BY_ORDER = ("avi",)
"""Formats without presentation time stamps. What libavformat guesses for H.264 in them is late and out of order, so a
picture takes the place in time of the packet at the same place in order."""


PLAYLISTS = frozenset({"hls", "concat", "concatf", "dash", "imf"})
"""Formats of files that hold no media but name other files, which may lie anywhere."""
MENDED_IN = {"magicyuv": (62, 28, 102)}
"""Decoders that write beyond a picture before this libavcodec (CVE-2026-8461)."""


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """What a video file says of itself.

    Attributes:
        path: the file. duration_s: its length, from source time 0 to the end of its longest stream.
        picture_start_s, picture_end_s: source time of the first picture and of the end of the last, as stated.
        width, height: pixels, after rotation. rotation: degrees clockwise that turn the stored picture upright:
            0, 90, 180 or 270.
        average_fps: mean frame rate as stated; frames may be spaced unevenly. codec: e.g. "h264".
        has_audio: whether a sound stream is there.
    """

    path: Path
    duration_s: float
    picture_start_s: float
    picture_end_s: float
    width: int
    height: int
    rotation: int
    average_fps: float
    codec: str
    has_audio: bool


@contextmanager
def open_video(path: Path | str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The open container and the stream of its moving picture; closed on leaving.

    Raises:
        MediaError: missing, a folder, empty, unreadable, not media, without a picture, or a still image.
    """
    path = Path(path)
    check_readable(path)
    try:
        container = open_media(path)
    except FFmpegError as error:
        raise _cannot_open(path, error) from error
    with container:
        stream = _moving_picture(container, path)
        check_decoder(stream.codec_context.name, path)
        yield container, stream


def open_media(path: Path) -> InputContainer:
    """Any file of sound or picture, opened read-only; nothing but this one file is read, whatever stands in it.

    Raises:
        FFmpegError: from libavformat. MediaError: it names other files instead of holding media.
    """
    container = av.open(
        str(path.absolute()), mode="r", metadata_errors="replace", options={"protocol_whitelist": "file"}
    )
    if PLAYLISTS & set(container.format.name.split(",")):
        container.close()
        raise MediaError(
            f"{path} is a list that names other files and holds no picture or sound itself",
            hint="Use the file that it names",
        )
    return container


def check_decoder(name: str, path: Path, *, version: tuple[int, ...] | None = None) -> None:
    """Raises MediaError for a codec whose decoder, in the libavcodec that is installed, is known to be unsafe.

    Args:
        name: the decoder's. version: of libavcodec; None is the one that is loaded.
    """
    if name in MENDED_IN and (version or av.library_versions["libavcodec"]) < MENDED_IN[name]:
        raise MediaError(
            f"{path} is {name}, which the installed FFmpeg libraries cannot read safely",
            hint="Use Python 3.11 or later with av 18.1, or convert the file to MP4 with H.264",
        )


def probe(path: Path | str) -> VideoInfo:
    """What a video file says of itself; decodes one picture.

    Raises:
        MediaError: as ``open_video``, or no picture can be decoded at all.
    """
    path = Path(path)
    with open_video(path) as (container, stream):
        zero = source_zero(container)
        frame = _first_frame(container, stream, path)
        turn = quarter_turns(frame)
        width, height = (frame.height, frame.width) if turn % 2 else (frame.width, frame.height)
        start = _start(container, stream)
        end = stated_end(container, stream)
        length = max(_container_end(container) or end, end) - zero
        return VideoInfo(
            path=path,
            duration_s=float(length),
            picture_start_s=float(start - zero),
            picture_end_s=float(end - zero),
            width=width,
            height=height,
            rotation=-90 * turn % 360,
            average_fps=float(stream.average_rate or stream.guessed_rate or 0),
            codec=stream.codec_context.name,
            has_audio=bool(container.streams.audio),
        )


def check_readable(path: Path) -> None:
    """Raises MediaError unless the path is a readable file with something in it."""
    if not path.exists():
        raise MediaError(f"{path} does not exist", hint="Check the path")
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not a file", hint="Name a file in it")
    if not path.is_file():
        raise MediaError(f"{path} is not a regular file", hint="Name a file")
    if not os.access(path, os.R_OK):
        raise MediaError(f"{path} may not be read by this user", hint="Change the file's permissions")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes)", hint="Copy or export it again")


def source_zero(container: InputContainer) -> Fraction:
    """The container's own time at source time 0, taken exactly from its streams (it rounds to microseconds itself)."""
    if not ZERO_IS_CONTAINER_START or container.start_time is None:
        return Fraction(0)
    rounded = Fraction(container.start_time, av.time_base)
    exact = [
        _seconds(stream, stream.start_time)
        for stream in (*container.streams.video, *container.streams.audio)
        if stream.start_time is not None and stream.time_base is not None
    ]
    return min((start for start in exact if abs(start - rounded) < Fraction(2, av.time_base)), default=rounded)


def stated_end(container: InputContainer, stream: VideoStream) -> Fraction:
    """Container time at which the picture ends, by what the file states of it or else of the whole."""
    own = stated_end_of_picture(container, stream)
    if own is not None:
        return own
    return _container_end(container) or _start(container, stream)


def stated_end_of_picture(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Container time at which the picture ends; None where the file states only how long picture and sound last."""
    if stream.duration:
        return _start(container, stream) + _seconds(stream, stream.duration)
    tagged = _tagged_duration(stream.metadata.get("DURATION", ""))
    if tagged is not None:
        return tagged
    return None if container.streams.audio else _container_end(container)


def quarter_turns(frame: av.VideoFrame) -> int:
    """Anticlockwise quarter turns that bring a stored picture upright (its display matrix, rounded), 0..3."""
    return round(frame.rotation / 90) % 4


def _container_end(container: InputContainer) -> Fraction | None:
    """Container time of the end of the longest stream, as stated. Matroska counts its duration from 0."""
    if not container.duration:
        return None
    begin = Fraction(0) if "matroska" in container.format.name else source_zero(container)
    return begin + Fraction(container.duration, av.time_base)


def _start(container: InputContainer, stream: VideoStream) -> Fraction:
    return _seconds(stream, stream.start_time) if stream.start_time is not None else source_zero(container)


def _seconds(stream: Stream, ticks: int) -> Fraction:
    return ticks * Fraction(stream.time_base or 1)


def _moving_picture(container: InputContainer, path: Path) -> VideoStream:
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        if container.streams.audio:
            raise MediaError(f"{path} holds sound but no picture", hint="Choose a video file or an item with video")
        raise MediaError(f"{path} holds neither picture nor sound", hint="Choose a video file")
    if any(container.format.name == name or container.format.name.endswith(name) for name in STILL_FORMATS):
        raise MediaError(f"{path} is a still image", hint="Choose a video file: foley needs movement")
    stream = streams[0]
    if stream.codec_context is None:
        raise MediaError(
            f"{path} has a picture in a format that this computer cannot decode", hint="Convert it to H.264"
        )
    stream.thread_type = "AUTO"
    return stream


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> av.VideoFrame:
    """The first picture that decodes; a file with no second packet is a still image in a video's clothes."""
    first, packets = None, 0
    try:
        for packet in container.demux(stream):
            packets += packet.size > 0
            try:
                frames = packet.decode()
            except FFmpegError:
                continue
            first = first or next(iter(frames), None)
            if first is not None and packets > 1:
                break
    except FFmpegError as error:
        if first is None:
            raise nothing_decodes(path) from error
    if first is None:
        raise nothing_decodes(path)
    if packets == 1:
        raise MediaError(f"{path} holds a single picture", hint="Choose a video file: foley needs movement")
    return first


def nothing_decodes(path: Path) -> MediaError:
    """The error for a file whose header reads and whose pictures do not."""
    return MediaError(f"not one picture of {path} can be decoded", hint="The file is damaged: copy or export it again")


def _cannot_open(path: Path, error: FFmpegError) -> MediaError:
    with path.open("rb") as file:
        head = file.read(32)
    if b"ftyp" in head:
        return MediaError(
            f"{path} was cut off or never finished: its index is missing ({error.strerror})",
            hint="Copy the file again, or repair it with the program that recorded it",
        )
    return MediaError(
        f"{path} is not a video file that can be read ({error.strerror})",
        hint="Open it in a player to check; convert it to MP4 with H.264 if it plays there",
    )


def _tagged_duration(text: str) -> Fraction | None:
    """Matroska's DURATION tag, "00:00:05.040000000", which is the time of the stream's end; None if it is not one."""
    parts = text.split(":")
    try:
        hours, minutes, seconds = int(parts[0]), int(parts[1]), Fraction(parts[2])
    except (ValueError, IndexError):
        return None
    return (hours * 60 + minutes) * 60 + seconds
