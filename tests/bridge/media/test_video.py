"""Frame choice by time stamp, over real encoded files in which every picture carries its own number."""

from __future__ import annotations

import hashlib
import os
import socket
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bridge.errors import MediaError
from bridge.media import video
from tests.bridge.media.clips import HEIGHT, WIDTH, at_rate, number_of, numbered, render, turn

RATES = {
    "16": (Fraction(16), Fraction(1, 16_000)),
    "23.976": (Fraction(24_000, 1001), Fraction(1, 24_000)),
    "24": (Fraction(24), Fraction(1, 24_000)),
    "25": (Fraction(25), Fraction(1, 12_800)),
    "29.97": (Fraction(30_000, 1001), Fraction(1, 30_000)),
    "30": (Fraction(30), Fraction(1, 15_360)),
    "50": (Fraction(50), Fraction(1, 12_800)),
    "60": (Fraction(60), Fraction(1, 15_360)),
}
UNEVEN = [Fraction(n, 1000) for n in (0, 33, 67, 100, 400, 410, 420, 900, 917, 933, 1500, 1533, 1567, 1600, 1900, 2400)]


def shows(times_s: Sequence[Fraction], instant_s: float) -> int:
    """The number of the picture that shows at an instant."""
    return max(0, bisect_right([float(t) for t in times_s], instant_s + 1e-6) - 1)


def check_choice(path: Path, times_s: Sequence[Fraction], *, rate_hz: float, start_s: float, end_s: float) -> None:
    frames = list(video.sample(path, rate_hz=rate_hz, start_s=start_s, end_s=end_s))
    wanted = [start_s + k / rate_hz for k in range(len(frames))]
    assert [frame.time_s for frame in frames] == pytest.approx(wanted)
    assert wanted[-1] < end_s <= wanted[-1] + 1 / rate_hz + 1e-6, "as many instants as fit"
    assert [number_of(frame.image) for frame in frames] == [shows(times_s, t) for t in wanted]


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("b_frames", [0, 3])
def test_sample_when_any_frame_rate_then_the_picture_that_shows_at_each_instant(tmp_path, fps, b_frames):
    rate, tick = RATES[fps]
    times = at_rate(rate, 3 * round(float(rate)))
    path = render(tmp_path / "v.mp4", times_s=times, tick=tick, rate=rate, b_frames=b_frames)
    end = len(times) / float(rate)
    check_choice(path, times, rate_hz=30.0, start_s=0.0, end_s=end)
    check_choice(path, times, rate_hz=float(rate), start_s=0.0, end_s=end)
    check_choice(path, times, rate_hz=11.0, start_s=1.37, end_s=2.2)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_sample_when_frame_rate_varies_then_time_stamps_decide(tmp_path, suffix):
    path = render(tmp_path / f"v.{suffix}", times_s=UNEVEN, tick=Fraction(1, 1000), b_frames=2, keyframes_every=5)
    for rate_hz in (10.0, 24.0, 60.0):
        check_choice(path, UNEVEN, rate_hz=rate_hz, start_s=0.0, end_s=2.4)
        check_choice(path, UNEVEN, rate_hz=rate_hz, start_s=0.95, end_s=1.7)


@pytest.mark.parametrize("b_frames", [0, 2, 3])
def test_sample_when_the_container_has_no_time_stamps_then_the_order_decides(tmp_path, b_frames):
    times = at_rate(Fraction(25), 75)
    path = render(tmp_path / "v.avi", times_s=times, tick=Fraction(1, 25), b_frames=b_frames)
    check_choice(path, times, rate_hz=30.0, start_s=0.0, end_s=3.0)
    check_choice(path, times, rate_hz=30.0, start_s=1.3, end_s=2.2)


@pytest.mark.parametrize("start_s", [0.0, 0.4, 1.0 + 1 / 3, 0.999, 1.001, 2.5, 2.99])
def test_decode_when_started_anywhere_then_first_the_picture_that_shows_there(tmp_path, start_s):
    times = at_rate(Fraction(24), 72)
    path = render(tmp_path / "v.mp4", times_s=times, tick=Fraction(1, 24_000), rate=Fraction(24), b_frames=3)
    frames = list(video.decode(path, start_s=start_s, end_s=start_s + 0.25))
    first = shows(times, start_s)
    last = min(71, max(k for k, t in enumerate(times) if float(t) < start_s + 0.25 - 1e-6))
    assert [number_of(frame.image) for frame in frames] == list(range(first, last + 1))
    assert [frame.time_s for frame in frames] == pytest.approx([float(t) for t in times[first : last + 1]], abs=1e-6)


