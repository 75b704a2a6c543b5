"""Windows put together equal one pass; noise belongs to its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.engine.tiles import ALIGN_FRAMES, Stream, Windowing, noise
from bridge.errors import PackError

WINDOWING = Windowing.of(window=512, overlap=128)


def test_windowing_when_made_from_a_packs_numbers_looks_further_back_than_ahead() -> None:
    assert Windowing(core=384, before=96, after=32) == WINDOWING


@given(st.integers(-4, 40), st.integers(1, 200), st.integers(1, 900))
@settings(max_examples=50, deadline=None)
def test_stream_when_a_function_looks_no_further_than_the_context_equals_one_pass(
    first: int, count: int, at_once: int
) -> None:
    span = (first * ALIGN_FRAMES, (first + count) * ALIGN_FRAMES)
    values = np.random.default_rng(0).standard_normal(span[1] - span[0]).astype(np.float32)
    kernel = np.random.default_rng(1).standard_normal(96 + 1 + 32)

    def convolved(part):
        return np.convolve(np.pad(part, (96, 32)), kernel[::-1], "valid").astype(np.float32)

    cores = []

    def function(core, window, part):
        cores.append(core)
        assert len(part) == window[1] - window[0] <= 512
        return np.repeat(convolved(part)[core[0] - window[0] : core[1] - window[0]], 2)

    stream = Stream(WINDOWING, span, function)
    parts = [done for at in range(0, len(values), at_once) for done in stream.push(values[at : at + at_once])]
    assert np.allclose(np.concatenate(parts), np.repeat(convolved(values), 2), atol=1e-4)
    assert cores == [core for core, _ in WINDOWING.pieces(span)]


def test_stream_when_a_window_is_there_then_its_core_is_told_at_once() -> None:
    stream = Stream(WINDOWING, (0, 4000), lambda core, window, part: np.full(core[1] - core[0], core[0], np.float32))
    told = [len(stream.push(np.zeros((2, 16), np.float32))) for _ in range(250)]
    assert [number + 1 for number, count in enumerate(told) if count][:2] == [(384 + 32) // 16, (768 + 32) // 16]
    assert sum(told) == len(list(WINDOWING.pieces((0, 4000))))


def test_pieces_when_the_span_is_long_have_borders_that_do_not_depend_on_its_start() -> None:
    one = {core[1] for core, _ in WINDOWING.pieces((0, 4000))} - {4000}
    other = {core[1] for core, _ in WINDOWING.pieces((-160, 4800))} - {4800}
    assert one <= other


def test_pieces_when_cut_never_exceed_the_window() -> None:
    for core, window in WINDOWING.pieces((-16, 5000 * 16)):
        assert window[1] - window[0] <= 512
        assert core[0] % 16 == core[1] % 16 == 0


def test_noise_when_spans_overlap_agrees_where_they_do() -> None:
    first, second = noise((-16, 100), seed=5, channels=3), noise((32, 200), seed=5, channels=3)
    assert np.array_equal(first[:, 48:], second[:, :68])
    assert not np.array_equal(noise((-16, 100), seed=6, channels=3), first)


def test_noise_when_taken_over_a_long_span_is_white() -> None:
    values = noise((0, 20000), seed=1, channels=2)
    assert values.dtype == np.float32
    assert abs(values.mean()) < 0.02
    assert abs(values.var() - 1) < 0.02
    assert abs(np.mean(values[:, 16:] * values[:, :-16])) < 0.02


def test_windowing_when_nothing_is_left_between_is_refused() -> None:
    with pytest.raises(PackError, match="leave nothing"):
        Windowing.of(window=128, overlap=128)


def test_noise_when_drawn_in_large_blocks_belongs_to_its_place_too() -> None:
    whole = noise((0, 8192), seed=5, channels=1, block=1024)
    assert np.array_equal(noise((1500, 5000), seed=5, channels=1, block=1024), whole[:, 1500:5000])
    assert abs(whole.mean()) < 0.05
    assert abs(whole.std() - 1) < 0.05
    assert len(np.unique(whole)) > 8000
