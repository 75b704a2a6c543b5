"""Sound made from the true onsets of real clips, beside the clips' own sound.

Convention: the first ``LENGTH_S`` of each clip, onsets where the recording has them, words of the clip's own label. A
clip is rendered with every strength at 1, with strengths taken from the recording's peaks (linear, against the 95th
percentile of the clip), and after an example: the recording from its first onset to the next. Beside these stands one
hit of the recording, replayed at every onset ("replayed"): what timing alone is worth. Envelopes are root mean squares
over 32 ms every 8 ms, compared by Pearson's correlation and by their mean absolute difference (E-L1) after the render
was scaled to the recording's level. The correlation that counts is over the whole stretch, as the published one is; and
with every strength at 1, since the recording's own strengths hand part of the answer in. Clips are annotated from 1 s
on, and many are struck before: attacks are compared where the annotation counts, and the correlation from there on is
given too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.dsp import matching, metrics
from bridge.dsp.attacks import attacks
from bridge.engine.level import KNEE
from bridge.packs import contract
from onnx_export.evaluate import media
from onnx_export.evaluate.starter.box import Box, Sound
from onnx_export.evaluate.starter.clips import Clip
from onnx_export.evaluate.starter.figures import Figure, Part, Table, figure

LENGTH_S = 262_144 / 48_000
"""5.46 s, SyncFusion's."""
RATE_HZ = media.RATE_HZ
NEAR_S = 0.050
LOUD_PERCENTILE = 95.0
SOFTEST = 0.1
GUARD_S = 0.005
"""A sound may rise this long before its onset; before that there is silence."""
LONGEST_HIT_S = 0.5
SEEDS = (0, 1)
FLOOR_DB = -120.0
MOST_LIMITED = 0.1
"""Per cent of a sound's samples. The limiter keeps every peak below full scale, so only this tells too loud a sound."""

FULL, MEASURED, EXAMPLE = "strength 1", "strengths of the recording", "example sound"
REPLAYED, RECORDED = "replayed", "recording"
MADE = (FULL, MEASURED, EXAMPLE)

Array = NDArray[np.float32]


