"""Features of a draft's media file, measured as those the run was trained on."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from features.featurizer import Featurizer
from machine.errors import InputError
from machine.files import inside, regular_file

if TYPE_CHECKING:
    from extraction.settings import Settings


def clip_features(
    clip: Path, featurizer: Featurizer, run: Path, weights: str = "", device: str = "cpu"
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Part to features of a media file, and sentences about what is wrong with it.

    Args:
        clip: the media file.
        featurizer: of the run.
        run: the run directory; its extraction.json says how the clips it was trained on were measured.
        weights: file with the image network's weights, if not those that extraction.json names.
        device: where the image network runs.

    Raises:
        InputError: the run was not trained on features that extract.py makes, the weights are missing, or nothing in the file can
            be read; the sentence is the one that extract.py gives.
    """
    from extraction.clips import features_of_clip

    regular_file(clip)
    found, problems = features_of_clip(clip, settings(featurizer, run, weights, device))
    if not found:
        raise InputError(f"{clip}: {problems[0].reason if problems else 'nothing in it can be read'}")
    return {part: values for part, values in found.items() if part in featurizer.columns}, [problem.reason for problem in problems]


def settings(featurizer: Featurizer, run: Path, weights: str = "", device: str = "cpu") -> "Settings":
    """The settings of extract.py that give the run's visual columns, on this machine."""
    from extraction.clips import columns
    from extraction.extract import read_settings
    from extraction.settings import Combine, Settings
    from extraction.visual import BACKBONES

    visual = featurizer.columns.get("visual")
    if visual is None:
        raise InputError("--video: the run was trained without a visual part, so a clip would add nothing")
    recorded_in = inside(run, "extraction.json")
    if recorded_in.exists():
        recorded = read_settings(recorded_in)
        if columns(recorded)["visual"] == visual:
            return replace(recorded, weights=weights or _weights_here(recorded), device=device)
    for backbone in BACKBONES:
        for combine in get_args(Combine):
            if columns(Settings(backbone, combine=combine))["visual"] == visual:
                return Settings(backbone, weights, combine=combine, device=device)
    raise InputError("--video: the run was trained on ready-made visual features that extract.py does not make")


def _weights_here(recorded: "Settings") -> str:
    """The file that was used before, or the published weights where they are the same; empty where none was named."""
    from extraction.visual import BACKBONES, file_sha256

    if not recorded.weights or Path(recorded.weights).is_file():
        return recorded.weights
    with contextlib.suppress(InputError):
        published = BACKBONES[recorded.backbone].published()
        if file_sha256(published) == recorded.weights_sha256:
            return str(published)
    raise InputError(f"{recorded.weights}: these weights, which the run was trained with, are gone; name their file with --visual-weights")
