"""One worker, one bounded queue: jobs run in the order they were asked for, and REAPER never waits.

A job's work is a callable that gets a ``Context`` and returns the sentence that tells how it ended. The runner turns
every exception into a final state and one sentence; nothing that a job raises stops the worker.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from bridge.domain.job import Job, JobState
from bridge.errors import BridgeError, JobCancelled, RequestError
from bridge.jobs.journal import Journal, Notes
from bridge.media.files import owned

log = logging.getLogger(__name__)

QUEUE_LENGTH = 8
REMEMBERED = 64
CLOSE_S = 0.5
STOPPED = "The bridge was stopped; the project is unchanged. Start it again and press the key again."
Listener = Callable[[Job], None]
Work = Callable[["Context"], str]


class Context:
    """What a job's work may use while it runs."""

    def __init__(
        self,
        job_id: str,
        cancelled: threading.Event,
        tell: Callable[[float, str], None],
        notes: Notes | None = None,
    ) -> None:
        self.job_id = job_id
        self.notes = notes or Notes()
        self._cancelled = cancelled
        self._tell = tell

    def progress(self, fraction: float, sentence: str = "") -> None:
        """Says how far the job is, 0..1, and raises JobCancelled if the designer cancelled."""
        if self.cancelled():
            raise JobCancelled("cancelled")
        self._tell(min(max(fraction, 0.0), 1.0), sentence)

    def cancelled(self) -> bool:
        """Whether the designer asked to stop."""
        return self._cancelled.is_set()

    def part(self, start: float, end: float, sentence: str) -> Callable[[float], None]:
        """A progress callback for a stage that takes the job from ``start`` to ``end``."""
        return lambda fraction: self.progress(start + (end - start) * fraction, sentence)


class Runner:
    """Runs jobs one after another on its own thread.

    Args:
        on_change: called from the worker's thread with every new snapshot of a job; must not raise.
        journal: where every job is noted until it is over; None for nowhere.
    """

    def __init__(self, *, on_change: Listener = lambda job: None, journal: Journal | None = None) -> None:
        self._on_change = on_change
        self._journal = journal
        self._closing = False
        self._queue: queue.Queue[tuple[str, Work] | None] = queue.Queue(maxsize=QUEUE_LENGTH)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._cancels: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._thread = threading.Thread(target=self._run, name="foley-jobs", daemon=True)
        self._thread.start()

    def submit(self, verb: str, work: Work, *, project: str = "") -> Job:
        """Notes a job in the journal, puts it in the queue and returns at once.

        Args:
            project: token of the project that the job is for, for the journal.

        Raises:
            RequestError: the queue is full, or the daemon is stopping.
        """
        with self._lock:
            if self._closing:
                raise RequestError("The bridge is stopping", hint="Start it again and press the key again")
            if self._queue.full():
                raise RequestError(
                    f"{QUEUE_LENGTH} jobs are waiting already", hint="Wait for one to finish, or press Cancel"
                )
            job = Job(id=f"j{next(self._ids)}", verb=verb, mark=secrets.token_hex(8))
            if self._journal is not None:
                self._journal.accept(job.mark, verb, project)
            self._jobs[job.id] = job
            self._cancels[job.id] = threading.Event()
            self._queue.put_nowait((job.id, work))
            finished = [key for key, old in self._jobs.items() if old.state.final]
            for key in finished[: max(0, len(self._jobs) - REMEMBERED)]:
                del self._jobs[key], self._cancels[key]
        return job

    def cancel(self) -> int:
        """Asks every job that is not over to stop; returns how many there were."""
        with self._lock:
            open_jobs = [job for job in self._jobs.values() if not job.state.final]
            for job in open_jobs:
                self._cancels[job.id].set()
        return len(open_jobs)

    def job(self, job_id: str) -> Job | None:
        """The latest snapshot of a job, or None when it is forgotten."""
        with self._lock:
            return self._jobs.get(job_id)

    def jobs(self) -> tuple[Job, ...]:
        """Every remembered job, oldest first."""
        with self._lock:
            return tuple(self._jobs.values())

    def close(self, *, timeout_s: float = CLOSE_S) -> None:
        """Cancels what runs and waits for the worker to end, or leaves it behind: its job stays in the journal."""
        ends = time.monotonic() + timeout_s
        with self._lock:
            self._closing = True
        self.cancel()
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=timeout_s)
        self._thread.join(max(0.0, ends - time.monotonic()))
        if self._thread.is_alive():
            log.warning("a job did not stop within %.1f s and is left behind", timeout_s)

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            job_id, work = entry
            self._work_off(job_id, work)

    def _work_off(self, job_id: str, work: Work) -> None:
        cancelled = self._cancels[job_id]
        notes = Notes(self._journal, self._jobs[job_id].mark)
        context = Context(job_id, cancelled, lambda fraction, text: self._progress(job_id, fraction, text), notes)
        if cancelled.is_set():
            sentence = STOPPED if self._closing else "Cancelled before it began."
            self._change(job_id, state=JobState.CANCELLED, sentence=sentence)
            return
        notes.begun()
        self._change(job_id, state=JobState.RUNNING)
        try:
            with owned(notes.mark):
                sentence = work(context)
        except JobCancelled:
            sentence = STOPPED if self._closing else "Cancelled; the project is unchanged."
            self._change(job_id, state=JobState.CANCELLED, sentence=sentence)
        except BridgeError as error:
            log.warning("%s: %s", job_id, error.sentence)
            self._change(job_id, state=JobState.FAILED, sentence=error.sentence)
        except MemoryError as error:
            log.exception("%s: out of memory", job_id)
            text = f"There is not enough memory for this job ({error or 'no more'}). Close other programs and press "
            self._change(job_id, state=JobState.FAILED, sentence=" ".join(f"{text} the key again.".split()))
        except Exception as error:
            log.exception("%s: unexpected", job_id)
            text = f"An unexpected fault stopped the job: {type(error).__name__}: {error}. The log has the details."
            self._change(job_id, state=JobState.FAILED, sentence=" ".join(text.split()))
        else:
            self._change(job_id, state=JobState.DONE, progress=1.0, sentence=sentence)

    def _progress(self, job_id: str, fraction: float, sentence: str) -> None:
        with self._lock:
            before = self._jobs[job_id].sentence
        self._change(job_id, progress=fraction, sentence=sentence or before)

    def _change(self, job_id: str, **fields: object) -> None:
        with self._lock:
            job = self._jobs[job_id] = replace(self._jobs[job_id], **fields)  # pyright: ignore[reportArgumentType]
        if self._journal is not None and job.state.final:
            self._journal.end(job.mark, job.sentence, done=job.state is JobState.DONE)
        log.debug("%s %s %s %.0f%% %s", job.id, job.verb, job.state.value, 100 * job.progress, job.sentence)
        try:
            self._on_change(job)
        except Exception:
            log.exception("%s: a listener failed", job_id)
