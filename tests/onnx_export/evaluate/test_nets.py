"""The pack's graphs as an evaluation calls them, against what the pack was made to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import PackError
from bridge.packs.store import PackFiles, Store
from onnx_export.evaluate.nets import Nets
from tests import packs, wave_pack

FRAMES = 8 * wave_pack.ALIGN
MEANING = np.array([[0.6, 0.0, 0.8, 0.0]], np.float32)


def track_at(*frames: int) -> np.ndarray:
    track = np.zeros(FRAMES, np.float32)
    track[list(frames)] = 1.0
    return track


@pytest.mark.parametrize("sampler", ["ddim", "deis2"])
def test_made_when_guidance_is_raised_then_the_sound_goes_that_far_from_no_words(nets: Nets, sampler: str) -> None:
    track, noise = track_at(2000), np.random.default_rng(0).standard_normal(FRAMES, dtype=np.float32)
    plain, far = (
        nets.made(track, MEANING, noise, sampler=sampler, steps=4, guidance=guidance) for guidance in (1.0, 3.0)
    )
    tones = wave_pack.tones(2 * (MEANING - wave_pack.NULL)[0], FRAMES)
    assert np.abs(far - plain - wave_pack.envelope(track) * tones).max() < 2e-4
    assert np.abs(plain[:1900]).max() < 1e-5
    assert np.abs(plain[2000:4000]).max() > 0.01


def test_heard_when_a_sound_is_short_then_it_is_repeated(nets: Nets) -> None:
    turns = np.arange(wave_pack.CLIP) * wave_pack.TONES_HZ[2] / wave_pack.RATE_HZ
    tone = np.sin(2 * np.pi * turns).astype(np.float32)
    short = nets.heard(tone[: wave_pack.CLIP // 4])
    assert int(np.argmax(short)) == 2
    assert np.abs(short - nets.heard(tone)).max() < 0.05


def test_understood_when_words_are_given_then_their_meaning_and_none_is_allowed(nets: Nets) -> None:
    assert int(np.argmax(nets.understood("glass"))) == 2
    assert np.isfinite(nets.understood("")).all()


def test_check_when_the_pack_cannot_then_what_it_lacks(nets: Nets, tmp_path: Path) -> None:
    nets.check(sees=True, sounds=True, conditioning="text")
    tiny = Nets(Store(()).open_folder(packs.tiny_pack(tmp_path)), provider="cpu")
    with pytest.raises(PackError, match="does not look at pictures"):
        tiny.check(sees=True, sounds=False, conditioning="audio")
    with pytest.raises(PackError, match="does not make waveforms"):
        tiny.check(sees=False, sounds=True, conditioning="audio")


def test_made_when_the_null_embedding_is_no_array_then_its_file_is_named(pack: PackFiles, tmp_path: Path) -> None:
    folder = tmp_path / "wave"
    shutil.copytree(pack.folder, folder)
    files = Store(()).open_folder(folder)
    (folder / "null_embedding.npy").write_bytes(b"nothing")
    with pytest.raises(PackError, match=r"null_embedding\.npy"):
        Nets(files, provider="cpu").made(
            track_at(), MEANING, np.zeros(FRAMES, np.float32), sampler="ddim", steps=1, guidance=2.0
        )
