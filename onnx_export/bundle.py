"""Graphs and facts as a pack folder.

Convention: everything in ``pack.json`` comes from objects. Tensor names, types and axes are read from the graphs,
SHA-256 from the bytes, the rest from the ``Draft``. The folder is made beside its place under another name, opened
and verified with the same code as in the daemon, and only then moved; a pack that stood there is replaced, anything
else is not.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from bridge.engine.graph import Graph
from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import (
    MANIFEST_NAME,
    ONNX_SUFFIX,
    SCHEMA,
    GraphEntry,
    Licence,
    Manifest,
    TrainingData,
    What,
    When,
    check_inside,
)
from bridge.packs.store import PackFiles, Store
from onnx_export.convert import graph_spec


@dataclass(frozen=True, kw_only=True, eq=False)
class Draft:
    """A pack before it is written.

    Attributes:
        name, version, title, licence, training_data, when, what: as in the manifest.
        graphs: role to graph; ``<role>.onnx`` in the pack.
        files: further files by name in the pack.
    """

    name: str
    version: str
    title: str
    licence: Licence
    training_data: tuple[TrainingData, ...]
    graphs: Mapping[str, onnx.ModelProto]
    when: When | None = None
    what: What | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


def bundle(draft: Draft, folder: Path) -> PackFiles:
    """Writes a pack.

    Args:
        draft: what goes into it.
        folder: where it shall lie; its name must be the pack's.

    Returns:
        The pack as the daemon would open it.

    Raises:
        PackError: the parts do not fit together, the folder is taken by something else, or it cannot be written.
    """
    folder = Path(folder).resolve()
    if folder.name != draft.name:
        raise PackError(f'a pack named "{draft.name}" cannot lie in {folder}', hint=f"Call the folder {draft.name}")
    if folder.exists() and not (folder / MANIFEST_NAME).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise PackError(f"{folder} is there and is not a pack", hint="Choose another folder, or empty it yourself")
    contents = _contents(draft)
    manifest = _manifest(draft, contents)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{draft.name}.", suffix=".part", dir=folder.parent))
        try:
            part.chmod(0o755)
            for name, data in {**contents, MANIFEST_NAME: manifest.to_json().encode()}.items():
                path = part.joinpath(*name.split("/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            _prove(part)
            _swap(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise PackError(f"pack {folder} cannot be written ({error})", hint="Check folder and space") from error
    return Store(()).open_folder(folder)


def _contents(draft: Draft) -> dict[str, bytes]:
    contents = dict(draft.files)
    for role, model in draft.graphs.items():
        contents[role + ONNX_SUFFIX] = model.SerializeToString(deterministic=True)
    for name in contents:
        check_inside(name, key="files")
    return dict(sorted(contents.items()))


def _manifest(draft: Draft, contents: Mapping[str, bytes]) -> Manifest:
    entries: dict[str, GraphEntry] = {}
    for role, model in draft.graphs.items():
        spec = graph_spec(model)
        contract.sizes_of(role, spec, where=f'graph "{role}"')
        entries[role] = GraphEntry(file=role + ONNX_SUFFIX, inputs=spec.inputs, outputs=spec.outputs)
    return Manifest(
        schema=SCHEMA,
        name=draft.name,
        version=draft.version,
        title=draft.title,
        licence=draft.licence,
        training_data=draft.training_data,
        when=draft.when,
        what=draft.what,
        graphs=entries,
        files={name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
    )


def _prove(folder: Path) -> None:
    """Opens the pack and every graph in it as the daemon would."""
    files = Store(()).open_folder(folder, any_name=True)
    for role, entry in files.manifest.graphs.items():
        Graph(files.graph_path(role), spec=entry.spec, where=f'graph "{role}"', threads=1)


def _swap(part: Path, folder: Path) -> None:
    """Moves the finished pack into place; what stood there comes back if that fails."""
    if not folder.exists():
        os.rename(part, folder)
        return
    old = part.with_suffix(".old")
    os.rename(folder, old)
    try:
        os.rename(part, folder)
    except OSError:
        os.rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
