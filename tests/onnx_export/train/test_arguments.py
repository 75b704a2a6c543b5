"""The words that trainers share, and which trainer of embedders they go to."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.errors import RequestError
from onnx_export.train import embed, embed_ear, embed_judge
from onnx_export.train.arguments import check_usual, usual_arguments


def test_usual_arguments_when_a_trainer_has_no_such_word_then_it_is_not_taken() -> None:
    whole, few = argparse.ArgumentParser(), argparse.ArgumentParser()
    usual_arguments(whole, minutes=11.0, steps=0, seed=3)
    usual_arguments(few, sounds=False)
    read = whole.parse_args(["--sounds", "s", "--out", "o", "--steps", "5"])
    assert vars(read) == {
        "sounds": Path("s"), "out": Path("o"), "minutes": 11.0, "steps": 5, "threads": 1, "seed": 3
    }  # fmt: skip
    assert vars(few.parse_args(["--out", "o"])) == {"out": Path("o"), "threads": 1, "seed": 0}
    check_usual(few.parse_args(["--out", "o"]))
    with pytest.raises(RequestError, match="no end"):
        check_usual(whole.parse_args(["--sounds", "s", "--out", "o", "--minutes", "0"]))


@pytest.mark.parametrize(
    ("words", "judge", "ear"),
    [
        (["--judge", "--out", "o"], ["--out", "o"], None),
        (["--out", "o", "--text", "c"], None, ["--out", "o", "--text", "c"]),
        (["--text=c", "--out", "o"], None, ["--text=c", "--out", "o"]),
    ],
)
def test_embed_main_when_another_training_is_asked_for_then_it_gets_the_words(
    words: Sequence[str],
    judge: Sequence[str] | None,
    ear: Sequence[str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Sequence[str]] = {}
    monkeypatch.setattr(embed_judge, "main", lambda argv: given.setdefault("judge", argv) and 0)
    monkeypatch.setattr(embed_ear, "main", lambda argv: given.setdefault("ear", argv) and 0)
    assert embed.main(words) == 0
    assert (given.get("judge"), given.get("ear")) == (judge, ear)
