"""How good a forecast was: plain functions of samples and truth, all in the training scale."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

METRICS = ("rmse", "mae", "r2", "nmse", "spearman", "crps", "coverage_95", "width_95", "interval_score_95")
LEVELS = (0.025, 0.975)


def row_summary(samples: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Everything about a row that the scores need.

    Args:
        samples: (S, N, K).
        truth: (N, K), NaN where unknown.

    Returns:
        mean, median, lower_95, upper_95, lower_50, upper_50, crps and pit, all (N, K); crps and pit are NaN where the truth is.
    """
    # sorted as they come: float32 takes half the time
    ordered = np.sort(samples, axis=0).astype(np.float64)
    lower, first, median, third, upper = (_quantile(ordered, level) for level in (LEVELS[0], 0.25, 0.5, 0.75, LEVELS[1]))
    below, up_to = (ordered < truth).mean(axis=0), (ordered <= truth).mean(axis=0)
    # whole counts tie: a random place between the two is uniform where forecasts are calibrated (Czado et al. 2009, Eq. 1)
    pit = below + np.random.default_rng(0).random(truth.shape) * (up_to - below)
    return {
        "mean": ordered.mean(axis=0),
        "median": median,
        "lower_95": lower,
        "upper_95": upper,
        "lower_50": first,
        "upper_50": third,
        "crps": crps_sorted(ordered, truth),
        "pit": np.where(np.isnan(truth), np.nan, pit),
    }


def crps_sorted(ordered: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(...) CRPS of samples (S, ...) that are sorted along their first axis: twice the mean quantile score (Laio and Tamea 2007).

    As scoringrules' `qd` estimator has it, which is not used because importing it compiles for seconds where numba is installed.
    """
    count = len(ordered)
    level = (np.arange(count) + 0.5).reshape(-1, *[1] * truth.ndim) / count
    return 2.0 * ((ordered - truth) * ((truth < ordered) - level)).mean(axis=0)


def error_scale(truth: np.ndarray) -> np.ndarray:
    """(K,) by which errors of K targets are divided so that all count alike: the standard deviations of truths (N, K).

    Infinite for a target that never changes, or that one row alone knows: divided by next to nothing, its errors would drown all others.
    If every target is so, all are 1.
    """
    known, spread = ~np.isnan(truth).all(axis=0), np.zeros(truth.shape[1])
    spread[known] = np.nanstd(truth[:, known], axis=0)
    changes = spread > 1e-6
    return np.where(changes, spread, np.inf) if changes.any() else np.ones_like(spread)


def _quantile(ordered: np.ndarray, level: float) -> np.ndarray:
    """What `np.quantile` returns, from samples that are sorted along their first axis."""
    place = level * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def target_scores(rows: dict[str, np.ndarray], truth: np.ndarray, *, point: np.ndarray | None = None) -> dict[str, float | None]:
    """The metrics of one target.

    Args:
        rows: (N,) entries of `row_summary`.
        truth: (N,), NaN where unknown.
        point: (N,) a point forecast that replaces mean and median.

    Returns:
        The `METRICS`; None where they are undefined (no truth, or a constant one).
    """
    known = ~np.isnan(truth)
    if not known.any():
        return dict.fromkeys(METRICS)
    truth = truth[known]
    rows = {name: values[known] for name, values in rows.items()}
    mean, median = (rows["mean"], rows["median"]) if point is None else (point[known], point[known])
    square = float(np.mean((mean - truth) ** 2))
    variance = float(np.var(truth))
    width = rows["upper_95"] - rows["lower_95"]
    outside = np.maximum(rows["lower_95"] - truth, 0.0) + np.maximum(truth - rows["upper_95"], 0.0)
    ranks = len(truth) > 1 and variance > 0 and np.ptp(median) > 0
    return {
        "rmse": square**0.5,
        "mae": float(np.mean(np.abs(median - truth))),
        "r2": 1.0 - square / variance if variance > 0 else None,
        "nmse": square / variance if variance > 0 else None,
        "spearman": _rank_correlation(median, truth) if ranks else None,
        "crps": float(np.mean(rows["crps"])),
        "coverage_95": float(np.mean(outside == 0.0)),
        "width_95": float(np.mean(width)),
        "interval_score_95": float(np.mean(width + 40.0 * outside)),
    }


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's: Pearson's of the ranks, ties sharing theirs (scipy.stats takes two seconds to import)."""
    return float(np.corrcoef(pd.Series(first).rank(), pd.Series(second).rank())[0, 1])


def scores(rows: dict[str, np.ndarray], truth: np.ndarray, names: Sequence[str], *, point: np.ndarray | None = None) -> dict[str, dict]:
    """`target_scores` by the name of the target; all entries are (N, K)."""
    return {
        name: target_scores(
            {key: values[:, k] for key, values in rows.items() if values.ndim == 2},
            truth[:, k],
            point=None if point is None else point[:, k],
        )
        for k, name in enumerate(names)
    }


def mean_scores(by_target: dict[str, dict]) -> dict[str, float | None]:
    """Each metric averaged over the targets for which it is defined."""
    mean = {}
    for metric in METRICS:
        values = [entry[metric] for entry in by_target.values() if entry.get(metric) is not None]
        mean[metric] = float(np.mean(values)) if values else None
    return mean


def energy_score(samples: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N,) energy score of the joint forecast of K targets (Gneiting and Raftery 2007, Eq. 22); NaN where any truth is unknown.

    E|Y - y| - E|Y - Y'| / 2, where the second mean is over 3 S pairs of draws, so that time is linear in S.
    """
    near = np.linalg.norm(samples - truth, axis=-1).mean(axis=0)
    # each draw is paired with three others, at distances that mix the members of an ensemble
    offsets = {max(1, round(len(samples) * share)) for share in (0.037, 0.211, 0.457)}
    spread = np.mean([np.linalg.norm(samples - np.roll(samples, offset, axis=0), axis=-1).mean(axis=0) for offset in offsets], axis=0)
    return near - 0.5 * spread
