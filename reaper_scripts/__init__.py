"""What the designer sees in REAPER's action list, and what runs inside REAPER on the daemon's behalf.

Convention: standard library only (and reapy, in the server): REAPER's embedded Python ignores virtual environments, and
extension modules crash when a script is run twice. A file's name is its entry in the action list
(``foley_find_onsets.py`` appears as "Script: foley_find_onsets.py"). All begin with the same lines, which find the
folder ``foley_inside``: beside the script, or anywhere below REAPER's Scripts folder.
"""
