"""What a peer forecasts, a distribution a row and target, and how it is scored (the definitions of docs: training scale)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scoringrules
from scipy.interpolate import make_interp_spline
from scipy.stats import norm, spearmanr

POINTS = 256
EVEN_LEVELS = (np.arange(POINTS) + 0.5) / POINTS
LEVELS = (0.025, 0.05, *(step / 10 for step in range(1, 10)), 0.95, 0.975)  # what quantile peers are trained for

SCORES = ("crps", "rmse", "mae", "r2", "nmse", "spearman", "coverage_95", "width_95", "interval_score_95")


class Forecast(Protocol):
    """One distribution for each of N rows."""

    def mean(self) -> np.ndarray:
        """Means (N)."""

    def quantiles(self, levels: Sequence[float]) -> np.ndarray:
        """Quantiles at Q levels between 0 and 1 (N, Q)."""

    def crps(self, truth: np.ndarray) -> np.ndarray:
        """Continuous ranked probability score of each row (N)."""


@dataclass(frozen=True)
class Normal:
    """Normal distributions; `scale` is the standard deviation. Both arrays are (N)."""

    loc: np.ndarray
    scale: np.ndarray

    def mean(self) -> np.ndarray:
        """Means (N)."""
        return self.loc

    def quantiles(self, levels: Sequence[float]) -> np.ndarray:
        """Quantiles (N, Q)."""
        return self.loc[:, None] + self.scale[:, None] * norm.ppf(np.asarray(levels))

    def crps(self, truth: np.ndarray) -> np.ndarray:
        """Return the closed form (N)."""
        return scoringrules.crps_normal(truth, self.loc, self.scale)


class Quantiles:
    """Distributions given by quantiles, (N, Q) `values` at Q `levels`; crossing quantiles are sorted.

    Between and beyond the levels a quantile is linear in that of a standard Normal, so the tails are a Normal's.
    """

    def __init__(self, values: np.ndarray, levels: Sequence[float] = LEVELS) -> None:
        self._line = make_interp_spline(norm.ppf(levels), np.sort(values, axis=1), k=1, axis=1)

    def mean(self) -> np.ndarray:
        """Means of evenly spaced quantiles (N)."""
        return self.quantiles(EVEN_LEVELS).mean(axis=1)

    def quantiles(self, levels: Sequence[float]) -> np.ndarray:
        """Quantiles (N, Q)."""
        return self._line(norm.ppf(levels))

    def crps(self, truth: np.ndarray) -> np.ndarray:
        """Return the sample score of evenly spaced quantiles (N)."""
        return scoringrules.crps_ensemble(truth, self.quantiles(EVEN_LEVELS), estimator="qd")


def scores(forecast: Forecast, truth: np.ndarray) -> dict[str, float]:
    """Score the forecast of one target; rows of unknown truth (NaN) do not count."""
    known = np.isfinite(truth)
    y, mean = truth[known], forecast.mean()[known]
    lower, median, upper = forecast.quantiles((0.025, 0.5, 0.975))[known].T
    mse, variance = float(np.mean((y - mean) ** 2)), float(np.var(y))
    result = {
        "crps": np.mean(forecast.crps(truth)[known]),
        "rmse": mse**0.5,
        "mae": np.mean(np.abs(y - median)),
        "r2": 1 - mse / variance if variance else np.nan,
        "nmse": mse / variance if variance else np.nan,
        "spearman": spearmanr(y, mean).statistic if variance and np.ptp(mean) else np.nan,
        "coverage_95": np.mean((lower <= y) & (y <= upper)),
        "width_95": np.mean(upper - lower),
        "interval_score_95": np.mean(scoringrules.interval_score(y, lower, upper, 0.05)),
    }
    return {name: float(value) for name, value in result.items()}


def mape(draws: np.ndarray, truth: np.ndarray) -> float:
    """Mean absolute percentage error of the point that minimises its expectation: the median of the draws weighted by 1 / y.

    Args:
        draws: equally likely values (N, S); those at or below 0 get no weight.
        truth: (N), above 0; other rows do not count.
    """
    draws = np.sort(draws, axis=1)
    weights = np.where(draws > 0, 1 / np.where(draws > 0, draws, 1), 0).cumsum(axis=1)
    middle = (weights >= weights[:, -1:] / 2).argmax(axis=1)
    point = np.take_along_axis(draws, middle[:, None], axis=1)[:, 0]
    known = truth > 0
    return float(np.mean(np.abs(truth - point)[known] / truth[known])) if known.any() else float("nan")
