"""Renders beside real recordings, as spectrograms on one sheet, for eyes.

Convention: time goes right, pitch goes up on the mel scale (O'Shaughnessy 1987), colour is level from ``FLOOR_DB`` to
the picture's loudest; left the render, right the recording; white ticks below mark the onsets that were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bridge.errors import MediaError
from onnx_export.evaluate.starter.box import Box
from onnx_export.evaluate.starter.what import LENGTH_S, MEASURED, RATE_HZ, SEEDS, Trial

PAIRS = 12
WIDTH, HEIGHT = 640, 150
LABEL, TICKS, GAP = 20, 8, 12
WINDOW, HOP = 2048, 256
LOWEST_HZ, HIGHEST_HZ = 50.0, 20_000.0
FLOOR_DB = -75.0

Image = NDArray[np.uint8]


def spectrogram(samples: NDArray[np.floating], *, rate_hz: int = RATE_HZ) -> Image:
    """A sound as a picture, (HEIGHT, WIDTH, 3), blue-green-red.

    Args:
        samples: shape (n,). rate_hz: samples per second.
    """
    sound = np.pad(np.asarray(samples, np.float64), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2
    mel = np.linspace(_mel(HIGHEST_HZ), _mel(LOWEST_HZ), HEIGHT)
    rows = 700.0 * (10.0 ** (mel / 2595.0) - 1.0) * WINDOW / rate_hz
    places = np.linspace(0.0, len(power) - 1.0, WIDTH)
    # the loudest bin that a row of the picture covers, so that no partial falls between two rows
    edges = np.r_[rows[0], 0.5 * (rows[1:] + rows[:-1]), rows[-1]]
    picture = np.empty((HEIGHT, len(power)))
    for row in range(HEIGHT):
        low, high = int(edges[row + 1]), int(np.ceil(edges[row])) + 1
        picture[row] = power[:, low : max(high, low + 1)].max(axis=1)
    level = 10.0 * np.log10(np.maximum(picture[:, places.astype(int)], 1e-20))
    level -= level.max()
    grey = np.clip(255.0 * (1.0 - level / FLOOR_DB), 0.0, 255.0).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_MAGMA), np.uint8)


def sheet(pairs: Sequence[tuple[str, NDArray[np.floating], NDArray[np.floating], NDArray[np.float64]]]) -> Image:
    """Pairs below each other.

    Args:
        pairs: what it is, the render, the recording, the onsets that were asked for (seconds).
    """
    high = LABEL + HEIGHT + TICKS + GAP
    page = np.full((high * len(pairs), 2 * WIDTH + GAP, 3), 24, np.uint8)
    for number, (label, made, recorded, onsets_s) in enumerate(pairs):
        top = number * high
        cv2.putText(page, label, (4, top + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (235, 235, 235), 1, cv2.LINE_AA)
        for left, sound in ((0, made), (WIDTH + GAP, recorded)):
            page[top + LABEL : top + LABEL + HEIGHT, left : left + WIDTH] = spectrogram(sound)
            length_s = len(sound) / RATE_HZ
            for time_s in onsets_s:
                at = left + min(WIDTH - 1, int(time_s / length_s * WIDTH))
                page[top + LABEL + HEIGHT + 1 : top + LABEL + HEIGHT + TICKS, at] = 255
    return page


def write(path: Path, trials: Sequence[Trial], box: Box) -> Path:
    """Writes the sheet of ``PAIRS`` clips, spread over all of them, as PNG.

    Raises:
        MediaError: it cannot be written.
    """
    chosen = [trials[round(place)] for place in np.linspace(0, len(trials) - 1, min(PAIRS, len(trials)))]
    pairs = []
    for trial in chosen:
        made = trial.sound(box, MEASURED, seed=SEEDS[0])
        label = f'{trial.clip.name}: "{trial.clip.words}"   left made, right recorded, {LENGTH_S:.2f} s'
        pairs.append((label, made.samples, trial.recording, trial.onsets_s))
    done, data = cv2.imencode(".png", sheet(pairs))
    try:
        if not done:
            raise OSError("OpenCV cannot write PNG")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise MediaError(f"{path} cannot be written ({error})", hint="Check folder and space") from error
    return path


def _mel(frequency_hz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + frequency_hz / 700.0))
