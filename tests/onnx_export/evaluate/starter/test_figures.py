"""Figures: their spread, what was wanted of them, and the way to disk and back."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import MediaError, RequestError
from onnx_export.evaluate.starter import figures
from onnx_export.evaluate.starter.figures import Part, Report, Table, figure


def test_figure_when_values_vary_then_interval_and_quartiles_hold_the_middle() -> None:
    values = np.random.default_rng(0).normal(0.6, 0.1, 40)
    found = figure(values, of="clips", at_least=0.55)
    assert found.low < found.value < found.high
    assert found.high - found.low == pytest.approx(4 * 0.1 / np.sqrt(40), rel=0.4)
    assert found.least < found.first < found.median < found.third < found.most
    assert found.reached is True
    assert figure(values, of="clips", at_least=0.65).reached is False
    assert figure(values, of="clips", at_most=0.65).reached is True
    assert figure(values, of="clips").reached is None


def test_figure_when_values_come_in_groups_then_the_interval_is_as_wide_as_the_groups_differ() -> None:
    values, groups = [0.0] * 20 + [1.0] * 20, ["a"] * 20 + ["b"] * 20
    alone, together = figure(values, of="clips"), figure(values, of="clips", groups=groups)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_figure_when_nothing_could_be_told_then_nan_and_not_reached() -> None:
    found = figure([float("nan")], of="clips", at_least=0.0)
    assert math.isnan(found.value)
    assert found.reached is False
    assert found.count == 0


def test_figure_when_nan_is_among_the_values_then_left_out_and_counted_so() -> None:
    found = figure([1.0, float("nan"), 3.0], of="clips", statistic="median")
    assert (found.value, found.count) == (2.0, 2)


def report() -> Report:
    part = Part(
        name="when",
        title="Onsets",
        figures={"F": figure([0.4, 0.6], of="clips", at_least=0.6), "none": figure([], of="clips", unit="ms")},
        notes=("A note.",),
        tables=(Table(title="Clips", columns=("clip", "F"), rows=(("a|b", 0.4), ("c", float("nan")))),),
        roles=("onset",),
    )
    pack = {"name": "starter", "version": "1", "digest": "0" * 64, "commercial use": "unknown"}
    return Report(pack=pack, graphs={"onset": "1" * 64}, machine={"cores": 2}, parts={"when": part})


def test_report_when_written_then_read_back_the_same(tmp_path: Path) -> None:
    text = figures.to_json(report())
    (tmp_path / "figures.json").write_text(text)
    again = figures.load(tmp_path / "figures.json")
    assert figures.to_json(again) == text
    assert again.of_role("onset")[0].figures["F"].reached is False
    assert again.of_role("decoder") == ()


def test_report_when_shown_then_value_spread_wish_and_verdict_stand_in_one_row() -> None:
    shown = figures.to_markdown(report())
    assert (
        "| F | 0.500 (mean) | 0.400 .. 0.600 | 0.450 / 0.500 / 0.550 | 0.400 .. 0.600 | 2 clips | >= 0.600 | **no** |"
        in shown
    )
    assert "| none | - ms (mean) | - | - | - | 0 clips | - | - |" in shown
    assert "| a/b | 0.400 |" in shown


def test_report_when_missing_or_of_something_else_then_said_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        figures.load(tmp_path / "none.json")
    (tmp_path / "other.json").write_text('{"pack": {}}')
    with pytest.raises(RequestError, match="no report of foley-export evaluate starter"):
        figures.load(tmp_path / "other.json")
