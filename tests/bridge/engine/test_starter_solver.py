"""On a trained net, the quick solver makes the sound of the slow one: what lets a pack take 25 steps for 150."""

from __future__ import annotations

import numpy as np

from tests.bench_solver import Solvers, envelopes_alike, request


def test_deis2_when_it_takes_25_steps_on_the_starter_net_makes_the_sound_of_150_ddim_steps() -> None:
    solvers = Solvers(threads=1)
    asked = request("metal", (0.1, 0.5), 3, length_s=0.8)
    official = solvers.sound(asked, "ddim", 150)
    quick = solvers.sound(asked, "deis2", 25)
    assert envelopes_alike(quick, official) >= 0.99
    assert float(np.corrcoef(quick, official)[0, 1]) >= 0.99
    assert envelopes_alike(quick, official) > envelopes_alike(solvers.sound(asked, "ddim", 25), official)
    other = solvers.sound(request("metal", (0.1, 0.5), 4, length_s=0.8), "deis2", 25)
    assert float(np.corrcoef(other, official)[0, 1]) < 0.5