def test_decode_when_the_whole_file_then_every_picture_once(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 40), b_frames=2)
    assert [number_of(frame.image) for frame in video.decode(path)] == list(range(40))


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_source_time_when_the_container_starts_later_then_counts_from_its_start(tmp_path, suffix):
    times = at_rate(Fraction(25), 50, start_s=Fraction(5))
    path = render(tmp_path / f"v.{suffix}", times_s=times, b_frames=2)
    info = video.probe(path)
    assert info.picture_start_s == 0.0
    assert info.picture_end_s == pytest.approx(2.0, abs=0.05)
    check_choice(path, at_rate(Fraction(25), 50), rate_hz=25.0, start_s=0.0, end_s=2.0)
    check_choice(path, at_rate(Fraction(25), 50), rate_hz=25.0, start_s=1.2, end_s=1.6)


def test_source_time_when_the_picture_starts_after_the_sound_then_keeps_its_distance(tmp_path):
    times = at_rate(Fraction(25), 50, start_s=Fraction(1, 2))
    path = render(tmp_path / "v.mp4", times_s=times, sound_s=2.5)
    info = video.probe(path)
    assert info.picture_start_s == pytest.approx(0.5, abs=1e-3)
    frames = list(video.sample(path, rate_hz=10.0, end_s=1.0))
    assert [number_of(frame.image) for frame in frames] == [0, 0, 0, 0, 0, 0, 2, 5, 7, 10]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_decode_when_the_file_says_turned_then_upright(tmp_path, turns):
    path = turn(render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 12)), turns)
    info = video.probe(path)
    upright = (WIDTH, HEIGHT) if turns % 2 == 0 else (HEIGHT, WIDTH)
    assert (info.rotation, (info.width, info.height)) == (90 * turns, upright)
    frames = list(video.decode(path))
    turned_back = [np.rot90(frame.image, turns) for frame in frames]
    assert [number_of(image) for image in turned_back] == list(range(12))
    assert all(image[-4, -4, 0] > 200 > 50 > image[-4, 4, 0] for image in turned_back)


def test_decode_when_turned_and_scaled_then_size_is_that_of_the_upright_picture(tmp_path):
    path = turn(render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 12)), 1)
    assert next(iter(video.decode(path, max_width=24))).image.shape == (80, 24, 3)
    assert next(iter(video.decode(path, max_width=4000))).image.shape == (WIDTH, HEIGHT, 3)
    small = next(iter(video.sample(path, rate_hz=5, start_s=0.2, size=(24, 80)))).image
    assert small.shape == (80, 24, 3)
    assert number_of(np.rot90(small, 1)) == 5


def test_sample_when_past_the_last_picture_then_it_stands_still(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 25))
    frames = list(video.sample(path, rate_hz=10.0, start_s=0.9, end_s=1.5))
    assert [number_of(frame.image) for frame in frames] == [22, 24, 24, 24, 24, 24]


def test_decode_when_colours_are_plain_then_red_stays_red(tmp_path):
    red = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    red[..., 0] = 220
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 3), images=[red] * 3)
    assert np.abs(next(iter(video.decode(path))).image.mean((0, 1)) - [220, 0, 0]).max() < 12


def test_decode_when_used_then_the_file_is_untouched(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 30), sound_s=1.0)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    path.chmod(0o444)
    before = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
    video.probe(path)
    list(video.decode(path, start_s=0.5))
    list(video.sample(path, rate_hz=30.0))
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]


def test_decode_when_left_early_then_the_file_is_closed(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 30))
    frames = video.decode(path)
    next(iter(frames))
    frames.close()  # type: ignore[attr-defined]
    descriptors = Path("/proc/self/fd")
    if descriptors.exists():
        assert str(path) not in [os.readlink(d) for d in descriptors.iterdir() if d.exists()]


# --- files that cannot serve -----------------------------------------------------------------------------------------


def bad_missing(folder: Path) -> Path:
    return folder / "gone.mp4"


def bad_folder(folder: Path) -> Path:
    (folder / "clip.mp4").mkdir()
    return folder / "clip.mp4"


def bad_empty(folder: Path) -> Path:
    (folder / "e.mp4").touch()
    return folder / "e.mp4"


def bad_text(folder: Path) -> Path:
    (folder / "t.mp4").write_text("this is not a video\n" * 50)
    return folder / "t.mp4"


def bad_audio_only(folder: Path) -> Path:
    path = folder / "a.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def bad_still(folder: Path) -> Path:
    cv2.imwrite(str(folder / "s.png"), numbered(3))
    return folder / "s.png"


def bad_photo(folder: Path) -> Path:
    cv2.imwrite(str(folder / "s.jpg"), numbered(3))
    return folder / "s.jpg"


