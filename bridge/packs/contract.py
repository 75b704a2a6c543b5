"""What a graph of a pack takes and gives: the roles, their tensors and the check against a real graph.

Convention: exporter and engine both read the names from here, so nothing is typed twice. An axis is a number or a
name. Axes in ``FREE_AXES`` stay free in every graph (any batch, any length); every other name is a size that each pack
fixes to a number. The same name means the same size throughout one graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bridge.errors import PackError

Axis = str | int

ONSET = "onset"
TEXT = "text"
DENOISER = "denoiser"
DECODER = "decoder"

MOTION = "motion"
ACTIVATION = "activation"
TAGS = "tags"
EMBEDDING = "embedding"
NOISY = "noisy"
SIGMA = "sigma"
ONSET_TRACK = "onset_track"
VELOCITY = "velocity"
LATENT = "latent"
AUDIO = "audio"

BATCH = "batch"
TIME = "time"
FRAMES = "frames"
SAMPLES = "samples"
CHANNELS = "channels"
ROWS = "rows"
COLUMNS = "columns"
VOCABULARY = "vocabulary"
DIM = "dim"

FREE_AXES = frozenset({BATCH, TIME, FRAMES, SAMPLES})
"""Axes that no graph may fix: the engine runs any batch and any length."""

FLOAT32 = "float32"
TYPES = frozenset({FLOAT32, "float16", "int64", "int32", "uint8", "bool"})
"""Element types a pack may name, in numpy's words."""

_HINT = "The pack does not fit this version; get it again, or export it again with foley-export"


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """One tensor of a graph.

    Attributes:
        name: the graph's own name for it.
        type: element type in numpy's words, one of ``TYPES``.
        axes: outermost first; a number is fixed, a name is free or a size (see the module's convention).
    """

    name: str
    type: str
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        if not self.name:
            raise PackError("a tensor has no name", hint=_HINT)
        if self.type not in TYPES:
            raise PackError(f'tensor "{self.name}" has the unknown type "{self.type}"', hint=_HINT)
        for axis in self.axes:
            if (isinstance(axis, int) and axis < 1) or axis == "":
                raise PackError(f'tensor "{self.name}" has an axis that is {axis!r}', hint=_HINT)

    def __str__(self) -> str:
        return f"{self.name} {self.type} [{', '.join(str(axis) for axis in self.axes)}]"


