"""Tables 2 and 3's figures, worked out by hand, and librosa's onsets."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.errors import RequestError
from onnx_export.evaluate import sound_metrics as sm


def places(*samples: int) -> NDArray[np.int64]:
    return np.array(samples, np.int64)


def clicks(levels: dict[int, float]) -> NDArray[np.float32]:
    sound = np.zeros(44_100, np.float32)
    for place, level in levels.items():
        sound[place] = level
    return sound


def test_agreement_when_both_have_the_same_onset_then_all_is_well() -> None:
    one = sm.agreement(places(5000), places(5000), clicks({5000: 1.0}))
    assert (one.same_count, one.hit_rate, one.ap) == (True, 1.0, 1.0)


@pytest.mark.parametrize(("tolerance_s", "last"), [(sm.TOLERANCE_S, 2204), (sm.PAPER_TOLERANCE_S, 1102)])
def test_agreement_when_the_onset_is_late_then_the_tolerance_is_not_reached_inclusively(
    tolerance_s: float, last: int
) -> None:
    for late, expected in ((last, 1.0), (last + 1, 0.0)):
        made = 5000 + late
        one = sm.agreement(places(5000), places(made), clicks({made: 1.0}), tolerance_s=tolerance_s)
        assert one.hit_rate == expected


def test_agreement_when_one_is_missed_then_it_is_still_retrieved_last() -> None:
    # ranks: met 1.0, wrong 0.5, missed 0.0: 1/2 * 1 + 1/2 * 2/3
    one = sm.agreement(places(5000, 20_000), places(5000, 35_000), clicks({5000: 1.0, 35_000: 0.5}))
    assert (one.same_count, one.hit_rate) == (True, 0.5)
    assert one.ap == pytest.approx(0.5 + 1 / 3)


def test_agreement_when_nothing_false_was_made_then_ap_is_full_however_much_was_missed() -> None:
    one = sm.agreement(places(5000, 20_000, 30_000), places(5000), clicks({5000: 1.0}))
    assert (one.same_count, one.ap) == (False, 1.0)
    assert one.hit_rate == pytest.approx(1 / 3)


def test_agreement_when_either_is_without_onsets_then_nothing_is_right() -> None:
    for recorded, made in ((places(), places()), (places(5), places()), (places(), places(5))):
        one = sm.agreement(recorded, made, clicks({}))
        assert (one.same_count, one.hit_rate, one.ap) == (False, 0.0, 0.0)


def test_agreement_when_two_are_near_then_the_loudest_single_sample_is_taken() -> None:
    sound = clicks({6500: 0.2, 6600: 1.0, 4000: 0.3})
    one = sm.agreement(places(5000), places(4000, 6500), sound)
    # 4000 is louder at its own sample, 6500 has the louder peak nearby: the pair is 4000, and 6500 a false alarm
    assert one.hit_rate == 1.0
    assert one.ap == pytest.approx(0.5)


def test_thinned_when_two_neighbours_follow_then_the_second_is_passed_over() -> None:
    assert sm.thinned(places(1000, 1500, 1900), [3.0, 2.0, 1.0]) == [1000, 1900]
    assert sm.thinned(places(1000, 1500), [1.0, 2.0]) == [1500]
    assert sm.thinned(places(1000, 2103), [1.0, 2.0]) == [1000, 2103]


def test_agreement_when_an_onset_is_at_the_very_start_then_no_stop() -> None:
    assert sm.agreement(places(512), places(512), clicks({520: 1.0})).ap == 1.0


def test_onsets_when_noise_bursts_then_librosa_hears_them_a_little_late() -> None:
    sound = np.zeros(44_100, np.float32)
    for place in (8000, 20_000, 33_000):
        burst = np.random.default_rng(place).standard_normal(4000) * np.exp(-np.arange(4000) / 800)
        sound[place : place + 4000] += burst.astype(np.float32)
    late = sm.onsets(sound) - np.array([8000, 20_000, 33_000])
    assert np.all((late > -512) & (late < 0.05 * sm.RATE_HZ))
    assert len(sm.onsets(np.zeros(44_100, np.float32))) == 0


def test_onsets_when_librosa_is_not_installed_then_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "librosa.onset", None)
    with pytest.raises(RequestError, match=r"librosa is not installed.*\[evaluate\]"):
        sm.onsets(np.zeros(44_100, np.float32))
