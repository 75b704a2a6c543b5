"""Video files with sound: a preview of a render under its picture, and a video made from drawn frames.

Convention: the first sample of the sound and the picture that shows at ``start_s`` both lie at time 0 of the new file.
An AAC encoder starts with a stretch of silence of its own (priming); the mp4's edit list tells players to skip it, so
the sound lies where it was put to within a sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray

from bridge import durable
from bridge.domain.audio import Audio
from bridge.errors import MediaError
from bridge.media import video
from bridge.media.container import STAMPS_BY_ORDER, open_video, source_zero, stated_end
from bridge.media.files import cannot_write, publish, temporary_beside, unreadable

TICK = Fraction(1, 90_000)
COPYABLE = ("h264", "hevc", "mpeg4", "av1", "vp9")
"""Codecs that players expect in an mp4; others are encoded anew."""
AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
SOUND_BLOCK_S = 1.0
X264: dict[str, object] = {"preset": "veryfast", "crf": "20"}


def preview(
    video_path: Path | str,
    audio: Audio,
    out_path: Path | str,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes an mp4 with the picture of [start_s, end_s) and this sound; returns the name it got.

    The whole picture is copied as it is where an mp4 can hold it; a part of it is encoded anew.

    Args:
        video_path: the picture; only read, its own sound is left out.
        audio: mono or stereo; begins with the picture at ``start_s``.
        out_path: wanted name; if it is taken, the next free one, unless ``overwrite``.
        start_s, end_s: source time; no end means the file's.

    Raises:
        MediaError: the video cannot be read, or the preview cannot be written.
    """
    video_path, out_path = Path(video_path), Path(out_path)
    if out_path.exists() and video_path.exists() and out_path.samefile(video_path):
        raise MediaError(f"{out_path} is the video itself", hint="Choose another name for the preview")
    with open_video(video_path) as (source, stream), temporary_beside(out_path) as temporary:
        whole = start_s <= 0 and (
            end_s is None or end_s >= float(stated_end(source, stream) - source_zero(source)) - 0.05
        )
        copyable = stream.codec_context.name in COPYABLE and source.format.name not in STAMPS_BY_ORDER
        with _mp4(temporary, out_path) as target:
            if whole and copyable:
                pictures = _copied(source, stream, target)
            else:
                rate = stream.average_rate or stream.guessed_rate or Fraction(25)
                frames = video.decode(video_path, start_s=start_s, end_s=end_s)
                pictures = _encoded(target, ((max(f.time_s - start_s, 0.0), f.image) for f in frames), rate)
            _interleave(target, pictures, audio)
        _check_whole(temporary, out_path, sound_s=audio.length_s)
        return publish(temporary, out_path, overwrite=overwrite)


def encode_frames(
    path: Path | str, frames: Iterable[NDArray[np.uint8]], rate_hz: float, *, overwrite: bool = False
) -> Path:
    """Writes an mp4 (H.264, yuv420p) from RGB pictures, evenly spaced; returns the name it got.

    Args:
        path: wanted name; if it is taken, the next free one, unless ``overwrite``.
        frames: uint8, (height, width, 3), all of one size; an odd last row or column is left out.
        rate_hz: pictures per second; ratios such as 24000/1001 are kept exactly.

    Raises:
        MediaError: no frames, or the file cannot be written.
    """
    path = Path(path)
    rate = Fraction(rate_hz).limit_denominator(1001)
    with temporary_beside(path) as temporary:
        with _mp4(temporary, path) as target:
            timed = ((float(index / rate), image) for index, image in enumerate(frames))
            for _, packets in _encoded(target, timed, rate):
                target.mux(packets)
        _check_whole(temporary, path)
        return publish(temporary, path, overwrite=overwrite)


def _check_whole(temporary: Path, path: Path, *, sound_s: float = 0.0) -> None:
    """Returns if a finished file is on the disk and opens again, with a picture that decodes and as much sound."""
    durable.sync_file(temporary)
    try:
        with open_video(temporary) as (container, stream):
            right = next(container.decode(stream), None) is not None
            if sound_s:
                sound = container.streams.audio[0]
                right = right and float((sound.duration or 0) * (sound.time_base or 0)) >= sound_s - SOUND_BLOCK_S / 10
    except (MediaError, FFmpegError, IndexError) as error:
        raise unreadable(path) from error
    if not right:
        raise unreadable(path)


