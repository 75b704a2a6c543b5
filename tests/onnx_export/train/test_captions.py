"""Captions say what is known, in words that the vocabulary has."""

from __future__ import annotations

import numpy as np

from onnx_export.train.captions import MATERIALS, NAMES, Known, caption_words, compose, known_of, thing_caption

LEXICON = frozenset({"door", "slam", "garbage", "can", "lid", "balloon", "rubbing", "thump"}) | caption_words()


def row(**columns: str) -> dict[str, str]:
    return {"category": "metal", "action": "hit", "detail": "", "original_path": "set/x.wav", **columns}


def test_known_when_a_file_name_runs_words_together_then_they_are_taken_apart() -> None:
    assert known_of(row(original_path="set/GarbageCan_lid_2c.mp3"), LEXICON).name == ("garbage", "can", "lid")
    assert known_of(row(original_path="set/balloonrubbing07.mp3"), LEXICON).name == ("balloon", "rubbing")
    assert known_of(row(original_path="set/rr3_vl2_xqz.wav"), LEXICON).name == ()


def test_known_when_the_detail_has_remarks_in_brackets_then_they_are_left_out() -> None:
    known = known_of(row(detail="body percussion: chestthump (pitch-shifted variants)"), LEXICON)
    assert known.detail == ("chest", "thump")


def test_captions_when_composed_then_they_never_name_another_material() -> None:
    known = Known(material="glass", action="hit", detail=(), name=())
    others = {word for material in MATERIALS if material != "glass" for word in NAMES[material]}
    others -= {name for entry in NAMES["glass"] for name in entry.split()}
    said = [compose(known, np.random.default_rng(seed)) for seed in range(300)]
    assert len(set(said)) > 150
    assert not [caption for caption in said if set(caption.split()) & (others - {"soft", "body"})]
    named = [caption for caption in said if set(caption.split()) & {"glass", "glassy", "crystal"}]
    assert len(named) > 150


def test_captions_when_composed_then_every_word_is_listed_or_of_the_data() -> None:
    rng = np.random.default_rng(0)
    known = Known(material="wood", action="other", detail=("qqdetail",), name=("qqname", "door"))
    words = caption_words() | {"qqdetail", "qqname", "door"}
    said = [compose(known, rng) for _ in range(200)] + [thing_caption(MATERIALS[k % 12], rng) for k in range(400)]
    assert all(caption == " ".join(caption.lower().split()) for caption in said)
    assert {word for caption in said for word in caption.split()} <= words


def test_captions_when_the_detail_is_known_then_they_mostly_say_it() -> None:
    known = Known(material="metal", action="hit", detail=("radiator",), name=())
    said = [compose(known, np.random.default_rng(seed)) for seed in range(200)]
    assert sum("radiator" in caption for caption in said) > 190
