"""What devices on the network are told: ``/foley/progress`` and ``/foley/state``, and nothing of the project.

Convention: a sentence that leaves the computer is put together here from the program's own words for a verb and a
percentage. What a job says of itself (names of items, prompts, paths) is looked at only to see which of those words it
begins with; it is never sent. ``/foley/progress`` is job id (s), fraction 0..1 (f), sentence (s); ``/foley/state`` is
state (s) and sentence (s). While a job runs the state is the first of its words ("finding", "making", ...); then it is
"done", "failed" or "cancelled", and "idle" at once after that; "stopped" when the daemon ends.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.domain.job import Job, JobState
from bridge.osc.messages import PREFIX
from bridge.osc.peers import Peer

log = logging.getLogger(__name__)

PROGRESS_ADDRESS = PREFIX + "progress"
STATE_ADDRESS = PREFIX + "state"
INTERVAL_S = 0.1
"""Progress is told this far apart at least."""
MOST_ENDED = 256
COMPLAIN_EVERY_S = 60.0
UNKNOWN = "Working"
ENDED = {
    JobState.DONE: "done.",
    JobState.FAILED: "failed; REAPER says why.",
    JobState.CANCELLED: "cancelled.",
}
_NAMES_SOMETHING = re.compile(r"['\"‘’“”«»`/\\]|\w\.[^\W\d]")


def outward(sentence: str, otherwise: str) -> str:
    """The sentence if it names nothing of the user's, else ``otherwise``.

    The bridge quotes every name and prompt; a quotation mark, a slash or what looks like a file's ending is enough to
    keep the sentence in the house.
    """
    return otherwise if not sentence or _NAMES_SOMETHING.search(sentence) else sentence


class Feedback:
    """Tells devices how jobs go, from a thread of its own.

    Args:
        peers: the devices of the controller door; nobody else is ever sent anything.
        words: what each verb is called while it runs ("generate": "Making sound"); others are called "Working".
    """

    def __init__(self, peers: Sequence[Peer], *, words: Mapping[str, str] | None = None) -> None:
        self._peers = tuple(peers)
        self._words = dict(words or {})
        self._stages = sorted(set(self._words.values()), key=len, reverse=True)
        self._wake = threading.Condition()
        self._ended: deque[Job] = deque(maxlen=MOST_ENDED)
        self._running: Job | None = None
        self._wanted = False
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._line: socket.socket | None = None
        self._state = ("idle", "Ready.")
        self._progress: tuple[str, float, str] | None = None
        self._complained_at = -COMPLAIN_EVERY_S

    @property
    def sentence(self) -> str:
        """What was told last of the state, e.g. as the answer to *status* at the door."""
        return self._progress[2] if self._progress and self._progress[1] < 1 else self._state[1]

    def start(self) -> None:
        """Begins to tell, if there is anybody to be told; says "idle" first."""
        if not self._peers or self._thread is not None:
            return
        try:
            self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._line.setblocking(False)
            self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # it only sends; what comes is never read
            if all(ipaddress.ip_address(peer.address).is_loopback for peer in self._peers):
                self._line.bind(("127.0.0.1", 0))
        except OSError as error:
            log.warning("no feedback: %s", error.strerror or error)
            return
        self._wanted = True
        self._thread = threading.Thread(target=self._run, name="foley-feedback", daemon=True)
        self._thread.start()

    def changed(self, job: Job) -> None:
        """Takes a snapshot of a job and returns at once; never raises."""
        if self._thread is None:
            return
        with self._wake:
            if job.state.final:
                self._ended.append(job)
                if self._running is not None and self._running.id == job.id:
                    self._running = None
            elif job.state is JobState.RUNNING:
                self._running = job
            self._wake.notify()

    def repeat(self) -> None:
        """Tells the state and the progress once more, for a page that was just opened; returns at once."""
        with self._wake:
            self._wanted = True
            self._wake.notify()

    def close(self) -> None:
        """Tells what is left and that the daemon stops; may be called twice."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(2.0)
            self._thread = None
        if self._line is not None:
            self._line.close()
            self._line = None

    def __enter__(self) -> Feedback:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self) -> None:
        next_at = 0.0
        while True:
            with self._wake:
                while not (self._stopping or self._ended):
                    pause_s = next_at - time.monotonic()
                    if (self._running or self._wanted) and pause_s <= 0:
                        break
                    self._wake.wait(pause_s if self._running or self._wanted else None)
                ended, running, wanted, stopping = tuple(self._ended), self._running, self._wanted, self._stopping
                self._ended.clear()
                if not ended:
                    self._running, self._wanted = None, False
            try:
                if ended:
                    self._tell_ended(ended, more=running is not None)
                else:
                    self._tell(running, repeat=wanted)
                if stopping:
                    self._say_state("stopped", "The bridge was stopped.")
            except Exception:
                log.exception("feedback could not be told")
            if stopping:
                return
            if not ended:
                next_at = time.monotonic() + INTERVAL_S

    def _tell(self, job: Job | None, *, repeat: bool) -> None:
        if job is not None:
            stage = self._stage(job)
            sentence = f"{stage}: {int(100 * job.progress)} %"
            self._say_state(stage.split()[0].lower(), sentence, always=repeat)
            self._say_progress(job, sentence)
        elif repeat:
            self._say_state(*self._state, always=True)
            if self._progress is not None:
                self._send(PROGRESS_ADDRESS, ("s", "f", "s"), self._progress)

    def _tell_ended(self, jobs: Sequence[Job], *, more: bool) -> None:
        for job in jobs:
            sentence = f"{self._words.get(job.verb, UNKNOWN)}: {ENDED[job.state]}"
            self._say_progress(job, sentence)
            self._say_state(job.state.value, sentence, always=True)
        if not more:
            self._say_state("idle", self._state[1])

    def _stage(self, job: Job) -> str:
        """The program's own words for what the job is at."""
        found = (stage for stage in self._stages if stage and job.sentence.startswith(stage))
        return next(found, self._words.get(job.verb) or UNKNOWN)

    def _say_progress(self, job: Job, sentence: str) -> None:
        self._progress = (job.id, job.progress, sentence)
        self._send(PROGRESS_ADDRESS, ("s", "f", "s"), self._progress)

    def _say_state(self, state: str, sentence: str, *, always: bool = False) -> None:
        told = self._state[0] == state
        self._state = (state, sentence)
        if always or not told:
            self._send(STATE_ADDRESS, ("s", "s"), self._state)

    def _send(self, address: str, kinds: Sequence[str], values: Sequence[str | float]) -> None:
        builder = OscMessageBuilder(address=address)
        for kind, value in zip(kinds, values, strict=True):
            builder.add_arg(value, kind)
        data = builder.build().dgram
        for peer in self._peers:
            try:
                if self._line is not None:
                    self._line.sendto(data, (peer.address, peer.port))
            except OSError as error:  # the network is gone, or its buffer is full: the next one may get through
                now = time.monotonic()
                if now - self._complained_at >= COMPLAIN_EVERY_S:
                    self._complained_at = now
                    log.warning("feedback does not reach %s: %s", peer, error.strerror or error)
