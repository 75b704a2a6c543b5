"""The fault matrix in short: each fault at one telling step. ``python -m tests.faults`` runs all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.matrix import Cell, Matrix
from tests.faults.shop import Shop

DIAGONAL = {
    Cell("kill daemon", "received"): "LOST",
    Cell("kill daemon", "half"): "LOST",
    Cell("kill daemon", "sent", "variation"): "LOST",
    Cell("kill daemon", "applying"): "FINISHED",
    Cell("kill daemon", "ended"): "FINISHED",
    Cell("kill both", "taken", "detect"): "UNSURE",
    Cell("kill daemon, undo, redo", "applied"): "LOST",
    Cell("kill both, older copy", "applied"): "LOST",
    Cell("SIGTERM", "looked"): "LOST",
    Cell("disk full", "temp"): "LOST",
    Cell("read only", "synced"): "LOST",
    Cell("folder gone", "renamed"): "LOST",
    Cell("kill, clock back", "half"): "LOST",
    Cell("graph: no memory", "begun"): "LOST",
    Cell("device fails", "looked"): "FINISHED",
    Cell("pack altered", "begun"): "LOST",
    Cell("dialog, short", "unsent"): "FINISHED",
    Cell("daemon sleeps", "half"): "FINISHED",
    Cell("journal damaged", "renamed"): "FINISHED",
    Cell("journal unwritable", "begun"): "FINISHED",
}


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[Matrix]:
    with Shop(tmp_path_factory.mktemp("faults"), film) as shop:
        yield Matrix(shop)


@pytest.mark.parametrize("cell", DIAGONAL, ids=str)
def test_job_when_something_breaks_then_it_is_finished_once_or_lost_and_told(matrix: Matrix, cell: Cell) -> None:
    result = matrix.run(cell)
    assert result.faults == []
    assert result.verdict.outcome in DIAGONAL[cell].split(" or "), result.verdict.said
