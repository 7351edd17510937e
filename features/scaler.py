"""Standardisation of continuous features, fitted on training rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CLIP = 8.0  # standard deviations; beyond, a feature says "extreme" and no more
CYCLE = 0.5**0.5  # standard deviation of a sine, or cosine, over whole periods


@dataclass(frozen=True)
class Scaler:
    """Location and scale of F features, and which of them may be missing.

    Attributes:
        loc: (F,) means of the training rows.
        scale: (F,) standard deviations of the training rows, 1 for a constant feature; of a sine or cosine, that over whole periods.
        gaps: (F,) bool; these features, missing in training or optional, get a second column that says whether the number is missing.
    """

    loc: np.ndarray
    scale: np.ndarray
    gaps: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, optional: Sequence[int] = (), cyclic: Sequence[int] = ()) -> "Scaler":
        """Fit to training rows.

        Args:
            values: (N, F), where NaN is missing.
            optional: positions of features that get a gap whether or not one lacks them.
            cyclic: positions of sines and cosines: where all rows are of one weekday, another one is not far out.
        """
        known = ~np.isnan(values)
        count = np.maximum(known.sum(0), 1)
        filled = np.where(known, values, 0.0)
        loc = filled.sum(0) / count
        scale = np.sqrt((np.where(known, values - loc, 0.0) ** 2).sum(0) / count)
        scale = np.where(scale > 1e-9 * np.maximum(1.0, np.abs(loc)), scale, 1.0)
        scale[list(cyclic)] = CYCLE
        present = known.any(1)
        gaps = ~known[present].all(0) if present.any() else np.zeros(values.shape[1], bool)
        gaps[list(optional)] = True
        return cls(loc, scale, gaps)

    @property
    def width(self) -> int:
        """Number of columns that `transform` returns."""
        return len(self.loc) + int(self.gaps.sum())

    def transform(self, values: np.ndarray) -> np.ndarray:
        """(N, F) to float32 (N, width): standardised, clipped at 8 standard deviations, 0 where missing; then the gaps."""
        missing = np.isnan(values)
        standard = np.where(missing, 0.0, (values - self.loc) / self.scale)
        return np.concatenate([np.clip(standard, -CLIP, CLIP), missing[:, self.gaps]], axis=1).astype(np.float32)

    def outside(self, values: np.ndarray) -> np.ndarray:
        """(N, F) bool: which features lie beyond the clip; a missing one does not."""
        with np.errstate(invalid="ignore"):
            return np.abs((values - self.loc) / self.scale) > CLIP
