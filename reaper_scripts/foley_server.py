"""Foley Bridge: opens REAPER to the daemon (this computer only). Run it once after REAPER starts.

If REAPER asks what to do because it already runs, choose "New instance" and let it remember: the second one sees the
first and ends. To have it started with REAPER, put its command id into Scripts/__startup.lua:
reaper.Main_OnCommand(reaper.NamedCommandLookup("_RS..."), 0)
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
