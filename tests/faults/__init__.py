"""The fault matrix: a job is held at each of its steps, something breaks there, and what follows is judged by code.

``python -m tests.faults`` runs all of it and prints a table; ``test_faults.py`` runs a short one. The product has no
hooks for this: ``daemon`` and ``reaper`` wrap its functions, and those of the simulated REAPER, from outside.
"""
