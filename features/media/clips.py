"""One clip to features: the decoding process and the network, together."""

import dataclasses
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import InputError
from features.files import regular_file
from features.media.acoustic import acoustic_columns, acoustic_features
from features.media.settings import Limits, Problem, Settings
from features.media.store import Result
from features.media.visual import BACKBONES, Network, file_sha256, visual_columns
from features.media.worker import Decoder


def columns(settings: Settings) -> dict[str, list[str]]:
    """Names of the numbers of each part, in their order."""
    return {"visual": visual_columns(settings.backbone, settings.combine), "acoustic": acoustic_columns()}


def settled(settings: Settings) -> Settings:
    """The same settings with the weights' file found (downloaded if needed), its checksum, and the device chosen.

    Raises:
        InputError: no such backbone, no weights, or no such device here.
    """
    if settings.backbone not in BACKBONES:
        raise InputError(f"backbone {settings.backbone!r}: choose from {', '.join(BACKBONES)}")
    weights = regular_file(Path(settings.weights)).resolve() if settings.weights else BACKBONES[settings.backbone].published()
    checksum = file_sha256(weights)
    if settings.weights_sha256 and settings.weights_sha256 != checksum:
        raise InputError(f"{weights}: not the weights that were used before (another checksum)")
    return dataclasses.replace(settings, weights=str(weights), weights_sha256=checksum, device=_device(settings.device))


def _device(name: str) -> str:
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there[name]:
        raise InputError(f"--device {name}: not available on this machine")
    return name


class ClipReader:
    """Gives features of clips. Use as a context manager, from one thread; several readers may share a network.

    Args:
        settings: as `settled` returns them.
        limits: what one clip may cost.
        network: loaded from the settings if not given.
    """

    def __init__(self, settings: Settings, limits: Limits | None = None, network: Network | None = None) -> None:
        limits = limits or Limits()
        backbone = BACKBONES[settings.backbone]
        self._network: Any = network or Network(settings)
        self._decoder = Decoder(backbone.resize, backbone.crop, limits)

    def __enter__(self) -> "ClipReader":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """End the decoding process."""
        self._decoder.close()

    def read(self, path: Path) -> tuple[Result, bool]:
        """The features of the clip at `path`, and whether the outcome may be kept (see `Decoder.read`)."""
        frames, sound, problems, final = self._decoder.read(path)
        result = Result(problems=problems)
        if frames is not None:
            self._keep(result, "visual", self._network.features(frames))
        if sound is not None:
            self._keep(result, "acoustic", acoustic_features(sound))
        return result, final

    @staticmethod
    def _keep(result: Result, part: str, values: np.ndarray) -> None:
        if np.isfinite(values).all():
            result.features[part] = values
        else:
            result.problems.append(Problem(part, "not_finite: its features are not finite numbers"))


class Readers:
    """As many readers as `workers`, each in its thread with one core, around one network that is loaded for the first clip."""

    def __init__(self, settings: Settings, limits: Limits, workers: int) -> None:
        self._settings, self._limits = settings, limits
        self._network: Network | None = None
        self._pool = ThreadPoolExecutor(workers, initializer=self._begin)
        self._own = threading.local()
        self._readers: list[ClipReader] = []

    def __enter__(self) -> "Readers":
        return self

    def __exit__(self, *exception) -> None:
        self._pool.shutdown(cancel_futures=True)
        for reader in self._readers:
            reader.close()

    def submit(self, path: Path) -> Future:
        """Have a clip read; the future gives what `ClipReader.read` returns."""
        if self._network is None:
            self._network = Network(self._settings)
        return self._pool.submit(lambda: self._own.reader.read(path))

    def _begin(self) -> None:
        import torch

        torch.set_num_threads(1)  # two threads on one clip are slower than two clips
        self._own.reader = ClipReader(self._settings, self._limits, self._network)
        self._readers.append(self._own.reader)


def features_of_clip(path: Path, settings: Settings, limits: Limits | None = None) -> tuple[dict[str, np.ndarray], list[Problem]]:
    """The features of one clip by part, float32 (one dimension, named by `columns`), and what is wrong with it.

    A part that the clip lacks is absent. For several clips, keep a `ClipReader`.

    Raises:
        InputError: the path is not a regular file, or the settings' weights are missing.
    """
    regular_file(path)
    with ClipReader(settled(settings), limits) as reader:
        result, _ = reader.read(path)
    return result.features, result.problems
