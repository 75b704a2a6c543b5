"""How fast the commands are, and how much memory they hold, on the machine that it is run on.

Convention: real-time factor is seconds of work for a second of picture or sound; "times real time" is one over it.
*Cold* is the whole command, from the start of the program to the written file. *Warm* is what a further second costs,
from the difference between a long and a short span, so that starting and opening graphs fall out. Memory is the
process's own high water mark. Figures of a machine that does something else meanwhile are worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from bridge.packs import contract
from onnx_export.evaluate.starter.box import Box, Run
from onnx_export.evaluate.starter.clips import Clip
from onnx_export.evaluate.starter.figures import Figure, Part, figure

LONG_S, SHORT_S = 30.0, 6.0
REPEATS = 3
PACE_S = 0.75
"""A hit so often."""
DETECT_TIMES, RENDER_TIMES = 4.0, 2.0
MOST_GB = 1.5
"""1 GB is 10^9 bytes."""


def part(clip: Clip, box: Box, *, folder: Path) -> Part:
    """Runs both commands on one clip of ``LONG_S`` or more.

    Args:
        folder: for what the commands write; emptied of it afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {}
    for verb, wanted in (("detect", DETECT_TIMES), ("render", RENDER_TIMES)):
        if verb == "render" and box.manifest.what is None:
            continue
        figures |= _figures(verb, wanted, lambda seconds, verb=verb: _run(verb, clip, box, seconds, folder))
    return Part(
        name="speed",
        title=f"Speed and memory, on {LONG_S:.0f} s of a clip",
        figures=figures,
        notes=(
            "Cold: the whole command, program start included. Warm: what each further second costs.",
            f"Rendered: a hit every {PACE_S:g} s of one prompt, the pack's own steps and guidance.",
        ),
        roles=tuple(role for role in (contract.ONSET, contract.DENOISER) if role in box.manifest.graphs),
    )


def _figures(verb: str, wanted: float, run: Callable[[float], Run]) -> dict[str, Figure]:
    long = [run(LONG_S) for _ in range(REPEATS)]
    short = [run(SHORT_S) for _ in range(REPEATS)]
    warm = [(LONG_S - SHORT_S) / max(1e-6, a.seconds - b.seconds) for a, b in zip(long, short, strict=True)]
    memory = [one.peak_bytes / 1e9 for one in long]
    middle = partial(figure, of="runs", statistic="median", at_least=wanted)
    return {
        f"{verb}, cold, times real time": middle([LONG_S / one.seconds for one in long]),
        f"{verb}, warm, times real time": middle(warm),
        f"{verb}, peak memory": figure(memory, unit="GB", of="runs", statistic="most", at_most=MOST_GB),
    }


def _run(verb: str, clip: Clip, box: Box, seconds: float, folder: Path) -> Run:
    out = folder / f"speed_{verb}.{'csv' if verb == 'detect' else 'wav'}"
    table = folder / "speed_onsets.csv"
    out.unlink(missing_ok=True)
    words = [verb, str(clip.path), "--end", f"{seconds:g}", "--out", str(out)]
    if verb == "render":
        times = [0.5 + PACE_S * number for number in range(int((seconds - 0.5) / PACE_S))]
        table.write_text("\n".join(["time_s", *map(str, times)]) + "\n", encoding="utf-8")
        words += ["--prompt", "wood hit", "--onsets", str(table)]
    try:
        return box.run(words)
    finally:
        out.unlink(missing_ok=True)
        table.unlink(missing_ok=True)
