"""What is told of a render: its recipe, what broadcast tools read, and the name of its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge import __version__
from bridge.domain.clip import Clip
from bridge.domain.controls import Controls
from bridge.domain.render import PLACED, Recipe
from bridge.domain.request import Request
from bridge.host.base import ItemView, ProjectView
from bridge.jobs.desk import Desk
from bridge.media.bounds import plain_name
from bridge.media.broadcast import Broadcast
from bridge.media.digest import source_digest
from bridge.media.output import Output


class Telling:
    """Tells of the renders of one key press.

    Args:
        desk: of the key press. view: the project. item: the video. frame: the stretch that the sound fits.
    """

    def __init__(self, desk: Desk, view: ProjectView, item: ItemView, frame: Clip) -> None:
        self._desk, self._view, self._item, self._frame = desk, view, item, frame

    def recipe(self, request: Request, controls: Controls, found_by: Mapping[str, str]) -> Recipe:
        made = self._desk.wishes.output
        told: dict[str, Any] = {
            "subtype": made.subtype,
            "loudness_lufs": made.loudness_lufs,
            "true_peak_db": made.true_peak_db,
            "fade_in_ms": made.fade_in_ms,
            "fade_out_ms": made.fade_out_ms,
            "gain_db": 0.0,
            "project": Path(self._view.path).stem,
            "item": self._item.name,
            **self.now(),
        }
        common: dict[str, Any] = {
            "controls": controls.to_table(),
            "output": told,
            "source_sha256": source_digest(self._frame.source_path),
        }
        if request.sampler == PLACED:
            return Recipe(
                request=request,
                pack=PLACED,
                pack_version=__version__,
                pack_digest="",
                licence="that of the reference",
                commercial_use="unknown",
                video_item_guid=self._item.guid,
                source_path=self._frame.source_path,
                time_map=self._frame.time_map,
                **common,
            )
        return self._desk.engine().recipe(
            request, self._frame, video_item_guid=self._item.guid, found_by=found_by, **common
        )

    def now(self) -> dict[str, str]:
        now = self._desk.now()
        return {"date": now.strftime("%Y-%m-%d"), "time": now.strftime("%H:%M:%S")}

    def broadcast(self, recipe: Recipe) -> Broadcast:
        told, request = recipe.output, recipe.request
        what = request.prompt or (Path(request.reference.path).name if request.reference else "")
        return Broadcast(
            description=f"Foley: {what}",
            originator="Foley Bridge",
            originator_reference=f"FB{request.seed}",
            date=str(told.get("date", "")),
            time=str(told.get("time", "")),
            time_reference_samples=max(0, round(recipe.time_map.get("position_s", 0.0) * request.rate_hz)),
            project=str(told.get("project", "")),
            scene=str(told.get("item", "")),
            take=str(request.seed),
            note=f"{what}; pack {recipe.pack}, licence {recipe.licence}, commercial use {recipe.commercial_use}",
        )

    def stem(self, request: Request) -> str:
        what = request.prompt or (Path(request.reference.path).stem if request.reference else "")
        slug = "-".join(re.findall(r"[\w]+", what.lower()))[:40]
        clip = re.sub(r"[^\w.-]+", "_", Path(self._item.source_path).stem)[:60]
        seed = "-".join(str(one) for one in (request.seed, *(seed for seed, _ in request.mix[-1:])))
        return plain_name(f"{clip} {slug} {seed}.wav")


def output_of(recipe: Recipe) -> Output:
    """How a recipe's file was written; what an earlier version did not tell is as it was then."""
    told = recipe.output
    return Output(
        subtype=str(told.get("subtype", "PCM_24")),
        loudness_lufs=told.get("loudness_lufs"),
        true_peak_db=told.get("true_peak_db"),
        fade_in_ms=float(told.get("fade_in_ms", 0.0)),
        fade_out_ms=float(told.get("fade_out_ms", 0.0)),
    )
