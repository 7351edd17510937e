"""A table of drafts, or any other source of extract.py, with the clips measured as the run's own."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from extraction.drafts.clip import clip_features
from extraction.sources.read import read_source
from extraction.sources.source import Source, media_files
from features.featurizer import Featurizer
from features.tables.dataset import Dataset, read_dataset
from features.tables.formats import SUFFIXES
from machine.errors import InputError


def read_drafts(path: Path, featurizer: Featurizer, run: Path, weights: str = "") -> tuple[Dataset, list[str]]:
    """The drafts as a dataset, and sentences about what could not be used.

    Args:
        path: a dataset, a table by the contract, or any other source that extract.py reads; targets are not needed.
        featurizer: of the run.
        run: the run directory, which says how the clips it was trained on were measured.
        weights: file with the image network's weights, if not those.

    Raises:
        InputError: there are no drafts, or whatever reading refuses.
    """
    source = read_source(path, future=True)
    targets = featurizer.targets
    dataset = Dataset(source.videos, {}, str(path), readings=source.readings)
    if path.is_dir() and source.name.name.startswith("videos.") and _has_features(path):
        dataset = read_dataset(path, targets=targets.names, count_targets=targets.scale.counts, future=True)
    notes = [f"{count} values of {column} could not be understood" for column, count in source.unusable.items()] + source.notes
    if len(dataset) == 0:
        raise InputError(f"{path}: no draft in it")
    if "visual" in dataset.ready or not source.videos["video_path"].notna().any():
        return dataset, notes
    if "visual" not in featurizer.columns:
        return dataset, [*notes, "the run was trained without a visual part, so clips are not looked at"]
    found, problems = _measured(source, featurizer, run, weights)
    place = pd.Index(source.videos["id"]).get_indexer(dataset.videos["id"])
    ready = {part: table.iloc[place].reset_index(drop=True) for part, table in found.items()}
    return replace(dataset, ready=dataset.ready | ready), [*notes, *problems]


def _has_features(directory: Path) -> bool:
    """Whether ready-made features lie beside the videos table."""
    names = [file.name.lower() for file in directory.iterdir() if file.name.lower().endswith(SUFFIXES)]
    return any(not name.startswith("videos.") for name in names)


def _measured(source: Source, featurizer: Featurizer, run: Path, weights: str) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Part to features of every clip, NaN where there is none; and a sentence for each clip that has a problem."""
    parts: dict[str, np.ndarray] = {
        part: np.full((len(source.videos), len(featurizer.columns[part])), np.nan)
        for part in ("visual", "acoustic")
        if part in featurizer.columns
    }
    problems = []
    for row, path in enumerate(_progress(media_files(source))):
        if path is None:
            continue
        try:
            features, reasons = clip_features(path, featurizer, run, weights)
        except InputError as error:
            problems.append(str(error) if path.exists() else f"{path}: no such file")
            continue
        problems += [f"{path}: {reason}" for reason in reasons]
        for part, values in features.items():
            parts[part][row] = values
    return {part: pd.DataFrame(values, columns=featurizer.columns[part]) for part, values in parts.items()}, problems


def _progress(paths: list[Path | None]) -> Iterator[Path | None]:
    from tqdm import tqdm

    shown: Iterable[Path | None] = tqdm(paths, unit="clip", desc="measuring", disable=None)
    yield from shown
