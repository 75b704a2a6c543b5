"""What ``pack.json`` says, schema 1, as frozen dataclasses.

Convention: field names are the JSON keys (see ``strict``); the exporter fills these objects, ``to_json`` writes them
and ``parse`` reads them back; equal objects give equal text. File names are relative, with forward slashes, inside the
pack. Everything that can be wrong without looking at the files is refused here; ``store`` looks at the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from bridge.errors import PackError
from bridge.packs import contract, strict
from bridge.packs.contract import GraphSpec, TensorSpec
from bridge.packs.stages import What, When

SCHEMA = 1
MANIFEST_NAME = "pack.json"
ONNX_SUFFIX = ".onnx"

CommercialUse = Literal["yes", "no", "unknown"]

_HINT = "Get the pack again, or export it again with foley-export"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Licence:
    """What may be done with the pack. ``notice`` is the text that goes with it."""

    name: str
    commercial_use: CommercialUse
    notice: str


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """One body of data that the graphs were trained on."""

    name: str
    licence: str
    commercial_use: CommercialUse


@dataclass(frozen=True, kw_only=True)
class GraphEntry:
    """One graph of the pack.

    Attributes:
        file: its name in the pack. inputs, outputs: its tensors, in order.
        card: name of a file in the pack, Markdown, that tells what the graph was trained on, how well it does and where
            it fails; "" without one.
    """

    file: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    card: str = ""

    @property
    def spec(self) -> GraphSpec:
        """Inputs and outputs without the file."""
        return GraphSpec(inputs=self.inputs, outputs=self.outputs)

    def to_wire(self) -> dict[str, Any]:
        """As the module says, but for an empty ``card``: programs from before there were cards do not know that key."""
        written = {name: strict.encode(value) for name, value in vars(self).items()}
        return written if self.card else {name: value for name, value in written.items() if name != "card"}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The whole of ``pack.json``.

    Attributes:
        schema: always ``SCHEMA``.
        name: the pack's name and its folder's. version: its own. title: for people.
        licence, training_data: shown to the designer and written into every render.
        when, what: the stages that the pack has; at least one.
        graphs: role to graph. files: every file but ``pack.json`` to its SHA-256, lower-case hex.
    """

    schema: int
    name: str
    version: str
    title: str
    licence: Licence
    training_data: tuple[TrainingData, ...]
    when: When | None
    what: What | None
    graphs: Mapping[str, GraphEntry]
    files: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise PackError(f'key "schema" must be {SCHEMA}, not {self.schema}', hint=_HINT)
        if not _NAME.fullmatch(self.name):
            raise PackError(f'key "name" must be lower-case letters, digits, - and _, not "{self.name}"', hint=_HINT)
        for key in ("version", "title"):
            if not getattr(self, key).strip():
                raise PackError(f'key "{key}" is empty', hint=_HINT)
        self._check_files()
        self._check_graphs()

    def require_when(self) -> When:
        """The *when* stage.

        Raises:
            PackError: this pack has none.
        """
        if self.when is None:
            raise PackError(f'pack "{self.name}" cannot find onsets', hint="Choose a pack that has a when stage")
        return self.when

    def require_what(self) -> What:
        """The *what* stage.

        Raises:
            PackError: this pack has none.
        """
        if self.what is None:
            raise PackError(
                f'pack "{self.name}" cannot make sound',
                hint="Choose another with --pack, and let this one find the onsets as onset_pack",
            )
        return self.what

    def entry(self, role: str) -> GraphEntry:
        """The graph that plays a role.

        Raises:
            PackError: this pack has none.
        """
        if role not in self.graphs:
            raise PackError(f'pack "{self.name}" has no "{role}" graph', hint="Choose a pack that has it")
        return self.graphs[role]

    def sizes(self, role: str) -> dict[str, int]:
        """Sizes that the pack fixes for a role's graph, by axis name."""
        return contract.sizes_of(role, self.entry(role).spec, where=f'graph "{role}"')

    def to_json(self) -> str:
        """The text of ``pack.json``, ending in a newline."""
        return json.dumps(strict.encode(self), indent=2, ensure_ascii=False) + "\n"

    def _check_files(self) -> None:
        for name, digest in self.files.items():
            check_inside(name, key="files")
            if name == MANIFEST_NAME:
                raise PackError(f'key "files" must not list {MANIFEST_NAME}', hint=_HINT)
            if not _SHA256.fullmatch(digest):
                raise PackError(f'key "files.{name}" must be a SHA-256 in lower-case hex, not "{digest}"', hint=_HINT)
        named = {f"graphs.{role}.file": entry.file for role, entry in self.graphs.items()}
        named |= {f"graphs.{role}.card": entry.card for role, entry in self.graphs.items() if entry.card}
        for name in ("vocabulary", "tokenizer", "null_embedding"):
            if getattr(self.what, name, ""):
                named[f"what.{name}"] = getattr(self.what, name)
        for key, name in named.items():
            check_inside(name, key=key)
            if name not in self.files:
                raise PackError(f'key "{key}" names "{name}", which "files" does not list', hint=_HINT)

    def _check_graphs(self) -> None:
        if self.when is None and self.what is None:
            raise PackError('keys "when" and "what" are both null: the pack does nothing', hint=_HINT)
        if self.when is not None:
            self._need(contract.ONSET)
        sizes = {role: self.sizes(role) for role in self.graphs}
        if self.what is not None:
            self._check_what(self.what)
            for role in self.graphs:
                if contract.CHANNELS in sizes[role] and role != contract.ONSET:
                    _agree("what.latent_channels", self.what.latent_channels, role, sizes[role], contract.CHANNELS)
                if contract.DIM in sizes[role]:
                    _agree("what.embedding_dim", self.what.embedding_dim, role, sizes[role], contract.DIM)

    def _check_what(self, what: What) -> None:
        """The graphs and files that make sound are all there and fit together."""
        self._need(contract.DENOISER)
        if (what.hop_samples, what.latent_channels) != (1, 1):
            self._need(contract.DECODER)
        meanings = (contract.TEXT, contract.CLAP_TEXT, contract.CLAP_AUDIO)
        if not any(role in self.graphs for role in meanings):
            raise PackError(f"none of the keys {', '.join(f'graphs.{role}' for role in meanings)} is there", hint=_HINT)
        files = {contract.TEXT: "vocabulary", contract.CLAP_TEXT: "tokenizer"}
        for role, name in files.items():
            if (role in self.graphs) != bool(getattr(what, name)):
                raise PackError(f'key "what.{name}" and graph "{role}" must both be there or neither', hint=_HINT)
        if contract.TEXT not in self.graphs and not what.null_embedding:
            raise PackError('key "what.null_embedding" is missing', hint=_HINT)
        prepared = {
            tensor.name: tensor
            for role in contract.PREPARING
            if role in self.graphs
            for tensor in self.graphs[role].outputs
        }
        for tensor in self.graphs[contract.DENOISER].inputs[1:]:
            if tensor.name not in contract.SOURCES and prepared.get(tensor.name) != tensor:
                there = (
                    f"is {prepared[tensor.name]}" if tensor.name in prepared else "comes out of no graph of the pack"
                )
                raise PackError(f'graph "{contract.DENOISER}" takes {tensor}, which {there}', hint=_HINT)

    def _need(self, role: str) -> None:
        if role not in self.graphs:
            raise PackError(f'key "graphs.{role}" is missing', hint=_HINT)


