"""The scale of the targets: counts are learned as log(1 + count), ready-made scores as they are."""

import math
from enum import StrEnum
from typing import Any

import numpy as np

MOST = 60.0  # log(1 + count) of a count beyond all that exist, so that none overflows


class Scale(StrEnum):
    """How the numbers of a table become the numbers that are learned and forecast."""

    COUNTS = "log1p"
    SCORES = "identity"

    @property
    def counts(self) -> bool:
        """Whether the targets are counts."""
        return self is Scale.COUNTS

    def learned(self, values: np.ndarray) -> np.ndarray:
        """From a table's numbers to the training scale."""
        return np.log1p(values) if self.counts else values

    def told(self, values: Any) -> Any:
        """From the training scale to whole counts, not below 0; scores stay as they are."""
        return np.round(np.expm1(np.clip(values, 0.0, MOST))) if self.counts else values

    def change(self, amount: float) -> str:
        """A difference in the training scale as people read it: a factor for counts, x 1.25; else a sum, +0.25."""
        return f"x {math.exp(amount):.2f}" if self.counts else f"{amount:+.2f}"
