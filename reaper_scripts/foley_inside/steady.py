"""Work in slices (see ``slices``) of which every slice has seen the same state of a project.

Convention: at the beginning of each turn REAPER's change count, and what the tab holds, are compared with what they
were at the first slice; if anything moved, the work is begun again. The last try gets more of a turn than the others,
so that it is done in one on most computers; if that is not enough the designer is told.
"""

from . import project
from .api import Moved, Refusal, rp
from .slices import NEW_TURN

LAST_S = 0.04
"""So much of a turn at the last try."""
TRIES = 6


def steadily(token, attempt):
    """Work of which every slice has seen the same state of a project; begun again when the project changed meanwhile.

    Args:
        token: names the project. attempt: function of its pointer that gives the generator.

    Raises:
        Gone: the project was closed. Refusal: it changed in every try.
    """
    for left in reversed(range(TRIES)):
        if not left:
            yield NEW_TURN
        before = _state(token)
        steps = attempt(before[0])
        another_turn = None
        try:
            while True:
                limit_s = steps.send(another_turn)
                another_turn = yield limit_s if left or limit_s is not None else LAST_S
                if another_turn and _state(token) != before:
                    break
        except StopIteration as done:
            return done.value
        except Moved:
            pass
        finally:
            steps.close()
    raise Refusal(
        "The project kept changing while it was looked at", "Press the key again when nothing in it is being moved"
    )


def _state(token):
    tab = project.find(token)
    return tab, rp.RPR_GetProjectStateChangeCount(tab)
