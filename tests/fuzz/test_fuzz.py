"""A short run of every fuzzing target, the same cases each time, and every case that once broke one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.groups import ALL
from tests.fuzz.target import Target, fixtures, judge

QUICK = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
FEW = settings(QUICK, max_examples=15)


@pytest.fixture(params=list(ALL.values()), ids=list(ALL))
def target(request: pytest.FixtureRequest) -> Target:
    return request.param


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # of a long case: it is told all the same
def test_reader_when_it_gets_hostile_bytes_then_a_sentence_and_nothing_else(target: Target) -> None:
    @settings(QUICK, max_examples=target.quick)
    @given(target.hostile)
    def each(case: bytes) -> None:
        judge(target, case)

    each()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_reader_when_it_gets_good_bytes_then_they_are_taken_and_read_back_the_same(target: Target) -> None:
    if target.valid is None:
        pytest.skip("no good cases are made for it by structure")

    @FEW
    @given(target.valid)
    def each(case: bytes) -> None:
        judge(target, case, must_be_taken=True)

    each()


@pytest.mark.parametrize(("name", "file"), [(name, path.name) for name in ALL for path in fixtures(name)])
def test_reader_when_it_gets_what_once_broke_it_then_a_sentence(name: str, file: str) -> None:
    judge(ALL[name], next(path for path in fixtures(name) if path.name == file).read_bytes())
