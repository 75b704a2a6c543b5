"""Speed and memory: in the units that were promised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from onnx_export.evaluate.starter import clips, speed
from onnx_export.evaluate.starter.box import Box, Run
from tests import packs


@dataclass
class Steady:
    """Takes a second to start and a tenth of a second for each of the clip's, and always the same memory."""

    peak_bytes: float
    manifest: Any

    def run(self, words: list[str]) -> Run:
        return Run(seconds=1.0 + 0.1 * float(words[words.index("--end") + 1]), peak_bytes=self.peak_bytes)


@pytest.mark.parametrize(("peak_bytes", "reached"), [(1.49e9, True), (1.55e9, False)])
def test_part_when_memory_is_near_the_wish_then_a_gigabyte_is_a_thousand_million_bytes(
    clips_folder: Path, tmp_path: Path, peak_bytes: float, reached: bool
) -> None:
    draft = packs.draft()
    manifest = type("Manifest", (), {"what": draft.what, "graphs": draft.graphs})
    part = speed.part(clips.load(clips_folder)[0], cast(Box, Steady(peak_bytes, manifest)), folder=tmp_path)
    for verb in ("detect", "render"):
        memory = part.figures[f"{verb}, peak memory"]
        assert (memory.unit, memory.reached) == ("GB", reached)
        assert memory.value == pytest.approx(peak_bytes / 1e9)
        assert part.figures[f"{verb}, warm, times real time"].value == pytest.approx(10.0)
        assert part.figures[f"{verb}, cold, times real time"].value == pytest.approx(7.5)
