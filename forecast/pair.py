"""A run that was moved to other data, pooled with a run that was trained on those data alone."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from features.pair import FeaturizerPair
from features.videos import EARLY, Videos
from forecast.forecaster import Forecaster
from forecast.joint.authors import Authors
from forecast.latent import ENCODED

GOLDEN = 0.6180339887498949  # its multiples modulo 1 are evenly spread, so that every member of both runs gives its share of draws


@dataclass(frozen=True, kw_only=True)
class ForecasterPair(Forecaster):
    """Some draws are the first run's and the others the second's, the same ones for all targets and videos: draws stay joint.

    Attributes:
        second: the run of the data's own; targets that it lacks are all the first run's.
        share: in [0, 1], of its draws.
        share_read: likewise of those of videos that were read before.
    """

    second: Forecaster
    share: float
    share_read: float

    @classmethod
    def of(cls, first: Forecaster, second: Forecaster, share: float, share_read: float) -> "ForecasterPair":
        """The two together."""
        given = {item.name: getattr(first, item.name) for item in fields(Forecaster)}
        featurizer = FeaturizerPair.of(first.featurizer, second.featurizer)
        return cls(**given | {"featurizer": featurizer}, second=second, share=share, share_read=share_read)

    @property
    def first(self) -> Forecaster:
        """The moved run alone."""
        given = {item.name: getattr(self, item.name) for item in fields(Forecaster)}
        return Forecaster(**given | {"featurizer": self._both.first})

    @property
    def _both(self) -> FeaturizerPair:
        assert isinstance(self.featurizer, FeaturizerPair)  # noqa: S101  (as `of` made it)
        return self.featurizer

    def draws(
        self, videos: Videos, samples: int = 1000, *, seed: int = 0, first: int = 0, plain: bool = False, authors: Authors | None = None
    ) -> Iterator[np.ndarray]:
        """See `Forecaster`."""
        moved, own = self.first, replace(self.second, featurizer=self._both.second)
        theirs = np.arange(samples) * GOLDEN % 1
        common = [(self.targets.index(name), own.targets.index(name)) for name in own.targets]
        for start in range(0, len(videos), ENCODED):
            rows = slice(start, start + ENCODED)
            some, of_whom = videos.rows(rows), None if authors is None else authors[rows]
            assert some.second is not None  # noqa: S101  (as the pair of featurizers made them)
            found, other = (
                np.concatenate(list(run.draws(seen, samples, seed=seed, first=first + start, plain=plain, authors=of_whom)), axis=1)
                for run, seen in ((moved, some), (own, some.second))
            )
            chosen = theirs[:, None] < self._shares(some, some.second)
            for place, same in common:
                found[..., place] = np.where(chosen, other[..., same], found[..., place])
            yield found

    def _shares(self, videos: Videos, second: Videos) -> np.ndarray:
        """(N,) the second run's share."""
        learned = [seen for seen in (videos, second) if EARLY in seen]
        if not learned:
            return np.full(len(videos), self.share)
        return np.where(learned[0][EARLY].present.cpu().numpy(), self.share_read, self.share)
