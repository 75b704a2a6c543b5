"""CLAP: sounds and words in one space (Wu et al., ICASSP 2023; LAION-CLAP, github.com/LAION-AI/CLAP).

Convention: one net with the official names, of which a pack takes two graphs, ``ClapText`` and ``ClapAudio``. Both
give an embedding of length 1, as ``get_text_embedding`` and ``get_audio_embedding_from_data`` do. The defaults are
``630k-audioset-best``: HTSAT-tiny without fusion, RoBERTa, 512 values.

A checkpoint stores more than the embeddings need. ``split`` sorts it: weights of this net; numbers that this net works
out by itself, which must be the same there (another window, mel scale or lowest frequency is another ear); weights
that only training and AudioSet's labels need; anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.nn import functional

from bridge.errors import PackError
from onnx_export.checkpoints import fill
from onnx_export.nets.clap_audio import AudioBranch, AudioShape, Block
from onnx_export.nets.clap_text import TextBranch, TextShape

UNUSED = re.compile(
    r"""audio_branch\.(tscam_conv|head)\.(weight|bias)    # labels of AudioSet
      | (audio|text)_transform\.sequential\.[03]\.(weight|bias)    # a second space that only the loss uses
      | logit_scale_[at]    # temperature of the loss
      | text_branch\.embeddings\.(position_ids|token_type_ids)    # 0, 1, 2, ... and zeros
    """,
    re.VERBOSE,
)
"""Names of official weights that no embedding depends on."""
SAME = 1e-3
"""How far a checkpoint's copy of what is worked out here may be off, relative to the largest number."""
LISTED = 12


@dataclass(frozen=True, kw_only=True)
class ClapShape:
    """Sizes of the net. ``dim``: values of an embedding."""

    audio: AudioShape = field(default_factory=AudioShape)
    text: TextShape = field(default_factory=TextShape)
    dim: int = 512


class Clap(nn.Module):
    """The weights of both towers, by their official names."""

    def __init__(self, shape: ClapShape) -> None:
        super().__init__()
        self.shape = shape
        self.audio_branch = AudioBranch(shape.audio)
        self.audio_projection = _projection(shape.audio.features, shape.dim)
        self.text_branch = TextBranch(shape.text)
        self.text_projection = _projection(shape.text.width, shape.dim)

    def worked_out(self) -> dict[str, Tensor]:
        """What checkpoints store though it follows from the sizes, by official name."""
        known = {f"audio_branch.{name}": tensor for name, tensor in self.audio_branch.mel.official().items()}
        for name, module in self.named_modules():
            if isinstance(module, Block):
                known[f"{name}.attn.relative_position_index"] = module.attn.relative
                if module.apart is not None:
                    known[f"{name}.attn_mask"] = module.apart
        return known


class ClapAudio(nn.Module):
    """Waveform (batch, clip) -> embedding (batch, dim): the pack's ``clap_audio`` graph.

    The waveform is mono at ``mel.rate_hz``, within -1..1 and exactly ``mel.clip_samples`` long.
    """

    def __init__(self, clap: Clap) -> None:
        super().__init__()
        self.branch, self.projection = clap.audio_branch, clap.audio_projection

    def forward(self, waveform: Tensor) -> Tensor:
        """Of length 1."""
        return functional.normalize(self.projection(self.branch(waveform)), dim=-1)


class ClapText(nn.Module):
    """Tokens and their mask (batch, tokens) -> embedding (batch, dim): the pack's ``clap_text`` graph."""

    def __init__(self, clap: Clap) -> None:
        super().__init__()
        self.branch, self.projection = clap.text_branch, clap.text_projection

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        """Of length 1."""
        return functional.normalize(self.projection(self.branch(tokens, attention_mask)), dim=-1)


def load_clap(tensors: Mapping[str, Tensor], shape: ClapShape | None = None) -> Clap:
    """The net with the weights of an official checkpoint.

    Args:
        tensors: by official name, without the prefix ``module.`` of the file or ``clap.model.`` of SyncFusion's.
        shape: None for the official sizes.

    Raises:
        PackError: weights are missing, extra, misshapen or not finite, by name; or the checkpoint hears otherwise.
    """
    clap = Clap(shape or ClapShape())
    fill(clap, split(tensors, clap), where="CLAP checkpoint")
    return clap.eval()


def split(tensors: Mapping[str, Tensor], clap: Clap) -> dict[str, Tensor]:
    """What of a checkpoint the net must take: all but what is unused, or worked out here and the same there.

    Raises:
        PackError: the checkpoint's ear is another than the net's; names what differs.
    """
    worked_out = clap.worked_out()
    other = [name for name, mine in worked_out.items() if name in tensors and not _same(tensors[name], mine)]
    if other:
        raise PackError(
            f"CLAP checkpoint: made for another front end or other windows, since these differ: "
            f"{', '.join(other[:LISTED])}" + (f"; and {len(other) - LISTED} more" if len(other) > LISTED else ""),
            hint="Use 630k-audioset-best of LAION-CLAP, the model that SyncFusion was trained with",
        )
    return {name: tensor for name, tensor in tensors.items() if name not in worked_out and not UNUSED.fullmatch(name)}


def _projection(width: int, dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, dim), nn.ReLU(), nn.Linear(dim, dim))


def _same(stored: Tensor, mine: Tensor) -> bool:
    if stored.shape != mine.shape:
        return False
    difference = (stored.double() - mine.double()).abs().max()
    return bool(difference <= SAME * mine.double().abs().max())
