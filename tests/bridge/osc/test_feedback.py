"""What devices are told of a job over real UDP: seldom enough, the end always, and nothing of the project."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from pythonosc.osc_message import OscMessage

from bridge.domain.job import Job, JobState
from bridge.osc.feedback import Feedback, outward
from bridge.osc.peers import Peer
from tests.bridge.osc.wires import Device

WORDS = {"detect": "Finding onsets", "generate": "Making sound", "again": "Making again what changed"}


@pytest.fixture
def device() -> Iterator[Device]:
    device = Device()
    yield device
    device.close()


@pytest.fixture
def feedback(device: Device) -> Iterator[Feedback]:
    with Feedback([Peer(address=device.address, port=device.port)], words=WORDS) as feedback:
        assert device.hear() == ("/foley/state", ["idle", "Ready."])
        yield feedback


def running(progress: float, sentence: str = "", *, verb: str = "generate", job_id: str = "j1") -> Job:
    return Job(id=job_id, verb=verb, state=JobState.RUNNING, progress=progress, sentence=sentence)


def is_idle(address: str, values: list[object]) -> bool:
    return address == "/foley/state" and values[0] == "idle"


def test_job_when_it_runs_and_ends_then_progress_and_state_are_told_in_order(
    device: Device, feedback: Feedback
) -> None:
    feedback.changed(running(0.25, "Making sound for 'clip.mp4'"))
    assert device.hear() == ("/foley/state", ["making", "Making sound: 25 %"])
    assert device.hear() == ("/foley/progress", ["j1", 0.25, "Making sound: 25 %"])
    assert feedback.sentence == "Making sound: 25 %"
    feedback.changed(Job(id="j1", verb="generate", state=JobState.DONE, progress=1.0, sentence="as 'wood'."))
    assert device.hear() == ("/foley/progress", ["j1", 1.0, "Making sound: done."])
    assert device.hear() == ("/foley/state", ["done", "Making sound: done."])
    assert device.hear() == ("/foley/state", ["idle", "Making sound: done."])
    assert feedback.sentence == "Making sound: done."


@pytest.mark.parametrize(
    ("state", "sentence"),
    [(JobState.FAILED, "failed; REAPER says why."), (JobState.CANCELLED, "cancelled.")],
)
def test_job_when_it_does_not_succeed_then_the_end_says_so(
    device: Device, feedback: Feedback, state: JobState, sentence: str
) -> None:
    feedback.changed(Job(id="j1", verb="detect", state=state, progress=0.5, sentence="'/home/me/clip.mp4' is gone."))
    assert device.hear() == ("/foley/progress", ["j1", 0.5, f"Finding onsets: {sentence}"])
    assert device.hear() == ("/foley/state", [state.value, f"Finding onsets: {sentence}"])
    assert device.hear() == ("/foley/state", ["idle", f"Finding onsets: {sentence}"])


def test_progress_when_it_comes_by_thousands_then_ten_a_second_and_the_last_are_sent(
    device: Device, feedback: Feedback
) -> None:
    began = time.monotonic()
    step = 0
    while time.monotonic() - began < 1.0:
        step += 1
        feedback.changed(running(min(step / 1e6, 0.5)))
    feedback.changed(running(0.75))
    heard = device.hear_until(lambda address, values: address == "/foley/progress" and values[1] == 0.75)
    took_s = time.monotonic() - began
    told = [values for address, values in heard if address == "/foley/progress"]
    assert step > 1000
    assert 3 <= len(told) <= 10 * took_s + 1
    assert [values[0] for address, values in heard if address == "/foley/state"] == ["making"]


def test_ends_when_many_come_at_once_then_every_one_is_sent(device: Device, feedback: Feedback) -> None:
    for number in range(30):
        feedback.changed(Job(id=f"j{number}", verb="again", state=JobState.CANCELLED))
    heard = device.hear_until(lambda address, values: address == "/foley/progress" and values[0] == "j29")
    assert [values[0] for address, values in heard if address == "/foley/progress"] == [f"j{n}" for n in range(30)]


def test_stage_when_the_job_is_at_another_one_then_the_state_follows(device: Device, feedback: Feedback) -> None:
    feedback.changed(running(0.1, "Finding onsets in 'clip.mp4'"))
    heard = device.hear_until(lambda address, values: address == "/foley/progress")
    feedback.changed(running(0.6, "Making sound for 'clip.mp4'"))
    heard += device.hear_until(lambda address, values: address == "/foley/progress")
    assert [values for address, values in heard if address == "/foley/state"] == [
        ["finding", "Finding onsets: 10 %"],
        ["making", "Making sound: 60 %"],
    ]


def test_next_job_when_one_ended_then_idle_is_not_told_between(device: Device, feedback: Feedback) -> None:
    feedback.changed(running(0.5))
    device.hear_until(lambda address, values: address == "/foley/progress")
    with feedback._wake:
        feedback.changed(Job(id="j1", verb="generate", state=JobState.DONE, progress=1.0))
        feedback.changed(running(0.0, verb="detect", job_id="j2"))
    heard = device.hear_until(lambda address, values: values[0] == "j2")
    assert [values[0] for address, values in heard if address == "/foley/state"] == ["done", "finding"]


def test_words_when_a_verb_is_new_then_it_is_called_working(device: Device, feedback: Feedback) -> None:
    feedback.changed(running(0.5, "secret prompt", verb="juggle"))
    assert device.hear() == ("/foley/state", ["working", "Working: 50 %"])


def test_wire_when_jobs_speak_of_names_and_prompts_then_not_a_byte_of_them_is_sent(
    device: Device, feedback: Feedback
) -> None:
    secret = "Making sound for 'SECRET' as SECRET in C:\\SECRET (/home/SECRET)"
    feedback.changed(running(0.5, secret))
    time.sleep(0.15)
    for state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED):
        feedback.changed(Job(id="j1", verb="generate", state=state, sentence=secret))
    feedback.close()
    device.line.settimeout(1.0)
    count, data = 0, b""
    while b"stopped" not in data:
        data = device.line.recv(65536)
        count += 1
        assert b"SECRET" not in data
        assert OscMessage(data).address in ("/foley/progress", "/foley/state")
    assert count >= 8


def test_repeat_when_a_page_asks_then_the_state_comes_again(device: Device, feedback: Feedback) -> None:
    feedback.changed(running(0.5))
    first = device.hear_until(lambda address, values: address == "/foley/progress")
    feedback.repeat()
    assert device.hear_until(lambda address, values: address == "/foley/progress") == first


def test_close_when_jobs_have_just_ended_then_their_end_is_told_before_stopped(
    device: Device, feedback: Feedback
) -> None:
    feedback.changed(Job(id="j9", verb="generate", state=JobState.CANCELLED))
    feedback.close()
    feedback.close()
    heard = device.hear_until(lambda address, values: values[0] == "stopped")
    assert ("/foley/state", ["cancelled", "Making sound: cancelled."]) in heard
    feedback.changed(running(0.5))
    assert device.hear(0.2) is None


def test_changed_when_the_network_refuses_then_it_returns_at_once_and_the_others_are_told(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    peers = [Peer(address="255.255.255.255"), Peer(address=device.address, port=device.port)]
    with Feedback(peers, words=WORDS) as feedback:
        began = time.monotonic()
        for number in range(1000):
            feedback.changed(running(number / 1000))
        assert time.monotonic() - began < 0.5
        feedback.changed(Job(id="j1", verb="generate", state=JobState.DONE, progress=1.0))
        device.hear_until(lambda address, values: values[0] == "done")
    assert caplog.text.count("feedback does not reach 255.255.255.255:9125") == 1


def test_feedback_when_nobody_is_named_then_nothing_starts() -> None:
    with Feedback([], words=WORDS) as feedback:
        feedback.changed(running(0.5))
        feedback.repeat()
        assert feedback._thread is None
        assert feedback._line is None


@pytest.mark.parametrize(
    ("sentence", "goes_out"),
    [
        ("8 jobs are waiting already. Wait for one to finish, or press Cancel.", True),
        ("Ready; pack starter, foley-bridge 0.3.0.", True),
        ("Making sound for 'clip': 40 %.", False),
        ("The prompt is \u201cwood\u201d.", False),
        ("The folder /home/me is full.", False),
        ("C:\\Users is full.", False),
        ("clip.mp4 is gone.", False),
        ("", False),
    ],
)
def test_outward_when_a_sentence_names_something_then_it_stays_here(sentence: str, goes_out: bool) -> None:
    assert outward(sentence, "Received.") == (sentence if goes_out else "Received.")
