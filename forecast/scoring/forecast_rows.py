"""A dataset forecast a piece at a time, in this process or in others: the draws do not depend on who forecasts what."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from features.missing import strangers
from features.tables.dataset import Dataset, evenly
from features.videos import Videos
from forecast.forecaster import Forecaster, truth_of
from forecast.joint.authors import authors_of
from forecast.latent import ENCODED
from forecast.scoring.percentage_error import mape_point
from forecast.scoring.scores import energy_score, row_summary
from forecast.scoring.subsets.usual import ABOVE, above
from forecast.scoring.totals import Sums, groups_of
from forecast.shift import Tally, tally

ROWS = 4 * ENCODED  # of a piece
EXAMINED = 256  # videos of a dataset, evenly spread, whose parts are left out one by one

Runner = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]  # like `map`


@dataclass(frozen=True)
class Piece:
    """The forecasts of n videos in a row.

    Attributes:
        first: number of the first in the dataset.
        rows: (n, K) arrays by name, see `forecast.scoring.scores.row_summary`, and `mape`, `usual` and those of `usual.ABOVE`; `energy`,
            `energy_independent` (n,).
        truth: (n, K), NaN where unknown.
        stranger: (n,) bool, authors without history.
        tally: how these videos differ from the training rows, see `forecast.shift`.
        examined: those of the videos whose parts are to be left out one by one, see `forecast.contributions`.
        sums: over the videos of one author, see `forecast.scoring.totals`.
        draws: (S, n, K) if they were to be kept.
    """

    first: int
    rows: dict[str, np.ndarray]
    truth: np.ndarray
    stranger: np.ndarray
    tally: Tally
    examined: Videos
    sums: Sums
    draws: np.ndarray | None


def forecast_pieces(
    forecaster: Forecaster, dataset: Dataset, samples: int, seed: int, *, keep: bool = False, run: Runner = map
) -> Iterator[Piece]:
    """Forecast `dataset` by so many draws, at most `ROWS` videos at a time, in order.

    Args:
        forecaster: a loaded run.
        dataset: rows to forecast.
        samples: draws a video.
        seed: of the draws.
        keep: whether to hand the draws back.
        run: where to forecast (like `map`).
    """
    some = evenly(len(dataset), EXAMINED)
    groups = groups_of(dataset.videos) if forecaster.featurizer.targets.scale.counts else {}
    pieces = (np.arange(first, min(first + ROWS, len(dataset))) for first in range(0, len(dataset), ROWS))
    jobs = (
        (int(rows[0]), dataset.take(rows), np.flatnonzero(np.isin(rows, some)), {size: number[rows] for size, number in groups.items()})
        for rows in pieces
    )
    return run(partial(_forecast, forecaster, samples, seed, keep), jobs)


def _forecast(
    forecaster: Forecaster, samples: int, seed: int, keep: bool, job: tuple[int, Dataset, np.ndarray, dict[int, np.ndarray]]
) -> Piece:
    first, dataset, some, groups = job
    authors, sums = authors_of(forecaster.featurizer, dataset), Sums()
    raw = forecaster.featurizer.raw(dataset)
    features = forecaster.featurizer.standardised(dataset, raw)
    videos, counted = features.to(forecaster.device), tally(forecaster.featurizer, dataset, raw)
    truth = truth_of(videos, len(forecaster.targets))
    usual = forecaster.featurizer.usual(dataset)
    found, kept = [], []
    for rows, block in forecaster.blocks(videos, samples, seed=seed, first=first, authors=authors):
        summary = row_summary(block, truth[rows])
        summary["mape"] = mape_point(block, forecaster.featurizer.targets.scale, forecaster.marginal[0])
        summary["energy"], summary["energy_independent"] = joint_scores(block, truth[rows], seed=first + rows.start)
        summary |= {name: above(block, usual[rows], times) for name, times in ABOVE.items()}
        found.append(summary)
        sums.add(block, truth[rows], {size: number[rows] for size, number in groups.items()}, seed=first + rows.start)
        if keep:
            kept.append(block)
    together = {name: np.concatenate([one[name] for one in found]) for name in found[0]} | {"usual": usual}
    draws = np.concatenate(kept, axis=1) if keep else None
    return Piece(first, together, truth, strangers(videos), counted, features.rows(torch.from_numpy(some)), sums, draws)


def joint_scores(samples: np.ndarray, truth: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(N,) energy scores of samples (S, N, K): as they are, and with the targets made independent by shuffling each one's draws."""
    random = np.random.default_rng(seed)
    joint = energy_score(samples, truth)
    apart = np.stack([samples[random.permutation(len(samples)), :, k] for k in range(samples.shape[2])], axis=2)
    return joint, energy_score(apart, truth)
