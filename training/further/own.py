"""Whether other data are forecast better by a run of their own, trained from scratch, than by the run that was moved to them."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from features.missing import OF_THE_AUTHOR
from features.rows.splits import split
from features.tables.dataset import Dataset
from features.targets import truth
from forecast.forecaster import Forecaster
from forecast.run.configuration import AUTOMATIC, Configuration
from forecast.run.directory import RunDirectory
from forecast.scoring.scores import row_summary
from training.ensemble import train

ENOUGH = 400  # rows to learn from below which a run of their own is not tried (docs/other_data.md)
PLACE = "own"  # in the run directory, while it is not known which of the two will be kept
DRAWS = 400


def own_run(run: RunDirectory, dataset: Dataset, configuration: Configuration, **settings: Any) -> Forecaster:
    """Train a run from scratch, inside the directory of the moved one; arguments as of `training.train`.

    What the parent left to the number of rows is left to that of these; targets that no row knows are left out.
    """
    values = truth(dataset.videos, configuration.targets, configuration.target_scale)
    told = tuple(name for name, known in zip(configuration.targets, ~np.isnan(values).all(0), strict=True) if known)
    left: dict[str, Any] = dict.fromkeys(AUTOMATIC, 0)
    return train(dataset, replace(configuration, targets=told, **left), run=run.path / PLACE, **settings)


def better(own: Forecaster, dataset: Dataset, learning: np.ndarray, moved: Callable[[np.ndarray], Forecaster]) -> bool:
    """Whether a run forecasts rows that it did not learn from better than the run that was moved to the same other rows.

    Each row is forecast only by the networks that did not learn from it, which is a little worse than all networks together.

    Args:
        own: the run.
        dataset: the data it was trained on.
        learning: numbers of the rows that may be learned from.
        moved: the run that is moved to rows of these numbers.
    """
    c = own.configuration
    ours, theirs, reached = [], [], []
    for fold in range(c.folds):
        held = np.intersect1d(split(dataset.videos, **c.division, fold=fold).validation, learning)
        table = dataset.take(held)
        reached.append(truth(table.videos, own.targets, c.target_scale))
        ours.append(_crps(replace(own, members=own.members[fold :: c.folds]), table, own.targets, reached[-1]))
        theirs.append(_crps(moved(np.setdiff1d(learning, held)), table, own.targets, reached[-1]))
    scale = np.maximum(np.nanstd(np.concatenate(reached), axis=0), 1e-9)
    return bool(np.nanmean(np.concatenate(ours) / scale) < np.nanmean(np.concatenate(theirs) / scale))


def _crps(forecaster: Forecaster, table: Dataset, targets: Sequence[str], reached: np.ndarray) -> np.ndarray:
    """(n, K) CRPS of these rows and targets, NaN where unknown."""
    videos = forecaster.featurizer.transform(table).unlabelled().to(next(forecaster.members[0].parameters()).device)
    if forecaster.configuration.split == "author":
        videos = videos.without(*OF_THE_AUTHOR)
    draws = np.concatenate(list(forecaster.draws(videos, DRAWS, plain=True)), axis=1)
    return row_summary(draws[..., [forecaster.targets.index(name) for name in targets]], reached)["crps"]


def keep(run: RunDirectory, about: dict[str, Any]) -> None:
    """Make the run inside of the directory the one that the directory holds; `about` is added to its manifest, which is written last."""
    own = RunDirectory(run.path / PLACE)
    manifest = own.manifest()
    for name in {*manifest["files"], "log.jsonl"} - {"source.json"}:  # that of the directory names the parent
        shutil.copyfile(own.path / name, run.path / name)
    told = {name: value for name, value in manifest.items() if name not in ("format", "files")}
    run.finish(list(manifest["files"]), told | about)
    forget(run)


def forget(run: RunDirectory) -> None:
    """Remove the run inside of the directory."""
    shutil.rmtree(run.path / PLACE, ignore_errors=True)
