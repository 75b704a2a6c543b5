"""Packs on disk: where they lie, and proof that one is whole before it is used.

Convention: a pack is a folder whose name is the pack's name. Folders are searched in order (extra, the user's,
shipped); the first one that has the name wins. ``open`` reads every byte of every listed file and compares SHA-256, so
that nothing half-copied reaches the engine; what was verified is remembered in memory only, by size and time of change.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_dir

from bridge.errors import PackError
from bridge.packs import onnx_file
from bridge.packs.manifest import MANIFEST_NAME, ONNX_SUFFIX, Manifest, check_inside, parse

SHIPPED_FOLDER = Path(__file__).resolve().parent
STARTER = "starter"
"""The pack that comes with the program."""

KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "pkg.onnxscript.torch_lib.common"})
"""Operator domains that ONNX Runtime brings itself; others would need code from the pack."""

REFUSED_OPERATORS = frozenset({"EPContext", "PyOp", "PythonOp", "PythonOpGrad", "ATen"})
"""Operators of ONNX Runtime's own that hand work to something outside the graph: a compiled blob, which may lie in a
file that no walk over the graph sees, or Python."""

_MAX_MANIFEST_BYTES = 4 * 1024 * 1024
_AGAIN = "Get the pack again, or export it again with foley-export"


def user_folder() -> Path:
    """Where a user's own packs lie; it may not exist."""
    return Path(user_data_dir("foley-bridge", appauthor=False)) / "packs"


@dataclass(frozen=True, kw_only=True)
class PackFiles:
    """A verified pack on disk.

    Attributes:
        folder: absolute. manifest: what its ``pack.json`` says.
        digest: SHA-256 of ``pack.json``; it covers every file's own, so it names the pack's exact content.
    """

    folder: Path
    manifest: Manifest
    digest: str

    def path(self, name: str) -> Path:
        """Absolute path of a file that the manifest lists.

        Raises:
            PackError: it lists no such file.
        """
        if name not in self.manifest.files:
            raise PackError(f'pack "{self.manifest.name}" has no file "{name}"', hint=_AGAIN)
        return self.folder.joinpath(*name.split("/"))

    def graph_path(self, role: str) -> Path:
        """Absolute path of the graph that plays a role."""
        return self.path(self.manifest.entry(role).file)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A pack that was seen, not yet verified.

    Attributes:
        name: the folder's name. folder: where. manifest: None if it cannot be read. problem: why not, else "".
    """

    name: str
    folder: Path
    manifest: Manifest | None
    problem: str = ""


class Store:
    """Every pack that can be reached from some folders.

    Args:
        folders: each holds pack folders; searched in this order; a missing one is passed over.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(Path(folder) for folder in folders)
        self._verified: dict[Path, tuple[int, int, str]] = {}
        self._lock = threading.Lock()

    @classmethod
    def default(cls, extra: Sequence[Path] = ()) -> Store:
        """The extra folders, then the user's, then what came with the program."""
        return cls((*extra, user_folder(), SHIPPED_FOLDER))

    def list(self) -> tuple[Listing, ...]:
        """Every pack by name; a damaged manifest is listed with its problem. Reads manifests only."""
        seen: dict[str, Listing] = {}
        for parent in self.folders:
            for folder in _pack_folders(parent):
                if folder.name not in seen:
                    seen[folder.name] = _look(folder)
        return tuple(seen[name] for name in sorted(seen))

    def open(self, name: str) -> PackFiles:
        """A pack, verified whole.

        Raises:
            PackError: there is none of that name, or it is damaged; the message names what is wrong.
        """
        for parent in self.folders:
            for folder in _pack_folders(parent):
                if folder.name == name:
                    return self.open_folder(folder)
        there = ", ".join(listing.name for listing in self.list()) or "none"
        raise PackError(
            f'there is no pack "{name}" (found: {there})',
            hint=f"Choose one of these, put it into {user_folder()}, or see whether 'foley-bridge packs pull' has it",
        )

    def open_folder(self, folder: Path, *, any_name: bool = False) -> PackFiles:
        """The pack in one folder, verified whole.

        Args:
            folder: holds ``pack.json``.
            any_name: the folder may be called differently from the pack.

        Raises:
            PackError: it is damaged; the message names what is wrong.
        """
        folder = Path(folder).resolve()
        manifest, digest = _read_manifest(folder)
        if not any_name and manifest.name != folder.name:
            raise PackError(
                f'folder "{folder}" holds the pack "{manifest.name}"', hint=f'Rename the folder to "{manifest.name}"'
            )
        for name, expected in manifest.files.items():
            self._verify(folder, manifest, name, expected)
        _refuse_unlisted_graphs(folder, manifest)
        return PackFiles(folder=folder, manifest=manifest, digest=digest)

    def _verify(self, folder: Path, manifest: Manifest, name: str, expected: str) -> None:
        what = f'pack "{manifest.name}"'
        try:
            path = folder.joinpath(*name.split("/"))
            real = path.resolve(strict=True)
            if not real.is_relative_to(folder):
                raise PackError(f'{what}: file "{name}" leads out of the pack, to {real}', hint=_AGAIN)
            if not real.is_file():
                raise PackError(f'{what}: "{name}" is not a file', hint=_AGAIN)
            state = real.stat()
            known = (state.st_size, state.st_mtime_ns, expected)
            with self._lock:
                if self._verified.get(real) == known:
                    return
            if _sha256(real) != expected:
                raise PackError(
                    f'{what}: file "{name}" is damaged (its SHA-256 is not the one in {MANIFEST_NAME})', hint=_AGAIN
                )
            if name.lower().endswith(ONNX_SUFFIX):
                _check_onnx(real, name, manifest, what=what)
        except FileNotFoundError as error:
            raise PackError(f'{what}: file "{name}" is missing from {folder}', hint=_AGAIN) from error
        except (OSError, ValueError, RuntimeError) as error:
            raise PackError(f'{what}: file "{name}" cannot be read ({error})', hint=_AGAIN) from error
        with self._lock:
            self._verified[real] = known


