"""Whose videos they are, and how much of each author's past a run knows."""

from dataclasses import dataclass, replace

import numpy as np

from features.featurizer import Featurizer
from features.parts import social
from features.parts.social import published_at
from features.tables.dataset import Dataset


@dataclass(frozen=True)
class Authors:
    """The authors of N videos.

    Attributes:
        key: (N,) int64 salted hashes of their names, -1 where unknown; the same in every table and for every process.
        known: (N,) float64, of how many of the author's other videos it is known what they reached.
    """

    key: np.ndarray
    known: np.ndarray

    def __getitem__(self, rows: np.ndarray | slice) -> "Authors":
        return Authors(self.key[rows], self.known[rows])

    def __len__(self) -> int:
        return len(self.key)


def authors_of(featurizer: Featurizer, dataset: Dataset, until: float | np.ndarray = np.inf) -> Authors:
    """The authors of a dataset's rows; a video never counts as its own past, nor, where only the past counts, what came from `until` on."""
    videos = dataset.videos
    if "username" not in videos:
        return Authors(np.full(len(videos), -1), np.zeros(len(videos)))
    key = social.keys(videos["username"], featurizer.salt)
    history = featurizer.histories.get("history")
    if history is None:
        return Authors(key, np.zeros(len(videos)))
    before = featurizer.known_before(dataset, until)
    known, *_ = history.totals(key, published_at(videos), social.keys(videos["id"], featurizer.salt), before)
    return Authors(key, known[:, 0])


def told_later(featurizer: Featurizer, dataset: Dataset) -> np.ndarray:
    """(N,) bool: nothing of the author is known when the forecast is made, but outcomes are that were published or read since."""
    ever = authors_of(replace(featurizer, past_only=False), dataset)
    return (authors_of(featurizer, dataset).known == 0) & (ever.known > 0)
