"""What the report shows and metrics.json records: coverage at every level, PIT, groups, parts."""

from typing import Any

import numpy as np

from features.tables.dataset import Dataset
from forecast.contributions import contributions
from forecast.forecaster import Forecaster
from forecast.scoring.evaluation import Evaluation
from forecast.scoring.subsets.groups import group_scores

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
BINS = 20


def coverage(pit: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    """Share of truths held by the central interval of each level.

    Args:
        pit: (N, K) share of the draws below the truth, NaN where unknown.
        names: of the K targets.
    """
    held = {}
    for k, name in enumerate(names):
        place = 2 * np.abs(pit[~np.isnan(pit[:, k]), k] - 0.5)
        held[name] = [float((place <= level).mean()) if len(place) else None for level in LEVELS]
    return {"levels": list(LEVELS), "targets": held}


def pit_histogram(pit: np.ndarray, names: tuple[str, ...]) -> dict[str, list[int]]:
    """Counts of the PIT in 20 equal bins, by target."""
    return {name: np.histogram(pit[~np.isnan(pit[:, k]), k], bins=BINS, range=(0.0, 1.0))[0].tolist() for k, name in enumerate(names)}


def add_measures(evaluation: Evaluation, forecaster: Forecaster, dataset: Dataset, *, seed: int = 0) -> None:
    """Add `coverage`, `pit`, `groups` and `parts` to the evaluation's metrics."""
    rows, truth = evaluation.rows, evaluation.truth
    evaluation.metrics["coverage"] = coverage(rows["pit"], evaluation.targets)
    evaluation.metrics["pit"] = pit_histogram(rows["pit"], evaluation.targets)
    evaluation.metrics["groups"] = group_scores(dataset.videos, evaluation.stranger, rows, truth)
    evaluation.metrics["parts"] = contributions(forecaster, evaluation.examined.to(forecaster.device), seed=seed).averages()
