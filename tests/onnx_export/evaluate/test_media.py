"""Pictures at 15 a second and sound at 48 kHz, prepared as the authors prepared theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import MediaError
from onnx_export.evaluate import media
from tests.onnx_export.evaluate.conftest import EARLY_S, FIRST, FPS, HITS, LENGTH_S, bursts, film


def test_film_when_read_then_fifteen_pictures_a_second_of_the_size_asked(data: Path) -> None:
    made = media.film(data / f"{FIRST}_denoised.mp4", rows=20, columns=24)
    assert made.pictures.shape == (round(LENGTH_S * 15), 3, 20, 24)
    assert made.pictures.dtype == np.float32
    assert made.duration_s == pytest.approx(LENGTH_S, abs=1 / FPS)


def test_film_when_brightness_rises_then_its_pictures_show_it_in_time(data: Path) -> None:
    made = media.film(data / f"{FIRST}_denoised.mp4", rows=8, columns=8)
    level = made.pictures.mean(axis=(1, 2, 3))
    times = np.arange(len(level)) / 15
    expected = [
        (30 + sum(30 * np.clip((now - t + 0.2 + EARLY_S) / 0.2, 0, 1) for t in HITS[FIRST])) / 255 for now in times
    ]
    assert np.abs(level - expected).max() < 0.03


def test_film_when_the_picture_is_red_then_red_comes_first(tmp_path: Path) -> None:
    path = film(tmp_path / "red.mp4", (1.0,), sound=False, tint=(1.0, 0.2, 0.0))
    red, green, blue = media.film(path, rows=8, columns=8).pictures[-1].mean(axis=(1, 2))
    assert red > 2 * green > 2 * blue


def test_film_when_it_never_ends_then_the_file_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = next(iter(sorted(data.rglob("*.mp4"))))
    monkeypatch.setattr(media, "MAX_S", 1)
    with pytest.raises(MediaError, match=rf"{film.name} shows more than 1 s"):
        media.film(film, rows=8, columns=8)


def test_sound_when_read_then_mono_at_48_khz_where_it_was(data: Path) -> None:
    sound = media.sound(data / f"{FIRST}_denoised.mp4")
    wanted = bursts(HITS[FIRST])
    assert len(sound) == pytest.approx(len(wanted), abs=2048)
    at = round(HITS[FIRST][1] * 48_000)
    lag = np.argmax(np.correlate(sound[at - 500 : at + 3500], wanted[at : at + 3000], "valid")) - 500
    assert abs(lag) <= 1


def test_sound_when_the_video_has_none_then_the_file_is_named(tmp_path: Path) -> None:
    path = film(tmp_path / "silent.mp4", (1.0,), sound=False)
    with pytest.raises(MediaError, match=r"silent\.mp4 has no sound"):
        media.sound(path)


def test_media_when_the_file_is_no_video_then_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"this is no video")
    for read in (lambda: media.sound(path), lambda: media.film(path, rows=8, columns=8)):
        with pytest.raises(MediaError, match=r"broken\.mp4 cannot be read"):
            read()


def test_resample_when_a_tone_is_below_the_new_band_then_it_stays_and_above_it_goes() -> None:
    time = np.arange(96_000) / 48_000
    low = media.resample(np.sin(2 * np.pi * 1000 * time).astype(np.float32), rate_hz=48_000, new_rate_hz=22_050)
    assert len(low) == 44_100
    expected = np.sin(2 * np.pi * 1000 * np.arange(44_100) / 22_050)
    assert np.abs(low - expected)[100:-100].max() < 2e-3
    high = media.resample(np.sin(2 * np.pi * 15_000 * time).astype(np.float32), rate_hz=48_000, new_rate_hz=22_050)
    assert np.abs(high)[100:-100].max() < 0.02


def test_resample_when_the_rate_is_the_same_then_nothing_changes() -> None:
    sound = np.random.default_rng(0).standard_normal(100).astype(np.float32)
    assert np.array_equal(media.resample(sound, rate_hz=48_000, new_rate_hz=48_000), sound)
