"""SyncFusion's evaluation (paper, sections 3.2 and 4), video by video: what is cut, given, made and compared.

Convention: the figures follow the authors' configuration (exp/evaluate_gh_gen*.yaml, exp/prepare_gh_gt*.yaml,
main/dataset_diffusion.py, main/generation.py of mcomunita/syncfusion): a sound of 262144 samples at 48 kHz is made from
noise with 150 steps and guidance 2; its first 96000 samples, 2 s, are compared with the recording's.

What is odd there, and done here too:

* one clip per video, and only its very beginning: a video is passed over if no onset lies in its first 2 s, even if the
  next 2 s have one, and also if it is shorter than the whole 5.46 s;
* the example sound is cut from the recording that is to be met: from one onset of the 5.46 s, drawn at random, to the
  next, or to the end; the words are one label of the *whole* video, drawn at random, or none ("") without labels;
* in Table 2 recording and made sound are both silent before the first onset: the step there is an onset for any
  detector. The strict figures here leave both as they are;
* Table 3 gives the generator the onsets found in the picture, but the video's choice and example sound still come from
  the annotation; a video in which none was found ends their loader, here the generator is given an empty track.

Their random choices are not repeatable (unseeded in workers); here every choice of a video comes from one generator,
seeded with the seed and the video's id, so that neither order nor number of videos matters.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.dsp import matching, metrics, peaks
from bridge.dsp.attacks import attacks
from onnx_export.evaluate import media, onset_metrics, sound_metrics
from onnx_export.evaluate.greatest_hits import Hit, Video
from onnx_export.evaluate.nets import Nets
from onnx_export.evaluate.onset_metrics import Chunk

LENGTH = 262_144
CUT = 96_000
STEPS = 150
SAMPLER = "ddim"
GUIDANCE = 2.0
STRICT_S = 0.05
FAD_WINDOW, FAD_HOP = 48_000, 24_000
CONDITIONINGS = ("audio", "text")

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is evaluated, and how.

    Attributes:
        tables: of 1, 2, 3. conditioning: "audio" or "text". steps, sampler, guidance: of the generator.
        seed: of all choices and noise.
    """

    tables: tuple[int, ...] = (1, 2, 3)
    conditioning: str = "audio"
    steps: int = STEPS
    sampler: str = SAMPLER
    guidance: float = GUIDANCE
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What the onset net says of one video.

    Attributes:
        chunks: in order. found_s: onsets that Table 3 gives to the generator.
        strict_f, strict_ap: onsets as the bridge picks them, one to one within 50 ms; NaN without annotation.
        exact: for each chunk, whether the bridge picks as many onsets as are annotated.
    """

    chunks: tuple[Chunk, ...] = field(repr=False)
    found_s: NDArray[np.float64] = field(repr=False)
    strict_f: float
    strict_ap: float
    exact: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """One made sound beside the recording.

    Attributes:
        video: its id. words: given to the generator; "" for an example sound.
        given: onsets given, recorded, made: onsets that librosa hears, in 2 s.
        same_count, hit_rate, ap: the official figures within 100 ms; hit_rate_50, ap_50: within 50 ms.
        strict_f, strict_ap: attacks of the made sound against annotated onsets, one to one within 50 ms.
        recording_f, recording_ap: the same of the recording itself, for scale.
        envelope_correlation, envelope_l1: of the made sound with the recording's.
        made_embeddings, recorded_embeddings: CLAP's, (windows, dim).
    """

    video: str
    words: str
    given: int
    recorded: int
    made: int
    same_count: bool
    hit_rate: float
    ap: float
    hit_rate_50: float
    ap_50: float
    strict_f: float
    strict_ap: float
    recording_f: float
    recording_ap: float
    envelope_correlation: float
    envelope_l1: float
    made_embeddings: Array = field(repr=False)
    recorded_embeddings: Array = field(repr=False)


def see(video: Video, nets: Nets) -> Seen:
    """Runs the onset net over a video's whole chunks, each by itself, as it was trained and tested."""
    rows, columns = nets.picture_size
    film = media.film(video.path, rows=rows, columns=columns)
    chunks = []
    for number in range(onset_metrics.chunk_count(film.duration_s)):
        steps = np.arange(number * onset_metrics.CHUNK_STEPS, (number + 1) * onset_metrics.CHUNK_STEPS)
        pictures = film.pictures[np.minimum(steps, len(film.pictures) - 1)]
        start_s = number * onset_metrics.CHUNK_S
        chunks.append(
            Chunk(
                video=video.name,
                start_s=start_s,
                labels=onset_metrics.labels_of(video.hits, start_s),
                activation=nets.activation(pictures),
            )
        )
    return _judged(video, chunks, nets)


