"""Jobs run in order, end in exactly one final state, and never take the worker down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bridge.domain.job import Job, JobState
from bridge.errors import MediaError, RequestError
from bridge.jobs.runner import QUEUE_LENGTH, Context, Runner


@pytest.fixture
def seen() -> list[Job]:
    return []


@pytest.fixture
def runner(seen: list[Job]) -> Iterator[Runner]:
    runner = Runner(on_change=seen.append)
    yield runner
    runner.close()


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.002)


def finished(runner: Runner, job: Job) -> Job:
    def over() -> bool:
        now = runner.job(job.id)
        return now is not None and now.state.final

    wait_for(over)
    now = runner.job(job.id)
    assert now is not None
    return now


def test_job_when_it_works_then_done_with_its_sentence_and_progress_in_between(runner: Runner, seen: list[Job]) -> None:
    def work(context: Context) -> str:
        context.progress(0.5, "half way")
        return "all well"

    job = finished(runner, runner.submit("detect", work))
    assert (job.state, job.sentence, job.progress) == (JobState.DONE, "all well", 1.0)
    assert [j.state.value for j in seen] == ["running", "running", "done"]
    assert seen[1].sentence == "half way"


def test_job_when_it_fails_then_the_sentence_tells_and_the_next_job_runs(runner: Runner) -> None:
    def fails(context: Context) -> str:
        raise MediaError("clip.mp4 is gone", hint="Relink it")

    def explodes(context: Context) -> str:
        raise ZeroDivisionError("oops")

    first, second = runner.submit("detect", fails), runner.submit("detect", explodes)
    third = runner.submit("detect", lambda context: "fine")
    assert finished(runner, first).sentence == "clip.mp4 is gone. Relink it."
    assert "ZeroDivisionError: oops" in finished(runner, second).sentence
    assert finished(runner, third).state is JobState.DONE


def test_cancel_when_a_job_runs_and_one_waits_then_both_are_cancelled(runner: Runner) -> None:
    began = threading.Event()

    def endless(context: Context) -> str:
        began.set()
        while True:
            context.progress(0.1)
            time.sleep(0.002)

    first = runner.submit("generate", endless)
    touched: list[int] = []
    second = runner.submit("generate", lambda context: touched.append(1) or "ran")
    assert began.wait(5)
    assert runner.cancel() == 2
    assert finished(runner, first).state is JobState.CANCELLED
    assert finished(runner, second).state is JobState.CANCELLED
    assert not touched
    assert runner.cancel() == 0


def test_submit_when_the_queue_is_full_then_a_refusal_that_says_so(runner: Runner) -> None:
    gate, began = threading.Event(), threading.Event()

    def waits(context: Context) -> str:
        began.set()
        gate.wait(5)
        return "ok"

    runner.submit("detect", waits)
    assert began.wait(5)
    waiting = [runner.submit("detect", waits) for _ in range(QUEUE_LENGTH)]
    with pytest.raises(RequestError, match="waiting already"):
        runner.submit("detect", waits)
    gate.set()
    assert finished(runner, waiting[-1]).state is JobState.DONE


def test_job_when_a_listener_fails_then_the_job_still_ends() -> None:
    def broken(job: Job) -> None:
        raise ValueError("listener")

    runner = Runner(on_change=broken)
    try:
        assert finished(runner, runner.submit("detect", lambda context: "ok")).state is JobState.DONE
    finally:
        runner.close()


def test_job_when_memory_runs_out_then_one_sentence_with_the_way_out_and_the_worker_lives_on(runner: Runner) -> None:
    def work(context: Context) -> str:
        raise MemoryError("Unable to allocate 1.00 GiB")

    job = finished(runner, runner.submit("generate", work))
    assert job.state is JobState.FAILED
    assert job.sentence == (
        "There is not enough memory for this job (Unable to allocate 1.00 GiB). "
        "Close other programs and press the key again."
    )
    assert finished(runner, runner.submit("generate", lambda context: "done")).state is JobState.DONE
