"""One key press: says to the daemon which verb, where the cursor and the mouse are, and has its one answer shown.

Convention: the answer is there within 0.3 s, and REAPER never stands still for it (see ``answers``). Failures go to
REAPER's console; what went well only to the hint line. Arguments of every verb are strings: cursor (``repr`` of
seconds), GUID of the track under the mouse, prompt, token of the project in front (see ``project``; "" if no server
runs), the daemon's token, and a random press id by which the daemon knows a key press that comes twice.
"""

import json

from . import answers, api, project, say
from .api import rp
from .faults import told

PROMPT_CHARACTERS = 500
CONTROLS = (
    ("guidance", "Guidance (0 = the pack's)", "0"),
    ("onset_strength", "Onset strength (0..2)", "1"),
    ("follow", "Level follows motion (0..1)", "0"),
    ("variation", "Variation (0..1)", "1"),
    ("takes", "Takes per variation (1..16)", "1"),
)
"""Name on the wire, caption and default of each control."""


@told
def press(verb):
    """Sends a verb and shows the answer."""
    _send(verb, "")


@told
def generate():
    """Sends ``generate``; asks for the prompt first if the project remembers none, nor an example sound."""
    prompt = ""
    if not api.project_state(0, "prompt") and not api.project_state(0, "reference"):
        prompt = ask_prompt("")
        if not prompt:
            say.tell(
                "No prompt was given, so nothing was made. Press the key again and say what should be heard.", "error"
            )
            return
    _send("generate", prompt)


@told
def set_prompt():
    """Asks for the prompt and sends it."""
    prompt = ask_prompt(api.project_state(0, "prompt"))
    if not prompt:
        say.tell("The prompt is unchanged: nothing was typed.", "error")
        return
    _send("prompt", prompt)


@told
def controls():
    """Asks for the controls of the foley track that is pointed at, or of tracks to come, and sends them."""
    track = _pointed_track()
    text = api.track_text(track, "P_EXT:foley_controls") if track else ""
    known = _numbers(text or api.project_state(0, "controls"))
    values = "\n".join(known.get(name, default) for name, _, default in CONTROLS)
    captions = ",".join(caption for _, caption, _ in CONTROLS) + ",extrawidth=60,separator=\n"
    where = api.track_text(track, "P_NAME") if track else "tracks to come"
    answer = rp.RPR_GetUserInputs(f"Foley Bridge: {where}"[:100], len(CONTROLS), captions, values, PROMPT_CHARACTERS)
    if not answer[0]:
        say.tell("The controls are unchanged.", "progress")
        return
    typed = [*(part.strip() for part in answer[4].split("\n")), *[""] * len(CONTROLS)]
    words = ";".join(f"{name}={value}" for (name, _, _), value in zip(CONTROLS, typed, strict=False))
    _send("controls", words, api.track_text(track, "GUID") if track else "")


def _pointed_track():
    """The track of ours that is under the mouse, selected, or holds a selected item; None if none is."""
    under = api.track_under_mouse_guid()
    for track in api.tracks(0):
        if not api.track_text(track, "P_EXT:foley"):
            continue
        items = any(rp.RPR_GetMediaItemInfo_Value(item, "B_UISEL") for item in api.track_items(track))
        if items or rp.RPR_GetMediaTrackInfo_Value(track, "I_SELECTED") or api.track_text(track, "GUID") == under:
            return track
    return None


def _numbers(text):
    """{name: number as text} of a JSON object; empty where it is none."""
    try:
        table = json.loads(text)
        return {str(name): f"{value:g}" for name, value in table.items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}


def ask_prompt(before):
    """What the designer types, as one line; "" when cancelled or empty. Opens a dialog."""
    answer = rp.RPR_GetUserInputs(
        "Foley Bridge", 1, "What should be heard?,extrawidth=200,separator=\n", before, PROMPT_CHARACTERS
    )
    return " ".join(answer[4].split()) if answer[0] else ""


def _send(verb, prompt, track=None):
    cursor = repr(rp.RPR_GetCursorPosition())
    track = api.track_under_mouse_guid() if track is None else track
    answers.ask("/foley/" + verb, [cursor, track, prompt, project.token_of_key_press()])
