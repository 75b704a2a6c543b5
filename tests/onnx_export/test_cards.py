"""Model cards: what the checkpoint says of its training, and what its data allow."""

from __future__ import annotations

import json

import pytest

from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import TrainingData
from onnx_export.cards import ABOUT, Trained, card, worst_use
from onnx_export.recipe import Stage
from tests import packs

MODEL = packs.draft().graphs[contract.ONSET]
YES = TrainingData(name="Scenes", licence="MIT", commercial_use="yes")
UNKNOWN = TrainingData(name="Clips|of others", licence="none stated", commercial_use="unknown")
NO = TrainingData(name="Theirs", licence="CC-BY-NC-4.0", commercial_use="no")


def written(facts: dict[str, str], *data: TrainingData) -> str:
    return card(contract.ONSET, MODEL, Trained(stage=Stage(recipes=(), training_data=data), facts=facts))


def test_card_when_written_then_size_tensors_data_and_limits_are_on_it() -> None:
    shown = written({}, YES, UNKNOWN)
    assert shown.startswith("# Starter: contacts from motion\n")
    assert f"| bytes | {MODEL.ByteSize():,} |" in shown
    assert "| takes | `motion` |" in shown
    assert "| Clips/of others | none stated | unknown |" in shown
    assert "| commercial use | unknown (see the data) |" in shown
    assert "ATTRIBUTION.md" not in shown
    assert shown.rstrip().splitlines()[-1].startswith("- ")


def test_card_when_the_data_needs_credits_then_says_where_they_are() -> None:
    sounds = TrainingData(name="Sounds", licence="CC0-1.0, CC-BY-3.0", commercial_use="yes")
    assert "are in `ATTRIBUTION.md`" in written({}, sounds)


def test_card_when_the_checkpoint_tells_of_itself_then_short_facts_in_a_row_and_many_in_a_table() -> None:
    facts = {
        "run": json.dumps({"step": 1234, "seconds": 660.0, "about": []}),
        "plan": json.dumps({"batch": 64, "rate": 0.002}),
        "cross-validation": json.dumps({f"figure {number}": 0.5 + number / 100 for number in range(6)}),
        "ablation": "| scenes | F |\n|---|---|\n| none | 0.45 |\n",
        "vocabulary": json.dumps(["a"] * 9),
        "when": json.dumps({"threshold": 0.4}),
        "long": "x" * 5000,
    }
    shown = written(facts, YES)
    assert "1,234 steps in 11 minutes." in shown
    assert "| plan | batch 64, rate 0.002 |" in shown
    assert "### cross-validation" in shown
    assert "| figure 3 | 0.53 |" in shown
    assert "### ablation\n\n| scenes | F |\n|---|---|\n| none | 0.45 |\n" in shown
    assert "vocabulary" not in shown
    assert "threshold" not in shown
    assert "x" * 597 + "... |" in shown


def test_worst_use_when_data_differ_then_the_strictest_counts() -> None:
    assert worst_use([YES, UNKNOWN]) == "unknown"
    assert worst_use([YES, UNKNOWN, NO]) == "no"
    assert worst_use([YES]) == "yes"


def test_card_when_nobody_wrote_about_a_graph_then_refused() -> None:
    assert set(ABOUT) == {"onset", "clap_text", "clap_audio", "denoiser", "decoder"}
    with pytest.raises(PackError, match='no model card for a graph "text"'):
        card(contract.TEXT, MODEL, Trained(stage=Stage(recipes=())))
