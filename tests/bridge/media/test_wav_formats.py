"""Sound files in every format, in blocks, in parts: whatever the way, the bytes are those that they should be."""

from __future__ import annotations

import hashlib
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.errors import JobCancelled, MediaError, RequestError
from bridge.media import wav

from .walker import one, walk

SUBTYPES = ("PCM_16", "PCM_24", "PCM_32", "FLOAT")
STEP = {"PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-24, "FLOAT": 2**-60}


def sound(length: int = 4801, *, channels: int = 1, seed: int = 0) -> Audio:
    samples = np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, length)).astype(np.float32)
    return Audio(samples=samples, rate_hz=48_000)


def stored(path: Path) -> NDArray[np.int32]:
    """The samples as libsndfile gives them, widest integers, (n, channels)."""
    return np.asarray(soundfile.read(str(path), dtype="int32", always_2d=True)[0], np.int32)


def cut(samples: NDArray[np.float32], size: int) -> Iterator[NDArray[np.float32]]:
    for start in range(0, samples.shape[1], size):
        yield samples[:, start : start + size]


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("subtype", SUBTYPES)
def test_write_when_in_any_format_then_soundfile_reads_it_to_half_a_step(tmp_path, subtype, channels):
    audio = sound(channels=channels)
    path = wav.write(tmp_path / "a.wav", audio, subtype=subtype, provenance={"seed": 1})
    told = soundfile.info(str(path))
    assert (told.subtype, told.samplerate, told.channels, told.frames) == (subtype, 48_000, channels, 4801)
    again = soundfile.read(str(path), dtype="float64", always_2d=True)[0].T
    assert np.abs(again - audio.samples).max() <= STEP[subtype] / 2
    names = [name for name, _ in walk(path)]
    assert names == ["fmt ", *(["fact"] if subtype == "FLOAT" else []), "data", "foly"]


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_write_when_what_was_read_is_written_again_then_not_a_bit_differs(tmp_path, subtype):
    first = wav.write(tmp_path / "a.wav", sound(), subtype=subtype)
    second = wav.write(tmp_path / "b.wav", wav.read(first), subtype=subtype)
    if subtype == "PCM_32":  # float32 cannot hold 32 bits: see patched for a copy that can
        assert np.abs(stored(first).astype(np.int64) - stored(second)).max() <= 128
    else:
        assert first.read_bytes() == second.read_bytes()


def test_write_when_float_then_no_clock_in_it_and_nothing_clipped(tmp_path, caplog):
    audio = Audio(samples=np.array([[1.5, -3.0, 1e-30, 0.1]], np.float32), rate_hz=44_100)
    path = wav.write(tmp_path / "a.wav", audio, subtype="FLOAT")
    assert wav.read(path).samples.tobytes() == audio.samples.tobytes()
    assert "PEAK" not in [name for name, _ in walk(path)], "libsndfile would put the time of day there"
    assert struct.unpack("<HHIIHHH", one(path, "fmt ")) == (3, 1, 44_100, 176_400, 4, 32, 0)
    assert struct.unpack("<I", one(path, "fact")) == (4,)
    assert "clipped" not in caplog.text


