"""What is to be forecast: names, scale and spread of the targets, and how popular videos became."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.scale import Scale
from features.scaler import Scaler
from features.whole_counts import whole_targets


@dataclass(frozen=True)
class Targets:
    """Names, scale and spread of the K targets.

    Attributes:
        names: column names.
        scale: `log1p` for counts, `identity` for ready-made scores.
        loc: (K,) training means in the training scale.
        spread: (K,) training standard deviations.
        whole: (K,) bool, which are whole counts, see `features.whole_counts`.
    """

    names: tuple[str, ...]
    scale: Scale
    loc: np.ndarray
    spread: np.ndarray
    whole: np.ndarray

    @classmethod
    def fit(cls, videos: pd.DataFrame, names: tuple[str, ...], scale: str) -> "Targets":
        """Fit to the training rows; names without a column are an error."""
        values = truth(videos, names, scale)
        scaler = Scaler.fit(values)
        return cls(names, Scale(scale), scaler.loc, scaler.scale, whole_targets(values, scale))

    def taken_from(self, videos: pd.DataFrame) -> pd.DataFrame:
        """The videos without these columns, because what is forecast must tell nothing of itself."""
        return videos.drop(columns=[name for name in self.names if name in videos])


def truth(videos: pd.DataFrame, names: tuple[str, ...], scale: str) -> np.ndarray:
    """(N, K) float64 popularity in the training scale, NaN where unknown or without a column."""
    columns = [videos[name].to_numpy(np.float64) if name in videos else np.full(len(videos), np.nan) for name in names]
    values = np.stack(columns, axis=1)
    return Scale(scale).learned(values)


def filled(reached: np.ndarray) -> np.ndarray:
    """Standardised targets (N, K); an unknown one is as far from usual as the known ones of its row on average. NaN where none is."""
    known = ~np.isnan(reached)
    count = known.sum(1, keepdims=True)
    mean = np.where(known, reached, 0.0).sum(1, keepdims=True) / np.maximum(count, 1)
    return np.where(known | (count == 0), reached, mean)