def parse(text: str, *, where: str) -> Manifest:
    """Reads the text of ``pack.json``.

    Args:
        text: the file's content.
        where: names the file in errors.

    Raises:
        PackError: naming the key and what is wrong with it, or a newer schema.
    """
    data = strict.loads(text, where=where)
    schema = data.get("schema")
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        raise PackError(
            f"{where} was made for a newer version (schema {schema}; this version reads {SCHEMA})",
            hint="Update Foley Bridge, or use an older version of the pack",
        )
    return strict.decode(Manifest, data, where=where)


def check_inside(name: str, *, key: str) -> None:
    """Refuses a file name that could lead out of the pack, on any operating system.

    Raises:
        PackError: absolute, with a drive or a backslash, or with a part that is empty, "." or "..".
    """
    parts = name.split("/")
    if (
        not name
        or any(character in name for character in '\\:*?"<>|\0')
        or any(part in ("", ".", "..") for part in parts)
        or PurePosixPath(name).is_absolute()
    ):
        raise PackError(f'key "{key}" names "{name}", which is not a plain path inside the pack', hint=_HINT)


def _agree(key: str, value: int, role: str, sizes: dict[str, int], axis: str) -> None:
    if sizes[axis] != value:
        raise PackError(f'key "{key}" is {value}, but "{axis}" of graph "{role}" is {sizes[axis]}', hint=_HINT)
