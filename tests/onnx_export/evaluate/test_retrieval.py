"""The embedder's figures: a perfect one gets 1, a deaf one gets chance, and what guessing gives is told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

from onnx_export.evaluate.phrases import FRESH, content_words, load_phrases, shares_a_word, taught_words
from onnx_export.evaluate.retrieval import (
    STRANGERS,
    Library,
    Share,
    by_keywords,
    materials,
    phrases,
    retrieval,
    share,
    unit,
)
from onnx_export.train.captions import MATERIALS, NAMES, Known
from onnx_export.train.embed_data import Sound

WORD_OF = {"wood": "plank", "metal": "gong", "glass": "pane"}


class Reader:
    """Finds one of three words in a text and points its way; other texts point anywhere."""

    vocabulary = ("[PAD]", "[UNK]", "plank", "gong", "pane")

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        rows = []
        for text in texts:
            seed = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
            row = 0.01 * np.random.default_rng(seed).standard_normal(16)
            for place, (material, word) in enumerate(WORD_OF.items()):
                names = {name for entry in NAMES[material] for name in entry.split()}
                row[place] += bool({word, *names} & set(text.split()))
            rows.append(row)
        return unit(np.asarray(rows, np.float32))

    def of_clips(self, clips: np.ndarray) -> np.ndarray:
        raise AssertionError("nothing is heard here")


def library(*, deaf: bool = False) -> Library:
    sounds, clips = [], []
    rng = np.random.default_rng(0)
    for place in range(60):
        material = list(WORD_OF)[place % 3]
        known = Known(material=material, action="hit", detail=(WORD_OF[material],), name=())
        sounds.append(
            Sound(samples=np.zeros(1, np.float32), known=known, family=str(place), original=str(place), held_out=True)
        )
        clips.append(rng.standard_normal(16) if deaf else np.eye(16)[place % 3])
    prototypes = np.zeros((len(MATERIALS), 16), np.float32)
    for place, material in enumerate(WORD_OF):
        prototypes[MATERIALS.index(material), place] = 1.0
    words = {name: ({WORD_OF[name]: 5, "hit": 5} if name in WORD_OF else {"hit": 5}) for name in MATERIALS}
    return Library(
        sounds=sounds,
        clips=unit(np.asarray(clips, np.float32)),
        prototypes=prototypes,
        words=words,
        strange=np.arange(60) >= 48,
    )


def test_retrieval_when_the_embedder_is_perfect_then_alike_sounds_are_found_and_the_own_one_among_its_like() -> None:
    found = retrieval(Reader(), library())
    assert found["embedder like R@1"].value == 1.0
    assert found["embedder like R@1"].chance == pytest.approx(1 / 3)
    assert found["embedder own R@10"].value == pytest.approx(0.5, abs=0.05)
    assert found["embedder own R@10"].chance == pytest.approx(10 / 60)


def test_retrieval_when_the_embedder_is_deaf_then_it_is_near_chance() -> None:
    found = retrieval(Reader(), library(deaf=True))
    assert found["embedder own R@10"].value < 0.4
    assert found["embedder like R@1"].value < 0.8 < found["keywords like R@1"].value


def test_materials_when_prototypes_are_right_then_every_sound_finds_its_own_and_guessing_is_told() -> None:
    found = materials(Reader(), library())
    assert found["by audio prototype"].value == 1.0
    assert found["by text prototype"].value == 1.0
    assert found["always the commonest"].value == pytest.approx(1 / 3)
    assert found["by audio prototype"].chance == pytest.approx(1 / 12)


def test_phrases_when_some_are_read_right_then_the_share_is_that_and_untaught_ones_count_apart() -> None:
    written = [("a plank falls", "wood"), ("the gong", "metal"), ("qqx", "glass"), ("pane", "water")]
    found = phrases(Reader(), library(), written)
    assert found["by audio prototype"].value >= 0.5
    assert found["by keywords"].value == pytest.approx((1 + 1 + 1 / 12 + 0) / 4)
    assert found["by audio prototype, no word of it taught"].count == 2


def test_keywords_when_a_phrase_has_none_then_they_guess() -> None:
    assert by_keywords(library(), "qqx zz", "wood") == pytest.approx(1 / 12)
    assert by_keywords(library(), "tap on the plank", "wood") == 1.0
    assert by_keywords(library(), "tap on the plank", "metal") == 0.0


def test_share_when_all_of_a_group_is_right_or_wrong_then_the_spread_is_that_of_groups() -> None:
    right = np.repeat([1.0, 0.0], 50)
    by_group = share(right, [str(place // 25) for place in range(100)], chance=0.0)
    by_sound = share(right, [str(place) for place in range(100)], chance=0.0)
    assert isinstance(by_group, Share)
    assert by_group.value == by_sound.value == 0.5
    assert by_group.high - by_group.low > 2 * (by_sound.high - by_sound.low)


def test_retrieval_when_the_words_are_in_file_names_then_counting_words_finds_them_there() -> None:
    named = library()
    for place, sound in enumerate(named.sounds):
        known = Known(material="wood", action="hit", detail=(), name=(f"thing{'abcdefghij'[place % 10]}",))
        object.__setattr__(sound, "known", known)
    assert retrieval(Reader(), named)["keywords own R@10"].value > 0.6


def test_figures_when_some_sounds_are_of_things_never_heard_then_these_are_told_apart() -> None:
    half = library()
    half.clips[48:] = np.roll(half.clips[48:], 1, axis=1)
    found = {**retrieval(Reader(), half), **materials(Reader(), half)}
    assert found["by audio prototype"].value == pytest.approx(48 / 60)
    alone = found["by audio prototype" + STRANGERS]
    assert (alone.value, alone.count) == (0.0, 12)
    assert found["embedder own R@10" + STRANGERS].value == 0.0 < found["embedder own R@10"].value
    assert found["embedder own R@10" + STRANGERS].chance == pytest.approx(10 / 60), "among all the held-out"


def test_fresh_phrases_when_read_then_sixty_others_of_every_material() -> None:
    first, fresh = load_phrases(), load_phrases(FRESH)
    assert len(fresh) == 60 == len({phrase for phrase, _ in fresh} - {phrase for phrase, _ in first})
    assert {material for _, material in fresh} == set(MATERIALS)
    naming = [phrase for phrase, material in fresh if content_words(phrase) & set(material.split("_"))]
    assert len(naming) < 10


def test_phrases_when_read_then_there_are_sixty_of_every_material_and_most_do_not_name_it() -> None:
    written = load_phrases()
    assert len(written) == 60 == len({phrase for phrase, _ in written})
    assert {material for _, material in written} == set(MATERIALS)
    naming = [phrase for phrase, material in written if set(material.split("_")) & set(phrase.split())]
    assert len(naming) < 10


def test_taught_words_when_asked_then_plurals_and_synonyms_count_and_stop_words_do_not() -> None:
    words = taught_words("metal", ["garbage"])
    assert {"steel", "anvil", "garbage", "trash"} <= words
    assert shares_a_word("two anvils", words)
    assert not shares_a_word("on the hill", {"on", "the"})
