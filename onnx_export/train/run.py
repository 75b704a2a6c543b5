"""What every trainer shares: one optimiser, a running average of the weights, their place on disk, a log.

Convention: a run lives in its folder, ``out/checkpoint.safetensors`` beside ``out/log.csv``; calling the same trainer
again goes on from there. The checkpoint holds the weights (``model.NAME``), their running average (``average.NAME``),
the optimiser's moments (``optimiser.KEY.NAME``) and as text what the run is ``about``: a run that is about something
else (other data, another plan) does not go on from it. ``about`` never holds minutes or steps, so that a run can be
made longer. Chance is drawn anew for each step from ``(seed, step)``: a run that was interrupted equals one that was
not, as long as its length is given in steps (minutes are never twice the same).
"""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from bridge.errors import PackError, RequestError
from onnx_export.checkpoints import load_checkpoint, read_facts

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.csv"
THREADS, DEVICE = "threads", "device"
"""Texts of a checkpoint: what it was trained with."""
LAST_RATE = 0.02
"""The learning rate's share that is left when the plan is used up."""
_RUN = "run"
_MODEL, _AVERAGE, _OPTIMISER = "model.", "average.", "optimiser."
_AGAIN = "Give another folder with --out, or delete that file to begin again"


class Run:
    """A training that can be interrupted.

    Args:
        model: what is trained; on the CPU, in the memory format that it shall keep.
        out: the run's folder; made if missing.
        rate: highest learning rate; see ``update``.
        about: texts that a checkpoint must share to be gone on from (digests of data, sizes of the net, the seed).
        weight_decay: of AdamW, on matrices and kernels only. betas: of AdamW.
        clip: largest norm of the gradient.
        average_half_steps: steps after which a weight counts half in the running average.
        warm_up: steps until the full rate.

    Attributes:
        step: updates done, over all sittings.
        average: the running average by the model's own names; whole numbers and truth values are the model's.
        notes: further texts for the checkpoint, e.g. losses; nothing is compared with them. ``save`` puts "threads" and
            "device" in, over all sittings.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        out: Path,
        rate: float,
        about: Mapping[str, str] | None = None,
        weight_decay: float = 0.01,
        betas: tuple[float, float] = (0.9, 0.98),
        clip: float = 1.0,
        average_half_steps: float = 300.0,
        warm_up: int = 200,
    ) -> None:
        self.model, self.rate, self.clip, self.warm_up = model, rate, clip, warm_up
        self.about, self.notes = dict(about or {}), {}
        self.path, self._log_path = out / CHECKPOINT, out / LOG
        self._keep = 0.5 ** (1.0 / average_half_steps)
        self._parameters = {name: value for name, value in model.named_parameters() if value.requires_grad}
        matrices = [value for value in self._parameters.values() if value.dim() > 1]
        others = [value for value in self._parameters.values() if value.dim() <= 1]
        groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, betas=betas)
        self.average = _copy(model.state_dict())
        self.step = 0
        self._before, self._clock = 0.0, time.monotonic()
        self._rows: list[dict[str, float | str]] = []
        self._columns: list[str] = []
        self._bar: tqdm[Any] | None = None
        out.mkdir(parents=True, exist_ok=True)

    @property
    def seconds(self) -> float:
        """Time spent, over all sittings."""
        return self._before + time.monotonic() - self._clock

    def used(self, *, minutes: float = 0.0, steps: int = 0) -> float:
        """Share of the plan that is used up, 0..1 and above; whichever runs out first counts, 0 is no limit."""
        by_time = self.seconds / (60.0 * minutes) if minutes > 0.0 else 0.0
        return max(by_time, self.step / steps if steps > 0 else 0.0)

    def draws(self, seed: int) -> np.random.Generator:
        """Chance for this step, the same whenever it comes; torch's own generator (dropout) is set with it."""
        generator = np.random.default_rng((seed, self.step))
        torch.manual_seed(int(generator.integers(1 << 62)))
        return generator

    def resume(self) -> bool:
        """Goes on from the checkpoint in the run's folder; False if there is none.

        Raises:
            PackError: it is damaged, of another net, or about something else; the hint says the way out.
        """
        self._before, self._clock = 0.0, time.monotonic()
        if not self.path.exists():
            self._log_path.unlink(missing_ok=True)
            return False
        facts = read_facts(self.path)
        state = _state(facts, self.path)
        stored = {key: facts.get(key, "") for key in state["about"]}
        if stored != self.about:
            keys = sorted(key for key in stored.keys() | self.about.keys() if stored.get(key) != self.about.get(key))
            raise PackError(
                f"checkpoint {self.path} belongs to another run: "
                + "; ".join(f"{key} was {_short(stored.get(key))}, is {_short(self.about.get(key))}" for key in keys),
                hint=_AGAIN,
            )
        load_checkpoint(self.path, self.model, prefix=_AVERAGE)
        self.average = _copy(self.model.state_dict())
        load_checkpoint(self.path, self.model, prefix=_MODEL)
        self._load_moments()
        self.notes = {key: value for key, value in facts.items() if key not in self.about and key != _RUN}
        self.step, self._before, self._clock = int(state["step"]), float(state["seconds"]), time.monotonic()
        self._rows = [row for row in _read_log(self._log_path) if float(row.get("step") or 0.0) <= self.step]
        self._columns = list(dict.fromkeys(name for row in self._rows for name in row))
        _write_log(self._log_path, self._rows, self._columns)
        return True

    def update(self, loss: Tensor, *, done: float) -> None:
        """One step of the optimiser: rate up over ``warm_up`` steps, then down along a cosine to ``LAST_RATE``.

        Args:
            loss: a number with its gradient. done: share of the plan that is used up, 0..1.

        Raises:
            PackError: loss or gradient is not finite; the weights stay as they were.
        """
        done = min(1.0, max(0.0, done))
        cosine = LAST_RATE + (1.0 - LAST_RATE) * 0.5 * (1.0 + math.cos(math.pi * done))
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * cosine * min(1.0, (self.step + 1) / max(1, self.warm_up))
        self.optimiser.zero_grad(set_to_none=True)
        what = "loss"
        finite = bool(torch.isfinite(loss))
        if finite:
            loss.backward()
            what = "gradient"
            finite = bool(torch.isfinite(nn.utils.clip_grad_norm_(self._parameters.values(), self.clip)))
        if not finite:
            raise PackError(
                f"the {what} is not finite at step {self.step} of {self.path.parent}",
                hint="Train again with a lower rate; the last checkpoint is still good",
            )
        self.optimiser.step()
        self.step += 1
        self._move_average(1.0 - min(self._keep, self.step / (self.step + 10.0)))
        if self._bar is not None and not self._bar.disable:
            self._bar.update(done * float(self._bar.total) - self._bar.n)

    @contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """The model with averaged weights, for judging; afterwards it is as it was."""
        own, training = _copy(self.model.state_dict()), self.model.training
        self.model.load_state_dict(self.average)
        self.model.eval()
        try:
            yield self.model
        finally:
            self.model.load_state_dict(own)
            self.model.train(training)

    def log(self, **numbers: float) -> None:
        """A line in the log (with step and seconds) and beside the bar, or on stderr where there is no terminal."""
        row: dict[str, float | str] = {"step": self.step, "seconds": round(self.seconds, 1)}
        row |= {name: float(f"{value:.6g}") for name, value in numbers.items()}
        self._rows.append(row)
        new = [name for name in row if name not in self._columns]
        self._columns += new
        _write_log(self._log_path, self._rows if new else [row], self._columns, append=not new)
        line = ", ".join(f"{name} {value}" for name, value in row.items())
        if self._bar is not None and not self._bar.disable:
            self._bar.set_postfix_str(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def save(self) -> None:
        """Writes the checkpoint; the file appears whole or not at all.

        Raises:
            PackError: it cannot be written.
        """
        tensors = {_MODEL + name: value for name, value in self.model.state_dict().items()}
        tensors |= {_AVERAGE + name: value for name, value in self.average.items()}
        for name, parameter in self._parameters.items():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"{_OPTIMISER}{key}.{name}"] = value
        self._note(THREADS, str(torch.get_num_threads()))
        for kind in sorted({value.device.type for value in self._parameters.values()}):
            self._note(DEVICE, kind)
        state = {"step": self.step, "seconds": round(self.seconds, 3), "about": sorted(self.about)}
        texts = {**self.notes, **self.about, _RUN: json.dumps(state)}
        part = self.path.with_name(self.path.name + ".part")
        try:
            save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, part, metadata=texts)
            part.replace(self.path)
        except (OSError, SafetensorError) as error:
            raise PackError(
                f"checkpoint {self.path} cannot be written ({error})", hint="Check folder and space"
            ) from error

    @contextmanager
    def bar(self, total: float) -> Iterator[None]:
        """Shows how far the run is while the block lasts; ``total`` is what the whole plan counts as, e.g. steps."""
        with tqdm(total=total, disable=not sys.stderr.isatty(), bar_format="{l_bar}{bar}| {postfix}") as self._bar:
            try:
                yield
            finally:
                self._bar = None

    def _note(self, key: str, text: str) -> None:
        """Adds to what a note already says."""
        told = [one for one in self.notes.get(key, "").split(", ") if one]
        self.notes[key] = ", ".join(dict.fromkeys((*told, text)))

    @torch.no_grad()
    def _move_average(self, part: float) -> None:
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, part)
            else:
                self.average[name].copy_(value)

    def _load_moments(self) -> None:
        try:
            with safe_open(str(self.path), framework="pt") as file:
                for name in file.keys():  # noqa: SIM118
                    if name.startswith(_OPTIMISER):
                        key, _, owner = name.removeprefix(_OPTIMISER).partition(".")
                        state = self.optimiser.state.setdefault(self._parameters[owner], {})
                        state[key] = file.get_tensor(name)
        except (SafetensorError, OSError, KeyError) as error:
            raise PackError(f"checkpoint {self.path} does not fit the optimiser ({error})", hint=_AGAIN) from error


