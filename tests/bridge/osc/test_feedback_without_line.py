"""Feedback where the system gives no socket: the daemon goes on, and the log says what is missing."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

import pytest

from bridge.domain.job import Job, JobState
from bridge.osc.feedback import Feedback
from bridge.osc.peers import Peer


def test_feedback_when_no_socket_is_left_then_jobs_go_on_untold(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*given: Any, **named: Any) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", refuse)
        feedback = Feedback([Peer(address="127.0.0.1", port=9)], words={"generate": "Making sound"})
        feedback.start()
    feedback.changed(Job(id="j1", verb="generate", state=JobState.RUNNING, progress=0.5))
    feedback.changed(Job(id="j1", verb="generate", state=JobState.DONE))
    feedback.repeat()
    assert feedback.sentence
    feedback.close()
    assert "no feedback: Too many open files" in caplog.text