def _check_onnx(path: Path, name: str, manifest: Manifest, *, what: str) -> None:
    """Refuses tensor data that is not in the pack, and operators that need foreign code."""
    try:
        needs = onnx_file.inspect(path)
    except PackError as error:
        raise PackError(f"{what}: {error.message}", hint=error.hint) from error
    parent = name.rpartition("/")[0]
    for location in sorted(needs.external):
        inside = f"{parent}/{location}" if parent else location
        try:
            check_inside(inside, key=name)
        except PackError as error:
            raise PackError(f'{what}: graph "{name}" takes data from outside, "{location}"', hint=_AGAIN) from error
        if inside not in manifest.files:
            raise PackError(
                f'{what}: graph "{name}" takes data from "{location}", which {MANIFEST_NAME} does not list', hint=_AGAIN
            )
    for domain in sorted(needs.domains - KNOWN_DOMAINS):
        raise PackError(f'{what}: graph "{name}" needs foreign operators ("{domain}")', hint=_AGAIN)
    for operator in sorted(needs.operators & REFUSED_OPERATORS):
        raise PackError(f'{what}: graph "{name}" holds "{operator}", which runs what is no graph', hint=_AGAIN)


def _refuse_unlisted_graphs(folder: Path, manifest: Manifest) -> None:
    for parent, _, names in os.walk(folder):
        for file in sorted(names):
            name = (Path(parent) / file).relative_to(folder).as_posix()
            if name.lower().endswith(ONNX_SUFFIX) and name not in manifest.files:
                raise PackError(
                    f'pack "{manifest.name}": "{name}" lies in the pack but {MANIFEST_NAME} does not list it',
                    hint=f"Remove {folder / name}, or get the pack again",
                )


def _pack_folders(parent: Path) -> list[Path]:
    try:
        folders = sorted(folder for folder in parent.iterdir() if not folder.name.startswith("."))
        return [folder for folder in folders if (folder / MANIFEST_NAME).is_file()]
    except OSError:
        return []


def _look(folder: Path) -> Listing:
    try:
        return Listing(name=folder.name, folder=folder, manifest=_read_manifest(folder)[0])
    except PackError as error:
        return Listing(name=folder.name, folder=folder, manifest=None, problem=error.sentence)


def _read_manifest(folder: Path) -> tuple[Manifest, str]:
    path = folder / MANIFEST_NAME
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()):
            raise PackError(f"{path} leads out of the pack", hint=_AGAIN)
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise PackError(f"{path} is too large to be a manifest", hint=_AGAIN)
        data = path.read_bytes()
        text = data.decode("utf-8")
    except FileNotFoundError as error:
        raise PackError(f"there is no {MANIFEST_NAME} in {folder}", hint=_AGAIN) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise PackError(f"{path} cannot be read ({error})", hint=_AGAIN) from error
    return parse(text, where=str(path)), hashlib.sha256(data).hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()
