"""What several videos of one author reach together: do the draws, summed over the videos, hold the truth?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.scale import MOST as LARGEST
from features.tables.dataset import evenly
from forecast.scoring.scores import LEVELS, crps_sorted

SIZES = (5, 10, 20)  # videos of a total
FEWEST = 30  # authors with so many videos below which nothing is said
MOST = 2000  # authors of a size that are looked at, for the sake of memory


def groups_of(videos: pd.DataFrame) -> dict[int, np.ndarray]:
    """(N,) by size: number of the total that a row belongs to, -1 if to none. An author's total is of the first videos in time."""
    if "username" not in videos:
        return {}
    author = pd.factorize(videos["username"])[0]
    time = videos["create_time"].to_numpy(np.float64) if "create_time" in videos else np.zeros(len(videos))
    order = np.lexsort((videos["id"].to_numpy(dtype=str), time, author))
    order = order[author[order] >= 0]
    _, first, count = np.unique(author[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(first, count)
    found = {}
    for size in SIZES:
        enough = np.flatnonzero(count >= size)
        if len(enough) < FEWEST:
            continue
        enough = enough[evenly(len(enough), MOST)]
        number = np.full(len(count), -1)
        number[enough] = np.arange(len(enough))
        found[size] = np.full(len(videos), -1)
        found[size][order] = np.where(place < size, np.repeat(number, count), -1)
    return found


@dataclass
class Sums:
    """Sums of draws in counts, of some totals, over the videos seen so far.

    Attributes:
        joint: (S, K) by size and number of the total.
        apart: the same of draws that are independent between videos.
        truth: (K,), NaN where that of one video is unknown.
    """

    joint: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    apart: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    truth: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def add(self, samples: np.ndarray, truth: np.ndarray, groups: Mapping[int, np.ndarray], *, seed: int = 0) -> None:
        """Add the draws (S, N, K) of log(1 + count) of N videos, their truths (N, K), and the totals that they belong to (N,)."""
        random = np.random.default_rng(seed)
        wanted: Any = np.flatnonzero(np.any([number >= 0 for number in groups.values()], axis=0)) if groups else ()
        for row in wanted:
            counts, reached = _counts(samples[:, row]), _counts(truth[row])
            shuffled = counts[random.permutation(len(counts))]
            for size, number in groups.items():
                if number[row] >= 0:
                    self._add((size, int(number[row])), counts, shuffled, reached)

    def merge(self, other: "Sums") -> None:
        """Add what another has summed."""
        for key in other.joint:
            self._add(key, other.joint[key], other.apart[key], other.truth[key])

    def _add(self, key: tuple[int, int], joint: np.ndarray, apart: np.ndarray, truth: np.ndarray) -> None:
        for sums, more in ((self.joint, joint), (self.apart, apart), (self.truth, truth)):
            sums[key] = sums[key] + more if key in sums else more

    def scores(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """By size and target: how many totals are known, and how joint and independent draws tell them."""
        found = []
        for size in sorted({size for size, _ in self.joint}):
            keys = sorted(key for key in self.joint if key[0] == size)
            truth = np.stack([self.truth[key] for key in keys])
            joint, apart = (np.stack([sums[key] for key in keys], axis=1) for sums in (self.joint, self.apart))
            for k, name in enumerate(names):
                known = ~np.isnan(truth[:, k])
                if known.sum() >= FEWEST:
                    entry = {"videos": size, "authors": int(known.sum()), "target": name}
                    entry |= total_scores(joint[:, known, k], truth[known, k])
                    found.append(entry | {"independent": total_scores(apart[:, known, k], truth[known, k])})
        return found


def total_scores(draws: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Coverage, CRPS and width of the 95 % interval of draws (S, G) of totals in counts, the last two in log(1 + total)."""
    ordered, truth = np.log1p(np.sort(draws, axis=0).astype(np.float64)), np.log1p(truth)
    lower, upper = np.quantile(ordered, LEVELS, axis=0)
    return {
        "coverage_95": float(((truth >= lower) & (truth <= upper)).mean()),
        "crps_log": float(crps_sorted(ordered, truth).mean()),
        "width_log_95": float((upper - lower).mean()),
    }


def _counts(values: np.ndarray) -> np.ndarray:
    return np.expm1(np.clip(values, 0.0, LARGEST).astype(np.float64)).astype(np.float32)