@dataclass(frozen=True, kw_only=True)
class GraphSpec:
    """Inputs and outputs of a graph, in order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def tensor(self, name: str) -> TensorSpec:
        """The input or output of that name.

        Raises:
            PackError: there is none.
        """
        for spec in (*self.inputs, *self.outputs):
            if spec.name == name:
                return spec
        raise PackError(f'the graph has no tensor "{name}"', hint=_HINT)


def _tensor(name: str, *axes: Axis) -> TensorSpec:
    return TensorSpec(name=name, type=FLOAT32, axes=axes)


ROLES: Mapping[str, GraphSpec] = MappingProxyType(
    {
        ONSET: GraphSpec(
            inputs=(_tensor(MOTION, BATCH, TIME, CHANNELS, ROWS, COLUMNS),),
            outputs=(_tensor(ACTIVATION, BATCH, TIME),),
        ),
        TEXT: GraphSpec(
            inputs=(_tensor(TAGS, BATCH, VOCABULARY),),
            outputs=(_tensor(EMBEDDING, BATCH, DIM),),
        ),
        DENOISER: GraphSpec(
            inputs=(
                _tensor(NOISY, BATCH, CHANNELS, FRAMES),
                _tensor(SIGMA, BATCH),
                _tensor(ONSET_TRACK, BATCH, 1, FRAMES),
                _tensor(EMBEDDING, BATCH, DIM),
            ),
            outputs=(_tensor(VELOCITY, BATCH, CHANNELS, FRAMES),),
        ),
        DECODER: GraphSpec(
            inputs=(_tensor(LATENT, BATCH, CHANNELS, FRAMES),),
            outputs=(_tensor(AUDIO, BATCH, 1, SAMPLES),),
        ),
    }
)
"""What each role takes and gives, whatever the pack."""


def role_spec(role: str) -> GraphSpec:
    """What a role takes and gives in any pack.

    Raises:
        PackError: no such role.
    """
    try:
        return ROLES[role]
    except KeyError:
        raise PackError(
            f'there is no graph role "{role}"', hint=f"Known roles are {', '.join(sorted(ROLES))}; update Foley Bridge"
        ) from None


def sizes_of(role: str, spec: GraphSpec, *, where: str) -> dict[str, int]:
    """The sizes that a pack's graph fixes for its role, by axis name.

    Args:
        role: the role that the graph plays.
        spec: the graph as the pack describes it.
        where: names pack and graph in the error.

    Returns:
        Axis name to number, e.g. ``{"channels": 128, "dim": 64}``.

    Raises:
        PackError: the graph does not fit its role; the message names the first mismatch.
    """
    wanted = role_spec(role)
    _check_sides(wanted, spec, where=where)
    sizes: dict[str, int] = {}
    for want, found in zip((*wanted.inputs, *wanted.outputs), (*spec.inputs, *spec.outputs), strict=True):
        for position, (need, have) in enumerate(zip(want.axes, found.axes, strict=True)):
            place = f'{where}: axis {position} of "{want.name}"'
            if isinstance(need, int) or need in FREE_AXES:
                if have != need:
                    raise PackError(f"{place} must be {need!r}, not {have!r}", hint=_HINT)
            elif not isinstance(have, int):
                raise PackError(f"{place} ({need}) must be a number, not {have!r}", hint=_HINT)
            elif sizes.setdefault(need, have) != have:
                raise PackError(f"{place} ({need}) is {have}, elsewhere in the graph {sizes[need]}", hint=_HINT)
    return sizes


def check_real(spec: GraphSpec, real: GraphSpec, *, where: str) -> None:
    """Holds a real graph's inputs and outputs against what its pack says of it.

    A number must be that number; a name must be free in the real graph (its own name for the axis does not matter).

    Args:
        spec: what the pack says.
        real: what the graph has; free axes carry any name.
        where: names pack and graph in the error.

    Raises:
        PackError: naming the first mismatch.
    """
    _check_sides(spec, real, where=where)
    for want, found in zip((*spec.inputs, *spec.outputs), (*real.inputs, *real.outputs), strict=True):
        for position, (need, have) in enumerate(zip(want.axes, found.axes, strict=True)):
            place = f'{where}: axis {position} of "{want.name}"'
            if isinstance(need, int):
                if have != need:
                    raise PackError(f"{place} is {have!r} in the graph but {need} in pack.json", hint=_HINT)
            elif isinstance(have, int):
                raise PackError(f"{place} ({need}) must be free, but the graph fixes it to {have}", hint=_HINT)


def _check_sides(wanted: GraphSpec, found: GraphSpec, *, where: str) -> None:
    _check_tensors(wanted.inputs, found.inputs, where=where, side="input")
    _check_tensors(wanted.outputs, found.outputs, where=where, side="output")


def _check_tensors(wanted: Sequence[TensorSpec], found: Sequence[TensorSpec], *, where: str, side: str) -> None:
    want_names = [tensor.name for tensor in wanted]
    have_names = [tensor.name for tensor in found]
    if want_names != have_names:
        raise PackError(
            f"{where}: {side}s must be {', '.join(want_names)}, not {', '.join(have_names) or 'none'}", hint=_HINT
        )
    for want, have in zip(wanted, found, strict=True):
        if want.type != have.type:
            raise PackError(f'{where}: {side} "{want.name}" must be {want.type}, not {have.type}', hint=_HINT)
        if len(want.axes) != len(have.axes):
            raise PackError(
                f'{where}: {side} "{want.name}" must have {len(want.axes)} axes, not {len(have.axes)}', hint=_HINT
            )
