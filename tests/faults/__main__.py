"""``python -m tests.faults``: the whole matrix, printed as a table; ends with 1 if a cell breaks the rule."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from bridge import demo_scene
from bridge.media import mux
from tests.faults import matrix, plants, table
from tests.faults.shop import LENGTH_S, OFFSET_S, Shop


def main() -> int:
    """Runs the cells that the arguments choose."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", default="", help="cells whose name fits this pattern, e.g. 'kill daemon at half'")
    parser.add_argument(
        "--plants", action="store_true", help="plant faults in the product and see the matrix catch each"
    )
    options = parser.parse_args()
    began = time.monotonic()
    results: list[matrix.Result] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        film = folder / "film.mp4"
        scene = replace(demo_scene.scene(), length_s=OFFSET_S + LENGTH_S + 0.5)
        mux.encode_frames(film, scene.frames(), scene.rate_hz)
        with Shop(folder, film) as shop:
            runs = matrix.Matrix(shop)
            if options.plants:
                return planted(shop, runs)
            for cell in matrix.cells():
                if not re.search(options.only, str(cell)):
                    continue
                result = runs.run(cell)
                results.append(result)
                mark = "BREAKS THE RULE" if result.faults else ""
                print(f"{result.seconds:5.1f} s  {cell}: {result.verdict.outcome} {mark}", file=sys.stderr, flush=True)
                for fault in result.faults:
                    print(f"         {fault}", file=sys.stderr, flush=True)
                if not result.faults and result.verdict.said:
                    print(f"         {result.verdict.said[-1]}", file=sys.stderr, flush=True)
    if not results:
        print(f"No cell fits {options.only!r}; a cell is called, for instance, 'generate: kill daemon at half'.")
        return 2
    print(table.drawn(results))
    ends = Counter(result.verdict.outcome for result in results)
    broken = sum(bool(result.faults) for result in results)
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(ends.items()))
    print(f"\n{len(results)} cells in {time.monotonic() - began:.0f} s: {told}; {broken} break the rule.")
    return 1 if broken else 0


def planted(shop: Shop, runs: matrix.Matrix) -> int:
    """Every plant with its cells; 1 if one is not seen."""
    unseen = 0
    for name, cells in plants.SEEN_BY.items():
        shop.env[plants.VARIABLE] = name
        shop.kill_daemon()
        broken = {}
        for fault, _, step in (cell.partition(" at ") for cell in cells):
            faults = runs.run(matrix.Cell(fault, step)).faults
            broken.update({f"{fault} at {step}": faults[0]} if faults else {})
        unseen += not broken
        print(f"{'seen' if broken else 'NOT SEEN'}: {name}", flush=True)
        for cell, fault in broken.items():
            print(f"    {cell}: {fault[:200]}", flush=True)
        shop.env[plants.VARIABLE] = ""
        for path in shop.endpoint.glob("journal*"):
            path.unlink(missing_ok=True)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
