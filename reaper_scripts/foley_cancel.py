"""Foley: Cancel: stops what the bridge is working on; the project stays as it is."""

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
else:
    try:
        from foley_inside import press

        press.press("cancel")
    except Exception as error:
        rp.RPR_ShowConsoleMsg(f"Foley Bridge: its scripts in REAPER are damaged ({error!r}): install them again.\n")
