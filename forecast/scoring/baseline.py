"""The forecast that does nothing: the marginal distribution of the training rows, whatever the video."""

import numpy as np

from forecast.mixture import LEVELS
from forecast.scoring.scores import row_summary

QUANTILES = 1000


def marginal_quantiles(truth: np.ndarray) -> np.ndarray:
    """(1000, K) equally spaced quantiles of each target over the training rows; `truth` (N, K) may hold NaN.

    They stand for the marginal distribution in a run directory, which so holds no training row.
    """
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return np.stack([np.quantile(column[~np.isnan(column)], levels) for column in truth.T], axis=1)


def marginal_rows(quantiles: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """`forecast.scoring.scores.row_summary` of the same forecast for each of N rows; `truth` is (N, K)."""
    one = row_summary(quantiles[:, None, :], np.full((1, quantiles.shape[1]), np.nan))
    # number i is the quantile of (i + 0.5) / count
    one |= {name: np.quantile(quantiles, level, axis=0, keepdims=True, method="hazen") for name, level in LEVELS.items()}
    rows = {name: np.repeat(values, len(truth), axis=0) for name, values in one.items()}
    columns = [_crps_of_one(quantiles[:, k], truth[:, k]) for k in range(truth.shape[1])]
    return rows | {"crps": np.stack(columns, axis=1)}


def _crps_of_one(ordered: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N,) CRPS of the same sorted samples (S,) for each truth (N,): E|Y - y| from running sums, less E|Y - Y'| / 2."""
    count = len(ordered)
    below = np.searchsorted(ordered, truth)
    running = np.concatenate([[0.0], np.cumsum(ordered)])
    distance = truth * (2 * below - count) + running[-1] - 2 * running[below]
    spread = ((2 * np.arange(count) + 1 - count) * ordered).sum() / count
    return (distance - spread) / count
