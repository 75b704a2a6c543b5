"""Previews: the picture and the sound lie where they should, by decoding the file again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.errors import MediaError
from bridge.media import mux, video
from tests.bridge.media.clips import at_rate, number_of, numbered, render, turn

CLICKS_S = (0.0, 0.5, 1.25, 1.9)


def clicks(length_s: float, *, rate_hz: int = 48_000, channels: int = 1) -> Audio:
    """Short bursts, whose first sample is the loudest."""
    samples = np.zeros((channels, round(length_s * rate_hz)), np.float32)
    burst = 0.8 * np.exp(-np.arange(400) / 60) * np.cos(np.arange(400) * 0.9)
    for time_s in CLICKS_S:
        at = round(time_s * rate_hz)
        if at + len(burst) <= samples.shape[1]:
            samples[:, at : at + len(burst)] += burst.astype(np.float32)
    return Audio(samples=samples, rate_hz=rate_hz)


def decoded_sound(path: Path) -> tuple[np.ndarray, int]:
    """The sound as a player gives it, on the file's own time line."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        line = np.zeros(stream.rate * 20)
        for frame in container.decode(stream):
            assert frame.pts is not None
            at = round(frame.pts * Fraction(frame.time_base or 1) * stream.rate)
            block = frame.to_ndarray()[0]
            skipped = max(0, -at)
            line[at + skipped : at + len(block)] = block[skipped:]
        return line, stream.rate


def lag_s(path: Path, audio: Audio, around_s: float) -> float:
    """How much later than asked a click lies, by correlation."""
    line, rate_hz = decoded_sound(path)
    assert rate_hz == audio.rate_hz
    at = round(around_s * rate_hz)
    asked = audio.samples[0, at : at + 400].astype(float)
    reach = round(0.03 * rate_hz)
    padded = np.concatenate([np.zeros(reach), line])
    scores = [padded[reach + at + lag : reach + at + lag + 400] @ asked for lag in range(-reach, reach)]
    return (int(np.argmax(scores)) - reach) / rate_hz


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
@pytest.mark.parametrize("part", [(0.0, None), (0.52, 2.6)])
def test_preview_when_decoded_again_then_every_click_lies_where_it_was_put(tmp_path, rate_hz, part):
    times = at_rate(Fraction(30_000, 1001), 90)
    path = render(tmp_path / "v.mp4", times_s=times, tick=Fraction(1, 30_000), b_frames=2, sound_s=3.0)
    start_s, end_s = part
    audio = clicks((end_s or 3.0) - start_s, rate_hz=rate_hz)
    out = mux.preview(path, audio, tmp_path / "preview.mp4", start_s=start_s, end_s=end_s)
    assert [abs(lag_s(out, audio, click)) < 0.002 for click in CLICKS_S] == [True] * len(CLICKS_S)
    for frame in video.decode(out, start_s=0.01, end_s=1.9):
        nearest = int(np.argmin([abs(float(t) - (frame.time_s + start_s)) for t in times]))
        if frame.time_s > 0:
            assert float(times[nearest]) - start_s == pytest.approx(frame.time_s, abs=1e-3)
            assert number_of(frame.image) == nearest


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_preview_when_whole_then_the_picture_is_copied_and_starts_at_zero(tmp_path, suffix):
    times = at_rate(Fraction(25), 50, start_s=Fraction(3))
    path = render(tmp_path / f"v.{suffix}", times_s=times, b_frames=2)
    out = mux.preview(path, clicks(2.0), tmp_path / "p.mp4")
    frames = list(video.decode(out))
    assert [number_of(f.image) for f in frames] == list(range(50))
    assert [f.time_s for f in frames] == pytest.approx([k / 25 for k in range(50)], abs=1e-3)
    theirs = [f.image for f in video.decode(path)]
    assert all(np.array_equal(a.image, b) for a, b in zip(frames, theirs, strict=True)), "copied, not encoded anew"


@pytest.mark.parametrize(("name", "codec"), [("v.mkv", "ffv1"), ("v.avi", "libx264")])
def test_preview_when_an_mp4_cannot_take_the_picture_as_it_is_then_encoded_anew(tmp_path, name, codec):
    path = render(tmp_path / name, times_s=at_rate(Fraction(25), 30), tick=Fraction(1, 25), codec=codec, b_frames=2)
    out = mux.preview(path, clicks(1.2), tmp_path / "p.mp4")
    info = video.probe(out)
    assert (info.codec, info.picture_start_s) == ("h264", 0.0)
    assert [number_of(f.image) for f in video.decode(out)] == list(range(30))


