"""The words that trainers share on the command line.

A trainer adds them to its parser with ``usual_arguments`` and has them checked and obeyed by ``check_usual``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from onnx_export.train.run import check_end


def usual_arguments(
    parser: argparse.ArgumentParser,
    *,
    sounds: bool = True,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> None:
    """Adds ``--out``, ``--threads``, ``--seed``, and what else is asked for.

    Args:
        parser: of a trainer.
        sounds: whether it takes ``--sounds`` too.
        minutes, steps: what ``--minutes`` and ``--steps`` are if nothing is said, 0 for no limit; None: there is no
            such word.
        seed: what ``--seed`` is if nothing is said.
    """
    add = parser.add_argument
    if sounds:
        add("--sounds", type=Path, required=True, help="folder with manifest.csv and one-shots")
    add("--out", type=Path, required=True, help="folder for weights and log")
    if minutes is not None:
        add("--minutes", type=float, default=minutes, help="stop after so many; 0: no limit (default %(default)s)")
    if steps is not None:
        add("--steps", type=int, default=steps, help="stop after so many; 0: no limit (default %(default)s)")
    add("--threads", type=int, default=1, help="of the processor (default %(default)s)")
    add("--seed", type=int, default=seed, help="of everything random (default %(default)s)")


def check_usual(options: argparse.Namespace) -> None:
    """Sets the threads.

    Raises:
        RequestError: the training takes an end and has none.
    """
    if hasattr(options, "minutes") and hasattr(options, "steps"):
        check_end(minutes=options.minutes, steps=options.steps)
    torch.set_num_threads(options.threads)
