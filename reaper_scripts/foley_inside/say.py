"""``tell``: one sentence to the designer, without a dialog and without taking the focus.

Progress and good news go to the hint line; errors and news go to REAPER's console too, news without opening it. The
last sentence is in the ext state FOLEY/status for other scripts.
"""

from . import api
from .api import rp

LONGEST = 2000
told = {"sentences": 0}
"""How many sentences this script has shown."""
LONGEST_TEXT = 200000


def tell(sentence, kind="info"):
    """Shows a sentence; ``kind`` is "progress", "info" or "error"."""
    return api.answered(_tell, sentence, kind)


def _tell(sentence, kind):
    text = " ".join(str(sentence).split())[:LONGEST]
    if not text:
        return None
    told["sentences"] += 1
    rp.RPR_SetExtState(api.SECTION, "status", text, False)
    rp.RPR_Help_Set(text, False)
    if kind == "error":
        rp.RPR_ShowConsoleMsg(f"Foley Bridge: {text}\n")
    elif kind == "info" and _console_can_stay_closed():
        rp.RPR_ShowConsoleMsg(f"!SHOW:Foley Bridge: {text}\n")
    return None


def show(text):
    """Shows a text of several lines in REAPER's console."""
    return api.answered(_show, text)


def _show(text):
    rp.RPR_ShowConsoleMsg("".join(f"{line}\n" for line in str(text)[:LONGEST_TEXT].splitlines()))


def _console_can_stay_closed():
    major = rp.RPR_GetAppVersion().split(".")[0]
    return major.isdigit() and int(major) >= 7
