"""One-shots are aligned and levelled, textures become events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import RequestError
from onnx_export.train.what_data import LEAD_SAMPLES, RATE_HZ, align, carve, family_of, load_shots
from tests.onnx_export.train.what_sounds import knock, write_sounds


@pytest.mark.parametrize("attack_s", [0.0, 0.013, 0.3])
@pytest.mark.parametrize("level", [0.01, 0.5])
def test_align_puts_the_attack_at_the_lead_and_levels_it(attack_s: float, level: float) -> None:
    aligned = align(knock(attack_s=attack_s, level=level), slow=False)
    assert aligned is not None
    loud = int(np.argmax(np.abs(aligned) > 0.05))
    assert abs(loud - LEAD_SAMPLES) <= 48
    assert 0.3 < np.abs(aligned).max() <= 0.8001


def test_align_takes_rumble_and_dc_away() -> None:
    time_s = np.arange(round(0.6 * RATE_HZ)) / RATE_HZ
    rumbling = knock(attack_s=0.01) + 0.2 + 0.3 * np.sin(2 * np.pi * 12.0 * time_s).astype(np.float32)
    aligned = align(rumbling.astype(np.float32), slow=True)
    assert aligned is not None
    spectrum = np.abs(np.fft.rfft(aligned, 1 << 16)) ** 2
    low = np.fft.rfftfreq(1 << 16, 1 / RATE_HZ) < 20.0
    assert spectrum[low].sum() < 0.05 * spectrum.sum()


def test_align_refuses_silence_crumbs_slow_rises_and_second_hits() -> None:
    assert align(np.zeros(48000, np.float32), slow=False) is None
    assert align(knock()[:500], slow=False) is None
    ramp = (np.random.default_rng(0).standard_normal(24000) * np.linspace(0, 0.3, 24000)).astype(np.float32)
    assert align(ramp, slow=False) is None
    assert align(knock(again_s=0.35), slow=False) is None
    assert align(knock(), slow=False) is not None


def test_align_when_the_sound_is_slow_starts_at_its_onset_and_may_swell_again() -> None:
    rng = np.random.default_rng(0)
    swell = np.concatenate([np.zeros(4800), np.linspace(0.0, 0.3, 9600), np.linspace(0.3, 0.0, 14400)])
    scrape = (swell * rng.standard_normal(len(swell))).astype(np.float32)
    aligned = align(scrape, slow=True)
    assert aligned is not None
    rises = np.convolve(np.abs(aligned), np.ones(240) / 240, "same")
    assert np.argmax(rises > 0.5 * rises.max()) > 1500
    assert align(knock(again_s=0.35), slow=True, repeats=True) is not None


def test_carve_makes_events_that_start_at_once_and_die_away() -> None:
    rng = np.random.default_rng(0)
    stream = rng.standard_normal(3 * RATE_HZ).astype(np.float32) * 0.02
    for start_s in (0.7, 1.9):
        start = round(start_s * RATE_HZ)
        stream[start : start + 45000] *= 6.0
    events = carve(stream)
    assert 2 <= len(events) <= 3
    for event in events[:2]:
        early, late = np.abs(event[LEAD_SAMPLES:2400]).max(), np.abs(event[-4800:]).max()
        assert np.abs(event[: LEAD_SAMPLES // 2]).max() < 0.3 * early
        assert late < 0.1 * early
    assert carve(np.zeros(48000, np.float32)) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cc0/wood/cajon_sr2_vl4_rr5_cnd.flac", "cc0/wood/cajon_sr2_vl1_rr2_cnd.flac", True),
        ("ccby/metal/aluminum1_s02.flac", "ccby/metal/aluminum2_s01.flac", True),
        ("cc0/wood/knock_000.flac", "cc0/wood/slam_000.flac", False),
        ("cc0/wood/knock_000.flac", "cc0/metal/knock_000.flac", False),
    ],
)
def test_family_of_joins_takes_of_one_thing(one: str, other: str, same: bool) -> None:
    assert (family_of(one) == family_of(other)) is same


def test_load_shots_reads_the_manifest_and_holds_some_originals_out(tmp_path: Path) -> None:
    shots = load_shots(write_sounds(tmp_path, ["a_1.wav", "a_2.wav", "b_1.wav"]))
    assert len(shots) == 3
    assert [one.held_out for one in shots] == [True, False, False]
    assert shots[0].family == shots[1].family != shots[2].family
    assert shots[0].material == "wood"
    assert shots[0].action == "hit"


def test_load_shots_when_the_folder_is_none_or_a_sound_is_missing_says_so(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"there is no .*manifest\.csv"):
        load_shots(tmp_path)
    write_sounds(tmp_path, ["a_1.wav", "b_1.wav"])
    (tmp_path / "b_1.wav").unlink()
    with pytest.raises(RequestError, match=r"b_1\.wav cannot be read"):
        load_shots(tmp_path)