@pytest.mark.parametrize(("subtype", "full"), [("PCM_16", 2**15), ("PCM_24", 2**23), ("PCM_32", 2**31)])
def test_write_when_beyond_full_scale_then_integers_stop_at_their_ends(tmp_path, subtype, full, caplog):
    audio = Audio(samples=np.array([[1.0, 7.0, -1.0, -7.0, 0.5]], np.float32), rate_hz=48_000)
    twice = [audio.samples, audio.samples]
    path = wav.write_blocks(tmp_path / "a.wav", twice, rate_hz=48_000, channels=1, subtype=subtype)
    assert (stored(path)[:5, 0] // (2**31 // full)).tolist() == [full - 1, full - 1, -full, -full, full // 2]
    assert caplog.text.count("clipped") == 1


def test_write_when_the_format_is_unknown_then_error_names_it_and_those_that_are(tmp_path):
    with pytest.raises(RequestError, match="PCM_8") as caught:
        wav.write(tmp_path / "a.wav", sound(), subtype="PCM_8")
    assert "PCM_24" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("size", [1, 977, 4801])
def test_write_blocks_when_cut_anyhow_then_the_bytes_of_write(tmp_path, subtype, size):
    audio = sound(length=1955 if size == 1 else 4801, channels=2)
    how = {"provenance": {"seed": 1}, "subtype": subtype}
    whole = wav.write(tmp_path / "a.wav", audio, **how)
    parts = wav.write_blocks(tmp_path / "b.wav", cut(audio.samples, size), rate_hz=48_000, channels=2, **how)
    assert whole.read_bytes() == parts.read_bytes()


def test_write_blocks_when_nothing_comes_then_an_empty_sound_that_reads(tmp_path):
    path = wav.write_blocks(tmp_path / "a.wav", [], rate_hz=48_000, channels=2)
    assert wav.read(path).samples.shape == (2, 0)


@pytest.mark.parametrize(
    ("error", "says"),
    [(JobCancelled("stopped"), "stopped"), (KeyError("fault"), "fault"), (OSError(5, "Input/output"), "not written")],
)
def test_write_blocks_when_a_block_fails_then_nothing_is_left(tmp_path, error, says):
    def blocks() -> Iterator[NDArray[np.float32]]:
        yield sound().samples
        raise error

    with pytest.raises((JobCancelled, KeyError, MediaError), match=says):
        wav.write_blocks(tmp_path / "a.wav", blocks(), rate_hz=48_000, channels=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wanted", [4800, 4802])
def test_write_blocks_when_the_length_is_another_then_refused_and_nothing_left(tmp_path, wanted):
    with pytest.raises(MediaError, match=rf"a\.wav was not written: 4801 samples came instead of {wanted}"):
        wav.write_blocks(tmp_path / "a.wav", [sound().samples], rate_hz=48_000, channels=1, length_samples=wanted)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (np.zeros((2, 5), np.float32), "1 channels"),
        (np.zeros(5, np.float32), "1 channels"),
        (np.full((1, 5), np.inf, np.float32), "not numbers"),
    ],
)
def test_write_blocks_when_a_block_does_not_fit_then_refused_and_nothing_left(tmp_path, block, says):
    with pytest.raises((MediaError, RequestError), match=says):
        wav.write_blocks(tmp_path / "a.wav", [sound().samples, block], rate_hz=48_000, channels=1)
    assert list(tmp_path.iterdir()) == []


def test_write_when_larger_than_wav_can_be_then_refused_before_or_while_it_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(wav, "LARGEST_BYTES", 30_000)
    taken = []

    def blocks() -> Iterator[NDArray[np.float32]]:
        for _ in range(100):
            taken.append(1)
            yield sound().samples

    for known, most in ((480_100, 0), (None, 4)):
        with pytest.raises(MediaError, match=r"a\.wav was not written: it would be larger than 4 GB") as caught:
            wav.write_blocks(tmp_path / "a.wav", blocks(), rate_hz=48_000, channels=1, length_samples=known)
        assert caught.value.hint
        assert len(taken) <= most
    assert list(tmp_path.iterdir()) == []


class Forgetful:
    """A file on a disk that takes everything and keeps all but some bytes."""

    def __init__(self, file, lost: slice) -> None:
        self._file, self._lost = file, lost

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self._file.flush()
        size = self._file.seek(0, 2)
        for at in range(size)[self._lost]:
            self._file.seek(at)
            self._file.write(b"\x55")
        self._file.close()

    def __getattr__(self, name: str):
        return getattr(self._file, name)


@pytest.mark.parametrize(
    "lost", [slice(22, 23), slice(30, 31), slice(5000, 5001), slice(14_446, 14_447), slice(-1, None)]
)
@pytest.mark.parametrize("provenance", [None, {"seed": 1}])
def test_write_when_the_disk_keeps_something_else_then_error_and_nothing_left(tmp_path, monkeypatch, lost, provenance):
    real = Path.open

    def forgetful(self: Path, mode: str = "r"):
        file = real(self, mode)
        return Forgetful(file, lost) if mode == "xb" else file

    monkeypatch.setattr(Path, "open", forgetful)
    with pytest.raises(MediaError, match=r"a\.wav was not written: it does not read back whole"):
        wav.write(tmp_path / "a.wav", sound(), provenance=provenance)
    assert list(tmp_path.iterdir()) == []


