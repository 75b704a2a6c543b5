"""The orthonormal MDCT that stands between sound and latent.

Convention: frames are ``HOP`` samples apart and 2*HOP long; frame *m* is centred on sample ``m * HOP + HOP / 2``, so
the frame that begins at an onset's sample carries its attack. Sound and latent have the same number of degrees of
freedom and, under the sine window (Princen and Bradley, 1986: time-domain alias cancellation), the same norm: white
noise in one is white noise in the other. ``compress`` then scales each band to about unit size where there is sound
and compresses its amplitude, as ``sign(y) |y|**POWER``: a tail 40 dB down is a tenth, not a hundredth, so that the
last steps of a sampler are not all that ever sees it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

HOP = 256
POWER = 0.5


def mdct_basis(hop: int = HOP) -> Tensor:
    """The windowed cosine basis, shape (bands = hop, 2 * hop), float32."""
    n = torch.arange(2 * hop, dtype=torch.float64)
    k = torch.arange(hop, dtype=torch.float64)
    window = torch.sin(math.pi / (2 * hop) * (n + 0.5))
    phase = math.pi / hop * (n[None, :] + 0.5 + hop / 2) * (k[:, None] + 0.5)
    return (math.sqrt(2.0 / hop) * window[None, :] * torch.cos(phase)).float()


def analyse(audio: Tensor, basis: Tensor) -> Tensor:
    """MDCT of sound, shape (batch, samples) with samples a multiple of HOP -> (batch, bands, samples / HOP)."""
    hop = basis.shape[0]
    padded = functional.pad(audio[:, None, :], (hop // 2, hop // 2))
    return functional.conv1d(padded, basis[:, None, :], stride=hop)


def synthesise(spectrum: Tensor, basis: Tensor) -> Tensor:
    """Inverse of ``analyse`` by overlap-add, (batch, bands, frames) -> (batch, 1, frames * HOP).

    The outermost HOP / 2 samples on each side lack a neighbour to cancel their alias; callers pad.
    """
    hop = basis.shape[0]
    return functional.conv_transpose1d(spectrum, basis[:, None, :], stride=hop, padding=hop // 2)


def compress(spectrum: Tensor, scale: Tensor) -> Tensor:
    """Spectrum (batch, bands, frames) -> latent of about unit size where there is sound; scale has shape (bands,)."""
    scaled = spectrum / scale[None, :, None]
    return torch.sign(scaled) * scaled.abs() ** POWER


class Decoder(nn.Module):
    """Latent (batch, bands, frames) -> sound (batch, 1, frames * HOP): the pack's ``decoder`` graph."""

    scale: Tensor
    basis: Tensor

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale.clone())
        self.register_buffer("basis", mdct_basis(scale.shape[0]))

    def forward(self, latent: Tensor) -> Tensor:
        """Undo ``compress``, then synthesise."""
        spectrum = torch.sign(latent) * latent.abs() ** (1.0 / POWER) * self.scale[None, :, None]
        return synthesise(spectrum, self.basis)
