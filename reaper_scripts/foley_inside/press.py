"""One key press: says to the daemon which verb, where the cursor and the mouse are, and shows its one answer.

Convention: the wait is at most 0.3 s, REAPER stands still for no longer. Failures go to REAPER's console; what went
well only to the hint line. Arguments of every verb are strings: cursor (``repr`` of seconds), GUID of the track under
the mouse, prompt, token of the project in front (see ``project``; "" if no server runs).
"""

import socket

from . import api, endpoint, osc_packet, project, say
from .api import rp

WAIT_S = 0.3
PROMPT_CHARACTERS = 500


def press(verb):
    """Sends a verb and shows the answer."""
    _send(verb, "")


def generate():
    """Sends ``generate``; asks for the prompt first if the project remembers none."""
    prompt = ""
    if not api.project_state(0, "prompt"):
        prompt = ask_prompt("")
        if not prompt:
            say.tell(
                "No prompt was given, so nothing was made. Press the key again and say what should be heard.", "error"
            )
            return
    _send("generate", prompt)


def set_prompt():
    """Asks for the prompt and sends it."""
    prompt = ask_prompt(api.project_state(0, "prompt"))
    if not prompt:
        say.tell("The prompt is unchanged: nothing was typed.", "error")
        return
    _send("prompt", prompt)


def ask_prompt(before):
    """What the designer types, as one line; "" when cancelled or empty. Opens a dialog."""
    answer = rp.RPR_GetUserInputs(
        "Foley Bridge", 1, "What should be heard?,extrawidth=200,separator=\n", before, PROMPT_CHARACTERS
    )
    return " ".join(answer[4].split()) if answer[0] else ""


def _send(verb, prompt):
    cursor, track = repr(rp.RPR_GetCursorPosition()), api.track_under_mouse_guid()
    packet = osc_packet.encode("/foley/" + verb, [cursor, track, prompt, project.token_of_key_press()])
    port = endpoint.osc_port()
    try:
        ok, sentence = _ask(packet, port)
    except (OSError, ValueError) as error:
        ok, sentence = False, _nobody(port, error)
    if sentence:
        say.tell(sentence, "progress" if ok else "error")


def _ask(packet, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(WAIT_S)
        line.connect(("127.0.0.1", port))
        line.send(packet)
        address, arguments = osc_packet.decode(line.recv(65536))
    if address != "/foley/answer" or len(arguments) != 4:
        raise ValueError(f"an answer that is none of the bridge's: {address}")
    return bool(arguments[1]), str(arguments[2])


def _nobody(port, error):
    if isinstance(error, ValueError):
        return f"Another program uses UDP port {port} ({error}). Stop it, or start the bridge with another port."
    return (
        f"The Foley Bridge daemon does not answer on UDP port {port}. Start it in a terminal with: foley-bridge serve"
    )
