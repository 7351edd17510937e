"""Point forecasts, each the best answer to one loss (Gneiting 2011)."""

import numpy as np

from features.scale import MOST, Scale


def mape_point(samples: np.ndarray, scale: str, lowest: np.ndarray | float = 1e-3) -> np.ndarray:
    """The point that minimises the expected absolute percentage error: the median of the draws weighted by 1 / y.

    Args:
        samples: (S, N, K) in the training scale.
        scale: `log1p`: the percentage is that of the count, and the point comes back in log1p; `identity`: that of the score.
        lowest: (K,) the smallest value ever seen in training; a draw below it (a tail no video ever reached) weighs as much as it.

    Returns:
        (N, K) in the training scale.
    """
    ordered = np.sort(samples, axis=0).astype(np.float64)
    value = np.maximum(ordered, lowest)
    value = np.maximum(np.expm1(np.clip(value, 0.0, MOST)), 1.0) if Scale(scale).counts else np.maximum(np.abs(value), 1e-3)
    weight = 1.0 / value
    cumulated = np.cumsum(weight, axis=0)
    place = (cumulated < 0.5 * cumulated[-1]).sum(axis=0)
    return np.take_along_axis(ordered, place[None], axis=0)[0]


def mean_percentage_error(point: np.ndarray, truth: np.ndarray, scale: str) -> list[float | None]:
    """MAPE of each target: mean |truth - point| / |truth| in counts (`log1p`) or in the score (`identity`); rows with truth 0 are left out.

    Args:
        point: (N, K) in the training scale.
        truth: (N, K), NaN where unknown.
        scale: of the targets.
    """
    if Scale(scale).counts:
        point, truth = np.expm1(np.clip(point, 0.0, MOST)), np.expm1(truth)
    errors = []
    for k in range(truth.shape[1]):
        known = np.isfinite(truth[:, k]) & (truth[:, k] != 0)
        errors.append(float(np.mean(np.abs(truth[known, k] - point[known, k]) / np.abs(truth[known, k]))) if known.any() else None)
    return errors
