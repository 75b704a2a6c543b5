"""What only a real REAPER can settle: every behaviour the simulation had to choose, as a named constant.

Convention: one constant per assumption; its comment says what is believed, and how well it is known: [D] documented or
reported by practitioners, [U] unknown, to be tried on a real REAPER. Where unsure the harsher choice is taken, so that
what passes here does not depend on REAPER being kind. Change a constant when a real REAPER says otherwise.
"""

from __future__ import annotations

from typing import Final

# -- undo and the user interface ---------------------------------------------------------------------------------------

AUTO_CLOSED_BLOCK_TITLE: Final = "ReaScript: Run"
"""[D] An undo block still open at the end of a script's cycle is closed by REAPER under this title."""

LATE_END_OF_BLOCK_IS_IGNORED: Final = True
"""[U] An Undo_EndBlock whose block was closed for it in an earlier cycle does nothing."""

SCRIPT_WITHOUT_BLOCK_ADDS_UNDO_POINT: Final = True
"""[D] A script that changes the project without undo calls and without defer gets one undo point, same title."""

EMPTY_BLOCKS_ADD_NO_UNDO_POINT: Final = True
"""[D] A block in which nothing changed leaves no undo point."""

UNDO_KEEPS_TRACK_POINTERS: Final = True
"""[U] Tracks that exist before and after an undo keep their pointer. Items, takes, sources and markers get new ones."""

SELECTION_ALONE_IS_NO_UNDO_POINT: Final = True
"""[U] A block that changed nothing but selections (items, tracks, time) counts as empty."""

CHANGES_WITHOUT_UNDO_POINT_ARE_COUNTED: Final = True
"""[U] GetProjectStateChangeCount moves with every change (False: only with undo points, so that what a script changes
without any goes unseen)."""

# -- pointers ----------------------------------------------------------------------------------------------------------

NULL_POINTER_CRASHES: Final = True
"""[U] A NULL track, item, take, source or marker given to a function that needs one crashes. Many functions of the real
program are kinder; none is documented to be, and reaper_python turns every stale pointer into NULL."""

VALIDATED_TYPES: Final = (
    "ReaProject*",
    "MediaTrack*",
    "MediaItem*",
    "MediaItem_Take*",
    "TrackEnvelope*",
    "PCM_source*",
)
"""[D] The types ValidatePtr knows. Of others it says "valid": reaper_python passes them on."""

# -- markers -----------------------------------------------------------------------------------------------------------

SAME_MARKER_TWICE_IS_ONE: Final = True
"""[D] A second marker at the same position with the same name is not made; the existing one is returned."""

SAME_POSITION_TOLERANCE_S: Final = 1e-9
"""[U] How close two positions have to be for the rule above."""

LOWEST_FREE_NUMBER_IS_GIVEN: Final = True
"""[U] A new marker without a wish gets the lowest number not in use (False: one above the highest)."""

ORDER_AT_SAME_POSITION: Final = "regions_first"
"""[U] Enumeration order of a region and a marker at one position; equals keep their order of creation."""

# -- items and sources -------------------------------------------------------------------------------------------------

MISSING_FILE_GIVES_OFFLINE_SOURCE: Final = True
"""[D] PCM_Source_CreateFromFile of a missing or undecodable file gives an empty source rather than NULL."""

OFFLINE_TYPE_PREFIX: Final = "_OFFLINE_"
"""[D] Type of an offline source is its own type behind this prefix."""

START_OFFSET_MAY_BE_NEGATIVE: Final = True
"""[U] D_STARTOFFS below 0 stays: the take is silent until its sound begins (False: it becomes 0)."""

ONLY_TAKE_CAN_BE_DELETED: Final = True
"""[U] Action 40129 on an item with a single take leaves an item without takes (False: the item stays as it is)."""

ACTIVE_AFTER_DELETING_A_TAKE: Final = "before"
"""[U] Which take is active after action 40129: the one "before" the deleted one (if there is none, the first) or the
one "after" it (if there is none, the last)."""

OFFLINE_SOURCE_LENGTH_S: Final = 0.0
"""[U] Length that an offline source reports."""

PEAK_BUILD_CALLS: Final = 3
"""[S] PCM_Source_BuildPeaks(src, 1) has to be called several times; how often depends on the file."""

VIDEO_SUFFIXES: Final = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".m4a", ".png", ".jpg", ".jpeg")
"""[D] Files that REAPER's video decoder claims: their type is "VIDEO", also for still images and sound-only m4a."""

DEFAULT_RECORD_PATH: Final = "Media"
"""[U] RECORD_PATH of a new project, relative to the project's folder."""

UNSAVED_MEDIA_FOLDER: Final = "REAPER Media"
"""[D] Media folder of a project that was never saved (in the user's documents; here: under the resource path)."""

# -- envelopes ---------------------------------------------------------------------------------------------------------

FADER_OF_UNITY_GAIN: Final = 716.21785031261
"""[D] What ScaleToEnvelopeMode(1, 1.0) gives: 0 dB of a volume envelope with fader scaling."""

