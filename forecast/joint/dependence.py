"""What the videos of one author share: found on rows that were held back, told by a Gaussian copula.

With u = Phi^-1(F(y)), the Normal score of a truth y in its forecast F, two videos of one author have

    corr(u_i, u_j) = r = v / (1 + v)

where v is the variance of what is not known of the author, relative to that of a single video about it. For an author never seen r is
the mean product of the scores over pairs of held-back videos, relative to their mean square. Each known video of an author takes away
from v as w observations take away from the variance of a Normal mean: 1 / v(n) = 1 / v(0) + w n. Authors change, so that w, the worth of a
video of the past, is below 1: it is the one that fits the later videos of held-back authors best, forecast from their earlier ones.

The marginals stay as they are: draws are reordered only (ensemble copula coupling, Schefzik et al. 2013), see `forecast.joint.reorder`.
"""

import json
from dataclasses import dataclass, replace

import numpy as np

from forecast.joint.authors import Authors
from forecast.run.directory import RunDirectory
from machine.errors import InputError

FILE = "dependence.json"
FEWEST = 20  # authors with two held-back videos below which nothing can be said
WORTHS = np.geomspace(0.02, 1.0, 40)  # tried
MOST = 0.95  # share of a stranger's videos, so that v stays finite


@dataclass(frozen=True)
class Dependence:
    """A copula of one factor an author for each of K targets.

    Attributes:
        share: (K,) correlation r of the scores of two videos of an author never seen, from 0 to `MOST`.
        targets: (K, K) correlation of one video's scores between targets, which the author's factors have as well.
        worth: w, of a known video of the author.
    """

    share: np.ndarray
    targets: np.ndarray
    worth: float = 1.0

    @classmethod
    def none(cls, targets: int) -> "Dependence":
        """Videos of one author share nothing."""
        return cls(np.zeros(targets), np.eye(targets))

    @classmethod
    def fit(cls, scores: np.ndarray, group: np.ndarray) -> "Dependence":
        """From the scores (N, K) of held-back videos in the forecasts for strangers, NaN where unknown.

        Args:
            scores: Normal scores of the truths.
            group: (N,) equal for videos of one author that were held back together, -1 where the author is unknown.
        """
        share = np.array([shrunken(*correlation(column, group)) for column in scores.T])
        return cls(share.clip(0.0, MOST), between_targets(scores))

    def shares(self, authors: Authors) -> np.ndarray:
        """(N, K) correlation r for what is known of each author; 0 where the author is unknown."""
        return np.where(authors.key[:, None] >= 0, left_over(self.share, self.worth * authors.known), 0.0)

    def with_worth(self, scores: np.ndarray, authors: Authors) -> "Dependence":
        """The same, with the worth of the past that fits best.

        Args:
            scores: (N, K) Normal scores of later videos, forecast from the earlier ones of their authors; NaN where unknown.
            authors: of the videos, with as many known for all videos of one author; -1 where unknown.
        """
        misfit, told = np.zeros(len(WORTHS)), False
        for share, column in zip(self.share, scores.T, strict=True):
            inside = ~np.isnan(column) & (authors.key >= 0)
            _, first, place, count = np.unique(authors.key[inside], return_index=True, return_inverse=True, return_counts=True)
            some = count > 1
            if some.sum() < FEWEST:
                continue
            told = True
            centred = column[inside] - column[inside].mean()
            products = (np.bincount(place, centred) ** 2 - np.bincount(place, centred**2))[some] / (count[some] - 1)
            known = authors.known[inside][first][some]
            for number, worth in enumerate(WORTHS):
                expected = left_over(np.array([share]), worth * known)[:, 0] * (centred**2).mean()
                misfit[number] += ((products / count[some] - expected) ** 2 * count[some]).sum()
        return replace(self, worth=float(WORTHS[np.argmin(misfit)])) if told else self


def left_over(share: np.ndarray, observations: np.ndarray) -> np.ndarray:
    """(N, K) correlation left of `share` (K,) after so many (N,) observations of an author."""
    unknown = share / (1.0 - share)
    left = unknown / (1.0 + observations[:, None] * unknown)
    return left / (1.0 + left)


def correlation(scores: np.ndarray, group: np.ndarray) -> tuple[float, float]:
    """Correlation of the scores (N,) of two videos of one group, and its standard error.

    Every group counts in proportion to its videos: by pairs, the few with many would decide alone. The error is the jackknife's
    over groups (Efron and Tibshirani 1993, Eq. 11.5). (0, inf) where there are fewer than `FEWEST` groups of two.
    """
    known = ~np.isnan(scores) & (group >= 0)
    _, place, count = np.unique(group[known], return_inverse=True, return_counts=True)
    if (count > 1).sum() < FEWEST:
        return 0.0, np.inf
    centred = scores[known] - scores[known].mean()
    total, square = np.bincount(place, centred), np.bincount(place, centred**2)
    some = count > 1
    together = (total[some] ** 2 - square[some]) / (count[some] - 1)  # the mean product of its pairs, times its videos
    videos, spread = count[some].astype(float), square[some]
    if not spread.any():
        return 0.0, np.inf
    found = (together.sum() / videos.sum()) / (spread.sum() / videos.sum())
    without = (together.sum() - together) / (spread.sum() - spread)
    error = np.sqrt((len(without) - 1) / len(without) * ((without - without.mean()) ** 2).sum())
    return float(found), float(error)


def shrunken(found: float, error: float) -> float:
    """An estimate less what its own noise adds to it: 0 within one standard error of 0 (the positive-part James-Stein estimator)."""
    return max(0.0, found - error**2 / found) if found > 0 else 0.0


def between_targets(scores: np.ndarray) -> np.ndarray:
    """(K, K) correlation of the columns of (N, K), from the rows that know both; the nearest one that is positive definite."""
    width = scores.shape[1]
    found = np.eye(width)
    for a in range(width):
        for b in range(a):
            both = ~np.isnan(scores[:, [a, b]]).any(1)
            if both.sum() > FEWEST and scores[both][:, [a, b]].std(0).min() > 0:
                found[a, b] = found[b, a] = np.corrcoef(scores[both, a], scores[both, b])[0, 1]
    values, vectors = np.linalg.eigh(found)
    repaired = (vectors * values.clip(1e-6)) @ vectors.T
    scale = np.sqrt(np.diag(repaired))
    return repaired / scale[:, None] / scale


def save_dependence(run: RunDirectory, dependence: Dependence) -> None:
    """Write `dependence.json`."""
    stored = {"share": dependence.share.tolist(), "targets": dependence.targets.tolist(), "worth": dependence.worth}
    run.write_text(FILE, json.dumps(stored, indent=2) + "\n")


def load_dependence(run: RunDirectory, targets: int) -> Dependence:
    """Read `dependence.json` of a run with so many targets."""
    stored, where = run.read_json(FILE), run.path / FILE
    try:
        share, between = (np.array(stored[name], dtype=np.float64) for name in ("share", "targets"))
        worth = float(stored["worth"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: damaged ({error})") from error
    if share.shape != (targets,) or between.shape != (targets, targets):
        raise InputError(f"{where}: not of {targets} targets")
    if not ((share >= 0) & (share <= MOST)).all() or not _correlates(between) or not 0 < worth <= 1:
        raise InputError(f"{where}: not shares from 0 to {MOST}, correlations of targets and a worth up to 1")
    return Dependence(share, between, worth)


def _correlates(matrix: np.ndarray) -> bool:
    """Whether a square matrix is one of correlations, and positive definite."""
    if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1.0):
        return False
    return bool(np.linalg.eigvalsh(matrix)[0] > 0)
