"""Nets that are kept: what is said of them is what was done, not what was asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from onnx_export.checkpoints import read_facts
from onnx_export.train import when
from onnx_export.train.run import CHECKPOINT
from tests.onnx_export.train.toys import small


def test_main_when_a_kept_net_has_more_steps_than_asked_for_then_said_and_its_own_steps_are_stated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)
    words = f"--clean --out {tmp_path} --scenes 1 --quiet 0 --judges 0 --seeds 2"

    def steps(asked: int) -> str:
        assert when.main([*words.split(), "--steps", str(asked)]) == 0
        return json.loads(read_facts(tmp_path / CHECKPOINT)["plan"])["steps"]

    assert steps(3) == "3"
    assert "warning" not in capsys.readouterr().err
    assert steps(3) == "3"
    assert "warning" not in capsys.readouterr().err
    assert steps(2) == "3"
    said = capsys.readouterr().err
    assert said.count("has had 3 steps, more than the 2 asked for") == 2
    assert str(tmp_path / "nets" / "1") in said
    shutil.rmtree(tmp_path / "nets" / "1")
    assert steps(2) == "3, 2"
