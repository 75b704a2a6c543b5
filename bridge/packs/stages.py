"""The two stages in ``pack.json``: how the engine runs the graph that finds onsets, and those that make sound.

Convention: see ``manifest``, whose parts these are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from bridge.errors import PackError
from bridge.packs import strict

MAX_STEPS = 1000
MAX_GUIDANCE = 20.0
MAX_LATENCY_S = 1.0

_HINT = "Get the pack again, or export it again with foley-export"
_LATER = {"noise_low": 0.0, "noise_high": 0.0, "likeness": 0.0}
"""Keys that came after the first version, as they are where a pack does not give them."""


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
        if not 0.0 <= self.likeness <= 1.0:
            raise PackError(f"likeness must lie in 0..1, not {self.likeness}", hint=_HINT)
        if self.steps > MAX_STEPS:
            raise PackError(f"steps must lie in 1..{MAX_STEPS}, not {self.steps}", hint=_HINT)
        if not 0.0 <= self.guidance <= MAX_GUIDANCE:
            raise PackError(f"guidance must lie in 0..{MAX_GUIDANCE:g}, not {self.guidance}", hint=_HINT)

    @property
    def noise_range(self) -> tuple[float, float] | None:
        """As ``bridge.engine.samplers.sigmas`` wants it."""
        return (self.noise_low, self.noise_high) if self.noise_high else None

    def to_wire(self) -> dict[str, Any]:
        """As the module says, but for keys that older programs do not know and that say nothing new."""
        written = {name: strict.encode(value) for name, value in vars(self).items()}
        return {name: value for name, value in written.items() if name not in _LATER or value != _LATER[name]}


def _positive(key: str, value: float) -> None:
    if value <= 0:
        raise PackError(f"{key} must be above 0, not {value}", hint=_HINT)


def _windows(window: str, window_value: int, overlap: str, overlap_value: int) -> None:
    _positive(window, window_value)
    if not 0 <= overlap_value < window_value:
        raise PackError(f"{overlap} must lie in 0..{window} - 1, not {overlap_value}", hint=_HINT)