def check_end(*, minutes: float, steps: int) -> None:
    """Refuses a plan that would never be used up.

    Raises:
        RequestError: neither ``minutes`` nor ``steps`` is above 0.
    """
    if minutes <= 0.0 and steps <= 0:
        raise RequestError("there is no end to this training", hint="Give --minutes or --steps")


def steps_done(path: Path) -> int:
    """Updates that a run's kept weights have had, over all sittings.

    Raises:
        PackError: the checkpoint is missing, damaged or not of a run.
    """
    return int(_state(read_facts(path), path)["step"])


def load_average(path: Path, model: nn.Module) -> dict[str, str]:
    """Gives a net the averaged weights of a run, all or none.

    Returns:
        The texts kept with them: what the run was about, and its notes.

    Raises:
        PackError: missing, damaged, not of a run, or of another net.
    """
    _state(read_facts(path), path)
    facts = load_checkpoint(path, model, prefix=_AVERAGE)
    return {key: value for key, value in facts.items() if key != _RUN}


def _state(facts: Mapping[str, str], path: Path) -> dict[str, Any]:
    try:
        state = json.loads(facts[_RUN])
        return {"step": state["step"], "seconds": state["seconds"], "about": list(state["about"])}
    except (KeyError, TypeError, ValueError) as error:
        raise PackError(f"checkpoint {path} was not made by a training run of this version", hint=_AGAIN) from error


def _copy(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in tensors.items()}


def _short(text: str | None) -> str:
    return "not said" if text is None else text if len(text) <= 60 else text[:57] + "..."


def _read_log(path: Path) -> list[dict[str, float | str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file)]


def _write_log(path: Path, rows: list[dict[str, float | str]], columns: list[str], *, append: bool = False) -> None:
    with path.open("a" if append else "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        if not append:
            writer.writeheader()
        writer.writerows(rows)
