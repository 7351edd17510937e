"""One clip to features: the decoding process and the network, together."""

import dataclasses
import functools
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from extraction.acoustic import acoustic_columns, features_of_pieces
from extraction.decoding.worker import Decoder
from extraction.settings import Limits, Problem, Settings
from extraction.store import Result
from extraction.visual import BACKBONES, Network, file_sha256, visual_columns
from machine.errors import InputError
from machine.files import regular_file
from machine.processes import begin_worker, device_name, release_memory


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
    return dataclasses.replace(settings, weights=str(weights), weights_sha256=checksum, device=device_name(settings.device))


class ClipReader:
    """Gives features of clips. Use as a context manager, from one thread.

    Args:
        settings: as `settled` returns them.
        limits: what one clip may cost.
    """

    def __init__(self, settings: Settings, limits: Limits | None = None) -> None:
        backbone = BACKBONES[settings.backbone]
        self._network = Network(settings)
        release_memory()  # here and below: what loading, sound and pictures need for a moment would otherwise add up to 40 MiB
        self._decoder = Decoder(backbone.resize, backbone.crop, limits or Limits())

    def __enter__(self) -> "ClipReader":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """End the decoding process."""
        self._decoder.close()

    def read(self, path: Path) -> tuple[Result, bool]:
        """The features of the clip at `path`, and whether the outcome may be kept (see `Decoder.read`)."""
        frames, acoustic, problems, final = self._decoder.read(path, features_of_pieces)
        release_memory()
        result = Result(problems=problems)
        if frames is not None:
            self._keep(result, "visual", self._network.features(frames))
            release_memory()
        if acoustic is not None:
            self._keep(result, "acoustic", acoustic)
        return result, final

    @staticmethod
    def _keep(result: Result, part: str, values: np.ndarray) -> None:
        if np.isfinite(values).all():
            result.features[part] = values
        else:
            result.problems.append(Problem(part, "not_finite: its features are not finite numbers"))


class Readers:
    """As many processes as `workers`, each with one core, a network and a decoding process of its own.

    The process that asks never holds torch, which alone takes half a gigabyte.
    """

    def __init__(self, settings: Settings, limits: Limits, workers: int) -> None:
        self._settings, self._limits = settings, limits
        self._pool = ProcessPoolExecutor(workers, get_context("spawn"), begin_worker)

    def __enter__(self) -> "Readers":
        return self

    def __exit__(self, *exception) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, path: Path) -> Future:
        """Have a clip read; the future gives what `ClipReader.read` returns, or raises BrokenProcessPool if a process died."""
        return self._pool.submit(read, path, self._settings, self._limits)


def settled_apart(settings: Settings) -> Settings:
    """`settled`, in a process that ends when it is done, if torch must be asked."""
    if settings.device == "cpu" and settings.weights:
        return settled(settings)
    with ProcessPoolExecutor(1, get_context("spawn"), begin_worker) as pool:
        return pool.submit(settled, settings).result()


def read(path: Path, settings: Settings, limits: Limits) -> tuple[Result, bool]:
    """`ClipReader.read`, for a worker's process: the reader is kept from clip to clip."""
    return _reader(settings, limits).read(path)


@functools.cache
def _reader(settings: Settings, limits: Limits) -> ClipReader:
    import torch

    torch.set_num_threads(1)  # two threads on one clip are slower than two clips
    return ClipReader(settings, limits)


def features_of_clip(path: Path, settings: Settings) -> tuple[dict[str, np.ndarray], list[Problem]]:
    """The features of one clip by part, float32 (one dimension, named by `columns`), and what is wrong with it.

    A part that the clip lacks is absent. For several clips, keep a `ClipReader`.

    Raises:
        InputError: the path is not a regular file, or the settings' weights are missing.
    """
    regular_file(path)
    with ClipReader(settled(settings)) as reader:
        result, _ = reader.read(path)
    return result.features, result.problems
