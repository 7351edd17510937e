"""One cell of the curve: one forecaster, trained on so many rows of a set, scored on others."""

import time
import warnings
from typing import Any

import numpy as np

from benchmarks.curve.sets import Set
from features.rows.splits import split
from features.tables.dataset import Dataset

TESTED = 1000  # rows
PEERS = ("marginal", "ridge", "lightgbm", "catboost", "catboost-quantiles")
OURS = "clipcast"


def sizes(dataset: Dataset, wanted: list[int]) -> list[int]:
    """Numbers of training rows: those of `wanted` well below all that there are, and all of these where `wanted` reaches that far."""
    most = len(dataset) - min(TESTED, len(dataset) // 4)
    return [*(size for size in wanted if size < 0.8 * most), *([most] if not wanted or max(wanted) >= 0.8 * most else [])]


def divide(one: Set, dataset: Dataset, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the training and test rows; of one seed all sizes test on the same rows, and a larger one learns what a smaller did."""
    share = min(TESTED, len(dataset) // 4) / len(dataset)
    found = split(dataset.videos, one.split, seed=seed, test_share=share, validation_share=1e-6)
    rest = np.concatenate([found.train, found.validation])
    test = np.random.default_rng(seed).permutation(found.test)[:TESTED]
    return np.random.default_rng(seed).permutation(rest)[:rows], test


def cell(name: str, one: Set, dataset: Dataset, rows: int, seed: int, **settings: Any) -> dict[str, Any]:
    """Train and score one forecaster.

    Args:
        name: of a peer, or `clipcast`.
        one: what the set is.
        dataset: its rows.
        rows: how many of them train.
        seed: of which rows train and test, and of the forecaster.
        settings: of clipcast's configuration.

    Returns:
        CRPS, coverage and width of 95 % intervals, means over the targets, and processor seconds.
    """
    train, test = divide(one, dataset, rows, seed)
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean = _ours(one, dataset, train, test, seed, settings) if name == OURS else _peer(name, one, dataset, train, test, seed)
    seconds = round(time.process_time() - started, 1)
    found = {score: mean[score] for score in ("crps", "coverage_95", "width_95")}
    return {"forecaster": name, "rows": len(train), "seed": seed, "cpu_seconds": seconds} | found


def _ours(one: Set, dataset: Dataset, train: np.ndarray, test: np.ndarray, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    from forecast.run.configuration import Configuration
    from training import train as fit

    configuration = Configuration(targets=one.targets, target_scale=one.scale, split=one.split, test_share=0.0, seed=seed, **settings)
    return fit(dataset.take(train), configuration).evaluate(dataset.take(test))["mean"]


def _peer(name: str, one: Set, dataset: Dataset, train: np.ndarray, test: np.ndarray, seed: int) -> dict[str, Any]:
    from benchmarks.peers.runner import Question, scores
    from features.targets import truth
    from forecast.scoring import scores as of_draws
    from forecast.scoring.baseline import marginal_quantiles, marginal_rows

    if name == "marginal":
        learned, known = (truth(dataset.take(rows).videos, one.targets, one.scale) for rows in (train, test))
        return of_draws.mean_scores(of_draws.scores(marginal_rows(marginal_quantiles(learned), known), known, one.targets))
    return scores(name, Question(dataset, train, test, one.targets, one.scale, one.split, seed=seed)).mean
