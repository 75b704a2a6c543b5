"""Positions as a control surface writes them.

Convention: time is ``minutes:seconds.milliseconds`` (hours in front from one hour on), beats ``bar.beat.hundredths``
from bar 1, frames ``hours:minutes:seconds:frames``; one tempo for the whole project.
"""

from __future__ import annotations

from .model import Project


def time_texts(project: Project, time_s: float) -> dict[str, tuple[float | None, str]]:
    """Number (None where none is sent) and text of a position, under the names of its patterns."""
    settings = project.settings
    samples = round(time_s * settings["PROJECT_SRATE"])
    fps = settings["FPS"]
    frames = int(time_s * fps + 1e-6)
    whole, left = divmod(frames, max(1, round(fps)))
    beats = time_s * settings["TEMPO"] / 60
    bar, beat = divmod(beats, settings["TIMESIG_NUM"])
    return {
        "TIME": (time_s, _clock(time_s)),
        "BEAT": (None, f"{int(bar) + 1}.{int(beat) + 1}.{int(beat % 1 * 100):02d}"),
        "SAMPLES": (float(samples), str(samples)),
        "FRAMES": (None, f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{left:02d}"),
    }


def _clock(time_s: float) -> str:
    ms = round(time_s * 1000)
    minutes, rest = divmod(ms, 60000)
    tail = f"{rest // 1000:02d}.{rest % 1000:03d}"
    return f"{minutes}:{tail}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{tail}"


def read_time(text: object) -> float | None:
    """Seconds of a text as above; None if it is none."""
    try:
        parts = [float(part) for part in str(text).split(":")]
    except ValueError:
        return None
    return sum(part * 60**place for place, part in enumerate(reversed(parts)))