def _judged(video: Video, chunks: Sequence[Chunk], nets: Nets) -> Seen:
    """The strict figures: peaks of the whole curve as the bridge picks them, with the pack's own numbers."""
    when = nets.files.manifest.require_when()
    curve = np.concatenate([chunk.activation for chunk in chunks]) if chunks else np.zeros(0)
    every = peaks.pick(
        curve, rate_hz=onset_metrics.RATE_HZ, start_s=-when.latency_s, min_distance_s=when.min_distance_s
    )
    end_s = len(chunks) * onset_metrics.CHUNK_S
    known = _times(video.hits, end_s)
    times = np.array([peak.time_s for peak in every])
    heights = np.array([peak.height for peak in every])
    taken = times[heights >= when.threshold] if len(times) else times
    edges = np.arange(len(chunks) + 1) * onset_metrics.CHUNK_S
    same = np.histogram(known, edges)[0] == np.histogram(taken, edges)[0] if len(chunks) else np.zeros(0, bool)
    return Seen(
        chunks=tuple(chunks),
        found_s=onset_metrics.annotated(chunks),
        strict_f=matching.f_score(known, taken, STRICT_S) if len(known) else float("nan"),
        strict_ap=metrics.average_precision(known, times, heights, STRICT_S),
        exact=tuple(bool(one) for one in same),
    )


def why_not(video: Video, sound: Array) -> str:
    """Why a video takes no part in Tables 2 and 3; "" if it does."""
    if len(sound) < LENGTH:
        return f"less than {LENGTH / media.RATE_HZ:.2f} s of sound"
    if not len(_places(_times(video.hits, np.inf), CUT)):
        return f"no onset in the first {CUT / media.RATE_HZ:g} s"
    return ""


def compare(
    video: Video,
    sound: Array,
    nets: Nets,
    plan: Plan,
    *,
    given_s: NDArray[np.float64] | None = None,
    keep: Path | None = None,
) -> Compared:
    """Makes one sound and compares it with the recording.

    Args:
        video: one that ``why_not`` has nothing against. sound: its own, 48 kHz.
        nets: make and hear. plan: how.
        given_s: onsets found in the picture (Table 3); None gives the annotated ones (Table 2).
        keep: a folder for made sounds; one that is there from the same pack, plan and onsets is not made again.
    """
    generator = np.random.default_rng([plan.seed, zlib.crc32(video.name.encode())])
    recording = sound[:LENGTH]
    known = _places(_times(video.hits, np.inf), LENGTH)
    example = _example(recording, known, generator)
    words = _words(video.hits, generator)
    noise = generator.standard_normal(LENGTH, dtype=np.float32)
    given = known if given_s is None else _places(given_s, LENGTH)

    def make() -> Array:
        embedding = nets.understood(words) if plan.conditioning == "text" else nets.heard(example)
        track = np.zeros(LENGTH, np.float32)
        track[given] = 1.0
        sound = nets.made(track, embedding, noise, sampler=plan.sampler, steps=plan.steps, guidance=plan.guidance)
        return sound[:CUT]

    manner = (plan.conditioning, plan.steps, plan.sampler, plan.guidance, plan.seed)
    named = [video.name, nets.files.digest, *manner, *given.tolist()]
    made = make() if keep is None else media.kept(keep, video.name, named, make, samples=CUT)
    silent = int(known[0]) if given_s is None else 0
    return _scored(
        video,
        recording[:CUT],
        made,
        nets,
        silent=silent,
        given=int(np.sum(given < CUT)),
        words=(words if plan.conditioning == "text" else ""),
    )