Muxed = Iterator[tuple[float, list[av.Packet]]]
"""Packets, each with the time that the picture has reached."""


@contextmanager
def _mp4(temporary: Path, path: Path) -> Iterator[OutputContainer]:
    try:
        with av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as target:
            yield target
    except FFmpegError as error:
        if error.errno is not None and error.errno > 0:
            raise cannot_write(path, OSError(error.errno, error.strerror)) from error
        raise MediaError(f"{path} was not written ({error.strerror})", hint="Try another video or folder") from error


def _copied(source: InputContainer, stream: VideoStream, target: OutputContainer) -> Muxed:
    """The picture as it is, moved so that source time 0 is the new file's 0."""
    copy = target.add_stream_from_template(stream)
    tick = Fraction(stream.time_base or 1)
    shift = round(source_zero(source) / tick)

    def packets() -> Muxed:
        for packet in _with_decoding_times(source.demux(stream)):
            packet.pts, packet.dts = (packet.pts or 0) - shift, (packet.dts or 0) - shift
            packet.stream = copy
            yield float(packet.dts * tick), [packet]

    return packets()


def _with_decoding_times(packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
    """Packets that all have time stamps; Matroska states no decoding times, and the first few cannot be inferred."""
    waiting: list[av.Packet] = []
    for packet in packets:
        if packet.pts is None or not packet.size:
            continue
        waiting.append(packet)
        if packet.dts is not None:
            for back, earlier in enumerate(reversed(waiting)):
                earlier.dts = packet.dts - back
            yield from waiting
            waiting.clear()
    for packet in waiting:
        packet.dts = packet.pts
        yield packet


def _encoded(target: OutputContainer, frames: Iterable[tuple[float, NDArray[np.uint8]]], rate: Fraction) -> Muxed:
    """Pictures at their times, as H.264."""
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise MediaError("there is not one picture to write", hint="Choose a range that holds some picture")
    height, width = (side // 2 * 2 for side in first[1].shape[:2])
    stream = target.add_stream("libx264", rate=rate)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = TICK
    stream.options = X264

    def packets() -> Muxed:
        for time_s, image in chain([first], frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
            frame.pts, frame.time_base = round(time_s / TICK), TICK
            yield time_s, stream.encode(frame)
        yield float("inf"), stream.encode(None)

    return packets()


def _interleave(target: OutputContainer, pictures: Muxed, audio: Audio) -> None:
    """Writes picture and sound side by side, so that neither waits in memory for the other."""
    stream = _sound_stream(target, audio)
    blocks = _blocks(audio)
    written_s = 0.0
    for time_s, packets in pictures:
        target.mux(packets)
        while written_s <= time_s and (block := next(blocks, None)) is not None:
            target.mux(stream.encode(block))
            written_s += SOUND_BLOCK_S
    for block in blocks:
        target.mux(stream.encode(block))
    target.mux(stream.encode(None))


def _sound_stream(target: OutputContainer, audio: Audio) -> AudioStream:
    channels = audio.samples.shape[0]
    if channels not in (1, 2) or audio.rate_hz not in AAC_RATES_HZ:
        raise MediaError(
            f"a preview cannot hold sound of {channels} channels at {audio.rate_hz} Hz",
            hint="Make the preview from mono or stereo at 44100 or 48000 Hz",
        )
    return target.add_stream("aac", rate=audio.rate_hz, layout="mono" if channels == 1 else "stereo", bit_rate=192_000)


def _blocks(audio: Audio) -> Iterator[av.AudioFrame]:
    length = max(1, int(SOUND_BLOCK_S * audio.rate_hz))
    for start in range(0, audio.length_samples, length):
        samples = np.ascontiguousarray(audio.samples[:, start : start + length])
        layout = "mono" if len(samples) == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = audio.rate_hz, start, Fraction(1, audio.rate_hz)
        yield frame
