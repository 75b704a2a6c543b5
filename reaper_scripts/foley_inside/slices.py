"""Long work in slices: a function that may be interrupted is a generator, of which each deferred turn runs a bit.

Convention: such a function yields wherever it may be interrupted, often, and gives its value with ``return``. It yields
None, or how much of a turn may have been spent for the work to go on in this turn (seconds; ``NEW_TURN`` ends the turn
at once). The yield gives back True when another turn began meanwhile: then any pointer in hand may be stale, and is
looked up anew or asked about with ``api.still_there``. See ``steady`` for work on a project that the designer edits.
"""

import time

BUDGET_S = 0.015
"""So much of a turn is ours; REAPER turns about every 33 ms."""
NEW_TURN = 0.0


class Turn:
    """One turn of the deferred loop, from its beginning."""

    def __init__(self, clock=time.perf_counter):
        self._clock = clock
        self._began_s = clock()

    def spent_s(self):
        """How much of the turn has been spent."""
        return self._clock() - self._began_s

    def over(self, limit_s=None):
        """Whether so much of the turn (None: our whole share) has been spent."""
        return self.spent_s() >= (BUDGET_S if limit_s is None else limit_s)


class Task:
    """Work that goes on turn by turn; ``spent_s`` is what it has taken of them all, ``value`` what it gave.

    Args:
        steps: the generator.
    """

    def __init__(self, steps):
        self._steps = steps
        self._another_turn = None
        self.spent_s = 0.0
        self.value = None

    def go_on(self, turn):
        """Works until it is done, or the turn is over; whether it is done. Its errors pass."""
        began_s = turn.spent_s()
        try:
            while True:
                limit_s = self._steps.send(self._another_turn)
                self._another_turn = turn.over(limit_s)
                if self._another_turn:
                    return False
        except StopIteration as done:
            self.value = done.value
            return True
        finally:
            self.spent_s += turn.spent_s() - began_s

    def close(self):
        """Gives up; what the work holds is let go."""
        self._steps.close()


def at_once(steps):
    """The value of such a function, without any interruption."""
    try:
        while True:
            next(steps)
    except StopIteration as done:
        return done.value
