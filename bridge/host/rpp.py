"""A project file as a host: what the demo and batch work use, without REAPER.

Convention: a project file that stands open in REAPER must not be changed here; REAPER would not notice, and its next
save would undo it. A change is written under a temporary name and moved into place, so the file is whole at every
moment. The first time that a version of the file which this host did not write is about to be replaced, it is kept
beside it as "NAME before foley.RPP-bak". Everything that is not understood stays as it is, byte for byte.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import soundfile

from bridge.domain.clip import Clip
from bridge.errors import HostError, MediaError
from bridge.host import rpp_edit, rpp_tree, rpp_view
from bridge.host.base import SAME_S, Change, ItemView, ProjectView, Report
from bridge.media.bounds import is_foreign
from bridge.media.files import write_whole
from bridge.media.rpp import LARGEST_BYTES, Block, Document, block, parse, real, words

log = logging.getLogger(__name__)

DEFAULT_RATE_HZ = 48_000
MAX_RATE_HZ = 10_000_000
"""A project's rate above this is taken for damage."""
VERSION = "7.0"
"""REAPER version that a new project claims to be of."""
SAME = (
    "take_guid",
    "source_path",
    "position_s",
    "length_s",
    "start_offset_s",
    "play_rate",
    "loop",
    "section_offset_s",
    "section_length_s",
    "reverse",
    "stretch_markers",
)
"""What must still be true of an item that a change expects."""
_LIVE_ONLY = ("take_markers", "keep_takes", "envelopes", "track_controls")
"""What a change may ask of a running REAPER alone."""
_LEVELS = {"progress": logging.DEBUG, "info": logging.INFO, "error": logging.ERROR}


