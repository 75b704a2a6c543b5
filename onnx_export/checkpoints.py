"""Weights on disk: safetensors, never pickle, and nothing loaded that does not fit exactly.

Convention: a checkpoint is a net's ``state_dict`` plus facts about it as text (what it takes to build the net again).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bridge import durable
from bridge.errors import PackError


def save_checkpoint(path: Path, module: nn.Module, *, facts: Mapping[str, str] | None = None) -> Path:
    """Writes a net's weights; the file appears whole or not at all.

    Args:
        path: ``.safetensors`` file; its folder is made.
        module: the net.
        facts: text to keep with it, e.g. the net's settings as JSON.

    Raises:
        PackError: a weight is not finite, or the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}
    _refuse_not_finite(tensors, f"checkpoint {path}")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(save(tensors, metadata=dict(facts or {})))
        durable.settle(part, path)
    except OSError as error:
        raise PackError(f"checkpoint {path} cannot be written ({error})", hint="Check folder and space") from error
    return path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, hex: names a checkpoint, or the data that it was made of."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_facts(path: Path) -> dict[str, str]:
    """The text kept with a checkpoint.

    Raises:
        PackError: missing, or not safetensors.
    """
    return _read(path)[1]


def load_checkpoint(path: Path, module: nn.Module, *, prefix: str = "") -> dict[str, str]:
    """Fills a net with stored weights, all of them or none.

    Args:
        path: the checkpoint.
        module: the net.
        prefix: only tensors whose names begin so are the net's (a trainer may keep its own state beside them).

    Returns:
        The facts kept with it.

    Raises:
        PackError: missing or damaged file, or weights that are missing, extra, misshapen or not finite; all are listed.
    """
    stored, facts = _read(path)
    tensors = {name[len(prefix) :]: tensor for name, tensor in stored.items() if name.startswith(prefix)}
    fill(module, tensors, where=f"checkpoint {path}")
    return facts


def fill(module: nn.Module, tensors: Mapping[str, Tensor], *, where: str) -> None:
    """Gives a net its weights, all of them or none.

    Args:
        module: the net.
        tensors: by the net's own names.
        where: names the checkpoint in errors.

    Raises:
        PackError: weights are missing, extra, misshapen, whole numbers or not finite; the first dozen by name.
    """
    wanted = module.state_dict()
    problems = [f'"{name}" is missing' for name in wanted if name not in tensors]
    problems += [f'"{name}" is extra' for name in tensors if name not in wanted]
    for name, tensor in tensors.items():
        if name in wanted and tensor.shape != wanted[name].shape:
            problems.append(f'"{name}" is {_shape(tensor)}, the net has {_shape(wanted[name])}')
        if name in wanted and wanted[name].is_floating_point() and not tensor.is_floating_point():
            problems.append(f'"{name}" holds {str(tensor.dtype).removeprefix("torch.")}, the net has real numbers')
    if problems:
        raise PackError(
            f"{where} does not fit the net: {'; '.join(problems[:12])}"
            + (f"; and {len(problems) - 12} more" if len(problems) > 12 else ""),
            hint="Use the checkpoint that was made for this net, or train again",
        )
    _refuse_not_finite(tensors, where)
    module.load_state_dict(tensors)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not Path(path).is_file():
        raise PackError(f"there is no checkpoint {path}", hint="Train first, or correct the path")
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise PackError(f"checkpoint {path} is damaged ({error})", hint="Copy it again, or train again") from error


def _refuse_not_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    bad = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not torch.isfinite(tensor).all()]
    if bad:
        raise PackError(f"{where}: not finite: {', '.join(bad[:12])}", hint="The training diverged; train again")


def _shape(tensor: Tensor) -> str:
    return "x".join(str(size) for size in tensor.shape) or "a number"
