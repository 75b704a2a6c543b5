"""How many steps the second-order solver needs to make the sound that SyncFusion's own makes in 150.

Convention: a real, trained net (the shipped pack's), its own guidance, the same noise for every solver. Sounds are
compared by the correlation of their RMS envelopes in blocks of 10 ms (100 Hz), 1 for the same, and for information by
that of the waveforms. Run with ``python -m tests.bench_solver``; nothing is asserted here.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.dsp.metrics import envelope_correlation
from bridge.engine.loader import load
from bridge.engine.what import Generator
from bridge.packs.store import SHIPPED_FOLDER, STARTER, Store

RATE_HZ = 48_000
LENGTH_S = 2.0
BLOCK = RATE_HZ // 100
REFERENCE = ("ddim", 150)
"""The official sampler and its number of steps (exp/evaluate_gh_gen*.yaml of the official repository)."""
CANDIDATES = (("dpm2", 8), ("dpm2", 12), ("dpm2", 16), ("dpm2", 20), ("deis2", 20), ("ddim", 20), ("ddim", 50))
PROMPTS = ("wood hit", "metal", "glass", "footsteps on gravel", "water")
RHYTHMS = {
    "one": (0.4,),
    "even": (0.2, 0.6, 1.0, 1.4, 1.8),
    "uneven": (0.15, 0.31, 0.42, 0.9, 1.55),
}
SEEDS = (0, 1)


class Solvers:
    """Makes a request's sound with any solver, the starter's net and the request's noise.

    Args:
        threads: for one operator; 0 lets ONNX Runtime choose.
    """

    def __init__(self, *, threads: int = 0) -> None:
        self._generator = Generator(load(Store([SHIPPED_FOLDER]), STARTER, provider="cpu", threads=threads))

    def sound(self, request: Request, sampler: str, steps: int) -> NDArray[np.float32]:
        """Samples (n,) at 48 kHz."""
        return self._generator.render(replace(request, sampler=sampler, steps=steps)).samples[0]


def request(prompt: str, times_s: tuple[float, ...], seed: int, *, length_s: float = LENGTH_S) -> Request:
    """What is asked: hits at these times."""
    return Request(
        length_samples=round(length_s * RATE_HZ),
        rate_hz=RATE_HZ,
        onsets=tuple(Onset(time_s=time_s) for time_s in times_s),
        prompt=prompt,
        seed=seed,
    )


def envelopes_alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Correlation of the RMS envelopes in blocks of 10 ms, -1..1."""
    return envelope_correlation(one, other, window=BLOCK, hop=BLOCK)


def main() -> int:
    """Prints median and least over all cases; returns 0."""
    parser = argparse.ArgumentParser(description="Few steps of a second-order solver against 150 of the official one.")
    parser.add_argument("--threads", type=int, default=0, help="for ONNX Runtime; 0 lets it choose")
    solvers = Solvers(threads=parser.parse_args().threads)
    envelopes: dict[tuple[str, int], list[float]] = {candidate: [] for candidate in CANDIDATES}
    waves: dict[tuple[str, int], list[float]] = {candidate: [] for candidate in CANDIDATES}
    for asked in [request(prompt, times, seed) for prompt in PROMPTS for times in RHYTHMS.values() for seed in SEEDS]:
        wanted = solvers.sound(asked, *REFERENCE)
        for candidate in CANDIDATES:
            sound = solvers.sound(asked, *candidate)
            envelopes[candidate].append(envelopes_alike(sound, wanted))
            waves[candidate].append(float(np.corrcoef(sound, wanted)[0, 1]))
    cases = len(PROMPTS) * len(RHYTHMS) * len(SEEDS)
    print(f"solvers beside {REFERENCE[0]} with {REFERENCE[1]} steps: starter pack, its guidance, same noise,")
    print(f"{cases} cases ({len(PROMPTS)} prompts x {len(RHYTHMS)} rhythms x {len(SEEDS)} seeds) of {LENGTH_S:g} s")
    print("                  envelope at 100 Hz       waveform")
    print("                  median     least     median    least")
    for name, steps in CANDIDATES:
        own, wave = envelopes[name, steps], waves[name, steps]
        figures = f"{np.median(own):8.4f}  {min(own):8.4f}   {np.median(wave):8.4f} {min(wave):8.4f}"
        print(f"  {name:<6} {steps:>4} steps{figures}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
