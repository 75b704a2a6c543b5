"""Make exactly again, with real graphs: whatever steps made a take, its recipe alone gives the file's bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from bridge.domain.clip import Clip
from bridge.domain.render import Recipe
from bridge.engine.engine import Engine
from bridge.engine.parts import parts_of
from bridge.host.base import MarkerView
from bridge.jobs.desk import Desk, Wishes
from bridge.media.output import Output
from tests.bridge.engine.waves import alone, opened
from tests.bridge.jobs.table import Table


class Nets(Engine):
    """A real engine for a film that is none."""

    def check_clip(self, clip: Clip) -> None:
        """Any clip will do."""


@pytest.fixture(scope="module", params=["onset", "local", "whole"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Nets:
    folder = tmp_path_factory.mktemp("packs")
    if request.param == "whole":
        return Nets(opened(folder))
    fields = {} if request.param == "onset" else {"windows": "local", "overlap_frames": 128}
    return Nets(alone(folder, **fields))  # pyright: ignore[reportArgumentType]


def table_of(folder: Path, engine: Nets, output: Output) -> Table:
    table = Table(folder, engine=engine)  # pyright: ignore[reportArgumentType]
    seeds, minutes = count(7), count(1)
    table.desk = Desk(
        host=table.host,
        engine=lambda: engine,
        new_seed=lambda: next(seeds),
        wishes=Wishes(output=output),
        now=lambda: datetime(2026, 1, 2, 3, next(minutes), 5),
    )
    table.change(
        markers=tuple(
            MarkerView(guid=f"{{{n}}}", position_s=10.2 + 0.4 * n, name=f"foley @{0.9 - n / 10:.1f}") for n in range(4)
        )
    )
    return table


def active(table: Table) -> tuple[bytes, Recipe]:
    (item,) = table.host.view.foley_items
    return Path(item.audio_path).read_bytes(), Recipe.from_json(item.recipe)


@pytest.mark.parametrize(
    "output",
    [
        Output(),
        Output(subtype="FLOAT"),
        Output(subtype="PCM_16", loudness_lufs=-30.0, true_peak_db=-3.0, fade_in_ms=5.0, fade_out_ms=40.0),
    ],
    ids=["plain", "float", "finished"],
)
def test_exactly_when_a_take_was_made_in_steps_then_its_bytes_again(
    tmp_path: Path, engine: Nets, output: Output
) -> None:
    table = table_of(tmp_path, engine, output)
    table.press("generate")
    first, *rest = table.host.view.markers
    table.change(markers=(replace(first, position_s=10.15), *rest))
    table.press("again")
    table.change(selection_start_s=10.7, selection_end_s=11.3)
    table.press("variation")
    table.press("little")
    table.change(selection_start_s=0.0, selection_end_s=0.0, markers=tuple(rest))
    table.press("again")
    made, recipe = active(table)
    assert len(parts_of(recipe)) >= 3
    table.change(markers=())
    table.press("exactly")
    again, told = active(table)
    assert table.host.view.foley_items[0].takes == 6
    assert told == recipe
    assert again == made
    fresh, _ = active(table_of_one(tmp_path / "fresh", engine, output, recipe))
    assert fresh != made


def table_of_one(folder: Path, engine: Nets, output: Output, recipe: Recipe) -> Table:
    """The last request made at once."""
    folder.mkdir()
    table = table_of(folder, engine, output)
    seed = recipe.request.seed
    table.desk = replace(table.desk, new_seed=lambda: seed)
    table.change(
        markers=tuple(
            MarkerView(guid=f"{{{n}}}", position_s=10.0 + o.time_s, name=f"foley @{o.strength:.1f}")
            for n, o in enumerate(recipe.request.onsets)
        )
    )
    table.press("generate")
    return table


def test_exactly_when_the_pack_is_another_then_the_one_that_made_it_is_named(tmp_path: Path, engine: Nets) -> None:
    table = table_of(tmp_path, engine, Output())
    table.press("generate")
    (item,) = table.host.view.foley_items
    recipe = replace(Recipe.from_json(item.recipe), pack="other", pack_version="9", pack_digest="f" * 64)
    table.change(foley_items=(replace(item, recipe=recipe.to_json()),))
    table.fails("exactly", "other 9", "--pack other")
