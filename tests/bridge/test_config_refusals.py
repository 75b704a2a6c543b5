"""Settings that cannot be, each refused in one sentence that names the setting and the way out."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.config import Settings
from bridge.errors import RequestError


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"osc_port": 0}, "osc_port must lie in 1..65535, got 0. Correct the setting."),
        ({"osc_port": 65536}, "osc_port must lie in 1..65535, got 65536. Correct the setting."),
        ({"threads": -1}, "threads must lie in 0..256, got -1. Use 0 for automatic."),
        ({"threshold": 1.5}, "threshold must lie in 0..1, got 1.5. Correct the setting."),
        ({"log_level": "LOUD"}, "log_level 'LOUD' is unknown. Use DEBUG, INFO, WARNING or ERROR."),
        ({"progress_bar": "maybe"}, "progress_bar 'maybe' is unknown. Use auto, on or off."),
        ({"reaper_osc_port": -1}, "reaper_osc_port must lie in 1..65535, got -1. Use 0 for none."),
        ({"reaper_osc_port": 65536}, "reaper_osc_port must lie in 1..65535, got 65536. Use 0 for none."),
        (
            {"reaper_osc_port": 9124},
            "reaper_osc_port is 9124, as another port of the bridge's is. Give REAPER's feedback a port of its own.",
        ),
        ({"score": "item"}, "score 'item' is unknown. Use project or take."),
        ({"sample_rate": "48000"}, "sample_rate '48000' is unknown. Use pack or project."),
        ({"loudness": "loud"}, "loudness must be a number or off, got 'loud'. Correct the setting."),
        ({"true_peak": "-1 dB"}, "true_peak must be a number or off, got '-1 dB'. Correct the setting."),
    ],
)
def test_settings_when_one_cannot_be_then_named_with_the_way_out(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        Settings(**setting)
    assert caught.value.sentence == said


@pytest.mark.parametrize("text", ["", "off", " OFF "])
def test_loudness_when_switched_off_in_any_way_then_none(text: str) -> None:
    output = Settings(loudness=text, true_peak=text).output
    assert (output.loudness_lufs, output.true_peak_db) == (None, None)


def test_settings_when_at_the_end_of_their_range_then_taken() -> None:
    settings = Settings(osc_port=1, threads=256, threshold=0.0, reaper_osc_port=65535, loudness="-23", score="take")
    assert (settings.chosen_threshold, settings.output.loudness_lufs) == (0.0, -23.0)
    assert Settings(osc_port=65535, threshold=1.0).chosen_threshold == 1.0