FADER_TOP: Final = 1000.0
"""[D] What ScaleToEnvelopeMode(1, VOLUME_ENVELOPE_TOP_GAIN) gives. Below, the simulation follows the power law through
both points; the real curve may bend otherwise between them [U], so only ScaleTo and ScaleFrom may convert."""

VOLUME_ENVELOPE_TOP_GAIN: Final = 2.0
"""[D] The highest value of a volume envelope, +6 dB (a preference may say otherwise); higher ones are cut."""

NEW_VOLUME_ENVELOPE_HAS_FADER_SCALING: Final = True
"""[D] GetEnvelopeScalingMode of a volume envelope made by action 40406 is 1 (a preference may say otherwise)."""

ENVELOPE_RANGE_HAS_ITS_END: Final = False
"""[U] DeleteEnvelopePointRange deletes a point that lies exactly at the end of the range (one at its start: always)."""

ENVELOPE_VALUE_DECIMALS: Final = 8
"""[D] Decimals of an envelope point's value in project files."""

HIDDEN_ACTIVE_ENVELOPES_ARE_SAVED: Final = False
"""[D] Whether saving keeps an envelope that is active but not visible: reported to be lost."""

# -- states ------------------------------------------------------------------------------------------------------------

PROJECT_EXT_STATE_KEYS_IGNORE_CASE: Final = True
"""[U] GetProjExtState finds a key whatever its case."""

PROJECT_EXT_STATE_MARKS_DIRTY: Final = False
"""[U] SetProjExtState alone marks the project dirty."""

PERSISTENT_EXT_STATE_IS_WRITTEN_ON_EXIT: Final = True
"""[U] When a persistent ext state reaches the file (False: at once). A kill loses what was not written."""

FILES_LOSE_LINE_BREAKS: Final = True
"""[U] A text with a line break (project ext state, P_EXT, names) loses what follows the break when saved."""

POSITION_DECIMALS: Final = 14
"""[U] Decimals of positions, lengths and other numbers in project files; what is saved and loaded is rounded."""

TAKE_EXTENSION_BLOCK: Final = "TAKEEXT"
"""[U] Name of the block that holds a take's P_EXT texts in a project file; an item's and a track's are in EXT. An EXT
block after the beginning of a take is read as the take's."""

SECTION_MODE_WHOLE, SECTION_MODE_REVERSE = 1, 2
"""[U] Bits of MODE in a SECTION source of a project file: its bounds are not in force; it plays backwards."""

# -- drags, control surfaces -------------------------------------------------------------------------------------------

MARKER_DRAG_MOVES_THE_MARKER: Final = True
"""[U] While a marker is dragged the project has it where the mouse is (False: where it was, until the button is up)."""

MARKER_DRAG_IS_NOTIFIED: Final = "during"
"""[U] When surfaces hear of a dragged marker, and the change count counts: "during" the drag or on "release"."""

OSC_LISTENS_ON: Final = "127.0.0.1"
"""[S] Address of OSC sockets. REAPER's is 0.0.0.0, every address of the machine; a test must not open that door."""

SURFACE_RATE_HZ: Final = 15
"""[S] How often positions are looked at ("csurfrate", default)."""

SURFACES_BEYOND_THE_COUNT_ARE_IGNORED: Final = True
"""[U] Lines csurf_N of reaper.ini count only below csurf_cnt (False: all of them)."""

OSC_EDIT_IS_NOTIFIED_AT_ONCE: Final = True
"""[U] A marker changed by an OSC message is told to surfaces while the message is worked on, so that its own address is
not echoed (False: afterwards, then the edit comes back as an echo)."""

OSC_EDITS_ARE_ONE_UNDO_STEP: Final = True
"""[U] OSC edits of markers in a row become one undo step: they are registered under one merge key [S]."""

REFRESH_CLEARS_OSC_CACHE: Final = False
"""[U] The action "Refresh all surfaces" (41743) makes a surface send everything again (False: what changed only)."""

# -- Python ------------------------------------------------------------------------------------------------------------

SCRIPTS_IMPORT_AFRESH: Final = True
"""[D] Every run of a script has its own interpreter: what is outside the standard library is imported anew (in a
second run, C extensions have crashed REAPER); scripts share nothing."""

SCRIPT_FOLDER_IS_ON_SYS_PATH: Final = True
"""[U] Python finds modules that lie beside the script."""

SCRIPT_KNOWS_ITS_FILE: Final = True
"""[U] ``__file__`` is defined in a script and is its full path."""

SCRIPT_ERROR_ENDS_SCRIPT: Final = True
"""[D] An uncaught exception ends the script, also in a deferred call; the traceback goes to REAPER's console."""

COLOUR_RED_IS_HIGH_BYTE: Final = True
"""[S] ColorToNative on Linux and macOS packs 0xRRGGBB; Windows packs 0xBBGGRR (False)."""

ACTION_LIST_IS_REWRITTEN_ON_EXIT: Final = True
"""[D] REAPER writes reaper-kb.ini from memory when it ends: lines added by others while it ran are lost."""

NEW_REASCRIPT_FLAGS: Final = 4
"""[D] A newly added action asks (dialog "ReaScript task control") when it is run while it still runs."""
