"""A table of drafts, or any other source of extract.py, with the clips measured as the run's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from extraction.clips import ClipReader, settled
from extraction.drafts.clip import settings
from extraction.settings import Settings
from extraction.sources.read import read_source
from extraction.sources.source import Source, media_files
from features.featurizer import Featurizer
from features.tables.dataset import Dataset, read_dataset
from features.tables.formats import SUFFIXES
from machine.errors import InputError
from machine.files import regular_file


def read_drafts(path: Path, featurizer: Featurizer, run: Path, weights: str = "", device: str = "cpu") -> tuple[Dataset, list[str]]:
    """The drafts as a dataset, and sentences about what could not be used.

    Args:
        path: a dataset, a table by the contract, or any other source that extract.py reads; targets are not needed.
        featurizer: of the run.
        run: the run directory, which says how the clips it was trained on were measured.
        weights: file with the image network's weights, if not those.
        device: where the image network runs.

    Raises:
        InputError: there are no drafts, the image network's weights are missing, or whatever reading refuses.
    """
    source = read_source(path, future=True)
    targets = featurizer.targets
    dataset = Dataset(source.videos, {}, str(path), readings=source.readings)
    if path.is_dir() and source.name.name.startswith("videos.") and _has_features(path):
        dataset = read_dataset(path, targets=targets.names, target_scale=targets.scale, future=True)
    notes = [f"{count} values of {column} could not be understood" for column, count in source.unusable.items()] + source.notes
    if len(dataset) == 0:
        raise InputError(f"{path}: no draft in it")
    if "visual" in dataset.ready or not source.videos["video_path"].notna().any():
        return dataset, notes
    if "visual" not in featurizer.columns:
        return dataset, [*notes, "the run was trained without a visual part, so clips are not looked at"]
    found, problems = _measured(source, featurizer, settings(featurizer, run, weights, device))
    place = pd.Index(source.videos["id"]).get_indexer(dataset.videos["id"])
    ready = {part: table.iloc[place].reset_index(drop=True) for part, table in found.items()}
    return replace(dataset, ready=dataset.ready | ready), [*notes, *problems]


def _has_features(directory: Path) -> bool:
    """Whether ready-made features lie beside the videos table."""
    names = [file.name.lower() for file in directory.iterdir() if file.name.lower().endswith(SUFFIXES)]
    return any(not name.startswith("videos.") for name in names)


def _measured(source: Source, featurizer: Featurizer, like: Settings) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Part to features of every clip, NaN where there is none; and a sentence for each clip that has a problem."""
    parts: dict[str, np.ndarray] = {
        part: np.full((len(source.videos), len(featurizer.columns[part])), np.nan)
        for part in ("visual", "acoustic")
        if part in featurizer.columns
    }
    problems = []
    with ClipReader(settled(like)) as reader:
        for row, path in enumerate(tqdm(media_files(source), unit="clip", desc="measuring", disable=None)):
            if path is None:
                continue
            try:
                clip = regular_file(path)
            except InputError as error:
                problems.append(str(error))
                continue
            result, _ = reader.read(clip)
            problems += [f"{path}: {problem.reason}" for problem in result.problems]
            for part in parts.keys() & result.features.keys():
                parts[part][row] = result.features[part]
    return {part: pd.DataFrame(values, columns=featurizer.columns[part]) for part, values in parts.items()}, problems
