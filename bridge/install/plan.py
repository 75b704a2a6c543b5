"""What an install or uninstall would change, found without changing anything, and how it is shown.

Convention: paths are from REAPER's resource folder, with slashes. A change is made only where the bytes differ, so the
plan of a second install is empty.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import MediaError
from bridge.install import backup, kb, osc, scripts, startup
from bridge.install.backup import Change, Manifest

SCRIPTS = f"Scripts/{scripts.FOLDER}"
_EDITED = (kb.FILE, startup.FILE)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would change.

    Attributes:
        changes: in the order in which they are made. keys: {script's file: letter} that have their default key
            afterwards. notes: sentences that the user should read.
    """

    changes: tuple[Change, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def install(
    resource: Path,
    files: Mapping[str, bytes],
    *,
    keys: bool = True,
    start: bool = True,
    patterns: bool = False,
) -> Plan:
    """Everything that makes the files of this version REAPER's.

    Args:
        files: what is shipped, as ``scripts.shipped`` gives it. keys: add default keys. start: add the start-up entry.
            patterns: add the OSC pattern file.

    Raises:
        MediaError: a file cannot be read, or the folder of ours is a link. RequestError: a block of ours is damaged.
    """
    if (resource / SCRIPTS).is_symlink():
        raise MediaError(
            f"{resource / SCRIPTS} is a link to another folder, which would be written over",
            hint="Remove the link, or load the actions from where it points",
        )
    manifests = backup.load_all(resource)
    actions = scripts.actions(files)
    changes = [Change(path=f"{SCRIPTS}/{name}", before=None, after=data) for name, data in _inner_first(files)]
    changes += [Change(path=path, before=None, after=None) for path in _outdated(resource, files, manifests)]
    old = _read(resource, kb.FILE)
    edited = kb.add(old or b"", actions, keys=keys, declined=_declined(old or b"", manifests))
    changes.append(Change(path=kb.FILE, before=None, after=edited.data))
    if start:
        changes.append(Change(path=startup.FILE, before=None, after=startup.add(_read(resource, startup.FILE) or b"")))
    if patterns:
        changes.append(Change(path=osc.FILE, before=None, after=osc.PATTERNS.encode()))
    return Plan(changes=_real(resource, changes), keys=edited.keys, notes=edited.notes)


def uninstall(resource: Path, files: Mapping[str, bytes]) -> Plan:
    """Everything that takes every install back: files as they were, or only lines of ours out where they changed since.

    Raises:
        MediaError: a file cannot be read. RequestError: a block of ours is damaged.
    """
    manifests = backup.load_all(resource)
    changes: list[Change] = []
    notes: list[str] = []
    for path, clean in ((startup.FILE, startup.remove), (kb.FILE, kb.remove)):
        now = _read(resource, path)
        then = backup.unwound(now, path, manifests)
        if then is not None:
            then = clean(then)
            if not then and _was_made(path, manifests):
                then = None
        changes.append(Change(path=path, before=None, after=then))
    known = {path for manifest in manifests for path in manifest.files if path not in _EDITED}
    ours = {f"{SCRIPTS}/{name}": data for name, data in files.items()} | {osc.FILE: osc.PATTERNS.encode()}
    for path in sorted(known | set(ours), reverse=True):
        now = _read(resource, path)
        then = backup.unwound(now, path, manifests)
        if now is not None and then == now:
            if now == ours.get(path):
                then = None
            elif any(manifest.files.get(path, ("", ""))[1] for manifest in manifests if manifest.action == "install"):
                notes.append(f"{path} was changed since it was installed, so it stays.")
        changes.append(Change(path=path, before=None, after=then))
    return Plan(changes=_real(resource, changes), notes=tuple(notes))


def listing(plan: Plan) -> Iterator[str]:
    """The plan as lines to read: files, and what changes in those that are not ours alone."""
    for change in plan.changes:
        if change.path in _EDITED:
            yield from _diff(change)
            continue
        what = "add" if change.before is None else ("remove" if change.after is None else "replace")
        yield f"{what:8}{change.path}"


def _diff(change: Change) -> Iterator[str]:
    old, new = (
        (data or b"").decode("ascii", "backslashreplace").splitlines() for data in (change.before, change.after)
    )
    names = ("(no file)" if data is None else change.path for data in (change.before, change.after))
    before, after = names
    yield from difflib.unified_diff(old, new, f"now: {before}", f"then: {after}", lineterm="", n=1)


def _real(resource: Path, changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes that change something, with what is there now."""
    now = [Change(path=change.path, before=_read(resource, change.path), after=change.after) for change in changes]
    return tuple(change for change in now if change.before != change.after)


def _read(resource: Path, path: str) -> bytes | None:
    try:
        return (resource / path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MediaError(
            f"{resource / path} cannot be read: {error.strerror or error}", hint="Make it readable or move it away"
        ) from error


def _inner_first(files: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """What the actions import before the actions."""
    return sorted(files.items(), key=lambda one: ("/" not in one[0], one[0]))


def _outdated(resource: Path, files: Mapping[str, bytes], manifests: Sequence[Manifest]) -> list[str]:
    """Files of an older version that no longer ship and that nobody changed."""
    current = {f"{SCRIPTS}/{name}" for name in files}
    found = set()
    for manifest in manifests:
        for path, (_, after) in manifest.files.items():
            mine = manifest.action == "install" and after and path.startswith(f"{SCRIPTS}/") and path not in current
            if mine and backup.digest(_read(resource, path)) == after:
                found.add(path)
    return sorted(found)


def _declined(data: bytes, manifests: Sequence[Manifest]) -> set[str]:
    """Actions that had a default key after the last install and have none now."""
    last = next(iter(manifests), None)
    if last is None or last.action != "install":
        return set()
    bound = kb.keys_of(data)
    return {file for file in last.keys if scripts.identity(file) not in bound}


def _was_made(path: str, manifests: Sequence[Manifest]) -> bool:
    """Whether the oldest install that touched the file found none."""
    touched = [one for one in manifests if one.action == "install" and path in one.files]
    return bool(touched) and not touched[-1].files[path][0]
