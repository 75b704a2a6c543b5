"""Files beside a project: sound in every format that is read, what a WAV tells of itself, tables of onsets."""

from __future__ import annotations

import contextlib
import functools
import io
from pathlib import Path

import numpy as np
import soundfile
from hypothesis import strategies as st

from bridge.domain.audio import Audio
from bridge.domain.onsets import Onset
from bridge.errors import BridgeError
from bridge.media import onset_table, riff, wav
from bridge.media.broadcast import Broadcast
from bridge.media.reader import Reader
from tests.fuzz.cases import bent
from tests.fuzz.files import as_file, folder
from tests.fuzz.target import Target, again

_LOUD = np.sin(np.arange(400, dtype=np.float32)).reshape(2, 200)
FORMATS = (
    "AIFF",
    "AU",
    "CAF",
    "FLAC",
    "OGG",
    "MP3",
    "W64",
    "RF64",
    "VOC",
    "SVX",
    "NIST",
    "WAV",
    "WAVEX",
    "AVR",
)
TABLE = b"time_s,confidence,strength\n0.250000,0.9,0.5\n1.5,,-6dB\n\n2.25,1,1\n"


@functools.cache
def wavs() -> list[bytes]:
    """WAV files of ours, in every subtype, with all that they can tell."""
    told = Broadcast(description="Foley: wood", date="2026-01-31", time="23:59:59", take="3", track_names=("x",))
    made = []
    for subtype in riff.BITS:
        with contextlib.ExitStack() as left:
            path = wav.write(
                folder() / f"{subtype}.wav",
                Audio(samples=_LOUD, rate_hz=48_000),
                provenance={"seed": 3, "prompt": "wood"},
                subtype=subtype,
                broadcast=told,
            )
            left.callback(path.unlink)
            made.append(path.read_bytes())
    return made


@functools.cache
def others() -> list[bytes]:
    """The same sound in the formats of other programs."""
    made = []
    for kind in FORMATS:
        file = io.BytesIO()
        with contextlib.suppress(soundfile.LibsndfileError, ValueError):
            soundfile.write(file, _LOUD.T, 48_000, format=kind)
            made.append(file.getvalue())
    return made


def check_sound(path: Path) -> bool:
    """A sound that is read whole is the same when it is read in parts."""
    whole = wav.read(path)
    with Reader(path) as reader:
        parts = list(reader.blocks(block_samples=64))  # a file that says it is longer than it is ends here
        length = reader.length_samples
    joined = np.concatenate(parts, axis=1) if parts else whole.samples
    assert joined.shape == (whole.samples.shape[0], length)
    return whole.length_samples == length


def check_chunks(path: Path) -> bool:
    """What a WAV tells of itself, and where its samples lie."""
    with contextlib.suppress(BridgeError):
        wav.read_provenance(path)
    with contextlib.suppress(BridgeError):
        wav.read_broadcast(path)
    there = riff.plain(path)
    return there is not None and there.length_samples >= 0


def check_patched(path: Path) -> bool:
    """A copy with a stretch replaced is as long as the file was."""
    with Reader(path) as reader:
        length, channels = reader.length_samples, reader.channels
    new = wav.patched(path, [(0, np.zeros((channels, min(length, 8)), np.float32))], folder() / "patched.wav")
    try:
        with Reader(new) as reader:
            assert (reader.length_samples, reader.channels) == (length, channels)
    finally:
        new.unlink()
    return True


def check_table(path: Path) -> bool:
    """A table that is taken, written again, gives the same times to a microsecond."""
    said: list[str] = []
    onsets = onset_table.read(path, say=said.append)
    assert all(len(sentence) < 1500 for sentence in said)
    path = folder() / "again.csv"
    path.unlink(missing_ok=True)
    onset_table.write(path, onsets)
    back = again(onset_table.read, path)
    assert len(back) == len(onsets)
    assert all(abs(a.time_s - b.time_s) <= 1e-6 + abs(a.time_s) * 1e-15 for a, b in zip(onsets, back, strict=True))
    return True


def table(onsets: list[Onset]) -> bytes:
    """As ``detect`` writes it."""
    path = folder() / "made.csv"
    path.unlink(missing_ok=True)
    return onset_table.write(path, onsets).read_bytes()


made = st.lists(
    st.builds(Onset, time_s=st.floats(0.0, 1e6), confidence=st.floats(0.0, 1.0), strength=st.floats(0.0, 1.0)),
    max_size=4,
)
TARGETS = [
    Target(
        name="sound",
        check=as_file(check_sound, "a.wav"),
        hostile=st.deferred(lambda: bent([*wavs(), *others()])),
        valid=st.deferred(lambda: st.sampled_from(wavs())),
    ),
    Target(
        name="wav_chunks",
        check=as_file(check_chunks, "a.wav"),
        hostile=st.deferred(lambda: bent(wavs())),
        valid=st.deferred(lambda: st.sampled_from(wavs())),
    ),
    Target(
        name="wav_patched",
        check=as_file(check_patched, "a.wav"),
        hostile=st.deferred(lambda: bent([*wavs(), *others()])),
        valid=st.deferred(lambda: st.sampled_from(wavs())),
    ),
    Target(
        name="onset_table",
        check=as_file(check_table, "a.csv"),
        hostile=bent([TABLE, b"\xef\xbb\xbf1.5,0.5\n2,1\n", b'"time_s","note"\n"1,5",x\n', b"time_s;strength\n1;2\n"]),
        valid=made.map(table),
    ),
]