def _scored(
    video: Video, recording: Array, made: Array, nets: Nets, *, silent: int, given: int, words: str
) -> Compared:
    pair = [_silenced(one, silent) for one in (recording, made)]
    low = [media.resample(one, rate_hz=media.RATE_HZ, new_rate_hz=sound_metrics.RATE_HZ) for one in pair]
    heard = [sound_metrics.onsets(one) for one in low]
    wide, narrow = (
        sound_metrics.agreement(heard[0], heard[1], low[1], tolerance_s=tolerance_s)
        for tolerance_s in (sound_metrics.TOLERANCE_S, sound_metrics.PAPER_TOLERANCE_S)
    )
    known = _times(video.hits, CUT / media.RATE_HZ)
    strict, scale = _strict(known, made), _strict(known, recording)
    embeddings = [_embeddings(one, nets) for one in pair]
    return Compared(
        video=video.name,
        words=words,
        given=given,
        recorded=len(heard[0]),
        made=len(heard[1]),
        same_count=wide.same_count,
        hit_rate=wide.hit_rate,
        ap=wide.ap,
        hit_rate_50=narrow.hit_rate,
        ap_50=narrow.ap,
        strict_f=strict[0],
        strict_ap=strict[1],
        recording_f=scale[0],
        recording_ap=scale[1],
        envelope_correlation=metrics.envelope_correlation(made, recording),
        envelope_l1=metrics.envelope_distance(made, recording),
        recorded_embeddings=embeddings[0],
        made_embeddings=embeddings[1],
    )


def _strict(known_s: NDArray[np.float64], sound: Array) -> tuple[float, float]:
    """F and AP of a sound's attacks; an attack is as sure as the sound is loud in the 50 ms after it."""
    found = attacks(sound, rate_hz=media.RATE_HZ)
    size, ahead = np.abs(sound), round(0.05 * media.RATE_HZ)
    sure = [float(size[int(at * media.RATE_HZ) :][:ahead].max()) for at in found]
    return matching.f_score(known_s, found, STRICT_S), metrics.average_precision(known_s, found, sure, STRICT_S)


def _embeddings(sound: Array, nets: Nets) -> Array:
    """CLAP's of windows of one second, half a second apart."""
    starts = range(0, len(sound) - FAD_WINDOW + 1, FAD_HOP)
    return np.concatenate([nets.heard(sound[at : at + FAD_WINDOW]) for at in starts])


def _example(recording: Array, known: NDArray[np.int64], generator: np.random.Generator) -> Array:
    """The recording from one onset to the next."""
    pick = int(generator.integers(len(known)))
    end = int(known[pick + 1]) if pick + 1 < len(known) else len(recording)
    return recording[int(known[pick]) : end]


def _words(hits: Sequence[Hit], generator: np.random.Generator) -> str:
    """One label of the video in which nothing is unknown; "" if there is none."""
    labels = [hit.label for hit in hits if "None" not in hit.label]
    pick = float(generator.random())
    return labels[int(pick * len(labels))] if labels else ""


def _times(hits: Sequence[Hit], end_s: float) -> NDArray[np.float64]:
    return np.sort(np.array([hit.time_s for hit in hits if hit.time_s < end_s], np.float64))


def _places(times_s: NDArray[np.float64], end: int) -> NDArray[np.int64]:
    """Samples at 48 kHz, each once, cut off downwards as the authors do, before ``end``."""
    places = np.unique((times_s * media.RATE_HZ).astype(np.int64))
    return places[places < end]


def _silenced(sound: Array, until: int) -> Array:
    quiet = sound.copy()
    quiet[:until] = 0.0
    return quiet
