"""A contact tells the truth about itself: which take, how hard; rooms leave attacks where they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bridge.errors import RequestError
from onnx_export.nets.picture import COLUMNS, ROWS, SAMPLES, analyse
from onnx_export.train.what_contacts import VARIANTS, WEAKEST, Contacts, strengths, variant, window
from onnx_export.train.what_data import LEAD_SAMPLES, RATE_HZ, Shot
from onnx_export.train.what_room import impulse_response, in_room
from tests.onnx_export.train.what_sounds import shot


def contacts(*names: str) -> Contacts:
    shots = [shot(name) for name in names]
    return Contacts(shots, range(len(shots)))


def struck(*louds: float) -> list[Shot]:
    return [replace(shot("a"), loud=loud) for loud in louds]


def test_contact_is_the_picture_of_its_first_take_in_its_variant() -> None:
    shots = [shot("a"), shot("b", decay_s=0.3)]
    draw, rng = Contacts(shots, [0, 1]).draw, np.random.default_rng(0)
    for _ in range(6):
        contact = draw(rng)
        assert contact.picture.shape == (ROWS, COLUMNS)
        sound = torch.from_numpy(window(variant(shots[contact.takes[0]], contact.variant)))
        assert np.abs(contact.picture - analyse(sound[None])[0].numpy()).max() < 2e-3


def test_contacts_take_turns_among_takes_of_one_family_and_among_variants() -> None:
    draw = Contacts([shot("a"), shot("a"), shot("b")], [0, 1]).draw
    rng = np.random.default_rng(0)
    drawn = [draw(rng) for _ in range(40)]
    assert {contact.takes for contact in drawn} == {(0, 1), (1, 0)}
    assert {contact.variant for contact in drawn} == set(range(VARIANTS))


def test_contacts_are_the_same_for_the_same_seed_and_differ_for_another() -> None:
    one, same, other = (contacts("a", "b").draw(np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(one.picture, same.picture)
    assert one.strength == same.strength != other.strength


def test_strengths_are_told_where_takes_of_a_family_differ_in_level() -> None:
    assert strengths(struck(0.4, 0.2, 0.01), [7, 8, 9]) == [(7, 1.0), (8, 0.5), (9, WEAKEST)]
    assert strengths(struck(0.4, 0.39, 0.41), [0, 1, 2]) == [(0, None), (1, None), (2, None)]
    assert strengths(struck(0.4, 0.1), [0, 1]) == [(0, None), (1, None)]
    draw, rng = Contacts(struck(0.4, 0.2, 0.1), range(3)).draw, np.random.default_rng(0)
    for _ in range(12):
        contact = draw(rng)
        assert contact.strength == pytest.approx((1.0, 0.5, 0.25)[contact.takes[0]])


def test_strengths_that_nobody_knows_are_spread_widely() -> None:
    draw, rng = contacts("a").draw, np.random.default_rng(1)
    drawn = [draw(rng).strength for _ in range(60)]
    assert WEAKEST <= min(drawn) < 0.25
    assert 0.85 < max(drawn) <= 1.0


def test_window_begins_with_the_attack_and_ends_in_silence() -> None:
    sound = np.concatenate([np.zeros(LEAD_SAMPLES), np.ones(2 * SAMPLES)]).astype(np.float32)
    whole = window(sound)
    assert whole.shape == (SAMPLES,)
    assert whole[0] == 1.0
    assert whole[-1] < 1e-3
    assert not window(sound[: LEAD_SAMPLES + 100])[100:].any()


def test_contacts_when_nothing_is_left_say_so() -> None:
    with pytest.raises(RequestError, match="no usable one-shots"):
        Contacts([shot("a")], [])


def test_variants_keep_the_attack_where_it_was_and_takes_of_a_family_share_them() -> None:
    dry = shot("a")
    assert variant(dry, 0) is dry.samples
    for number in range(1, VARIANTS):
        made = variant(dry, number)
        assert np.array_equal(made, variant(shot("a"), number))
        assert not np.array_equal(made[:4800], variant(shot("b"), number)[:4800])
        assert abs(int(np.argmax(np.abs(made) > 0.05)) - int(np.argmax(np.abs(dry.samples) > 0.05))) <= 24
        assert np.abs(made).max() <= 0.96


def test_room_adds_a_tail_and_leaves_what_comes_first() -> None:
    click = np.zeros(4800, np.float32)
    click[100] = 1.0
    for seed in range(6):
        response = impulse_response(np.random.default_rng(seed), rate_hz=RATE_HZ)
        wet = in_room(click, response)
        assert len(wet) > len(click)
        assert np.abs(wet[:100]).max() < 1e-5
        assert wet[100] == pytest.approx(1.0, abs=1e-4)
        assert 1e-4 < np.sqrt(np.sum(wet[101:].astype(np.float64) ** 2)) < 1.0