def manners(box: Box) -> tuple[str, ...]:
    """How a pack can be asked: those of ``MADE`` that it understands."""
    return tuple(manner for manner in MADE if manner != EXAMPLE or contract.CLAP_AUDIO in box.manifest.graphs)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One sound beside a clip's own.

    Attributes:
        f: of its attacks and the true onsets, one to one within 50 ms. error_ms, late_ms: median size and median of
            the matched attacks' errors. correlation, distance: of the envelopes where the annotation counts; whole: the
            correlation over everything. before_db: the loudest sample before the first onset, dBFS. peak_db: the
            loudest of all. limited: per cent of the samples that the limiter bends. dc_db: size of the mean, dBFS.
    """

    f: float
    error_ms: float
    late_ms: float
    correlation: float
    distance: float
    whole: float
    before_db: float
    peak_db: float
    limited: float
    dc_db: float


def compare(samples: Array, recording: Array, onsets_s: NDArray[np.float64], *, from_s: float = 0.0) -> Compared:
    """A sound's figures.

    Args:
        samples, recording: 48 kHz, one length. onsets_s: the true ones, on their clock.
        from_s: the annotation counts from here on.
    """
    found = attacks(samples, rate_hz=RATE_HZ)
    found = found[found > from_s - NEAR_S]
    errors = [found[j] - onsets_s[i] for i, j in matching.match(onsets_s, found, NEAR_S)]
    begin = round(from_s * RATE_HZ)
    size, level = _rms(samples[begin:]), _rms(recording[begin:])
    scaled = samples * (level / size) if size > 0.0 else samples
    before = samples[: max(0, round((onsets_s[0] - GUARD_S) * RATE_HZ))]
    nothing = float("nan")
    return Compared(
        f=matching.f_score(onsets_s, found, NEAR_S),
        error_ms=1000.0 * float(np.median(np.abs(errors))) if errors else nothing,
        late_ms=1000.0 * float(np.median(errors)) if errors else nothing,
        correlation=metrics.envelope_correlation(samples[begin:], recording[begin:]),
        distance=metrics.envelope_distance(scaled[begin:], recording[begin:]),
        whole=metrics.envelope_correlation(samples, recording),
        before_db=_db(before),
        peak_db=_db(samples),
        limited=100.0 * float(np.mean(np.abs(samples) > KNEE)),
        dc_db=_db(np.atleast_1d(np.mean(samples, dtype=np.float64))),
    )


def strengths(clip: Clip) -> NDArray[np.float64]:
    """How hard each contact of a clip sounds, ``SOFTEST`` to 1."""
    level = np.nan_to_num(clip.heard_level, nan=0.0)
    loud = float(np.percentile(level, LOUD_PERCENTILE)) if len(level) else 0.0
    return np.clip(level / loud, SOFTEST, 1.0) if loud > 0.0 else np.ones(len(level))


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """One clip's beginning: what was recorded, what is asked."""

    clip: Clip
    recording: Array
    onsets_s: NDArray[np.float64]
    strengths: NDArray[np.float64]
    example: Path

    @classmethod
    def of(cls, clip: Clip, *, keep: Path) -> Trial | None:
        """A clip's trial; None if nothing is struck in its beginning.

        Args:
            keep: folder for the example sound.
        """
        inside = clip.heard_s < LENGTH_S - NEAR_S
        if not inside.any():
            return None
        length = round(LENGTH_S * RATE_HZ)
        sound = media.sound(clip.path)[:length]
        recording = np.pad(sound, (0, length - len(sound)))
        onsets_s = clip.heard_s[inside]
        example = keep / f"example_{clip.name}.wav"
        if not example.is_file():
            keep.mkdir(parents=True, exist_ok=True)
            soundfile.write(example, one_hit(recording, onsets_s), RATE_HZ, subtype="PCM_24")
        return cls(
            clip=clip, recording=recording, onsets_s=onsets_s, strengths=strengths(clip)[inside], example=example
        )

    def sound(self, box: Box, manner: str, *, seed: int, again: int = 0) -> Sound:
        """The pack's sound for it.

        Args:
            manner: one of ``MADE``. seed: of the noise. again: another number makes it once more.
        """
        hard = np.ones(len(self.onsets_s)) if manner == FULL else self.strengths
        return box.sound(
            self.clip.path,
            name=f"{self.clip.name}_{manner.replace(' ', '_')}",
            onsets=list(zip(self.onsets_s.tolist(), hard.tolist(), strict=True)),
            end_s=LENGTH_S,
            prompt="" if manner == EXAMPLE else self.clip.words,
            reference=self.example if manner == EXAMPLE else None,
            seed=seed,
            again=again,
        )

    def compared(self, samples: Array) -> Compared:
        """A sound's figures beside the recording."""
        return compare(samples, self.recording, self.onsets_s, from_s=self.clip.span_s[0])

    def replayed(self) -> Array:
        """The recording's first hit at every onset, as hard as each was."""
        hit = one_hit(self.recording, self.onsets_s)
        sound = np.zeros(len(self.recording) + len(hit), np.float32)
        for time_s, hard in zip(self.onsets_s, self.strengths / max(self.strengths[0], SOFTEST), strict=True):
            at = round(float(time_s) * RATE_HZ)
            sound[at : at + len(hit)] += np.float32(hard) * hit
        return sound[: len(self.recording)]


