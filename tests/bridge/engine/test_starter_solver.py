"""On a trained net, the quick solver makes the sound of the slow one: what lets a pack take few steps for 150."""

from __future__ import annotations

import numpy as np

from tests.bench_solver import Solvers, envelopes_alike, request


def test_dpm2_when_it_takes_20_steps_on_the_starter_net_makes_the_sound_of_150_ddim_steps() -> None:
    """The waveform is alike, not the same: where bins cancel, the decoder's phases follow the smallest difference."""
    solvers = Solvers(threads=1)
    asked = request("metal", (0.1, 0.5), 3, length_s=0.8)
    official = solvers.sound(asked, "ddim", 150)
    quick = solvers.sound(asked, "dpm2", 20)
    assert envelopes_alike(quick, official) >= 0.99
    assert float(np.corrcoef(quick, official)[0, 1]) >= 0.8
    assert envelopes_alike(quick, official) > envelopes_alike(solvers.sound(asked, "ddim", 10), official)
    other = solvers.sound(request("metal", (0.1, 0.5), 4, length_s=0.8), "dpm2", 20)
    assert float(np.corrcoef(other, official)[0, 1]) < 0.5
