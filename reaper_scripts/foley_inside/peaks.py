"""Waveforms for new takes: started at once, finished a little per turn of the server.

Convention: REAPER builds peaks in steps (mode 0 asks, 1 goes on, 2 ends). A take that is gone by the next turn is
forgotten; its source is looked up anew each turn and never kept.
"""

import time

from . import api, project
from .api import rp

STEP_S = 0.01
_pending = []


def begin(tab, take):
    """Asks for the peaks of a take's source and leaves what remains to ``step``."""
    source = rp.RPR_GetMediaItemTake_Source(take)
    if not api.is_null(source) and rp.RPR_PCM_Source_BuildPeaks(source, 0):
        _pending.append((tab, take))


def step():
    """Goes on with what is pending for at most 10 ms."""
    end_s = time.monotonic() + STEP_S
    while _pending and time.monotonic() < end_s:
        tab, take = _pending[0]
        source = _source(tab, take)
        if source and rp.RPR_PCM_Source_BuildPeaks(source, 1):
            continue
        if source:
            rp.RPR_PCM_Source_BuildPeaks(source, 2)
            rp.RPR_UpdateArrange()
        _pending.pop(0)


def _source(tab, take):
    if tab not in project.tabs() or not rp.RPR_ValidatePtr2(tab, take, "MediaItem_Take*"):
        return None
    source = rp.RPR_GetMediaItemTake_Source(take)
    return None if api.is_null(source) else source
