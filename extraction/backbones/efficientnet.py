"""EfficientNet-Lite0, the second backbone: small, and its ImageNet weights come in a Python package.

The network of Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), in the Lite variant
(no squeeze-and-excitation, ReLU6); module names are those of the published PyTorch weights.
"""

from collections import OrderedDict

import torch
from torch import nn

# expansion, kernel, stride, output channels, repeats
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Inverted residual block: expand, depthwise convolution, project."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        width = inputs * expansion
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion > 1:
            layers.update(_expand_conv=nn.Conv2d(inputs, width, 1, bias=False), _bn0=_norm(width), _relu0=nn.ReLU6())
        convolution = nn.Conv2d(width, width, kernel, stride, kernel // 2, groups=width, bias=False)
        layers.update(_depthwise_conv=convolution, _bn1=_norm(width), _relu1=nn.ReLU6())
        layers.update(_project_conv=nn.Conv2d(width, outputs, 1, bias=False), _bn2=_norm(outputs))
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        result = images
        for layer in self.children():
            result = layer(result)
        return result + images if self.residual else result


class EfficientNetLite0(nn.Module):
    """(N, 3, 224, 224) -> (N, 1000) ImageNet logits, or 1280 features once `_fc` is an identity."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self._bn0 = _norm(32)
        blocks, inputs = [], 32
        for expansion, kernel, stride, outputs, repeats in STAGES:
            for repeat in range(repeats):
                blocks.append(Block(inputs, outputs, expansion, kernel, stride if repeat == 0 else 1))
                inputs = outputs
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = nn.Conv2d(inputs, 1280, 1, bias=False)
        self._bn1 = _norm(1280)
        self._fc: nn.Module = nn.Linear(1280, 1000)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) -> (N, 1000)."""
        stem = nn.functional.relu6(self._bn0(self._conv_stem(images)))
        head = nn.functional.relu6(self._bn1(self._conv_head(self._blocks(stem))))
        return self._fc(head.mean(dim=(2, 3)))
