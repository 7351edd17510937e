"""A run of the other data's own, trained from scratch, and its share in the forecast beside the run that was moved to them."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from features.followed.looks import looks_to_learn, read_again, were_read
from features.missing import OF_THE_AUTHOR
from features.rows.splits import split
from features.tables.dataset import Dataset, evenly
from features.targets import truth
from forecast.forecaster import Forecaster
from forecast.run.configuration import AUTOMATIC, Configuration
from forecast.run.directory import RunDirectory
from forecast.saved import OWN
from forecast.scoring.scores import crps_sorted, error_scale
from machine.errors import NothingToLearnError
from program import SHIPPED, Program
from training.ensemble import train
from training.further.amount import likely_amount
from training.linear import pool_parabolas

FEW = 100  # rows; from fewer, networks learn next to nothing beyond the linear forecasts beside them, so that one epoch is enough
SEVERAL, GROWTH_EPOCHS = 1000, 8  # with fewer rows, half of the usual passes over looks at videos that were read do as well in a pool
DRAWS = 400
ERRORS = 2.0  # standard errors by which the old run must be behind, or nothing is moved
MOST = 1000  # rows of a fold, and looks of all folds, that are forecast to find the shares, evenly spread


def own_run(run: RunDirectory, dataset: Dataset, configuration: Configuration, program: Program, **settings: Any) -> Forecaster | None:
    """Train a run from scratch, inside the directory of the moved one; arguments as of `training.train`.

    The number of these rows, not of the parent's, decides the automatic settings. Targets that no row knows are left out. None where no
    part has any feature, which is printed: the moved run then forecasts alone.
    """
    values = truth(dataset.videos, configuration.targets, configuration.target_scale)
    without = tuple(part for part in configuration.without if part in dataset.parts)
    told = tuple(name for name, known in zip(configuration.targets, ~np.isnan(values).all(0), strict=True) if known)
    left: dict[str, Any] = dict(AUTOMATIC)
    rows = (~np.isnan(values).all(1)).sum()
    if rows < FEW and configuration.linear and program == SHIPPED:
        left |= {"epochs": 1, "growth_epochs": 1}
    elif rows < SEVERAL:
        left |= {"growth_epochs": GROWTH_EPOCHS}
    try:
        return train(
            dataset, replace(configuration, targets=told, without=without, **left), program=program, run=run.path / OWN, **settings
        )
    except NothingToLearnError as error:
        print(f"no run of these rows alone: {error}")
        shutil.rmtree(run.path / OWN, ignore_errors=True)
        return None


class Judged(NamedTuple):
    """What rows say that no forecast was learned from.

    Attributes:
        share: of the run of their own in its pool with the moved one, that which forecasts them best.
        read: the same for videos that were read before; without any to judge by, 1 if their own run learned from readings, else 0.
        gain: (n,) how much better the pool forecasts each row than the old run: CRPS, in standard deviations of the targets.
    """

    share: float
    read: float
    gain: np.ndarray

    @property
    def moves(self) -> bool:
        """Whether the old run is behind by two standard errors; chance alone does that once in forty times."""
        return bool(self.gain.mean() > ERRORS * self.gain.std() / np.sqrt(len(self.gain))) if len(self.gain) else True


def judge(own: Forecaster, dataset: Dataset, learning: np.ndarray, moved: Callable[[np.ndarray], Forecaster], old: Forecaster) -> Judged:
    """Forecast rows by the networks that did not learn from them, and by the run that was moved to the rows they learned from.

    Args:
        own: a run of these data alone.
        dataset: the data.
        learning: numbers of the rows that may be learned from.
        moved: the run that is moved to rows of these numbers.
        old: the run as it is.
    """
    c = own.configuration
    unread, read = [], []
    members = own.members if own.calibration.coming is None else own.members[:-1]  # the last one holds out none of the folds
    for fold in range(c.folds):
        held = np.intersect1d(split(dataset.videos, **c.division, fold=fold).validation, learning)
        runs = replace(own, members=members[fold :: c.folds]), moved(np.setdiff1d(learning, held)), old
        table = dataset.take(held).spread(MOST)
        unread.append(_forecasts(runs, table, own.targets))
        if all(run.featurizer.follows for run in runs) and read_again(table):
            looks = looks_to_learn(table, c.seed)[0]
            again = were_read(looks)
            read.append(_forecasts(runs[:2], looks.take(again[evenly(len(again), MOST // c.folds)]), own.targets))
    share = _share(unread, c.seed)
    return Judged(share, _share(read, c.seed) if read else float(own.featurizer.follows), _gain(unread, share))


class _Forecasts(NamedTuple):
    own: np.ndarray  # (S, N, K)
    moved: np.ndarray
    truth: np.ndarray  # (N, K)
    videos: int  # that the rows are of
    old: np.ndarray | None = None


def _forecasts(runs: Sequence[Forecaster], table: Dataset, targets: tuple[str, ...]) -> _Forecasts:
    reached = truth(table.videos, targets, runs[0].configuration.target_scale)
    own, moved, *old = (draws_of(run, table, targets) for run in runs)
    return _Forecasts(own, moved, reached, table.videos["id"].nunique(), *old)


def _share(found: Sequence[_Forecasts], seed: int) -> float:
    reached, videos = np.concatenate([one.truth for one in found]), sum(one.videos for one in found)
    told = ~np.isnan(reached).all(0)  # a target may be known only of rows that the parent was trained on
    if not told.any():
        return 0.5
    reached = reached[:, told]
    scale, random = error_scale(reached), np.random.default_rng(seed)
    # both runs drew with the same random numbers: shuffled, their draws are independent
    first, second = (
        random.permuted(np.concatenate(draws, axis=1)[..., told], axis=0) / scale
        for draws in ([one.own for one in found], [one.moved for one in found])
    )
    lead, bend, curvature = pool_parabolas(second, first, reached / scale)
    return likely_amount(bend - lead, curvature, repeats=len(reached) / videos, seed=seed)


def _gain(found: Sequence[_Forecasts], share: float) -> np.ndarray:
    """(n,) of the rows with a known target, see `Judged`."""
    reached = np.concatenate([one.truth for one in found])
    told = ~np.isnan(reached).all(0)
    if not told.any():
        return np.zeros(0)
    scale = error_scale(reached[:, told])
    chosen = (np.arange(DRAWS) < share * DRAWS)[:, None, None]

    def crps(draws: list[np.ndarray]) -> np.ndarray:
        return crps_sorted(np.sort(np.concatenate(draws, axis=1)[..., told] / scale, axis=0), reached[:, told] / scale)

    random = np.random.default_rng(0)  # draws of one seed are alike in all runs
    pooled = [np.where(chosen, random.permuted(one.own, axis=0), random.permuted(one.moved, axis=0)) for one in found]
    gain = (crps([one.old for one in found if one.old is not None]) - crps(pooled))[~np.isnan(reached).all(1)]
    return np.asarray(np.nanmean(gain, axis=1))


def draws_of(forecaster: Forecaster, table: Dataset, targets: Sequence[str]) -> np.ndarray:
    """(S, n, K) of these rows and targets, in the training scale; of rows to be split by author, as of strangers."""
    if len(table) == 0:
        return np.zeros((DRAWS, 0, len(targets)))
    videos = forecaster.featurizer.transform(table).unlabelled().to(forecaster.device)
    if forecaster.configuration.split == "author":
        videos = videos.without(*OF_THE_AUTHOR)
    draws = np.concatenate(list(forecaster.draws(videos, DRAWS, plain=True)), axis=1)
    return draws[..., [forecaster.targets.index(name) for name in targets]]
