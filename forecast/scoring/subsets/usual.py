"""Is it taking off? The probability of ending above what is usual for the author, and above three times that; and its reliability."""

from typing import Any

import numpy as np

ABOVE = {"above_usual": 1.0, "above_three_times_usual": 3.0}  # by name of a column: times the median of the author's other videos
BINS = 10


def above(samples: np.ndarray, usual: np.ndarray, times: float) -> np.ndarray:
    """(N, K) share of the draws (S, N, K) of log(1 + count) above `times` the usual count, whose log(1 + count) is `usual`, or NaN."""
    with np.errstate(invalid="ignore"):
        share = (samples > _threshold(usual, times)).mean(axis=0)
    return np.where(np.isnan(usual), np.nan, share)


def reliability(chance: np.ndarray, truth: np.ndarray, usual: np.ndarray, times: float) -> list[dict[str, Any]]:
    """How often it happened, by how likely it was said to be, in ten bins of equal width; all entries are (N, K)."""
    known = ~np.isnan(chance + truth + usual)
    said, happened = chance[known], truth[known] > _threshold(usual, times)[known]
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        {"said": float(said[place == one].mean()), "happened": float(happened[place == one].mean()), "forecasts": int((place == one).sum())}
        for one in np.unique(place)
    ]


def _threshold(usual: np.ndarray, times: float) -> np.ndarray:
    return np.log1p(times * np.expm1(usual))
