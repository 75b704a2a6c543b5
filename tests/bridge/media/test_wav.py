"""Sound files written whole, checked, never over another one."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.domain.audio import Audio
from bridge.errors import MediaError
from bridge.media import files, wav


def sound(seconds: float = 0.5, *, channels: int = 1, rate_hz: int = 48_000, seed: int = 0) -> Audio:
    samples = np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, round(seconds * rate_hz)))
    return Audio(samples=samples.astype(np.float32), rate_hz=rate_hz)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_write_when_read_again_then_the_same_to_24_bits(tmp_path, channels, rate_hz):
    audio = sound(channels=channels, rate_hz=rate_hz)
    path = wav.write(tmp_path / "foley.wav", audio)
    again = wav.read(path)
    assert path == tmp_path / "foley.wav"
    assert (again.rate_hz, again.samples.shape) == (rate_hz, audio.samples.shape)
    assert np.abs(again.samples - audio.samples).max() < 2**-22
    assert soundfile.info(str(path)).subtype == "PCM_24"


def test_write_when_the_name_is_taken_then_another_name_and_the_old_file_untouched(tmp_path):
    first = wav.write(tmp_path / "foley.wav", sound(seed=1))
    before = first.read_bytes()
    second = wav.write(tmp_path / "foley.wav", sound(seed=2))
    third = wav.write(tmp_path / "foley.wav", sound(seed=3))
    assert [second.name, third.name] == ["foley 2.wav", "foley 3.wav"]
    assert first.read_bytes() == before != second.read_bytes()


def test_write_when_many_want_one_name_then_each_gets_its_own(tmp_path):
    threads = [threading.Thread(target=wav.write, args=(tmp_path / "a.wav", sound(seed=n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a 2.wav"] + [f"a {n}.wav" for n in range(3, 9)] + ["a.wav"]
    assert len({p.read_bytes() for p in tmp_path.iterdir()}) == 8


def test_write_when_hard_links_are_not_possible_then_still_never_over_another(tmp_path, monkeypatch):
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    wav.write(tmp_path / "a.wav", sound(seed=1))
    assert wav.write(tmp_path / "a.wav", sound(seed=2)).name == "a 2.wav"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a 2.wav", "a.wav"]


def test_write_when_done_twice_then_the_same_bytes(tmp_path):
    how = {"seed": 7, "prompt": "métal", "onsets": [0.25, 1.0]}
    paths = [wav.write(tmp_path / name, sound(), provenance=how) for name in ("a.wav", "b.wav")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("samples", [101, 102])
@pytest.mark.parametrize("prompt", ["odd", "even", "stähl ☃"])
def test_provenance_when_stored_then_read_back_and_the_sound_still_reads(tmp_path, samples, prompt):
    how = {"prompt": prompt, "pack": {"name": "starter", "sha256": "0" * 64}, "big": "x" * 70_000}
    audio = Audio(samples=np.full((1, samples), 0.5, np.float32), rate_hz=48_000)
    path = wav.write(tmp_path / "a.wav", audio, provenance=how)
    assert wav.read_provenance(path) == how
    assert wav.read(path).length_samples == samples
    riff_size = int.from_bytes(path.read_bytes()[4:8], "little")
    assert riff_size == path.stat().st_size - 8, "a strict reader finds every chunk inside the RIFF"


def test_provenance_when_there_is_none_then_none(tmp_path):
    assert wav.read_provenance(wav.write(tmp_path / "a.wav", sound())) is None
    soundfile.write(str(tmp_path / "b.flac"), np.zeros(100), 48_000)
    assert wav.read_provenance(tmp_path / "b.flac") is None


def test_provenance_when_damaged_then_error_names_the_file(tmp_path):
    path = wav.write(tmp_path / "a.wav", sound(), provenance={"seed": 1})
    path.write_bytes(path.read_bytes().replace(b'{"seed"', b'["seed"'))
    with pytest.raises(MediaError, match=r"provenance inside .*a\.wav is damaged"):
        wav.read_provenance(path)


def test_write_when_louder_than_full_scale_then_clipped_not_wrapped(tmp_path, caplog):
    path = wav.write(tmp_path / "a.wav", Audio(samples=np.array([[1.5, -1.5, 0.5]], np.float32), rate_hz=48_000))
    assert wav.read(path).samples[0] == pytest.approx([1.0, -1.0, 0.5], abs=1e-6)
    assert "clipped" in caplog.text


def test_write_when_the_sound_is_not_finite_then_refused_and_nothing_left(tmp_path):
    with pytest.raises(MediaError, match="not numbers"):
        wav.write(tmp_path / "a.wav", Audio(samples=np.array([[0.0, np.nan]], np.float32), rate_hz=48_000))
    assert list(tmp_path.iterdir()) == []


def test_write_when_the_folder_is_missing_then_error_names_it(tmp_path):
    with pytest.raises(MediaError, match=r"nowhere does not exist") as caught:
        wav.write(tmp_path / "nowhere" / "a.wav", sound())
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_write_when_the_folder_is_read_only_then_error_names_it(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(MediaError, match="may not be written"):
            wav.write(tmp_path / "a.wav", sound())
    finally:
        tmp_path.chmod(stat.S_IRWXU)


@pytest.mark.parametrize("limit", [10, 30_000, 72_050])
def test_write_when_the_disk_takes_no_more_then_error_and_nothing_left(tmp_path, limit):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(MediaError, match=r"a\.wav was not written") as caught:
            wav.write(tmp_path / "a.wav", sound(), provenance={"seed": 1, "more": "x" * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_cannot_write_when_the_disk_is_full_then_says_so():
    error = files.cannot_write(Path("/p/a.wav"), OSError(28, "No space left on device"))
    assert "the disk is full" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "gone.wav", "does not exist"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: (folder / "t.wav").write_text("<html>not found</html>") and folder / "t.wav", "not a sound"),
        (lambda folder: (folder / "e.wav").write_bytes(b"") or folder / "e.wav", "is empty"),
    ],
)
def test_read_when_the_file_is_no_sound_then_error_names_it(tmp_path, make, says):
    path = make(tmp_path)
    with pytest.raises(MediaError, match=says) as caught:
        wav.read(path)
    assert path.name in caught.value.message
    assert caught.value.hint


def test_unique_path_when_names_are_taken_then_the_first_free_one(tmp_path):
    assert wav.unique_path(tmp_path, "a", ".wav").name == "a.wav"
    (tmp_path / "a.wav").touch()
    (tmp_path / "a 2.wav").symlink_to(tmp_path / "nothing")
    assert wav.unique_path(tmp_path, "a", ".wav").name == "a 3.wav"


def test_unfinished_file_when_it_could_not_be_removed_then_the_next_work_takes_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError("read only")

    with monkeypatch.context() as disk, files.temporary_beside(tmp_path / "one.wav") as left:
        left.write_bytes(b"half")
        disk.setattr(Path, "unlink", refuse)
        with files.temporary_beside(tmp_path / "two.wav"):
            pass
    assert left.exists()
    with files.temporary_beside(tmp_path / "three.wav"):
        assert not left.exists()
