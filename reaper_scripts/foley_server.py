"""Foley Bridge: opens REAPER to the daemon (this computer only). Run it once after REAPER starts.

To have it started with REAPER, add it to Scripts/__startup or to the start-up actions of your choice.
"""

try:
    import reapy  # noqa: F401
except ImportError:
    from reaper_python import RPR_ShowConsoleMsg  # pyright: ignore[reportMissingImports]

    RPR_ShowConsoleMsg(
        "Foley Bridge: REAPER's Python has no reapy. Install it there: python -m pip install python-reapy\n"
    )
else:
    from foley_inside import loop

    loop.start()