def test_provenance_when_a_file_name_in_it_is_not_text_then_kept_as_it_is(tmp_path):
    how = {"source_path": "/video/caf\udce9.mov"}
    assert wav.read_provenance(wav.write(tmp_path / "a.wav", sound(), provenance=how)) == how


def test_reader_when_asked_for_stretches_then_those_of_the_whole(tmp_path):
    audio = sound(channels=2)
    path = wav.write(tmp_path / "a.wav", audio, subtype="FLOAT")
    with wav.Reader(path) as reader:
        assert (reader.rate_hz, reader.channels, reader.length_samples) == (48_000, 2, 4801)
        for start, stop in ((0, 4801), (4000, 4801), (17, 18), (18, 400), (5, 5), (4801, 4801), (0, 1)):
            found = reader.read(start, stop)
            assert found.dtype == np.float32
            assert np.array_equal(found, audio.samples[:, start:stop])
        assert np.array_equal(np.hstack(list(reader.blocks(block_samples=1000))), audio.samples)
        assert np.array_equal(np.hstack(list(reader.blocks(start=7, stop=4000))), audio.samples[:, 7:4000])
        for start, stop in ((-1, 5), (5, 4), (0, 4802)):
            with pytest.raises(RequestError, match=r"do not lie in .*a\.wav, which has 4801"):
                reader.read(start, stop)


@pytest.mark.parametrize(("make", "says"), [(None, "does not exist"), (b"<html>", "not a sound file"), (b"", "empty")])
def test_reader_when_the_file_is_no_sound_then_error_names_it(tmp_path, make, says):
    if make is not None:
        (tmp_path / "a.wav").write_bytes(make)
    with pytest.raises(MediaError, match=says) as caught:
        wav.Reader(tmp_path / "a.wav")
    assert "a.wav" in caught.value.message


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("channels", [1, 2])
def test_patched_when_stretches_are_replaced_then_every_other_sample_is_bit_identical(tmp_path, subtype, channels):
    whole = np.random.default_rng(5).integers(-(2**31), 2**31, (300_001, channels), dtype=np.int64).astype(np.int32)
    old = tmp_path / "old.wav"
    soundfile.write(str(old), whole if subtype != "FLOAT" else whole / 2.0**30, 44_100, subtype=subtype)
    before = hashlib.sha256(old.read_bytes()).hexdigest()
    new = sound(length=500, channels=channels).samples
    patches = [(200_000, new), (0, new[:, :3]), (299_900, new[:, :101])]
    path = wav.patched(old, patches, tmp_path / "new.wav", provenance={"seed": 2})
    assert (soundfile.info(str(path)).subtype, soundfile.info(str(path)).samplerate) == (subtype, 44_100)
    assert hashlib.sha256(old.read_bytes()).hexdigest() == before
    assert wav.read_provenance(path) == {"seed": 2}
    read = "float32" if subtype == "FLOAT" else "int32"
    was, now = (soundfile.read(str(p), dtype=read, always_2d=True)[0] for p in (old, path))
    inside = np.zeros(len(was), bool)
    for start, samples in patches:
        inside[start : start + samples.shape[1]] = True
        again = wav.read(path).samples[:, start : start + samples.shape[1]]
        assert np.abs(again - samples).max() <= max(STEP[subtype], 2**-24)
    assert np.array_equal(was[~inside], now[~inside])
    assert not np.array_equal(was[inside], now[inside])
    walk(path)


def test_patched_when_nothing_is_replaced_then_the_very_file(tmp_path):
    old = wav.write(tmp_path / "a.wav", sound(), provenance={"seed": 1}, subtype="PCM_32")
    assert wav.patched(old, [], tmp_path / "b.wav", provenance={"seed": 1}).read_bytes() == old.read_bytes()


