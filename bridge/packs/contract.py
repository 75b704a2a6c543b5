"""What a graph of a pack takes and gives: the roles, their tensors and the check against a real graph.

Convention: exporter and engine both read the names from here, so nothing is typed twice. An axis is a number or a
name. Axes in ``FREE_AXES`` stay free in every graph (any batch, any length); every other name is a size that each pack
fixes to a number. The same name means the same size throughout one graph.

A graph is known by its role, and wired by tensor name: what a denoiser takes beyond the noisy signal is a *source*
(noise level, onset track, embedding) or comes out of one of the pack's *preparing* graphs, each of which looks at one
source alone. So everything that does not depend on the noisy signal is computed once, and no pack needs a branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bridge.errors import PackError

Axis = str | int

ONSET = "onset"
TEXT = "text"
CLAP_TEXT = "clap_text"
CLAP_AUDIO = "clap_audio"
ONSET_ENCODER = "onset_encoder"
TIME_ENCODER = "time_encoder"
EMBEDDING_ENCODER = "embedding_encoder"
DENOISER = "denoiser"
DECODER = "decoder"

MOTION = "motion"
PICTURES = "pictures"
ACTIVATION = "activation"
STRENGTH = "strength"
TAGS = "tags"
TOKENS = "tokens"
ATTENTION_MASK = "attention_mask"
WAVEFORM = "waveform"
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
CLIP = "clip"
LEVELS = tuple(f"level_{depth}" for depth in range(8))
"""Lengths of the levels of a net that halves its signal again and again; each is ``frames`` over a whole number."""

FREE_AXES = frozenset({BATCH, TIME, FRAMES, SAMPLES, TOKENS, *LEVELS})
"""Axes that no graph may fix: the engine runs any batch and any length."""

FLOAT32 = "float32"
INT64 = "int64"
TYPES = frozenset({FLOAT32, "float16", INT64, "int32", "uint8", "bool"})
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


def _tensor(name: str, *axes: Axis, kind: str = FLOAT32) -> TensorSpec:
    return TensorSpec(name=name, type=kind, axes=axes)


SOURCES: Mapping[str, TensorSpec] = MappingProxyType(
    {
        SIGMA: _tensor(SIGMA, BATCH),
        ONSET_TRACK: _tensor(ONSET_TRACK, BATCH, 1, FRAMES),
        EMBEDDING: _tensor(EMBEDDING, BATCH, DIM),
    }
)
"""What the engine itself feeds a denoiser with, beside the noisy signal."""

PREPARING: Mapping[str, str] = MappingProxyType(
    {ONSET_ENCODER: ONSET_TRACK, TIME_ENCODER: SIGMA, EMBEDDING_ENCODER: EMBEDDING}
)
"""Roles whose graphs look at one source alone, and which; they may give any tensors."""

_EMBEDDED = (_tensor(EMBEDDING, BATCH, DIM),)
_ACTIVATED = (_tensor(ACTIVATION, BATCH, TIME),)
_STRONG = (*_ACTIVATED, _tensor(STRENGTH, BATCH, TIME))

MOTION_ONSET = GraphSpec(inputs=(_tensor(MOTION, BATCH, TIME, CHANNELS, ROWS, COLUMNS),), outputs=_ACTIVATED)
"""An onset graph that looks at a grid of motion."""

PICTURE_ONSET = GraphSpec(inputs=(_tensor(PICTURES, BATCH, TIME, 3, ROWS, COLUMNS),), outputs=_ACTIVATED)
"""An onset graph that looks at small pictures: red, green, blue in 0..1."""

MOTION_ONSET_STRENGTH = GraphSpec(inputs=MOTION_ONSET.inputs, outputs=_STRONG)
"""As ``MOTION_ONSET``; also how hard an onset at each step would be, 0..1, linear amplitude, 1 as hard as they come."""

PICTURE_ONSET_STRENGTH = GraphSpec(inputs=PICTURE_ONSET.inputs, outputs=_STRONG)
"""As ``PICTURE_ONSET``, with strength."""

ROLES: Mapping[str, tuple[GraphSpec, ...]] = MappingProxyType(
    {
        ONSET: (MOTION_ONSET, PICTURE_ONSET, MOTION_ONSET_STRENGTH, PICTURE_ONSET_STRENGTH),
        TEXT: (GraphSpec(inputs=(_tensor(TAGS, BATCH, VOCABULARY),), outputs=_EMBEDDED),),
        CLAP_TEXT: (
            GraphSpec(
                inputs=(
                    _tensor(TOKENS, BATCH, TOKENS, kind=INT64),
                    _tensor(ATTENTION_MASK, BATCH, TOKENS, kind=INT64),
                ),
                outputs=_EMBEDDED,
            ),
        ),
        CLAP_AUDIO: (GraphSpec(inputs=(_tensor(WAVEFORM, BATCH, CLIP),), outputs=_EMBEDDED),),
        DENOISER: (
            GraphSpec(
                inputs=(_tensor(NOISY, BATCH, CHANNELS, FRAMES), *SOURCES.values()),
                outputs=(_tensor(VELOCITY, BATCH, CHANNELS, FRAMES),),
            ),
        ),
        DECODER: (
            GraphSpec(inputs=(_tensor(LATENT, BATCH, CHANNELS, FRAMES),), outputs=(_tensor(AUDIO, BATCH, 1, SAMPLES),)),
        ),
    }
)
"""What each role takes and gives, whatever the pack; where there is a choice, the most usual first.

A denoiser may also leave sources out, and take tensors of preparing graphs; preparing roles are in ``PREPARING``."""


def role_spec(role: str) -> GraphSpec:
    """What a role takes and gives in any pack; where there is a choice, the most usual.

    Raises:
        PackError: no such role, or one whose tensors are the pack's own choice.
    """
    try:
        return ROLES[role][0]
    except KeyError:
        known = ", ".join(sorted(ROLES))
        raise PackError(
            f'there is no graph role "{role}"', hint=f"Known roles are {known}; update Foley Bridge"
        ) from None


def fitted_spec(role: str, spec: GraphSpec) -> GraphSpec:
    """What a role wants of a graph, given what the graph has: the choice that comes nearest to it.

    That is the choice whose inputs and outputs have the graph's names; else the first whose inputs do; else the usual.

    Raises:
        PackError: no such role.
    """
    if role in PREPARING:
        return GraphSpec(inputs=(SOURCES[PREPARING[role]],), outputs=spec.outputs)
    usual = role_spec(role)
    if role == DENOISER:
        further = tuple(SOURCES.get(tensor.name, tensor) for tensor in spec.inputs[1:])
        return GraphSpec(inputs=(usual.inputs[0], *further), outputs=usual.outputs)
    taken, given = _names(spec.inputs), _names(spec.outputs)
    near = [one for one in ROLES[role] if _names(one.inputs) == taken]
    return next((one for one in near if _names(one.outputs) == given), near[0] if near else usual)


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
    wanted = fitted_spec(role, spec)
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


def _names(tensors: Sequence[TensorSpec]) -> list[str]:
    return [tensor.name for tensor in tensors]


def _check_sides(wanted: GraphSpec, found: GraphSpec, *, where: str) -> None:
    _check_tensors(wanted.inputs, found.inputs, where=where, side="input")
    _check_tensors(wanted.outputs, found.outputs, where=where, side="output")


def _check_tensors(wanted: Sequence[TensorSpec], found: Sequence[TensorSpec], *, where: str, side: str) -> None:
    want_names, have_names = _names(wanted), _names(found)
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
