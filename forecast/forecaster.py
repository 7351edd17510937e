"""A trained forecaster: everything fitted, the members, the calibration."""

import hashlib
import json
import math
import numbers
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from features.featurizer import Featurizer
from features.missing import absences, strangers
from features.rows.few_known import known_videos
from features.scale import Scale
from features.tables.dataset import Dataset, as_dataset
from features.videos import EARLY, Videos
from features.whole_counts import quantised
from forecast.adjustments.calibration import Calibration
from forecast.adjustments.moved import Moved, MovedGrowth, move
from forecast.adjustments.young import shrink
from forecast.draws import draw_chunks
from forecast.joint.authors import Authors, authors_of
from forecast.joint.dependence import Dependence
from forecast.joint.reorder import reorder
from forecast.latent import ENCODED
from forecast.member import Member
from forecast.partly_read import together
from forecast.run.configuration import Configuration
from forecast.shift import shift_of, tally, warn
from machine.errors import InputError
from machine.randomness import own_randomness

ROWS = 512  # rows summarised at a time


@dataclass(frozen=True)
class Forecasts:
    """Draws of what N videos reach.

    Attributes:
        ids: (N,) names of the videos.
        targets: names of the K targets.
        scale: `log1p` or `identity`.
        samples: float32 (S, N, K), in the training scale; joint over videos: a total's draw s is the sum of their draws s.
    """

    ids: np.ndarray
    targets: tuple[str, ...]
    scale: Scale
    samples: np.ndarray

    def quantile(self, level: float) -> pd.DataFrame:
        """(N, K) by id and target, in counts, or scores for `identity`.

        Raises:
            InputError: `level` is no number from 0 to 1.
        """
        if not isinstance(level, numbers.Real) or not 0 <= level <= 1:
            raise InputError(f"level: {level!r} is no number from 0 to 1")
        found = np.quantile(self.samples.astype(np.float64), level, axis=0)
        return pd.DataFrame(self.scale.told(found), index=pd.Index(self.ids, name="id"), columns=list(self.targets))