def test_preview_when_the_video_is_turned_then_still_upright(tmp_path):
    path = turn(render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 30)), 1)
    for name, end_s in (("whole.mp4", None), ("part.mp4", 0.8)):
        out = mux.preview(path, clicks(0.8), tmp_path / name, end_s=end_s)
        assert next(iter(video.decode(out))).image.shape == next(iter(video.decode(path))).image.shape
        assert number_of(np.rot90(next(iter(video.decode(out, start_s=0.4))).image)) == 10


def test_preview_when_frame_rate_varies_then_times_are_kept(tmp_path):
    times = [Fraction(n, 1000) for n in (0, 40, 80, 500, 520, 540, 1200, 1240)]
    path = render(tmp_path / "v.mkv", times_s=times, tick=Fraction(1, 1000))
    for name, end_s in (("whole.mp4", None), ("part.mp4", 1.2)):
        out = mux.preview(path, clicks(1.2), tmp_path / name, end_s=end_s)
        got = [round(f.time_s, 3) for f in video.decode(out, end_s=1.2)]
        assert got == pytest.approx([float(t) for t in times[:6]], abs=1e-3)


def test_preview_when_stereo_then_two_channels(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 30))
    out = mux.preview(path, clicks(1.2, channels=2), tmp_path / "p.mp4")
    with av.open(str(out)) as container:
        assert container.streams.audio[0].channels == 2


def test_preview_when_the_name_is_taken_then_another_one_unless_told_to_overwrite(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 10))
    before = path.read_bytes()
    (tmp_path / "p.mp4").write_text("precious")
    assert mux.preview(path, clicks(0.4), tmp_path / "p.mp4").name == "p 2.mp4"
    assert (tmp_path / "p.mp4").read_text() == "precious"
    assert mux.preview(path, clicks(0.4), tmp_path / "p.mp4", overwrite=True).name == "p.mp4"
    assert video.probe(tmp_path / "p.mp4").codec == "h264"
    with pytest.raises(MediaError, match="is the video itself"):
        mux.preview(path, clicks(0.4), path, overwrite=True)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p 2.mp4", "p.mp4", "v.mp4"]


@pytest.mark.parametrize(
    ("audio", "says"),
    [(clicks(0.4, channels=3), "3 channels"), (clicks(0.4, rate_hz=12_345), "12345 Hz")],
)
def test_preview_when_the_sound_does_not_fit_then_error_and_nothing_left(tmp_path, audio, says):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 10))
    with pytest.raises(MediaError, match=says):
        mux.preview(path, audio, tmp_path / "p.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]


def test_preview_when_the_disk_takes_no_more_then_error_and_nothing_left(tmp_path):
    resource = pytest.importorskip("resource")
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 100))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
    try:
        with pytest.raises(MediaError, match=r"p\.mp4 was not written"):
            mux.preview(path, clicks(4.0), tmp_path / "p.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]


def test_preview_when_the_folder_is_missing_then_error_names_it(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 10))
    with pytest.raises(MediaError, match="nowhere does not exist"):
        mux.preview(path, clicks(0.4), tmp_path / "nowhere" / "p.mp4")


@pytest.mark.parametrize("rate_hz", [25.0, 30.0, 24_000 / 1001])
def test_encode_frames_when_decoded_again_then_pictures_at_their_times(tmp_path, rate_hz):
    out = mux.encode_frames(tmp_path / "v.mp4", (numbered(k)[:-1] for k in range(30)), rate_hz)
    frames = list(video.decode(out))
    assert [number_of(f.image) for f in frames] == list(range(30))
    assert [f.time_s for f in frames] == pytest.approx([k / rate_hz for k in range(30)], abs=1e-4)
    assert frames[0].image.shape == (46, 160, 3)
    assert video.probe(out).picture_end_s == pytest.approx(30 / rate_hz, abs=0.05)


def test_encode_frames_when_there_are_none_then_error_and_nothing_left(tmp_path):
    with pytest.raises(MediaError, match="not one picture"):
        mux.encode_frames(tmp_path / "v.mp4", [], 25.0)
    assert list(tmp_path.iterdir()) == []
