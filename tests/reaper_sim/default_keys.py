"""Keys that REAPER has from the start in its main section, without a line in ``reaper-kb.ini``.

Convention: {(modifier, key): (command or 0, what it does)}; modifier 1 plain, +4 Shift, +8 Ctrl (Cmd on a Mac), +16
Alt; a letter's key is its capital's code. These are facts gathered from REAPER's manual and action list [D], the
commonly used ones, so that a test of an installer's own keys has something to collide with; a command of 0 was not
certain enough.
"""

from __future__ import annotations

from typing import Final

PLAIN, SHIFT, CTRL, CTRL_SHIFT, ALT, CTRL_ALT, CTRL_ALT_SHIFT = 1, 5, 9, 13, 17, 25, 29
SPACE, ENTER, ESCAPE, TAB, END, HOME, INSERT, DELETE, F2 = 32, 13, 27, 9, 35, 36, 45, 46, 113

DEFAULT_KEYS: Final[dict[tuple[int, int], tuple[int, str]]] = {
    (PLAIN, SPACE): (40044, "Transport: Play/stop"),
    (PLAIN, ENTER): (40073, "Transport: Play/pause"),
    (PLAIN, HOME): (40042, "Transport: Go to start of project"),
    (PLAIN, END): (40043, "Transport: Go to end of project"),
    (PLAIN, ord("W")): (40042, "Transport: Go to start of project"),
    (PLAIN, ord("R")): (1068, "Transport: Toggle repeat"),
    (CTRL, ord("R")): (1013, "Transport: Record"),
    (CTRL, ord("Z")): (40029, "Edit: Undo"),
    (CTRL_SHIFT, ord("Z")): (40030, "Edit: Redo"),
    (CTRL, ord("X")): (0, "Edit: Cut"),
    (CTRL, ord("C")): (0, "Edit: Copy"),
    (CTRL, ord("V")): (0, "Edit: Paste"),
    (PLAIN, DELETE): (0, "Remove items/tracks/envelope points"),
    (CTRL, ord("A")): (40182, "Item: Select all items"),
    (CTRL, ord("N")): (40023, "File: New project"),
    (CTRL, ord("O")): (40025, "File: Open project"),
    (CTRL, ord("S")): (40026, "File: Save project"),
    (CTRL_SHIFT, ord("S")): (40022, "File: Save project as"),
    (CTRL_ALT_SHIFT, ord("S")): (41895, "File: Save new version of project"),
    (CTRL_ALT, ord("R")): (40015, "File: Render project to disk"),
    (CTRL, ord("Q")): (40004, "File: Quit REAPER"),
    (CTRL, ord("P")): (40016, "Options: Show REAPER preferences"),
    (ALT, ENTER): (40021, "File: Project settings"),
    (PLAIN, INSERT): (40018, "Insert media files"),
    (CTRL, ord("T")): (40001, "Track: Insert new track"),
    (PLAIN, ord("S")): (40012, "Item: Split items at edit or play cursor"),
    (PLAIN, ord("G")): (40032, "Item grouping: Group items"),
    (PLAIN, ord("U")): (40033, "Item grouping: Remove items from group"),
    (PLAIN, ord("T")): (40125, "Take: Switch items to next take"),
    (SHIFT, ord("T")): (40126, "Take: Switch items to previous take"),
    (PLAIN, F2): (40009, "Item properties: Show media item/take properties"),
    (CTRL_SHIFT, ord("N")): (40108, "Item properties: Normalize items"),
    (PLAIN, ord("M")): (40157, "Markers: Insert marker at current position"),
    (SHIFT, ord("M")): (40171, "Markers: Insert and/or edit marker at current position"),
    (SHIFT, ord("R")): (40174, "Markers: Insert region from time selection"),
    (PLAIN, ESCAPE): (40020, "Time selection: Remove time selection and loop points"),
    (PLAIN, TAB): (40375, "Item navigation: Move cursor to next transient in items"),
    (SHIFT, TAB): (40376, "Item navigation: Move cursor to previous transient in items"),
    (CTRL, ord("J")): (40069, "View: Jump (go) to time window"),
    (PLAIN, ord("V")): (40406, "Track: Toggle track volume envelope visible"),
    (PLAIN, ord("P")): (40407, "Track: Toggle track pan envelope visible"),
    (PLAIN, ord("L")): (1135, "Options: Toggle locking"),
    (ALT, ord("S")): (1157, "Options: Toggle snapping"),
    (ALT, ord("L")): (40071, "Options: Show snap/grid settings"),
    (ALT, ord("P")): (1155, "Options: Cycle ripple editing mode"),
    (CTRL, ord("M")): (40078, "View: Toggle mixer visible"),
    (CTRL_ALT, ord("X")): (50124, "Media explorer: Show/hide media explorer"),
    (CTRL_SHIFT, ord("V")): (50125, "Video: Show/hide video window"),
}
