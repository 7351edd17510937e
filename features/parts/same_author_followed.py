"""What the author's other videos reached, where they were followed: each one's reading nearest in age to what is forecast."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.parts.same_author import FOLDS, NEIGHBOURS, History, Window, first_not_before
from features.parts.social import together
from features.tables.columns import DAY
from features.tables.dataset import Dataset
from features.targets import Targets, truth

WIDEST = 32  # other videos that count, those nearest in time


@dataclass(frozen=True)
class FollowedHistory(History):
    """Videos sorted by author and time, as in `History`, with all readings of each.

    Attributes:
        start: (N + 1,) where the readings of each of the N videos begin.
        moment: (R,) float64 seconds, sorted within a video.
        counts: (R, K) float64 targets, standardised as `reached`; NaN where unknown.
    """

    start: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    moment: np.ndarray = field(default_factory=lambda: np.zeros(0))
    counts: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)))

    @property
    def told(self) -> np.ndarray:
        """(R, K) bool: which counts are known."""
        return ~np.isnan(self.counts)

    @classmethod
    def fit_readings(
        cls, group: np.ndarray, time: np.ndarray, video: np.ndarray, owner: np.ndarray, moment: np.ndarray, counts: np.ndarray
    ) -> "FollowedHistory":
        """Store N videos of some author (not -1) with the readings of each; `owner` (R,) are row numbers of videos."""
        order = np.lexsort((video, time, group))
        order = order[group[order] >= 0]
        place = np.full(len(group), -1)
        place[order] = np.arange(len(order))
        kept = np.lexsort((moment, place[owner]))
        kept = kept[place[owner[kept]] >= 0]
        start = np.searchsorted(place[owner[kept]], np.arange(len(order) + 1))
        last = counts[kept][np.maximum(start[1:] - 1, 0)] if len(kept) else np.zeros((len(order), counts.shape[1]))
        reached = np.where((np.diff(start) > 0)[:, None], np.nan_to_num(last), 0.0)
        return cls(group[order], time[order], video[order], reached, start=start, moment=moment[kept], counts=counts[kept])

    def each(
        self,
        group: np.ndarray,
        time: np.ndarray,
        video: np.ndarray,
        age: np.ndarray,
        before: np.ndarray | None = None,
        *,
        within: float = np.inf,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The author's other videos nearest in time, nearest first.

        Args:
            group: (Q,) keys of the queries; `time` and `video` likewise.
            time: seconds.
            video: keys, to leave the query itself out.
            age: (Q,) days; of each other video the reading nearest to this age is taken, the last one where it is NaN.
            before: (Q,) seconds; only videos published, and readings taken, before that count. None: all do.
            within: readings that are more than so many times as old as `age`, or as young, are unknown.

        Returns:
            (Q, WIDEST, K) standardised targets, NaN where unknown, and (Q, WIDEST) signed days from the query, NaN where there is none.
        """
        if len(self.group) == 0 or len(self.moment) == 0:
            return np.full((len(group), WIDEST, self.counts.shape[1]), np.nan), np.full((len(group), WIDEST), np.nan)
        low, high = self._block(group)
        place = self._place(low, high, time if before is None else before)
        window = place[:, None] + np.arange(-WIDEST - 1, WIDEST + 1 if before is None else 0)
        there = (window >= low[:, None]) & (window < high[:, None])
        window = window.clip(0, len(self.group) - 1)
        first, stop = self.start[window], self.start[window + 1]
        if before is not None:
            stop = first_not_before(self.moment, first, stop, before[:, None])
        there &= (self.video[window] != video[:, None]) & (stop > first)
        if before is None:
            skips = self.skipping(self.skip_fold(group), self._own(low, high, video))
            there &= ~(skips[:, None] & (self.video[window] % FOLDS == video[:, None] % FOLDS))
        days = (self.time[window] - time[:, None]) / DAY
        nearest = np.argsort(np.where(there, np.abs(days), np.inf), axis=1, kind="stable")[:, :WIDEST]
        first, stop, window, days, there = (np.take_along_axis(one, nearest, 1) for one in (first, stop, window, days, there))
        wanted = self.time[window] + np.where(np.isnan(age), np.inf, age)[:, None] * DAY
        later = np.clip(first_not_before(self.moment, first, stop, wanted), first, np.maximum(stop - 1, first)).clip(
            0, len(self.moment) - 1
        )
        earlier = np.maximum(later - 1, first).clip(0, len(self.moment) - 1)
        with np.errstate(invalid="ignore"):
            closer = np.abs(self.moment[earlier] - wanted) < np.abs(self.moment[later] - wanted)
        chosen = np.where(closer, earlier, later)
        old = (self.moment[chosen] - self.time[window]) / DAY
        alike = np.where((old > 0) & (age[:, None] > 0), old, np.nan) / np.where(age > 0, age, np.nan)[:, None]
        far = np.abs(np.log(alike)) > np.log(within)  # false where an age is unknown
        return np.where((there & ~far)[:, :, None], self.counts[chosen], np.nan), np.where(there, days, np.nan)

    def others(
        self, group: np.ndarray, time: np.ndarray, video: np.ndarray, age: np.ndarray, before: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        """As of `History`, from what `each` finds; unknown targets count as the mean, 0."""
        found, days = self.each(group, time, video, age, before)
        reached = np.nan_to_num(found)
        count = (~np.isnan(days)).sum(1, keepdims=True).astype(np.float64)
        known = np.minimum(self.totals(group, time, video)[0], WIDEST) if before is None else count
        return known, count, reached.sum(1), (reached**2).sum(1), reached[:, :NEIGHBOURS], days[:, :NEIGHBOURS]

    def totals(
        self,
        group: np.ndarray,
        time: np.ndarray,
        video: np.ndarray,
        before: np.ndarray | None = None,
        skip_fold: np.ndarray | None = None,
        window: Window | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """As of `History`; where only the past counts, a video does from its first reading on, by its last one until then."""
        if before is None:
            return super().totals(group, time, video, None, skip_fold, window)
        known, count, total, square, *_ = self.others(group, time, video, np.full(len(group), np.nan), before)
        return known, count, total, square

    def joined(self, other: History) -> "FollowedHistory":
        """Its videos and those of the other, a `FollowedHistory` too, with the readings of both, known as in `History.joined`."""
        assert isinstance(other, FollowedHistory)  # noqa: S101  (made by the same function)
        new = ~np.isin(other.pairs, self.pairs)
        group, time, video = (np.concatenate([getattr(self, name), getattr(other, name)[new]]) for name in ("group", "time", "video"))
        place = pd.Index(together(group, video)).get_indexer(other.pairs)
        # a reading without a time counts as taken at publication, where the video's dated readings contradict it
        dated = new[other._owner] | (other.moment > other.time[other._owner])
        owner = np.concatenate([self._owner, place[other._owner[dated]]])
        moment, counts = (np.concatenate([getattr(self, name), getattr(other, name)[dated]]) for name in ("moment", "counts"))
        once = ~pd.DataFrame({"owner": owner, "moment": moment}).duplicated().to_numpy()
        return FollowedHistory.fit_readings(group, time, video, owner[once], moment[once], counts[once])

    @property
    def _owner(self) -> np.ndarray:
        """(R,) the video of each reading."""
        return np.repeat(np.arange(len(self.video)), np.diff(self.start))


class Readings(NamedTuple):
    """Readings of N videos: row numbers of the videos (R,), seconds (R,) and standardised targets (R, K), NaN where unknown."""

    owner: np.ndarray
    moment: np.ndarray
    counts: np.ndarray


def readings_of(dataset: Dataset, videos: pd.DataFrame, targets: Targets) -> Readings:
    """The readings of some videos of a dataset; where none was followed, each has been read once."""
    table = videos if dataset.readings is None else dataset.readings
    if dataset.readings is not None:  # a video that was never read may say what it reached all the same
        counts = [name for name in targets.names if name in videos]
        undated = videos[~videos["id"].isin(table["id"]) & videos[counts].notna().any(axis=1)]
        table = pd.concat([table, undated.reindex(columns=[*table])], ignore_index=True) if len(undated) else table
    owner = pd.Index(videos["id"]).get_indexer(table["id"])
    table, owner = table[owner >= 0], owner[owner >= 0]
    published = np.nan_to_num(videos["create_time"].to_numpy(np.float64)[owner]) if "create_time" in videos else np.zeros(len(owner))
    moment = np.fmax(table["collected_at"].to_numpy(np.float64), published) if "collected_at" in table else published
    return Readings(owner, moment, (truth(table, targets.names, targets.scale) - targets.loc) / targets.spread)