class RppHost:
    """A project file behind the ``Host`` protocol.

    Args:
        path: an existing .RPP file.

    Raises:
        HostError: there is none, or it is not a REAPER project.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path).absolute()
        self._written = ""
        self._load()

    @classmethod
    def create(cls, path: Path | str, clip: Clip, *, sample_rate_hz: int = DEFAULT_RATE_HZ) -> RppHost:
        """A new project with one track that holds the clip as a video item, the cursor at its left edge.

        Raises:
            HostError: the name is taken, no project can hold the name of the clip's file, or the project cannot be
                written.
        """
        path = Path(path).absolute()
        if os.path.lexists(path):
            raise HostError(f"{path} exists already", hint="Name another file; nothing is ever overwritten")
        document = Document("", _project(clip, path.parent, sample_rate_hz), "")
        _replace(path, document.encode())
        host = cls(path)
        host._written = _hash(path.read_bytes())
        return host

    @property
    def path(self) -> Path:
        """The project file."""
        return self._path

    def read(self, *, cursor_s: float | None = None, mouse_track_guid: str = "", project: str = "") -> ProjectView:
        """The project as the file has it; candidates are probed for their length. There are no tabs to name."""
        data, document = self._load()
        root = document.root
        rate_hz = _rate_hz(root)
        cursor = real(root.line("CURSOR")) if cursor_s is None else cursor_s
        items, chosen = rpp_view.items_at(root, self._path.parent, cursor, 0.5 / rate_hz, mouse_track_guid)
        recordings = rpp_tree.text_of(root.line("RECORD_PATH")).replace("\\", os.sep)
        media_dir = os.path.normpath(self._path.parent / recordings)
        digest = _hash(data)
        return ProjectView(
            token=f"{self._path}\n{digest}",
            path=str(self._path),
            media_dir="" if is_foreign(media_dir, str(self._path.parent)) else media_dir,
            change_count=int(digest[:8], 16),
            cursor_s=cursor,
            sample_rate_hz=rate_hz,
            prompt=rpp_tree.clean(rpp_tree.project_state(root, "prompt")),
            items=tuple(items),
            chosen=chosen,
            markers=tuple(sorted((m.view for m in rpp_tree.markers(root)), key=lambda marker: marker.position_s)),
            foley_items=tuple(rpp_view.foley_items(root, self._path.parent)),
        )

    def write(self, change: Change) -> Report:
        """Writes a change into the file, or leaves it as it is.

        Raises:
            HostError: the file is not the one that was read, the expected item changed, or a sound file is missing or
                has a name that no project can hold.
        """
        data, document = self._load()
        path, _, digest = change.token.partition("\n")
        if path != str(self._path):
            raise HostError(f"The change is for {path}, not for {self._path}", hint="Read the project again")
        if _hash(data) != digest:
            raise self._changed_meanwhile()
        self._check(document.root, change)
        report = rpp_edit.apply(document.root, change, self._path.parent)
        after = document.encode()
        parse(after, self._path)
        if digest != self._written:
            self._keep(data)
        if _hash(self._bytes()) != digest:
            raise self._changed_meanwhile()
        _replace(self._path, after)
        self._written = _hash(after)
        log.info("%s: %s", self._path.name, change.undo_title)
        return report

    def show(self, text: str) -> None:
        """Logs the text."""
        log.info("%s", text)

    def watch(self, project: str, *, on: bool) -> None:
        """Refuses: nobody edits a closed file's markers while it is watched."""
        raise HostError(f"{self._path.name} is a file; only an open project can be live", hint="Open it in REAPER")

    def landed(self, token: str, marks: tuple[str, ...]) -> tuple[str, ...]:
        """None: a file is changed whole or not at all, and remembers nothing of it."""
        return ()

    def tell(self, sentence: str, *, kind: str = "info", told: Callable[[], None] | None = None) -> None:
        """Logs the sentence."""
        log.log(_LEVELS.get(kind, logging.INFO), "%s", sentence)
        if told is not None:
            told()

    def close(self) -> None:
        """Nothing is held between calls."""

    def _bytes(self) -> bytes:
        try:
            if self._path.stat().st_size > LARGEST_BYTES:
                raise HostError(
                    f"{self._path} is larger than {LARGEST_BYTES >> 20} MB, which no project is",
                    hint="Name a project file that REAPER saved",
                )
            return self._path.read_bytes()
        except FileNotFoundError as error:
            raise HostError(f"{self._path} does not exist", hint="Name a project file that was saved") from error
        except OSError as error:
            raise HostError(
                f"{self._path} cannot be read ({error.strerror or error})", hint="Check the file and its permissions"
            ) from error

    def _load(self) -> tuple[bytes, Document]:
        data = self._bytes()
        try:
            return data, parse(data, self._path)
        except MediaError as error:
            raise HostError(error.message, hint=error.hint) from error

    def _changed_meanwhile(self) -> HostError:
        return HostError(f"{self._path.name} was changed by another program while the work went on", hint="Try again")

    def _check(self, root: Block, change: Change) -> None:
        if change.expect_item is not None:
            self._check_expected(root, change.expect_item)
        beyond = [name for name in _LIVE_ONLY if getattr(change, name)]
        beyond += ["layers"] if any(new.folder for new in change.new_items) else []
        beyond += ["replaced takes"] if any(new.replaces for new in change.new_takes) else []
        if beyond:
            raise HostError(
                f"{self._path.name} is a file, and this needs a running REAPER ({', '.join(beyond)})",
                hint="Open the project in REAPER and press the key there",
            )
        for new in (*change.new_items, *change.new_takes):
            try:
                frames = soundfile.info(new.audio_path).frames
            except (OSError, soundfile.LibsndfileError) as error:
                raise HostError(f"The sound file {new.audio_path} cannot be opened", hint="Render it again") from error
            if frames == 0:
                raise HostError(f"The sound file {new.audio_path} is empty", hint="Render it again")
        for new in change.new_items:
            if not new.length_s > 0:
                raise HostError(
                    f'An item of no length was asked for: "{new.take_name}"', hint="Lengthen the video item"
                )

    def _check_expected(self, root: Block, expected: ItemView) -> None:
        for index, track, item in rpp_tree.every_item(root):
            if rpp_tree.guid_of_item(item) == expected.guid:
                now = rpp_view.item_view(item, track, index, self._path.parent)
                if now is None or not all(_same(getattr(now, key), getattr(expected, key)) for key in SAME):
                    raise HostError(f'The video item "{expected.name}" was changed meanwhile', hint="Try again")
                return
        raise HostError(f'The video item "{expected.name}" is gone', hint="Try again with another item")

    def _keep(self, data: bytes) -> None:
        """Keeps the file as somebody else left it."""
        backup = self._path.with_name(f"{self._path.stem} before foley{self._path.suffix}-bak")
        try:
            kept = write_whole(backup, data)
            with suppress(OSError):
                shutil.copymode(self._path, kept)
            log.info("the project as it was is kept as %s", kept)
        except MediaError as error:
            raise HostError(error.message, hint=error.hint) from error


