"""Puts the actions into REAPER and takes them out again: files, action list, keys, start-up, OSC patterns.

Convention: every edit of a file is a pure function from bytes to bytes (``kb``, ``startup``, ``osc``); ``plan`` says
what would change, ``apply`` does it with a backup, ``dialog`` talks to the user. reaper.ini is read and never written,
and reapy's own configuration is never called.
"""
