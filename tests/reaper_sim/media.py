"""What REAPER would say about a media file: type, length, channels, rate.

Convention: a file that is missing or cannot be decoded gives an offline source; nothing is raised. The decoders are
imported on first use (they are slow to import) and out of the scripts' sight: a script has only its own modules.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import assumptions
from .model import Source

SOUND_TYPES = {
    **{".wav": "WAVE", ".wave": "WAVE", ".mp3": "MP3", ".flac": "FLAC", ".ogg": "VORBIS", ".opus": "OPUS"},
    **{".aif": "AIFF", ".aiff": "AIFF", ".mid": "MIDI"},
}


def open_source(path: str, outside: Callable[..., Any]) -> Source:
    """The source that PCM_Source_CreateFromFile makes.

    Args:
        outside: calls a function with the simulator's own modules importable.
    """
    suffix = Path(path).suffix.lower()
    kind = "VIDEO" if suffix in assumptions.VIDEO_SUFFIXES else SOUND_TYPES.get(suffix, "")
    source = Source(type=kind or "EMPTY", path=path, offline=True)
    if kind and kind != "MIDI" and Path(path).is_file():
        outside(_probe, source)
    return source


def _probe(source: Source) -> None:
    reader = _probe_video if source.type == "VIDEO" else _probe_sound
    try:
        reader(source)
    except Exception:  # whatever a decoder raises: REAPER shows the item as offline
        source.offline = True


def _probe_sound(source: Source) -> None:
    soundfile = importlib.import_module("soundfile")
    info = soundfile.info(source.path)
    source.file_length_s = info.frames / info.samplerate
    source.channels, source.sample_rate_hz, source.offline = info.channels, info.samplerate, False


def _probe_video(source: Source) -> None:
    av = importlib.import_module("av")
    with av.open(source.path) as container:
        source.file_length_s = (container.duration or 0) / 1_000_000
        if container.streams.audio:
            stream = container.streams.audio[0]
            source.channels, source.sample_rate_hz = stream.codec_context.channels, stream.codec_context.sample_rate
        source.offline = not (container.streams.video or container.streams.audio)
