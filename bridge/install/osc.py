"""The pattern file for REAPER's OSC control surface: only what the bridge may use, with the marker bank switched on.

REAPER's own default sends no markers (count 0) and much that nobody here reads. Counts cost three messages a marker.
"""

from __future__ import annotations

FILE = "OSC/Foley.ReaperOSC"
MARKERS = 128

PATTERNS = f"""\
# Foley Bridge: what the bridge may use of REAPER's OSC control surface. Written by `foley-bridge reaper install --osc`.

DEVICE_TRACK_COUNT 1
DEVICE_SEND_COUNT 0
DEVICE_RECEIVE_COUNT 0
DEVICE_FX_COUNT 0
DEVICE_FX_PARAM_COUNT 0
DEVICE_FX_INST_PARAM_COUNT 0
DEVICE_MARKER_COUNT {MARKERS}
DEVICE_REGION_COUNT 16

TIME f/time
PLAY t/play
RECORD t/record

MARKER_NAME s/marker/@/name
MARKER_NUMBER s/marker/@/number/str
MARKER_TIME f/marker/@/time
REGION_NAME s/region/@/name
REGION_TIME f/region/@/time
REGION_LENGTH f/region/@/length
LAST_MARKER_TIME f/lastmarker/time
LAST_MARKER_NAME s/lastmarker/name

LOOP_START_TIME f/loop/start/time
LOOP_END_TIME f/loop/end/time
TRACK_NAME s/track/name s/track/@/name

ACTION i/action s/action/str t/action/@
DEVICE_MARKER_COUNT i/device/marker/count t/device/marker/count/@
DEVICE_REGION_COUNT i/device/region/count t/device/region/count/@
"""


def how_to() -> str:
    """What is left to do in REAPER."""
    return (
        "In REAPER: Preferences > Control/OSC/web > Add > OSC (Open Sound Control); pattern config: Foley; mode: "
        "configure device IP+local port; device IP 127.0.0.1. REAPER's side of OSC listens on every network: let a "
        "firewall close its port."
    )
