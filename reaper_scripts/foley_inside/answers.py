"""The answer to a key press, without REAPER standing still for it.

An action sends its message at once and looks for the answer for a moment: a daemon that is well answers within a few
milliseconds. One that does not is busy, stopped or gone, and REAPER cannot wait for it. The action cannot come back
later by itself: one that is deferred and started again makes REAPER ask, in a dialog, what to do with the one that
still runs. So it leaves the key press to the server script, which turns all the time anyway: that sends the same
message again (the daemon knows the press id, gives the same answer again and does nothing twice) and looks for the
answer once a turn until the 0.3 s are over. If no server script shows life the action waits a little longer itself, and
that is all.

A good answer that comes after the sentence of the job itself is old news and is not shown; a refusal always is.

Convention: what is left to the server script is in the ext state FOLEY/presses, a JSON object a line: address,
arguments without the daemon's token, and a mark made with that token, because REAPER's web interface reads and writes
ext states and the token is for this user's eyes alone.
"""

import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import time

from . import api, endpoint, life, osc_packet, say
from .api import rp

MOMENT_S = 0.03
"""So long an action waits by itself, if the server script goes on."""
ALONE_S = 0.05
"""So long it waits if no server script runs."""
ALL_S = 0.3
"""So long after the key press the answer is there, or the designer is told."""
KEY = "presses"
MOST = 8
_waiting = []


def ask(address, arguments):
    """Sends a key press and shows its answer, now or soon; at most 50 ms."""
    port, token = endpoint.daemon()
    arguments = [*arguments, secrets.token_hex(8)]
    alone = not life.is_seen()
    goes_on = bool(token) and not alone
    try:
        with _line(port) as line:
            line.settimeout(MOMENT_S if goes_on else ALONE_S)
            line.send(_packet(address, arguments, token))
            _show(line.recv(65536), port, known=bool(token))
    except TimeoutError as error:
        if not (goes_on and _leave(address, arguments, token)):
            say.tell(_nobody(port, error, alone=alone), "error")
    except OSError as error:
        say.tell(_nobody(port, error), "error")


def step():
    """Of the server script: takes up what actions have left, and looks for the answers."""
    left = rp.RPR_GetExtState(api.SECTION, KEY)
    if left:
        rp.RPR_DeleteExtState(api.SECTION, KEY, False)
        for text in left.split("\n")[:MOST]:
            _take_up(text)
    for one in list(_waiting):
        if not one.goes_on():
            _waiting.remove(one)


class _Waiting:
    """A key press whose answer has not come yet."""

    def __init__(self, port, packet):
        self._port = port
        self._end_s = time.monotonic() + ALL_S - MOMENT_S
        self._line = _line(port)
        self._line.setblocking(False)
        self._told = say.told["sentences"]
        with contextlib.suppress(OSError):  # looking for the answer tells it again
            self._line.send(packet)

    def goes_on(self):
        """Shows the answer if it is there; whether it is still to be waited for."""
        try:
            _show(self._line.recv(65536), self._port, old=say.told["sentences"] != self._told)
        except (BlockingIOError, InterruptedError) as error:
            if time.monotonic() < self._end_s:
                return True
            say.tell(_nobody(self._port, error), "error")
        except OSError as error:
            say.tell(_nobody(self._port, error), "error")
        self._line.close()
        return False


def _leave(address, arguments, token):
    """Leaves a key press to the server script; whether there is room for one more."""
    said = json.dumps([address, arguments])
    left = [line for line in rp.RPR_GetExtState(api.SECTION, KEY).split("\n") if line]
    if len(left) >= MOST:
        return False
    left.append(json.dumps({"said": said, "mark": _mark(said, token)}))
    rp.RPR_SetExtState(api.SECTION, KEY, "\n".join(left), False)
    return True


def _take_up(text):
    port, token = endpoint.daemon()
    try:
        left = json.loads(text)
        genuine = bool(token) and hmac.compare_digest(left["mark"], _mark(left["said"], token))
        address, arguments = json.loads(left["said"]) if genuine else ("", [])
        packet = _packet(address, arguments, token)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return  # somebody else's; or the daemon has been started again since, and knows nothing of it
    if genuine and len(_waiting) < MOST:
        _waiting.append(_Waiting(port, packet))


def _mark(said, token):
    return hmac.new(token.encode("utf-8"), said.encode("utf-8"), hashlib.sha256).hexdigest()


def _packet(address, arguments, token):
    return osc_packet.encode(address, [*arguments[:-1], token, *arguments[-1:]])


def _line(port):
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.connect(("127.0.0.1", port))
    return line


def _show(data, port, *, old=False, known=True):
    """Shows an answer; one of a daemon that has not announced itself, or not any more, is as good as none."""
    try:
        address, arguments = osc_packet.decode(data)
        if address != "/foley/answer" or len(arguments) != 4:
            raise ValueError(f"an answer that is none of the bridge's: {address}")
        ok, sentence = bool(arguments[1]), str(arguments[2])
        if not known and not ok:
            sentence = _nobody(port, None)
    except ValueError as error:
        ok, sentence = False, _nobody(port, error)
    if sentence and not (ok and old):
        say.tell(sentence, "progress" if ok else "error")


def _nobody(port, error, *, alone=False):
    if isinstance(error, ValueError):
        return f"Another program uses UDP port {port} ({error}). Stop it, or start the bridge with another port."
    if alone:
        return (
            f"The Foley Bridge daemon has not answered on UDP port {port} yet, and its server script in REAPER does "
            'not run. Run the action "Script: foley_server.py", and in a terminal: foley-bridge serve'
        )
    return (
        f"The Foley Bridge daemon does not answer on UDP port {port}. Start it in a terminal with: foley-bridge serve"
    )