def test_patched_when_the_name_is_the_old_ones_then_a_new_name_beside_it(tmp_path):
    old = wav.write(tmp_path / "a.wav", sound())
    before = old.read_bytes()
    assert wav.patched(old, [(0, sound(5).samples)], old).name == "a 2.wav"
    assert old.read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAVEX", "PCM_24"), ("WAVEX", "PCM_32"), ("FLAC", "PCM_24"), ("AIFF", "PCM_16")]
)
def test_patched_when_the_old_file_is_another_kind_then_a_wav_of_the_same_samples(tmp_path, kind, subtype):
    old = tmp_path / "old.sound"
    whole = np.random.default_rng(5).integers(-(2**31), 2**31, (4801, 2), dtype=np.int64).astype(np.int32)
    soundfile.write(str(old), whole, 48_000, format=kind, subtype=subtype)
    path = wav.patched(old, [(10, sound(20, channels=2, seed=9).samples)], tmp_path / "new.wav")
    assert soundfile.info(str(path)).format == "WAV"
    was, now = stored(old), stored(path)
    was[10:30] = now[10:30]
    assert np.array_equal(was, now)


def test_patched_when_another_format_is_asked_for_then_said_again_in_it(tmp_path):
    old = wav.write(tmp_path / "a.wav", sound(), subtype="PCM_16")
    path = wav.patched(old, [(0, sound(5).samples)], tmp_path / "b.wav", subtype="PCM_24")
    assert soundfile.info(str(path)).subtype == "PCM_24"
    assert np.array_equal(stored(old)[5:], stored(path)[5:])


@pytest.mark.parametrize(("subtype", "left"), [("PCM_24", 3 * 1000 + 1), ("PCM_32", 4 * 1000 + 3)])
def test_patched_when_the_old_file_was_cut_short_then_what_is_there(tmp_path, subtype, left):
    old = tmp_path / "a.wav"
    whole = np.random.default_rng(5).integers(-(2**31), 2**31, 4801, dtype=np.int64).astype(np.int32)
    soundfile.write(str(old), whole, 48_000, subtype=subtype)
    old.write_bytes(old.read_bytes()[: 44 + left])
    path = wav.patched(old, [(0, sound(5).samples)], tmp_path / "b.wav")
    assert np.array_equal(stored(path)[5:], stored(old)[5:1000])


@pytest.mark.parametrize(
    ("patches", "says"),
    [
        ([(-1, 5)], "at -1 lies outside"),
        ([(4797, 5)], "at 4797 lies outside"),
        ([(100, 50), (149, 5)], "at 149 lies outside .* or over another"),
        ([(0, 0)], "does not fit the 1 channels"),
    ],
)
def test_patched_when_a_patch_does_not_fit_then_refused_and_nothing_left(tmp_path, patches, says):
    old = wav.write(tmp_path / "a.wav", sound())
    given = [(at, np.zeros((1, n) if n else (2, 5), np.float32)) for at, n in patches]
    with pytest.raises(RequestError, match=says):
        wav.patched(old, given, tmp_path / "b.wav")
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("limit", [10, 30_000])
def test_patched_when_the_disk_takes_no_more_then_error_and_only_the_old_file_left(tmp_path, limit):
    resource = pytest.importorskip("resource")
    old = wav.write(tmp_path / "a.wav", sound(48_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(MediaError, match=r"b\.wav was not written") as caught:
            wav.patched(old, [(0, sound(5).samples)], tmp_path / "b.wav")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == [old]


def test_write_blocks_and_patched_when_ten_minutes_long_then_memory_of_a_few_blocks(tmp_path):
    length = 600 * 48_000
    block = sound(1 << 17).samples

    def blocks() -> Iterator[NDArray[np.float32]]:
        for start in range(0, length, block.shape[1]):
            yield block[:, : length - start]

    tracemalloc.start()
    try:
        old = wav.write_blocks(tmp_path / "a.wav", blocks(), rate_hz=48_000, channels=1, length_samples=length)
        new = wav.patched(old, [(1_000_000, block)], tmp_path / "b.wav")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8_000_000, "the sound has 115 MB"
    assert soundfile.info(str(new)).frames == length
