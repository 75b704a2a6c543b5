"""Pictures and sound of a data set's video, prepared as SyncFusion's authors prepared theirs.

Convention: FFmpeg's own filters do the work, as in script/gh_preprocess_videos.py of mcomunita/syncfusion: pictures at
15 a second, 320 x 240, through JPEG at the quality that FFmpeg chooses by itself (200 kbit/s, which is visibly lossy;
the onset net has only ever seen such pictures); sound mono at 48 kHz, not denoised. Pictures then become 112 x 112 as
torchvision's Resize makes them of a tensor.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.error
import av.filter
import cv2
import numpy as np
import soundfile
from av.container import InputContainer
from numpy.typing import NDArray

from bridge.dsp.resize import resize
from bridge.errors import MediaError

FRAME_RATE_HZ = 15
STORED_WIDTH, STORED_HEIGHT = 320, 240
MAX_S = 600
"""A data set's videos last half a minute; a damaged time stamp makes FFmpeg repeat a picture for days."""
RATE_HZ = 48_000
LOWPASS_ZEROS, ROLLOFF = 6, 0.99

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Film:
    """A video's pictures.

    Attributes:
        pictures: float32 in 0..1, (steps, 3, rows, columns), 15 a second.
        duration_s: of the video stream, as its file says.
    """

    pictures: Array = field(repr=False)
    duration_s: float


def film(path: Path, *, rows: int, columns: int) -> Film:
    """A video's pictures as the onset net was trained on them.

    Raises:
        MediaError: it cannot be read, or has no picture.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            duration_s = float((stream.duration or 0) * (stream.time_base or 0)) or (container.duration or 0) / 1e6
            images = itertools.islice(_jpeg(_fifteen(container, stream)), FRAME_RATE_HZ * MAX_S + 1)
            small = [resize(image, rows=rows, columns=columns) for image in images]
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise MediaError(f"{path} cannot be read ({error})", hint="Get the video again") from error
    if not small:
        raise MediaError(f"{path} holds no picture", hint="Get the video again")
    if len(small) > FRAME_RATE_HZ * MAX_S:
        raise MediaError(
            f"{path} shows more than {MAX_S} s, or its time stamps are damaged", hint="Get the video again"
        )
    return Film(pictures=np.stack(small), duration_s=duration_s or len(small) / FRAME_RATE_HZ)


def sound(path: Path) -> Array:
    """A video's sound, mono at 48 kHz, shape (samples,).

    Raises:
        MediaError: it cannot be read, or has no sound.
    """
    blocks = []
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MediaError(f"{path} has no sound", hint="Get the video again")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
            for frame in container.decode(container.streams.audio[0]):
                blocks += [part.to_ndarray()[0] for part in resampler.resample(frame)]
            blocks += [part.to_ndarray()[0] for part in resampler.resample(None)]
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{path} cannot be read ({error})", hint="Get the video again") from error
    if not blocks:
        raise MediaError(f"{path} has no sound", hint="Get the video again")
    return np.concatenate(blocks).astype(np.float32)


def resample(samples: Array, *, rate_hz: int, new_rate_hz: int) -> Array:
    """Another sampling rate through a sinc with a squared-cosine window of six zeros, cut at 0.99 of the lower rate.

    That is what torchaudio.functional.resample does by default, so that an onset detector hears what it heard in the
    authors' evaluation. (The method: J. O. Smith, Digital Audio Resampling.)

    Args:
        samples: shape (n,). rate_hz, new_rate_hz: before and after.

    Returns:
        float32, shape (ceil(n * new / old),).
    """
    common = math.gcd(rate_hz, new_rate_hz)
    old, new = rate_hz // common, new_rate_hz // common
    if old == new:
        return samples
    cut = min(old, new) * ROLLOFF
    reach = math.ceil(LOWPASS_ZEROS * old / cut)
    taps = np.arange(-reach, reach + old) / old
    phases = np.clip((taps[None, :] - np.arange(new)[:, None] / new) * cut, -LOWPASS_ZEROS, LOWPASS_ZEROS)
    kernels = np.sinc(phases) * np.cos(phases * np.pi / (2 * LOWPASS_ZEROS)) ** 2 * (cut / old)
    padded = np.pad(np.asarray(samples, np.float64), (reach, reach + old))
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(taps))[::old]
    return (windows @ kernels.T).reshape(-1)[: math.ceil(len(samples) * new / old)].astype(np.float32)


def kept(folder: Path, name: str, named: Sequence[object], make: Callable[[], Array], *, samples: int) -> Array:
    """A sound that is made once: a WAV file (48 kHz, float) that later runs read.

    Args:
        folder: made where missing. name: the file's name begins so.
        named: everything that the sound depends on. make: makes it. samples: how long it is.

    Raises:
        MediaError: the folder cannot be written.
    """
    key = hashlib.sha256(json.dumps(list(named)).encode()).hexdigest()[:16]
    path = folder / f"{name}_{key}.wav"
    try:
        if path.is_file():
            there, rate_hz = soundfile.read(path, dtype="float32", always_2d=False)
            if there.shape == (samples,) and rate_hz == RATE_HZ:
                return np.asarray(there, np.float32)
        made = make()
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        soundfile.write(part, made, RATE_HZ, subtype="FLOAT", format="WAV")
        part.replace(path)
    except (OSError, soundfile.SoundFileError) as error:
        raise MediaError(f"{path} cannot be used ({error})", hint="Name another folder with --keep") from error
    return made


def _fifteen(container: InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    """FFmpeg's ``fps=fps=15,scale=320:240``, for pictures that JPEG can hold."""
    graph = av.filter.Graph()
    nodes = [
        graph.add_buffer(template=stream, time_base=stream.time_base),
        graph.add("fps", f"fps={FRAME_RATE_HZ}"),
        graph.add("scale", f"{STORED_WIDTH}:{STORED_HEIGHT}:flags=bicubic"),
        graph.add("format", "pix_fmts=yuvj420p"),
        graph.add("buffersink"),
    ]
    for before, after in itertools.pairwise(nodes):
        before.link_to(after)
    graph.configure()
    for frame in itertools.chain(container.decode(stream), [None]):
        graph.push(frame)
        while True:
            try:
                made = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
            if isinstance(made, av.VideoFrame):
                yield made


def _jpeg(frames: Iterator[av.VideoFrame]) -> Iterator[NDArray[np.uint8]]:
    """RGB pictures after one encoder has written all of them as JPEG."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = STORED_WIDTH, STORED_HEIGHT, "yuvj420p"
    encoder.time_base = Fraction(1, FRAME_RATE_HZ)
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, encoder.time_base
        for packet in encoder.encode(frame):
            yield _rgb(bytes(packet))
    for packet in encoder.encode(None):
        yield _rgb(bytes(packet))


def _rgb(data: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise MediaError("a picture was lost on its way through JPEG", hint="Install opencv-python again")
    return np.asarray(image[..., ::-1], np.uint8)
