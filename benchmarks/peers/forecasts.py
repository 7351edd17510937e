"""What a peer forecasts, a distribution a row, and how it is scored: by the same functions as clipcast itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.stats import norm

from features.scale import Scale
from forecast.scoring.percentage_error import mape_point, mean_percentage_error
from forecast.scoring.scores import row_summary, target_scores

POINTS = 1000
EVEN_LEVELS = (np.arange(POINTS) + 0.5) / POINTS
LEVELS = (0.025, 0.05, *(step / 10 for step in range(1, 10)), 0.95, 0.975)  # what quantile peers are trained for

Numbers = np.ndarray | Sequence[float]


class Forecast(Protocol):
    """One distribution for each of N rows."""

    def quantiles(self, levels: Numbers) -> np.ndarray:
        """Quantiles at Q levels between 0 and 1 (N, Q)."""

    def crps(self, truth: np.ndarray) -> np.ndarray | None:
        """Continuous ranked probability score of each row (N) where it has a closed form, else None."""


@dataclass(frozen=True)
class Normal:
    """Normal distributions; `scale` is the standard deviation. Both arrays are (N)."""

    loc: np.ndarray
    scale: np.ndarray

    def quantiles(self, levels: Numbers) -> np.ndarray:
        """Quantiles (N, Q)."""
        return self.loc[:, None] + self.scale[:, None] * norm.ppf(levels)

    def crps(self, truth: np.ndarray) -> np.ndarray:
        """The closed form (N). That of scoringrules is not used because importing it compiles for seconds where numba is installed."""
        place = (truth - self.loc) / self.scale
        return self.scale * (place * (2 * norm.cdf(place) - 1) + 2 * norm.pdf(place) - 1 / np.sqrt(np.pi))


class Quantiles:
    """Distributions given by quantiles, (N, Q) `values` at Q `levels`; crossing quantiles are sorted.

    Between and beyond the levels a quantile is linear in that of a standard Normal, so the tails are a Normal's.
    """

    def __init__(self, values: np.ndarray, levels: Numbers = LEVELS) -> None:
        self._line = make_interp_spline(norm.ppf(levels), np.sort(values, axis=1), k=1, axis=1)

    def quantiles(self, levels: Numbers) -> np.ndarray:
        """Quantiles (N, Q)."""
        return self._line(norm.ppf(levels))

    def crps(self, truth: np.ndarray) -> None:
        """No closed form."""


def score(forecast: Forecast, truth: np.ndarray, scale: str, lowest: float = 1e-3) -> dict[str, float | None]:
    """Score the forecast of one target by `forecast.scoring.scores`, with evenly spaced quantiles as its draws; no count is below 0.

    Args:
        forecast: of N rows, in the training scale.
        truth: (N), NaN where unknown.
        scale: `log1p` or `identity`; for the latter also the MAPE of the point that minimises it.
        lowest: the smallest target in training, see `forecast.scoring.percentage_error.mape_point`.
    """
    least = 0.0 if Scale(scale).counts else -np.inf
    draws, truths = forecast.quantiles(EVEN_LEVELS).T[:, :, None].clip(least), truth[:, None]
    rows = {name: values[:, 0] for name, values in row_summary(draws, truths).items()}
    rows["lower_95"], rows["median"], rows["upper_95"] = forecast.quantiles((0.025, 0.5, 0.975)).T.clip(least)
    closed = None if (draws == least).any() else forecast.crps(truth)
    result = target_scores(rows if closed is None else rows | {"crps": closed}, truth)
    if not Scale(scale).counts:
        [result["mape"]] = mean_percentage_error(mape_point(draws, scale, lowest), truths, scale)
    return result