@dataclass(frozen=True)
class Forecaster:
    """Turns `Videos` into samples of their popularity.

    Attributes:
        configuration: the settings of the run.
        featurizer: turns a dataset into `Videos`.
        members: the members, averaged by mixing their draws.
        calibration: stretches of the intervals.
        marginal: (1000, K) quantiles of the targets over the training rows, the forecast that does nothing.
        about: the run's manifest.
        dependence: what the videos of one author share; None: nothing.
        moved: where the forecasts lie on other data than the members were trained on; None: where the members say.
        moved_growth: likewise those of videos that were read before; None: where the members say.
    """

    configuration: Configuration
    featurizer: Featurizer
    members: tuple[Member, ...]
    calibration: Calibration
    marginal: np.ndarray
    about: dict[str, Any]
    dependence: Dependence | None = None
    moved: Moved | None = None
    moved_growth: MovedGrowth | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the K targets."""
        return self.featurizer.targets.names

    def with_past(self, past: Dataset | pd.DataFrame) -> "Forecaster":
        """The same, knowing outcomes of other videos: they join the histories of authors, sounds and words. Nothing is trained or written.

        Raises:
            InputError: see `features.past.check_past`.
        """
        return replace(self, featurizer=self.featurizer.with_past(as_dataset(past, **self.configuration.columns)))

    def for_drafts(self) -> "Forecaster":
        """The same for videos that are not published yet: only what came before counts, and intervals are those of what comes."""
        return replace(self, featurizer=self.featurizer.for_drafts())

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.members[0].parameters()).device

    @property
    def checksum(self) -> str:
        """Of the run directory's files: only forecasts of one run can be compared."""
        return hashlib.sha256(json.dumps(self.about.get("files", {}), sort_keys=True).encode()).hexdigest()[:16]

    def forecast(self, videos: Dataset | pd.DataFrame, samples: int = 1000, *, seed: int = 0) -> "Forecasts":
        """Forecast every row of a dataset, or of a data frame with the contract's columns; what targets it has must be numbers, but no
        forecast depends on them.

        Parts and columns that training had and no row has are told by `machine.errors.InputWarning`.

        Raises:
            InputError: no rows, no number of draws, no seed, or whatever `features.tables.table` refuses.
        """
        dataset = _asked(videos, self.configuration, samples, seed)
        raw, authors = self.featurizer.raw(dataset), authors_of(self.featurizer, dataset)
        warn(dataset.name, shift_of(self.featurizer, [tally(self.featurizer, dataset, raw)]).absences)
        features = self.featurizer.standardised(dataset, raw).unlabelled().to(self.device)
        draws = self.draws(features, samples, seed=seed, authors=authors)
        ids, scale = dataset.videos["id"].to_numpy(dtype=str), self.featurizer.targets.scale
        return Forecasts(ids, self.targets, scale, np.concatenate(list(draws), axis=1))

    def evaluate(self, videos: Dataset | pd.DataFrame, samples: int = 1000, *, seed: int = 0) -> dict[str, Any]:
        """What `metrics.json` says of these rows: the scores of their forecasts."""
        from forecast.scoring.evaluation import evaluate

        return evaluate(self, _asked(videos, self.configuration, samples, seed), samples=samples, seed=seed).metrics

    def draws(
        self, videos: Videos, samples: int = 1000, *, seed: int = 0, first: int = 0, plain: bool = False, authors: Authors | None = None
    ) -> Iterator[np.ndarray]:
        """Draws of the popularity of some videos at a time, in order: float32 (S, n, K), in the training scale.

        Args:
            videos: N videos.
            samples: S.
            seed: of the draws.
            first: number of the first video in a table that is forecast in pieces, see `forecast.draws.draw_chunks`.
            plain: quantiles keep the noise of the draws and counts are not rounded: enough for comparing forecasts of the same seed.
            authors: of the videos, whose draws are then joint; None: every video on its own.
        """
        targets = self.featurizer.targets
        whole = torch.from_numpy(targets.whole).to(videos.device)
        with own_randomness(videos.device):
            stranger = strangers(videos)
            absent = absences(videos, self.featurizer.shapes)
            met = None if videos.met is None else np.where(videos.met.cpu().numpy(), known_videos(self.featurizer, videos), 0.0)
            start = 0
            for samples_of_chunk in draw_chunks(self.members, videos, samples, seed=seed, first=first, exact=not plain):
                stop = start + samples_of_chunk.shape[1]
                rows = slice(start, stop)
                if self.moved is not None:
                    samples_of_chunk = move(samples_of_chunk, videos.rows(rows), self.moved, self.moved_growth)
                of_chunk = None if met is None else met[rows]
                drafts = self.featurizer.past_only
                stretched = self.calibration.apply(samples_of_chunk, stranger[rows], absent.rows(rows), of_chunk, drafts=drafts)
                stretched = videos.rows(rows).absolute(stretched)
                stretched = self._with_unread_targets(stretched, videos.rows(rows), seed, first + start)
                if videos.age is not None:
                    age = videos.age[rows]
                    if videos.floor is not None:  # what was read says more than what is usual elsewhere
                        age = torch.where(videos[EARLY].present[rows], math.nan, age)
                    stretched = shrink(stretched, age, self.featurizer.youngest)
                if authors is not None and self.dependence is not None:  # before rounding makes draws equal
                    stretched = reorder(stretched, authors[rows], self.dependence, seed)
                if targets.scale.counts and not plain:
                    stretched = quantised(stretched, whole)
                yield stretched.float().cpu().numpy()
                start = stop

    def _with_unread_targets(self, draws: Tensor, videos: Videos, seed: int, first: int) -> Tensor:
        """The draws (S, n, K); targets that the last reading lacks, though it has others, as `forecast.partly_read` tells them."""
        some = torch.zeros(0) if videos.told is None else (~videos.told.all(1)).nonzero().flatten()
        if videos.told is None or len(some) == 0:
            return draws
        # random numbers of their own: each chunk's as if it were a block of another table
        options: dict[str, Any] = {"seed": seed + 1, "first": first * ENCODED, "plain": True}
        unread = np.concatenate([*self.draws(videos.rows(some).without(EARLY), len(draws), **options)], axis=1)
        found = together(draws[:, some].cpu().numpy(), unread, videos.told[some].cpu().numpy())
        return draws.index_copy(1, some, torch.from_numpy(found).to(draws))

    def blocks(self, videos: Videos, samples: int = 1000, **options: Any) -> Iterator[tuple[slice, np.ndarray]]:
        """`draws`, with its options, gathered to about 500 videos a block; each block comes with its rows."""
        start, stop, gathered = 0, 0, []
        for draws in self.draws(videos, samples, **options):
            gathered.append(draws)
            stop += draws.shape[1]
            if stop - start >= ROWS or stop == len(videos):
                yield slice(start, stop), np.concatenate(gathered, axis=1)
                start, gathered = stop, []


def _asked(videos: Dataset | pd.DataFrame, configuration: Configuration, samples: int, seed: int) -> Dataset:
    """What is to be forecast by so many draws, or one sentence why it cannot be."""
    if not isinstance(samples, (int, np.integer)) or samples < 1:
        raise InputError(f"samples: {samples!r} is no number of draws")
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed: {seed!r} is no whole number from 0 on")
    dataset = as_dataset(videos, **configuration.columns)
    if len(dataset) == 0:
        raise InputError(f"{dataset.name}: has no rows")
    return dataset


def truth_of(videos: Videos, targets: int) -> np.ndarray:
    """(N, K) float64 popularity, all NaN for unlabelled videos."""
    if videos.popularity is None:
        return np.full((len(videos), targets), np.nan)
    return videos.popularity.cpu().numpy().astype(np.float64)
