"""A generator's level is set right by a number that its checkpoint keeps."""

from __future__ import annotations

import pytest

from bridge.errors import PackError
from onnx_export.train.what_level import AS_IT_IS, Level


def test_level_comes_back_from_a_checkpoints_facts() -> None:
    level = Level(gain=0.7)
    assert Level.of({"seed": "0", **level.facts()}, where="it") == level
    assert Level.of({}, where="it") == AS_IT_IS


@pytest.mark.parametrize("gain", ["loud", "0", "nan", "-1"])
def test_level_when_a_checkpoint_says_nonsense_is_refused(gain: str) -> None:
    with pytest.raises(PackError, match="checkpoint it has"):
        Level.of({"level_gain": gain}, where="it")
