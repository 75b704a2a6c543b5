"""One accepted request and its state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class JobState(Enum):
    """Life of a job; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A snapshot of a job.

    Attributes:
        id: short, unique in this daemon's life.
        mark: unique for ever; names the job in the journal.
        verb: what was asked ("detect", "generate", ...).
        state: where it stands.
        progress: 0..1.
        sentence: the last thing worth telling the designer.
    """

    id: str
    verb: str
    state: JobState = JobState.QUEUED
    progress: float = 0.0
    sentence: str = ""
    mark: str = ""
