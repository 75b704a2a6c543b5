"""Which tensor of SyncFusion's diffusion checkpoint belongs to which net.

Convention: the checkpoint is the state of a Lightning module with three parts: ``model`` (audio-diffusion-pytorch's
DiffusionModel, which registers its one UNet three times), ``onsets_encoder``, and ``clap.model``. What comes out has
the names that the net itself uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from bridge.errors import PackError

COPIES = ("model.net.", "model.diffusion.net.", "model.sampler.net.")
"""Prefixes under which the checkpoint stores the same UNet."""
ENCODER = "onsets_encoder."
CLAP = "clap.model."
TWICE = ("blocks.1.blocks.0.0.", "blocks.1.blocks.1.0.")
"""Prefixes, in the UNet, of the one linear layer that it runs twice."""
LISTED = 12


class Parts(NamedTuple):
    """A diffusion checkpoint taken apart; each mapping has the names of its net."""

    unet: dict[str, Tensor]
    encoder: dict[str, Tensor]
    clap: dict[str, Tensor]


def one_copy(tensors: Mapping[str, Tensor]) -> Parts:
    """Takes the checkpoint apart and keeps one of the UNet's copies; the tensors are the given ones, not cloned.

    Args:
        tensors: the ``state_dict`` of the Lightning checkpoint. Tensors of other parts are left aside.

    Raises:
        PackError: a part is missing, or what is stored more than once differs; all names are listed.
    """
    copies = {prefix: stripped for prefix in COPIES if (stripped := _under(tensors, prefix))}
    encoder, clap = _under(tensors, ENCODER), _under(tensors, CLAP)
    parts = {"UNet (model.net.*)": copies, "onset encoder (onsets_encoder.*)": encoder, "CLAP (clap.model.*)": clap}
    missing = [name for name, part in parts.items() if not part]
    if missing:
        found = sorted({name.split(".")[0] for name in tensors}) or ["nothing"]
        raise PackError(
            f"the checkpoint has no {', no '.join(missing)}; it has {', '.join(found[:LISTED])}",
            hint="Take the diffusion checkpoint of SyncFusion, whole",
        )
    _refuse_unlike_names(copies)
    (first, unet), *others = copies.items()
    differing = [name for prefix, copy in others for name in _differing(unet, copy, first, prefix)]
    once, again = TWICE
    differing += [
        f"{name} and {twin}"
        for name in unet
        if name.startswith(once) and (twin := again + name[len(once) :]) in unet and not _same(unet[name], unet[twin])
    ]
    if differing:
        raise PackError(
            f"the checkpoint stores these more than once, and not alike: {'; '.join(differing[:LISTED])}"
            + (f"; and {len(differing) - LISTED} more" if len(differing) > LISTED else ""),
            hint="The file is damaged or was edited; fetch it again",
        )
    return Parts(unet, encoder, clap)


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _refuse_unlike_names(copies: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Says which copy lacks what the others have."""
    names = dict.fromkeys(name for copy in copies.values() for name in copy)
    lacking = [
        f'"{name}" is missing in {" and ".join(prefix + "*" for prefix in lack)}'
        for name in names
        if (lack := [prefix for prefix, copy in copies.items() if name not in copy])
    ]
    if lacking:
        raise PackError(
            f"the checkpoint stores the UNet more than once, and not alike: {'; '.join(lacking[:LISTED])}"
            + (f"; and {len(lacking) - LISTED} more" if len(lacking) > LISTED else ""),
            hint="The file is damaged or was edited; fetch it again",
        )


def _differing(unet: Mapping[str, Tensor], copy: Mapping[str, Tensor], first: str, other: str) -> list[str]:
    """What is not the same in both copies."""
    return [f"{first}{name} and {other}{name}" for name in unet if not _same(unet[name], copy[name])]


def _same(one: Tensor, other: Tensor) -> bool:
    """Bit for bit, but all that is not a number counts as one; says nothing of the tensors' place in memory."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.data_ptr() == other.data_ptr() and one.stride() == other.stride():
        return True
    return torch.allclose(one, other, rtol=0.0, atol=0.0, equal_nan=True)
