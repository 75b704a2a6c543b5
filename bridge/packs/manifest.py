"""What ``pack.json`` says, schema 1, as frozen dataclasses.

Convention: field names are the JSON keys (see ``strict``); the exporter fills these objects, ``to_json`` writes them
and ``parse`` reads them back; equal objects give equal text. File names are relative, with forward slashes, inside the
pack. Everything that can be wrong without looking at the files is refused here; ``store`` looks at the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Literal

from bridge.errors import PackError
from bridge.packs import contract, strict
from bridge.packs.contract import GraphSpec, TensorSpec

SCHEMA = 1
MANIFEST_NAME = "pack.json"
ONNX_SUFFIX = ".onnx"
MAX_STEPS = 1000
MAX_GUIDANCE = 20.0
MAX_LATENCY_S = 1.0

CommercialUse = Literal["yes", "no", "unknown"]

_HINT = "Get the pack again, or export it again with foley-export"
_LATER = {"noise_low": 0.0, "noise_high": 0.0, "guided_from": 0.0, "likeness": 0.0}
"""Keys that came after the first version, as they are where a pack does not give them."""
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
class Frontend:
    """What the *when* graph looks at. On disk the numbers stand beside ``kind``, in one flat object.

    Attributes:
        kind: which front end, e.g. "motion_grid"; the engine knows it or refuses.
        numbers: its settings, finite.
    """

    kind: str
    numbers: Mapping[str, float | int] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_wire(cls, value: Any, *, where: str = "the front end", key: str = "frontend") -> Frontend:
        """Reads the flat object."""
        if not isinstance(value, dict):
            raise strict.wrong(where, key, "an object", value)
        if "kind" not in value:
            raise PackError(f'{where}: key "{key}.kind" is missing', hint=_HINT)
        if not isinstance(value["kind"], str):
            raise strict.wrong(where, f"{key}.kind", "text", value["kind"])
        rest = {name: item for name, item in value.items() if name != "kind"}
        numbers = {name: strict.number(item, where=where, key=f"{key}.{name}") for name, item in rest.items()}
        return cls(kind=value["kind"], numbers=numbers)

    def to_wire(self) -> dict[str, Any]:
        """Writes the flat object."""
        return {"kind": self.kind, **self.numbers}


@dataclass(frozen=True, kw_only=True)
class When:
    """How the engine runs the ``onset`` graph.

    Attributes:
        frontend: what the graph looks at.
        rate_hz: steps per second of picture.
        window_steps, overlap_steps: long clips run in windows of this length with this overlap.
        threshold: activation 0..1 from which a peak is an onset.
        min_distance_s: closest onsets.
        latency_s: what to subtract from the time of an activation step.
    """

    frontend: Frontend
    rate_hz: float
    window_steps: int
    overlap_steps: int
    threshold: float
    min_distance_s: float
    latency_s: float

    def __post_init__(self) -> None:
        _positive("rate_hz", self.rate_hz)
        _windows("window_steps", self.window_steps, "overlap_steps", self.overlap_steps)
        if not 0.0 <= self.threshold <= 1.0:
            raise PackError(f"threshold must lie in 0..1, not {self.threshold}", hint=_HINT)
        if abs(self.latency_s) > MAX_LATENCY_S:
            raise PackError(f"latency_s must lie within {MAX_LATENCY_S:g}, not {self.latency_s}", hint=_HINT)
        if self.min_distance_s < 0:
            raise PackError(f"min_distance_s must not be negative, not {self.min_distance_s}", hint=_HINT)


@dataclass(frozen=True, kw_only=True)
class What:
    """How the engine runs the graphs that make sound.

    Attributes:
        rate_hz: sampling rate of the sound, and of what a ``clap_audio`` graph hears.
        hop_samples: samples per latent frame. latent_channels: values per frame. embedding_dim: values per prompt.
        window_frames, overlap_frames: long sounds run in windows of this length with this overlap.
        steps, guidance, sampler: defaults; the sampler is one that the engine knows.
        vocabulary: name of the file that holds the words of a ``text`` graph; "" without one.
        tokenizer: name of the file that tells how a ``clap_text`` graph's tokens are made; "" without one.
        null_embedding: name of a ``.npy`` file, float32 (1, embedding_dim): what stands for no prompt in guidance;
            "" takes what the ``text`` graph makes of no words.
        windows: "local" if an answer depends on its neighbourhood alone, so that any stretch can be made by itself;
            "whole" if it depends on all of the window, which then always has its full length; "onset" if it makes one
            contact, so that every onset has a window of its own, again of full length.
        align_frames: every window begins and ends on a multiple of this.
        guidance_batched: whether the prompted and the unprompted answer come out of one call of the denoiser.
        noise_low, noise_high: least and greatest ratio of noise to signal at which the denoiser is asked; 0 and 0:
            everything, in equal steps of the noise level.
        guided_from: noise level, 0..1, below which nothing is guided; guidance doubles the work (Kynkaanniemi et al.
            2024, "Applying guidance in a limited interval improves sample and distribution quality").
        likeness: 0..1, share of its noise that all onsets of a render have, where each has a window of its own.
    """

    rate_hz: int
    hop_samples: int
    latent_channels: int
    window_frames: int
    overlap_frames: int
    embedding_dim: int
    steps: int
    guidance: float
    sampler: str
    vocabulary: str = ""
    tokenizer: str = ""
    null_embedding: str = ""
    windows: Literal["local", "whole", "onset"] = "local"
    align_frames: int = 16
    guidance_batched: bool = True
    noise_low: float = 0.0
    noise_high: float = 0.0
    guided_from: float = 0.0
    likeness: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rate_hz", "hop_samples", "latent_channels", "embedding_dim", "steps", "align_frames"):
            _positive(name, getattr(self, name))
        _windows("window_frames", self.window_frames, "overlap_frames", self.overlap_frames)
        for name in ("window_frames", "overlap_frames"):
            if self.windows != "local" and getattr(self, name) % self.align_frames:
                raise PackError(
                    f"{name} must be a multiple of align_frames, {self.align_frames}, not {getattr(self, name)}",
                    hint=_HINT,
                )
        noise = (self.noise_low, self.noise_high)
        if noise != (0.0, 0.0) and not 0.0 < self.noise_low < self.noise_high:
            raise PackError(f"noise_low and noise_high must be ascending ratios, not {noise}", hint=_HINT)
        for name in ("guided_from", "likeness"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise PackError(f"{name} must lie in 0..1, not {getattr(self, name)}", hint=_HINT)
        if self.steps > MAX_STEPS:
            raise PackError(f"steps must lie in 1..{MAX_STEPS}, not {self.steps}", hint=_HINT)
        if not 0.0 <= self.guidance <= MAX_GUIDANCE:
            raise PackError(f"guidance must lie in 0..{MAX_GUIDANCE:g}, not {self.guidance}", hint=_HINT)

    @property
    def noise_range(self) -> tuple[float, float] | None:
        """As ``bridge.engine.samplers.angles`` wants it."""
        return (self.noise_low, self.noise_high) if self.noise_high else None

    def to_wire(self) -> dict[str, Any]:
        """As the module says, but for keys that older programs do not know and that say nothing new."""
        written = {name: strict.encode(value) for name, value in vars(self).items()}
        return {name: value for name, value in written.items() if name not in _LATER or value != _LATER[name]}


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


def _positive(key: str, value: float) -> None:
    if value <= 0:
        raise PackError(f"{key} must be above 0, not {value}", hint=_HINT)


def _windows(window: str, window_value: int, overlap: str, overlap_value: int) -> None:
    _positive(window, window_value)
    if not 0 <= overlap_value < window_value:
        raise PackError(f"{overlap} must lie in 0..{window} - 1, not {overlap_value}", hint=_HINT)


def _agree(key: str, value: int, role: str, sizes: dict[str, int], axis: str) -> None:
    if sizes[axis] != value:
        raise PackError(f'key "{key}" is {value}, but "{axis}" of graph "{role}" is {sizes[axis]}', hint=_HINT)
