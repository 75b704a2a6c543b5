"""Graphs and facts as a pack folder.

Convention: everything in ``pack.json`` comes from objects. Tensor names, types and axes are read from the graphs,
SHA-256 from the bytes, the rest from the ``Facts``; a file ``cards/<role>.md`` is that graph's model card. The folder
is made beside its place under another name, graph by graph, so that a large pack is never whole in memory; it is
opened and verified with the same code as in the daemon, and only then moved. A pack that stood there is replaced,
anything else is not. ``origin.json`` beside ``pack.json`` records when and of what the pack was made.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import onnx

from bridge import __version__, durable
from bridge.engine.graph import Graph
from bridge.errors import PackError
from bridge.packs import contract, origin
from bridge.packs.manifest import (
    MANIFEST_NAME,
    ONNX_SUFFIX,
    SCHEMA,
    GraphEntry,
    Licence,
    Manifest,
    TrainingData,
    check_inside,
)
from bridge.packs.stages import What, When
from bridge.packs.store import PackFiles, Store
from onnx_export.convert import graph_spec

CARD = "cards/{role}.md"
"""Name of a graph's model card in the pack."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What a pack says of itself beside its graphs.

    Attributes:
        name, version, title, licence, training_data, when, what: as in the manifest.
        sources: what it was made from, for its record.
    """

    name: str
    version: str
    title: str
    licence: Licence
    training_data: tuple[TrainingData, ...]
    when: When | None = None
    what: What | None = None
    sources: tuple[origin.Source, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Draft(Facts):
    """A pack before it is written.

    Attributes:
        graphs: role to graph; ``<role>.onnx`` in the pack.
        files: further files by name in the pack.
    """

    graphs: Mapping[str, onnx.ModelProto]
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
    with PackWriter(folder, name=draft.name) as writer:
        for name, data in draft.files.items():
            writer.add_file(name, data)
        for role, model in draft.graphs.items():
            writer.add_graph(role, model)
        return writer.finish(draft)


class PackWriter:
    """A pack that is written piece by piece; leaving the block before ``finish`` leaves nothing behind.

    Args:
        folder: where it shall lie. name: the pack's, and the folder's.

    Raises:
        PackError: the folder has another name, or is taken by something else.
    """

    def __init__(self, folder: Path, *, name: str) -> None:
        self.folder = Path(folder).resolve()
        if self.folder.name != name:
            raise PackError(f'a pack named "{name}" cannot lie in {self.folder}', hint=f"Call the folder {name}")
        taken = self.folder.exists() and not (self.folder / MANIFEST_NAME).is_file()
        if taken and (self.folder.is_file() or any(self.folder.iterdir())):
            raise PackError(
                f"{self.folder} is there and is not a pack", hint="Choose another folder, or empty it yourself"
            )
        self._graphs: dict[str, GraphEntry] = {}
        self._files: dict[str, str] = {}
        self._part: Path

    def __enter__(self) -> PackWriter:
        with self._writing():
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._part = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}.", suffix=".part", dir=self.folder.parent))
            self._part.chmod(0o755)
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._part, ignore_errors=True)

    def add_file(self, name: str, data: bytes) -> None:
        """Writes a file of the pack.

        Raises:
            PackError: the name leads out of the pack or is there twice, or the disk is full.
        """
        check_inside(name, key="files")
        if name in self._files:
            raise PackError(f'the file "{name}" is in the pack twice', hint="Rename one")
        self._files[name] = hashlib.sha256(data).hexdigest()
        with self._writing():
            path = self._part.joinpath(*name.split("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            durable.write_new(path, data)

    def add_graph(self, role: str, model: onnx.ModelProto) -> None:
        """Writes a graph of the pack, as ``<role>.onnx``.

        Raises:
            PackError: it does not fit its role, is there already, or the disk is full.
        """
        spec = graph_spec(model)
        contract.sizes_of(role, spec, where=f'graph "{role}"')
        if role in self._graphs:
            raise PackError(f'there are two graphs "{role}"', hint="Remove one")
        name = role + ONNX_SUFFIX
        self._graphs[role] = GraphEntry(file=name, inputs=spec.inputs, outputs=spec.outputs)
        self.add_file(name, model.SerializeToString(deterministic=True))

    def finish(self, facts: Facts) -> PackFiles:
        """Writes the manifest, proves the pack and moves it to its place.

        Raises:
            PackError: the parts do not fit together, or it cannot be written.
        """
        manifest = Manifest(
            schema=SCHEMA,
            name=facts.name,
            version=facts.version,
            title=facts.title,
            licence=facts.licence,
            training_data=facts.training_data,
            when=facts.when,
            what=facts.what,
            graphs={role: replace(entry, card=self._card(role)) for role, entry in self._graphs.items()},
            files=dict(sorted(self._files.items())),
        )
        with self._writing():
            text = manifest.to_json().encode()
            durable.write_new(self._part / MANIFEST_NAME, text)
            made_by = f"foley-export {__version__}"
            origin.write(self._part, pack=hashlib.sha256(text).hexdigest(), by=made_by, sources=facts.sources)
            _prove(self._part)
            _swap(self._part, self.folder)
        return Store(()).open_folder(self.folder)

    def _card(self, role: str) -> str:
        name = CARD.format(role=role)
        return name if name in self._files else ""

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PackError(f"pack {self.folder} cannot be written ({error})", hint="Check folder and space") from error


def _prove(folder: Path) -> None:
    """Opens the pack and every graph in it as the daemon would."""
    files = Store(()).open_folder(folder, any_name=True)
    for role, entry in files.manifest.graphs.items():
        Graph(files.graph_path(role), spec=entry.spec, where=f'graph "{role}"', threads=1)


def _swap(part: Path, folder: Path) -> None:
    """Moves the finished pack into place; what stood there comes back if that fails."""
    for inner, _, _ in os.walk(part):
        durable.sync_folder(inner)
    if not folder.exists():
        os.rename(part, folder)
        durable.sync_folder(folder.parent)
        return
    old = part.with_suffix(".old")
    os.rename(folder, old)
    try:
        os.rename(part, folder)
    except OSError:
        os.rename(old, folder)
        raise
    durable.sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
