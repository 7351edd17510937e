"""The forecast that does nothing: the marginal distribution of the training rows, whatever the video."""

import numpy as np


def marginal_quantiles(truth: np.ndarray, count: int = 1000) -> np.ndarray:
    """(count, K) equally spaced quantiles of each target over the training rows; `truth` (N, K) may hold NaN.

    They stand for the marginal distribution in a run directory, which so holds no training row.
    """
    levels = (np.arange(count) + 0.5) / count
    return np.stack([np.quantile(column[~np.isnan(column)], levels) for column in truth.T], axis=1)


def marginal_samples(quantiles: np.ndarray, rows: int) -> np.ndarray:
    """The same (count, rows, K) samples for every row."""
    return np.broadcast_to(quantiles[:, None, :], (len(quantiles), rows, quantiles.shape[1]))