def one_hit(recording: Array, onsets_s: NDArray[np.float64]) -> Array:
    """From the first onset to the next, half a second at most, faded out at the end."""
    begin = round(float(onsets_s[0]) * RATE_HZ)
    next_s = float(onsets_s[1]) if len(onsets_s) > 1 else float("inf")
    end = min(len(recording), round(min(next_s, float(onsets_s[0]) + LONGEST_HIT_S) * RATE_HZ))
    hit = recording[begin:end].copy()
    fade = min(len(hit), RATE_HZ // 100)
    hit[len(hit) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return hit


def part(trials: Sequence[Trial], box: Box, *, seed: int = 0) -> Part:
    """Judges every trial's sounds.

    Args:
        trials: the clips. box: the pack. seed: of the bootstrap, over recording hours.
    """
    asked = manners(box)
    rows: dict[str, list[Compared]] = {manner: [] for manner in (*asked, REPLAYED, RECORDED)}
    for trial in trials:
        for manner in asked:
            sound = trial.sound(box, manner, seed=SEEDS[0])
            rows[manner].append(trial.compared(sound.samples))
        rows[REPLAYED].append(trial.compared(trial.replayed()))
        rows[RECORDED].append(trial.compared(trial.recording))
    hours = [trial.clip.hour for trial in trials]
    return Part(
        name="what",
        title=f"Sound from true onsets, first {LENGTH_S:.2f} s of real clips, beside their own sound",
        figures={**_figures(rows, hours, seed), **_seeds(trials, box, hours, seed)},
        notes=(
            "The published SyncFusion model reaches an envelope correlation of 0.74 on such clips. Replayed: a hit of "
            "the recording itself at every onset, as hard as each was. Recording: its own attacks, which bound F.",
            f'The correlation to set beside it is "{FULL}" over all {LENGTH_S:.2f} s: with "{MEASURED}" (and after an '
            "example, which has them too) part of the recording's envelope is handed in.",
            f"Silence: the loudest sample more than {1000 * GUARD_S:g} ms before the first onset.",
            "The strengths of the recording are the peaks of its contacts, linear, against the 95th percentile.",
        ),
        tables=(_table(trials, rows),),
        roles=(contract.DENOISER, contract.DECODER),
    )


def _figures(rows: Mapping[str, Sequence[Compared]], hours: Sequence[str], seed: int) -> dict[str, Figure]:
    """The wanted figures of each manner, then those for scale."""
    found: dict[str, Figure] = {}
    for manner in (one for one in MADE if one in rows):
        own = rows[manner]
        clips = partial(figure, of="clips", groups=hours, seed=seed)
        found |= {
            f"F of attacks, 50 ms, {manner}": clips([one.f for one in own], at_least=0.90),
            f"timing error, {manner}": clips([one.error_ms for one in own], statistic="median", unit="ms", at_most=5.0),
            f"timing, signed, {manner}": clips([one.late_ms for one in own], statistic="median", unit="ms"),
            f"envelope correlation, {manner}": clips([one.whole for one in own], at_least=0.74),
            f"envelope correlation where annotated, {manner}": clips([one.correlation for one in own]),
            f"envelope E-L1, level matched, {manner}": clips([one.distance for one in own]),
            f"before the first onset, {manner}": clips(
                [one.before_db for one in own], statistic="most", unit="dBFS", at_most=-60.0
            ),
            f"peak, {manner}": clips([one.peak_db for one in own], statistic="most", unit="dBFS", at_most=0.0),
            f"above the limiter's knee, {manner}": clips(
                [one.limited for one in own], statistic="most", unit="%", at_most=MOST_LIMITED
            ),
            f"DC, {manner}": clips([one.dc_db for one in own], statistic="most", unit="dBFS", at_most=-60.0),
        }
    for manner in (REPLAYED, RECORDED):
        found[f"F of attacks, 50 ms, {manner}"] = figure([one.f for one in rows[manner]], of="clips", groups=hours)
    same = rows[REPLAYED]
    found[f"envelope correlation, {REPLAYED}"] = figure([one.whole for one in same], of="clips", groups=hours)
    found[f"envelope correlation where annotated, {REPLAYED}"] = figure(
        [one.correlation for one in same], of="clips", groups=hours
    )
    return found


def _seeds(trials: Sequence[Trial], box: Box, hours: Sequence[str], seed: int) -> dict[str, Figure]:
    """Whether another seed sounds different, and the same one does not."""
    differ, same = [], []
    for number, trial in enumerate(trials):
        one, other = (trial.sound(box, FULL, seed=one) for one in SEEDS)
        size = _rms(one.samples)
        differ.append(_rms(one.samples - other.samples) / size if size > 0.0 else 0.0)
        if number < len(SEEDS):
            twice = [trial.sound(box, FULL, seed=SEEDS[0], again=number).path.read_bytes() for number in (1, 2)]
            same.append(float(twice[0] == twice[1]))
    return {
        "two seeds differ, RMS of the difference over RMS": figure(
            differ, of="clips", groups=hours, at_least=0.1, statistic="least", seed=seed
        ),
        "one seed twice, files equal to the byte": figure(same, of="clips", statistic="share", at_least=1.0),
    }


def _table(trials: Sequence[Trial], rows: Mapping[str, Sequence[Compared]]) -> Table:
    return Table(
        title="Sound, clip by clip",
        columns=(
            "clip", "asked", "sound", "onsets", "F 50", "error ms", "late ms", "envelope", "annotated", "before dB",
            "peak dB",
        ),
        rows=tuple(
            (
                trial.clip.name, trial.clip.words, manner, len(trial.onsets_s), one.f, one.error_ms, one.late_ms,
                one.whole, one.correlation, one.before_db, one.peak_db,
            )
            for manner, own in rows.items()
            for trial, one in zip(trials, own, strict=True)
        ),
    )  # fmt: skip


def _rms(samples: Array) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def _db(samples: NDArray[np.floating]) -> float:
    """The loudest sample, dBFS; silence is ``FLOOR_DB``."""
    peak = float(np.abs(samples).max()) if len(samples) else 0.0
    return max(FLOOR_DB, 20.0 * float(np.log10(peak))) if peak > 0.0 else FLOOR_DB
