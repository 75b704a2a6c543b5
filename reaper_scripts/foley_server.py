"""Foley Bridge: opens REAPER to the daemon (this computer only). Run it once after REAPER starts.

If REAPER asks what to do because it already runs, choose "New instance" and let it remember: the second one sees the
first and ends. To have it started with REAPER, put its command id into Scripts/__startup.lua:
reaper.Main_OnCommand(reaper.NamedCommandLookup("_RS..."), 0)
"""

import glob
import os
import sys
from importlib.util import find_spec

import reaper_python as rp  # pyright: ignore[reportMissingImports]

if not find_spec("foley_inside"):  # REAPER has not told Python where its scripts are
    inside = glob.escape(os.path.join(rp.RPR_GetResourcePath(), "Scripts")) + "/**/foley_inside"
    places = [globals().get("__file__", ""), *glob.glob(inside, recursive=True)]
    sys.path += [os.path.dirname(place) for place in places if place]
if not find_spec("foley_inside"):
    rp.RPR_ShowConsoleMsg("Foley Bridge: copy foley_inside into REAPER's Scripts folder, beside this script.\n")
elif not find_spec("reapy"):
    rp.RPR_ShowConsoleMsg("Foley Bridge: install reapy for REAPER's Python: python -m pip install python-reapy\n")
else:
    try:
        from foley_inside import loop

        loop.start()
    except Exception as error:
        rp.RPR_ShowConsoleMsg(f"Foley Bridge: its scripts in REAPER are damaged ({error!r}): install them again.\n")
