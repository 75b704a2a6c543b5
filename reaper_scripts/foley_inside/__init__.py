"""What runs inside REAPER: the safe server, the coarse functions read, write and tell, and the key-press sender.

Convention: the actions put this folder's parent on ``sys.path`` and import it as ``foley_inside``; imports in here are
relative, so that tests may import it as ``reaper_scripts.foley_inside``. Only ``api`` and its users need REAPER.
"""
