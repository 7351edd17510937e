"""Which words a caption shares with those learned from, in up to 20 numbers; few rows are enough for it.

A caption is a vector of its different words, each weighed by the logarithm of how seldom it is (tf-idf), of length 1. The numbers are
its coordinates along the leading singular vectors of the captions learned from (latent semantic analysis, Deerwester et al. 1990). They
are told nothing about popularity. Words are known by salted hashes.

Where few rows train they stand in the part `textual`; in a run that was moved to other data they are a part of its own, `wording`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.parts.same_words import words_of

WIDTH = 20
MOST = 5_000  # training rows of a part `textual` with these numbers; from more of them the encoder learns what these numbers say
SHARED = 2  # captions that have a word


@dataclass(frozen=True)
class Wording:
    """Fitted to captions.

    Attributes:
        word: (V,) int64 keys of the words, sorted.
        rarity: (V,) weights, log((1 + captions) / (1 + captions with the word)) + 1.
        direction: (V, F) singular vectors.
    """

    word: np.ndarray
    rarity: np.ndarray
    direction: np.ndarray

    @classmethod
    def fit(cls, videos: pd.DataFrame, salt: str, seed: int) -> "Wording | None":
        """Fit to the captions of training rows; None where fewer than two words stand in two of them."""
        from scipy.sparse import csr_matrix
        from sklearn.decomposition import TruncatedSVD

        rows, word = words_of(videos, salt)
        word, captions = np.unique(word, return_counts=True)
        word, captions = word[captions >= SHARED], captions[captions >= SHARED]
        width = min(WIDTH, len(word) - 1, len(np.unique(rows)) - 1)
        if width < 1:
            return None
        rarity = np.log((1 + len(np.unique(rows))) / (1 + captions)) + 1
        fitted = cls(word, rarity, np.zeros((len(word), width)))
        rows, place, weight = fitted._weights(videos, salt)
        vectors = csr_matrix((weight, (rows, place)), shape=(len(videos), len(word)))[np.unique(rows)]
        with np.errstate(divide="ignore", invalid="ignore"):  # captions that are all alike have no variance to explain
            return cls(word, rarity, TruncatedSVD(width, random_state=seed).fit(vectors).components_.T)

    @property
    def names(self) -> list[str]:
        """Of the F numbers."""
        return [f"wording_{place}" for place in range(self.direction.shape[1])]

    def numbers(self, videos: pd.DataFrame, salt: str) -> tuple[np.ndarray, np.ndarray]:
        """(N, F), all 0 where no word is known, and (N,) whether one is."""
        rows, place, weight = self._weights(videos, salt)
        found = np.zeros((len(videos), self.direction.shape[1]))
        np.add.at(found, rows, weight[:, None] * self.direction[place])
        return found, np.isin(np.arange(len(videos)), rows)

    def _weights(self, videos: pd.DataFrame, salt: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(Q,) row numbers, rising, and places and weights of the known words of each row."""
        rows, word = words_of(videos, salt)
        place = np.minimum(np.searchsorted(self.word, word), len(self.word) - 1)
        known = self.word[place] == word
        rows, place = rows[known], place[known]
        weight = self.rarity[place]
        return rows, place, weight / np.sqrt(np.bincount(rows, weights=weight**2, minlength=len(videos)))[rows]
