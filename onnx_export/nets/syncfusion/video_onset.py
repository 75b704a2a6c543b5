"""SyncFusion's onset net: R(2+1)D-18 that keeps every time step, and a small head, name for name.

Convention: pictures are [batch, 3, time, rows, columns] inside the net, as the authors' code lays them out, and
[batch, time, 3, rows, columns] in a graph. An answer depends on ``CONTEXT_STEPS`` pictures on either side (17
convolutions over time, three pictures wide each); beyond the first and last picture there are zeros.

Facts from Comunità et al., "SyncFusion: Multimodal Onset-Synchronized Video-to-Audio Foley Synthesis", 2024, section
3.1, and its repository (mcomunita/syncfusion, ``main/onset_net.py`` and ``main/resnet.py``); the trunk is Tran et al.,
"A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018, with stride 1 over time throughout.

Named differences: the authors squeeze every axis of size 1 out of the trunk's answer, which breaks a single picture
(and a single channel); here the pooled rows and columns go, and nothing else. The answers are the same otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTH = 64
"""Channels of the first stage in the published net; the further stages double it."""

CONTEXT_STEPS = 17

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of red, green, blue over ImageNet: what the authors' data set subtracts and divides by."""


class VideoOnsetNet(nn.Module):
    """Normalised pictures [batch, 3, time, rows, columns] to logits [batch, time]; one onset or none per picture.

    At ``width`` 64 the ``state_dict`` has the 226 names and the 31,365,918 weights (and 25,387 values of batch
    statistics) of the published checkpoint, whose names carry ``model.`` in front.

    Args:
        width: channels of the first stage, at least 2.
    """

    def __init__(self, *, width: int = WIDTH) -> None:
        super().__init__()
        self.net = _Kept(_Trunk(width))
        self.fc = nn.Sequential(nn.Linear(8 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits, before the sigmoid."""
        features = self.net.model(pictures)
        return self.fc(features.mean((-1, -2)).transpose(1, 2))[..., 0]


class VideoOnsetGraph(nn.Module):
    """The net as a graph: pictures [batch, time, 3, rows, columns], RGB in 0..1, to activation [batch, time] in 0..1.

    Args:
        net: the net, in evaluation mode.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, net: VideoOnsetNet) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return torch.sigmoid(self.net((pictures.transpose(1, 2) - self.mean) / self.deviation))


class _Kept(nn.Module):
    """Keeps the trunk under the name ``model``."""

    def __init__(self, model: _Trunk) -> None:
        super().__init__()
        self.model = model


class _Trunk(nn.Module):
    """Stem and four stages of two blocks; every stage but the first halves rows and columns."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(3, _stem_channels(width), (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
            nn.BatchNorm3d(_stem_channels(width)),
            nn.ReLU(),
            nn.Conv3d(_stem_channels(width), width, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(),
        )
        self.layer1 = nn.Sequential(_Block(width, width), _Block(width, width))
        self.layer2 = nn.Sequential(_Block(width, 2 * width, stride=2), _Block(2 * width, 2 * width))
        self.layer3 = nn.Sequential(_Block(2 * width, 4 * width, stride=2), _Block(4 * width, 4 * width))
        self.layer4 = nn.Sequential(_Block(4 * width, 8 * width, stride=2), _Block(8 * width, 8 * width))

    def forward(self, pictures: Tensor) -> Tensor:
        """[batch, 8 width, time, rows / 16, columns / 16], rounded up."""
        return self.layer4(self.layer3(self.layer2(self.layer1(self.stem(pictures)))))


class _Block(nn.Module):
    """Two space-then-time convolutions and a way around them."""

    def __init__(self, channels: int, features: int, *, stride: int = 1) -> None:
        super().__init__()
        middle = _middle_channels(channels, features)
        self.conv1 = nn.Sequential(
            _space_then_time(channels, middle, features, stride), nn.BatchNorm3d(features), nn.ReLU()
        )
        self.conv2 = nn.Sequential(_space_then_time(features, middle, features, 1), nn.BatchNorm3d(features))
        self.downsample = None
        if stride != 1:
            around = nn.Conv3d(channels, features, 1, stride=(1, stride, stride), bias=False)
            self.downsample = nn.Sequential(around, nn.BatchNorm3d(features))

    def forward(self, x: Tensor) -> Tensor:
        around = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.conv2(self.conv1(x)) + around)


def _space_then_time(channels: int, middle: int, features: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(channels, middle, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False),
        nn.BatchNorm3d(middle),
        nn.ReLU(),
        nn.Conv3d(middle, features, (3, 1, 1), padding=(1, 0, 0), bias=False),
    )


def _middle_channels(channels: int, features: int) -> int:
    """So many that both together have the weights of one 3 x 3 x 3 convolution (Tran et al., section 3.5)."""
    return channels * features * 27 // (9 * channels + 3 * features)


def _stem_channels(width: int) -> int:
    """45 in the published net; in proportion in others."""
    return max(1, 45 * width // WIDTH)
