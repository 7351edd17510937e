"""Results per clip on disk, under a fingerprint of the file's content and the settings: what was done is not done again."""

import hashlib
import io
import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from extraction import acoustic
from extraction.decoding import picture
from extraction.settings import FRAMES, SAMPLE_RATE, Limits, Problem, Settings
from extraction.visual import BACKBONES
from machine.files import regular_file, writing

LAYOUT = 4  # raised when the same input gives other numbers


@dataclass
class Result:
    """Features of one clip by part (float32, one dimension), and its problems."""

    features: dict[str, np.ndarray] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def description(settings: Settings, limits: Limits) -> dict:
    """Everything besides a clip's content that decides its result, as JSON."""
    backbone = BACKBONES[settings.backbone]
    return {
        "layout": LAYOUT,
        "visual": {
            "backbone": settings.backbone,
            "weights_sha256": settings.weights_sha256,
            "combine": settings.combine,
            "precision": settings.precision,
            "device": settings.device,
            "frames": FRAMES,
            "resize": backbone.resize,
            "crop": backbone.crop,
            "widest": picture.WIDEST,
        },
        "acoustic": {
            "sample_rate": SAMPLE_RATE,
            "mfcc": acoustic.COEFFICIENTS,
            "window": acoustic.WINDOW,
            "hop": acoustic.HOP,
            "mels": acoustic.MELS,
        },
        "limits": {"megabytes": limits.megabytes, "pixels": limits.pixels, "sound_seconds": limits.sound_seconds},
        "versions": {name: version(name) for name in ("av", "numpy", "pillow", "torch", "torchaudio", "torchvision")},
    }


class Store:
    """A directory of results.

    Args:
        directory: made when the first result is kept.
        described: see `description`.
    """

    def __init__(self, directory: Path, described: dict) -> None:
        self._directory = directory
        self._settings = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).digest()

    def key(self, path: Path) -> str:
        """Fingerprint of the clip at `path` with these settings, in hexadecimal.

        Raises:
            InputError: it is not there, or no regular file.
            OSError: it cannot be read.
        """
        with regular_file(path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        return hashlib.sha256(content + self._settings).hexdigest()[:40]

    def put(self, key: str, result: Result) -> None:
        """Keep a result, whole or not at all."""
        arrays: dict[str, Any] = {f"part_{name}": values for name, values in result.features.items()}
        buffer = io.BytesIO()
        np.savez(buffer, problems=np.frombuffer(json.dumps(result.problems).encode(), np.uint8), **arrays)
        with writing(self._path(key)) as temporary:
            temporary.write_bytes(buffer.getvalue())

    def get(self, key: str) -> Result | None:
        """The result kept under `key`, or None."""
        try:
            with np.load(self._path(key), allow_pickle=False) as file:
                problems = [Problem(*entry) for entry in json.loads(file["problems"].tobytes())]
                return Result({name.removeprefix("part_"): file[name] for name in file.files if name != "problems"}, problems)
        except Exception:  # a damaged file is the same as none: the clip is done again
            return None

    def _path(self, key: str) -> Path:
        return self._directory / key[:2] / f"{key}.npz"
