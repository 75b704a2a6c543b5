"""Example sounds from files of many kinds."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from bridge.domain.audio import Audio
from bridge.errors import MediaError, RequestError
from bridge.media import reference, wav

RATE_HZ = 44100


def ramp(seconds: float = 1.0) -> np.ndarray:
    return np.linspace(-0.5, 0.5, round(seconds * RATE_HZ))


def film(path: Path, *, sound: bool) -> Path:
    """A second of picture, with a tone of 1 kHz that begins in its middle, or without sound."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream("aac", rate=RATE_HZ, layout="stereo") if sound else None
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        if track is not None:
            times = np.arange(RATE_HZ) / RATE_HZ
            tone = np.where(times < 0.5, 0.0, 0.5 * np.sin(2 * np.pi * 1000 * times)).astype(np.float32)
            block = av.AudioFrame.from_ndarray(np.repeat(tone[None], 2, axis=0), format="fltp", layout="stereo")
            block.sample_rate = RATE_HZ
            container.mux(track.encode(block))
            container.mux(track.encode())
    return path


@pytest.mark.parametrize(("name", "tolerance"), [("a.wav", 1e-4), ("a.flac", 1e-4), ("a.ogg", 0.1), ("a.mp3", 0.1)])
def test_read_when_libsndfile_knows_the_format_gives_mono_at_the_files_rate(
    tmp_path: Path, name: str, tolerance: float
) -> None:
    path = tmp_path / name
    soundfile.write(path, np.stack([ramp(), np.zeros(RATE_HZ)], axis=1), RATE_HZ)
    samples, rate_hz = reference.read(reference.named(path))
    assert rate_hz == RATE_HZ
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(RATE_HZ, abs=2500)
    middle = slice(RATE_HZ // 4, RATE_HZ // 2)
    assert np.abs(samples[middle] - 0.5 * ramp()[middle]).max() < tolerance


def test_read_when_a_part_is_meant_gives_that_part(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, ramp(), RATE_HZ)
    samples, _ = reference.read(reference.named(path, start_s=0.5, length_s=0.1))
    assert np.allclose(samples, ramp()[22050 : 22050 + 4410], atol=1e-4)
    rest, _ = reference.read(reference.named(path, start_s=0.9, length_s=5.0))
    assert len(rest) == 4410


def test_read_when_a_video_is_named_gives_its_sound(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", sound=True)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    whole, rate_hz = reference.read(reference.named(path))
    assert rate_hz == RATE_HZ
    assert len(whole) == pytest.approx(RATE_HZ, abs=3000)
    part, _ = reference.read(reference.named(path, start_s=0.6, length_s=0.2))
    assert np.array_equal(part, whole[26460 : 26460 + 8820])
    assert np.abs(whole[: RATE_HZ // 3]).max() < 0.05 < 0.3 < np.abs(part).max()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_read_when_the_file_changed_since_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, ramp(), RATE_HZ)
    named = reference.named(path)
    soundfile.write(path, -ramp(), RATE_HZ)
    with pytest.raises(RequestError, match=r"a\.wav is not the file that it was"):
        reference.read(named)


def test_read_when_there_is_nothing_to_hear_names_the_file(tmp_path: Path) -> None:
    text, silent, empty, odd = (tmp_path / name for name in ("notes.txt", "film.mp4", "empty.wav", "odd.wav"))
    text.write_text("no sound")
    film(silent, sound=False)
    empty.touch()
    soundfile.write(odd, np.array([0.0, np.nan]), RATE_HZ, subtype="FLOAT")
    for path, said in ((text, "no sound that can be read"), (silent, "holds no sound"), (odd, "not finite")):
        with pytest.raises(MediaError, match=said) as caught:
            reference.read(reference.named(path))
        assert path.name in caught.value.sentence
    for path in (empty, tmp_path / "gone.wav", tmp_path):
        with pytest.raises(MediaError, match=path.name):
            reference.named(path)


def test_read_when_the_part_lies_behind_the_end_names_file_and_place(tmp_path: Path) -> None:
    for path in (tmp_path / "a.wav", film(tmp_path / "film.mp4", sound=True)):
        if path.suffix == ".wav":
            soundfile.write(path, ramp(), RATE_HZ)
        with pytest.raises(RequestError, match="no sound at 7 s") as caught:
            reference.read(reference.named(path, start_s=7.0))
        assert path.name in caught.value.sentence


@pytest.mark.parametrize("part", [{"start_s": -1.0}, {"length_s": 0.0}, {"start_s": float("nan")}])
def test_named_when_the_part_is_none_is_refused(tmp_path: Path, part: dict[str, float]) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, ramp(), RATE_HZ)
    with pytest.raises(RequestError, match=r"a\.wav"):
        reference.named(path, **part)


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_read_when_a_pipe_takes_the_files_place_meanwhile_then_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "knock.wav"
    wav.write(path, Audio(samples=np.zeros((1, 480), np.float32), rate_hz=48000))
    found = reference.named(path)

    def swapped(looked_at: Path) -> None:
        path.unlink()
        os.mkfifo(path)

    monkeypatch.setattr(reference, "check_readable", swapped)
    caught: list[MediaError] = []

    def work() -> None:
        try:
            reference.read(found)
        except MediaError as error:
            caught.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(10.0)
    assert [error.message for error in caught] == [f"{path} is not a regular file"]