def _project(clip: Clip, folder: Path, sample_rate_hz: int) -> Block:
    """A minimal project; REAPER fills in the rest when it saves."""
    source = block("SOURCE VIDEO", rpp_edit.file_line(folder, os.path.abspath(clip.source_path)))
    if clip.section is not None:
        source = block(
            "SOURCE SECTION",
            words("LENGTH", clip.section.length_s),
            words("MODE", rpp_view.MODE_REVERSE if clip.section.reverse else 0),
            words("STARTPOS", clip.section.offset_s),
            "OVERLAP 0.01",
            source,
        )
    item = block(
        "ITEM",
        words("POSITION", clip.position_s),
        "SNAPOFFS 0",
        words("LENGTH", clip.length_s),
        words("LOOP", int(clip.loop)),
        "ALLTAKES 0",
        "FADEIN 1 0 0 1 0 0 0",
        "FADEOUT 1 0 0 1 0 0 0",
        "MUTE 0 0",
        "SEL 0",
        words("IGUID", rpp_edit.new_guid()),
        words("NAME", clip.name or Path(clip.source_path).name),
        "VOLPAN 1 0 1 -1",
        words("SOFFS", clip.start_offset_s),
        words("PLAYRATE", clip.play_rate, 1, 0, -1, 0, 0.0025),
        "CHANMODE 0",
        words("GUID", rpp_edit.new_guid()),
        source,
    )
    track_guid = rpp_edit.new_guid()
    track = block(
        words("TRACK", track_guid),
        "NAME Video",
        "PEAKCOL 16576",
        "VOLPAN 1 0 -1 -1 1",
        "MUTESOLO 0 0 0",
        "ISBUS 0 0",
        "SEL 1",
        "NCHAN 2",
        "FX 1",
        words("TRACKID", track_guid),
        "MAINSEND 1 0",
        item,
    )
    root = Block(words("<REAPER_PROJECT", "0.1", f"{VERSION}/foley-bridge", int(time.time()), 0) + "\n", tail=">\n")
    root.append(
        "PROJOFFS 0 0 0",
        words("CURSOR", clip.position_s),
        'RECORD_PATH "" ""',
        words("SAMPLERATE", sample_rate_hz, 0, 0),
        "TEMPO 120 4 4",
        track,
    )
    return root


def _rate_hz(root: Block) -> int:
    rate_hz = real(root.line("SAMPLERATE"))
    return int(rate_hz) if 1 <= rate_hz <= MAX_RATE_HZ else DEFAULT_RATE_HZ


def _replace(path: Path, data: bytes) -> None:
    """Puts a whole file in the place of another, or of nothing."""
    try:
        write_whole(path, data, overwrite=True)
    except MediaError as error:
        raise HostError(error.message, hint=error.hint) from error


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _same(now: object, before: object) -> bool:
    if isinstance(now, float) and isinstance(before, (int, float)):
        return abs(now - before) <= SAME_S
    return now == before
