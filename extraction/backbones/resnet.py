"""ResNet50 as torchvision defines it, with its names of weights; importing torchvision's own brings torch's compiler along: 160 MB, 2 s.

The network of He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2016), with the stride in the 3 x 3 convolution.
"""

from collections import OrderedDict

import torch
from torch import nn

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # width, blocks, stride of the first
EXPANSION = 4


class Bottleneck(nn.Module):
    """Three convolutions around a shortcut, (N, inputs, H, W) -> (N, 4 width, H / stride, W / stride)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, 4 width, H / stride, W / stride)."""
        result = self.relu(self.bn1(self.conv1(images)))
        result = self.relu(self.bn2(self.conv2(result)))
        result = self.bn3(self.conv3(result))
        result += self.downsample(images)
        return self.relu(result)


class ResNet50(nn.Sequential):
    """(N, 3, H, W) -> (N, 1000) ImageNet logits, or 2048 features once `fc` is an identity."""

    def __init__(self) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(3, 64, 7, 2, 3, bias=False), bn1=nn.BatchNorm2d(64), relu=nn.ReLU(inplace=True), maxpool=nn.MaxPool2d(3, 2, 1)
        )
        inputs = 64
        for number, (width, blocks, stride) in enumerate(STAGES, start=1):
            first = Bottleneck(inputs, width, stride)
            inputs = EXPANSION * width
            layers[f"layer{number}"] = nn.Sequential(first, *(Bottleneck(inputs, width, 1) for _ in range(blocks - 1)))
        layers.update(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(inputs, 1000))
        super().__init__(layers)