def bad_one_picture(folder: Path) -> Path:
    return render(folder / "o.mp4", times_s=[Fraction(0)])


def bad_no_index(folder: Path) -> Path:
    path = render(folder / "c.mp4", times_s=at_rate(Fraction(25), 50))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def bad_pictures(folder: Path) -> Path:
    path = render(folder / "d.mp4", times_s=at_rate(Fraction(25), 50))
    data = bytearray(path.read_bytes())
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[begin:end] = bytes(end - begin)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (bad_missing, "does not exist"),
        (bad_folder, "is a folder"),
        (bad_empty, "is empty"),
        (bad_text, "is not a video file"),
        (bad_audio_only, "sound but no picture"),
        (bad_still, "still image"),
        (bad_photo, "still image"),
        (bad_one_picture, "single picture"),
        (bad_no_index, "its index is missing"),
        (bad_pictures, "can be decoded"),
    ],
)
def test_probe_when_the_file_cannot_serve_then_error_says_why_and_names_it(tmp_path, make, says):
    path = make(tmp_path)
    with pytest.raises(MediaError, match=says) as caught:
        video.probe(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_probe_when_the_file_is_a_playlist_then_nothing_is_fetched(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        path = tmp_path / "p.m3u8"
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}\n#EXT-X-ENDLIST\n")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(video.probe, path)
            with pytest.raises(TimeoutError):
                server.accept()[0].close()
            assert isinstance(asked.exception(timeout=5), MediaError)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_probe_when_the_file_may_not_be_read_then_error_names_it(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 3))
    path.chmod(0)
    with pytest.raises(MediaError, match="may not be read"):
        video.probe(path)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_decode_when_cut_off_in_the_middle_then_gives_what_is_there_and_says_until_where(tmp_path, suffix):
    times = at_rate(Fraction(25), 100)
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    path = render(tmp_path / f"v.{suffix}", times_s=times, keyframes_every=5, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    seen = []
    with pytest.raises(MediaError, match=r"can be read until (\d\.\d\d) s of 4\.\d+ s") as caught:
        seen.extend(video.decode(path))
    assert [number_of(frame.image) for frame in seen[:-1]] == list(range(len(seen) - 1))
    assert 40 < len(seen) < 75
    assert f"until {seen[-1].time_s + 0.04:.2f} s" in caught.value.message
    sampled = []
    with pytest.raises(MediaError, match="can be read until"):
        sampled.extend(video.sample(path, rate_hz=25.0))
    assert len(sampled) == len(seen)


def test_decode_when_cut_off_after_the_wanted_part_then_no_complaint(tmp_path):
    path = render(tmp_path / "v.mp4", times_s=at_rate(Fraction(25), 100), options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert len(list(video.decode(path, start_s=0.2, end_s=1.0))) == 20


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "flv", "ts", "avi"])
def test_decode_when_the_sound_goes_on_after_the_picture_then_no_complaint(tmp_path, suffix):
    tick = Fraction(1, 25) if suffix == "avi" else Fraction(1, 1000)
    path = render(tmp_path / f"v.{suffix}", times_s=at_rate(Fraction(25), 50), tick=tick, sound_s=4.0)
    assert video.probe(path).duration_s > 3.9
    assert len(list(video.decode(path))) == 50
    last = list(video.sample(path, rate_hz=5.0, end_s=4.0))[-1]
    assert (last.time_s, number_of(last.image)) == (pytest.approx(3.8), 49)


def test_sample_when_the_rate_is_not_positive_then_refused(tmp_path):
    with pytest.raises(ValueError, match="rate_hz"):
        next(iter(video.sample(tmp_path / "v.mp4", rate_hz=0.0)))


@pytest.mark.clips
def test_decode_when_a_real_clip_then_a_part_of_it_is_the_same_as_in_the_whole(clips):
    path = sorted((clips / "greatest_hits").glob("*.mp4"))[0]
    before = (path.stat().st_mtime_ns, path.stat().st_size)
    whole = {}
    for frame in video.decode(path, end_s=9.0, max_width=128):
        assert not whole or frame.time_s > max(whole)
        whole[frame.time_s] = frame.image
    part = list(video.decode(path, start_s=7.31, end_s=8.7, max_width=128))
    times = sorted(whole)
    first = bisect_right(times, 7.31) - 1
    assert [frame.time_s for frame in part] == [t for t in times[first:] if t < 8.7 - 1e-6]
    assert all(np.array_equal(frame.image, whole[frame.time_s]) for frame in part)
    assert (path.stat().st_mtime_ns, path.stat().st_size) == before
