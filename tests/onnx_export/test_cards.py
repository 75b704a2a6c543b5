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


SCENES_ONLY = "Trained on rendered scenes only"


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


def test_card_when_the_net_saw_rendered_scenes_only_then_it_does_not_claim_hands_and_the_other_way_round() -> None:
    assert SCENES_ONLY in written({}, YES)
    assert "hands with drumsticks" not in written({}, YES)
    assert SCENES_ONLY not in written({}, YES, UNKNOWN)
    assert "hands with drumsticks" in written({}, YES, UNKNOWN)


def test_card_when_the_checkpoint_says_what_it_was_trained_with_then_so_does_the_card_and_guesses_nothing() -> None:
    assert "Device: cpu; threads: 1, 2." in written({"device": "cpu", "threads": "1, 2"}, YES)
    assert "Device: not recorded; threads: not recorded." in written({}, YES)
    assert "two CPU cores" not in written({}, YES)


def test_card_when_a_graph_was_distilled_or_not_trained_then_it_does_not_say_trained_from_scratch() -> None:
    def told(role: str, **facts: str) -> str:
        return card(role, MODEL, Trained(stage=Stage(recipes=()), facts=facts))

    assert "\nDistilled, then trained" in told(contract.CLAP_TEXT)
    assert "MS MARCO" in told(contract.CLAP_TEXT)
    assert "\nNot trained:" in told(contract.DECODER)
    assert "Trained from scratch" not in told(contract.CLAP_TEXT) + told(contract.DECODER)
    assert "learned on" not in told(contract.CLAP_AUDIO)
    assert "learned on (`train embed --text`)" in told(contract.CLAP_AUDIO, text_of="abc")
    assert "of an earlier checkpoint (`text_of`)" in told(contract.CLAP_TEXT, text_of="abc")
    for role in (contract.CLAP_TEXT, contract.CLAP_AUDIO, contract.DENOISER):
        assert "most of them of things that training heard other takes of" in told(role)


def test_worst_use_when_data_differ_then_the_strictest_counts() -> None:
    assert worst_use([YES, UNKNOWN]) == "unknown"
    assert worst_use([YES, UNKNOWN, NO]) == "no"
    assert worst_use([YES]) == "yes"


def test_card_when_nobody_wrote_about_a_graph_then_refused() -> None:
    assert set(ABOUT) == {"onset", "clap_text", "clap_audio", "denoiser", "decoder"}
    with pytest.raises(PackError, match='no model card for a graph "text"'):
        card(contract.TEXT, MODEL, Trained(stage=Stage(recipes=())))
