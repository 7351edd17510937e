"""Honest intervals: stretch every forecast about its median until 95 % of the validation rows lie inside (split conformal).

With e_i = the factor by which row i's 95 % interval must be stretched about its median to reach its truth, the stretch is the
ceil(0.95 (n + 1))-th smallest e_i. For a new row that is exchangeable with the validation rows, the stretched interval then holds the
truth with probability at least 0.95 (Vovk et al. 2005; Romano et al. 2019 for quantile scores). Each target has a stretch of its own and
samples are moved, not redrawn, so that the targets keep moving together. Strangers (authors without history) have stretches of their own;
so has every part that validation rows seldom lack, measured on rows from which it was taken away. Those only ever widen.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

FEWEST = 40  # validation rows below which a stretch would be guesswork: 1 is used


@dataclass(frozen=True)
class Calibration:
    """Stretches about the median, (K,) each: for videos of known authors, of strangers, and for each part that is lacking."""

    known: np.ndarray
    strangers: np.ndarray
    lacking: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def none(cls, targets: int) -> "Calibration":
        """No change."""
        return cls(np.ones(targets), np.ones(targets))

    def factor(self, stranger: np.ndarray, absent: Mapping[str, np.ndarray]) -> np.ndarray:
        """(N,) bool, alone and by part, to (N, K)."""
        factor = np.where(stranger[:, None], self.strangers, self.known)
        for part, stretches in self.lacking.items():
            factor = np.where(absent[part][:, None], np.maximum(factor, stretches), factor)
        return factor

    def apply(self, samples: Tensor, stranger: np.ndarray, absent: Mapping[str, np.ndarray]) -> Tensor:
        """Stretch samples (S, N, K) about their medians."""
        factor = samples.new_tensor(self.factor(stranger, absent))
        if bool((factor == 1).all()):
            return samples
        median = samples.quantile(0.5, dim=0) if samples.numel() < 10_000_000 else samples.median(dim=0).values
        return median + factor * (samples - median)


def stretch(rows: dict[str, np.ndarray], truth: np.ndarray, level: float = 0.95) -> np.ndarray:
    """The conformal stretch of each target, (K,).

    Args:
        rows: `forecast.scoring.scores.row_summary` of validation rows: median, lower_95, upper_95, (N, K) each.
        truth: (N, K), NaN where unknown.
        level: share of truths that the interval shall hold.
    """
    above = truth >= rows["median"]
    room = np.where(above, rows["upper_95"] - rows["median"], rows["median"] - rows["lower_95"])
    needed = np.abs(truth - rows["median"]) / np.maximum(room, 1e-12)
    return np.array([_quantile(column[~np.isnan(column)], level) for column in needed.T])


def _quantile(needed: np.ndarray, level: float) -> float:
    rank = math.ceil(level * (len(needed) + 1))
    if len(needed) < FEWEST or rank > len(needed):
        return 1.0
    # a constant target has intervals of no width; do not stretch noise by millions
    return float(np.clip(np.partition(needed, rank - 1)[rank - 1], 0.1, 10.0))
