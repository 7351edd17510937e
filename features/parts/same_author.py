"""What other videos reached: the author's own, and those with the same sound.

A video never sees itself: rows have keys, and a query skips the row with its own key (leave-one-out on training rows).
Where groups are few, or its own group is large, a training row also skips a fifth of the others. Networks soon learn the mean of such a
group, and that mean and the mean of all others together give away the video itself; a fold that is left out gives away no more than its
own mean. The number of known others counts the skipped ones: a video that is forecast skips none.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from features.parts.social import together
from features.tables.columns import DAY

NEIGHBOURS = 12
FEW = 100  # groups, fewer than which can be told apart by what else is known
FOLDS = 5
MOST_EARLIER = 24  # videos of an author who has only just been met
MOST_LATELY = 12  # and of the last ones, those of which nothing is known yet
Window = tuple[np.ndarray, np.ndarray]  # (N,) first positions, and those after the last
SHRINKAGE = 2.0  # a mean of n videos is shrunken towards 0 by n / (n + SHRINKAGE)


@dataclass(frozen=True)
class History:
    """Rows sorted by group (author, sound or word) and time.

    Attributes:
        group: (N,) int64 keys, sorted.
        time: (N,) float64 seconds, sorted within a group.
        video: (N,) int64 keys of the videos themselves.
        reached: (N, K) float64 targets, standardised on training rows and filled, see `features.targets.filled`.
        published: (N,) float64 seconds, where `time` is when a row was known and not when it was published.
        read: (N, K) bool, which targets were read and not filled in; None: all were.
        since: (N,) bool, rows that joined since training, which skip no fold; None: none did.
    """

    group: np.ndarray
    time: np.ndarray
    video: np.ndarray
    reached: np.ndarray
    published: np.ndarray | None = None
    read: np.ndarray | None = None
    since: np.ndarray | None = field(default=None, kw_only=True)

    @classmethod
    def fit(
        cls,
        group: np.ndarray,
        time: np.ndarray,
        video: np.ndarray,
        reached: np.ndarray,
        published: np.ndarray | None = None,
        read: np.ndarray | None = None,
    ) -> "History":
        """Store rows; those of no group (-1) are left out."""
        order = np.lexsort((video, time, group))
        order = order[group[order] >= 0]
        beside = (None if one is None else one[order] for one in (published, read))
        return cls(group[order], time[order], video[order], np.nan_to_num(reached[order]), *beside)

    def joined(self, other: "History") -> "History":
        """Its rows, and those of the other that it does not have; a row is known by its `group` and `video` together."""
        new = ~np.isin(other.pairs, self.pairs)
        published = None if self.published is other.published is None else np.concatenate([self.publication, other.publication[new]])
        read = None if self.read is other.read is None else np.concatenate([self._read, other._read[new]])
        group, time, video, reached = (
            np.concatenate([getattr(self, name), getattr(other, name)[new]]) for name in ("group", "time", "video", "reached")
        )
        return History.fit(group, time, video, reached, published, read)

    @property
    def pairs(self) -> np.ndarray:
        """(N,) int64 keys of group and video together: a video is in the groups of all its words."""
        return together(self.group, self.video)

    @property
    def of_training(self) -> np.ndarray:
        """`pairs` of the rows that training had."""
        return self.pairs if self.since is None else self.pairs[~self.since]

    @property
    def publication(self) -> np.ndarray:
        """(N,) float64 seconds, 0 where unknown."""
        return self.time if self.published is None else self.published

    @property
    def _read(self) -> np.ndarray:
        return np.ones(self.reached.shape, bool) if self.read is None else self.read

    @property
    def few(self) -> bool:
        """Whether there are so few groups that each is soon known."""
        return bool(np.count_nonzero(np.diff(self.group)) + 1 < FEW)

    def large(self, group: np.ndarray) -> np.ndarray:
        """(N,) bool: whether a group has more than one in `FEW` of all rows, and two a fold or more: then it is soon known."""
        low, high = self._block(group)
        return ((high - low) * FEW > len(self.group)) & (high - low >= 2 * FOLDS)

    def skip_fold(self, group: np.ndarray) -> np.ndarray:
        """(N,) bool: whether training rows of this group must not see those of their fold."""
        return self.few | self.large(group)

    def skipping(self, skip_fold: np.ndarray, own: np.ndarray) -> np.ndarray:
        """(N,) bool: rows to `skip_fold`, if they are of training; `own` are their positions here, -1 where they are none."""
        return skip_fold & (own >= 0) if self.since is None else skip_fold & (own >= 0) & ~self.since[own]

    def _block(self, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.searchsorted(self.group, group, "left"), np.searchsorted(self.group, group, "right")

    def _place(self, low: np.ndarray, high: np.ndarray, time: np.ndarray) -> np.ndarray:
        return first_not_before(self.time, low, high, time)

    def totals(
        self,
        group: np.ndarray,
        time: np.ndarray,
        video: np.ndarray,
        before: np.ndarray | None = None,
        skip_fold: np.ndarray | None = None,
        window: Window | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """How many of the group's other videos are known; and count, sum and sum of squares of what those that are not skipped reached.

        Args:
            group: (N,) keys of the queries; `time` and `video` likewise.
            time: seconds.
            video: keys, to leave the query itself out.
            before: (N,) seconds; only videos published before count. None: all do.
            skip_fold: (N,) bool, training rows that also skip the rows of their group and fold (keys that are the same modulo `FOLDS`).
                None: no row does. Where `before` is given, no row needs to: earlier videos do not contain the later one.
            window: of `a_few_earlier`; None: the whole group counts.

        Returns:
            (N, 1), (N, 1), (N, K) and (N, K) float64.
        """
        if len(self.group) == 0:
            zeros = np.zeros((len(group), self.reached.shape[1]))
            return zeros[:, :1], zeros[:, :1], zeros, zeros
        low, high = window or self._block(group)
        if before is not None:
            high = self._place(low, high, before)
        first, second = (np.pad(np.cumsum(values, 0), ((1, 0), (0, 0))) for values in (self.reached, self.reached**2))
        own = self._own(low, high, video)
        stored = np.concatenate([np.ones((len(self.video), 1)), self.reached, self.reached**2], axis=1)
        mine = stored[np.maximum(own, 0)]
        if skip_fold is not None and before is None:
            mine = np.where(self.skipping(skip_fold, own)[:, None], self._of_fold(stored)[own], mine)
        mine = np.where(own[:, None] >= 0, mine, 0.0)
        width = self.reached.shape[1]
        inside = (high - low).astype(np.float64)[:, None]
        total, square = first[high] - first[low] - mine[:, 1 : 1 + width], second[high] - second[low] - mine[:, 1 + width :]
        return inside - (own[:, None] >= 0), inside - mine[:, :1], total, square

    def _of_fold(self, stored: np.ndarray) -> np.ndarray:
        """(N, F) summed over the rows of the same group and fold."""
        _, block = np.unique(self.group, return_inverse=True)
        cell = block * FOLDS + self.video % FOLDS
        return np.stack([np.bincount(cell, weights=column)[cell] for column in stored.T], axis=1)

    def _own(self, low: np.ndarray, high: np.ndarray, video: np.ndarray) -> np.ndarray:
        """Position of the query itself in [low, high), all of one group, -1 where it is none of the rows."""
        pairs = self.pairs
        wanted = together(self.group[np.minimum(low, len(pairs) - 1)], video)
        order = np.argsort(pairs, kind="stable")
        found = order[np.minimum(np.searchsorted(pairs[order], wanted), len(order) - 1)]
        return np.where((pairs[found] == wanted) & (found >= low) & (found < high), found, -1)

    def has(self, group: np.ndarray, video: np.ndarray, published: np.ndarray) -> np.ndarray:
        """(N,) bool: which of N rows are here, of the same group and key, published within a day where both times are known."""
        if len(self.group) == 0:
            return np.zeros(len(group), bool)
        place = self._own(*self._block(group), video)
        then = self.publication[place]
        return (place >= 0) & ((np.abs(then - published) <= DAY) | (then == 0) | (published == 0))

    def a_few_earlier(self, group: np.ndarray, time: np.ndarray, seed: int) -> Window:
        """The positions of a few of the group's earlier videos in a row: how many, and how long ago, is drawn, for each of N queries.

        So much is known of an author who has only just been met; the rest of the group is as if it were not there.
        """
        random = np.random.default_rng(seed)
        low, high = self._block(group)
        high = self._place(low, high, time)
        unknown = np.where(random.random(len(high)) < 0.5, 0, random.integers(0, MOST_LATELY, len(high)))
        high = np.maximum(high - unknown, low)
        count = np.exp(random.uniform(0, np.log(MOST_EARLIER + 1), len(high))).astype(np.int64)
        return np.maximum(high - count, low), high

    def neighbours(
        self,
        group: np.ndarray,
        time: np.ndarray,
        video: np.ndarray,
        before: np.ndarray | None = None,
        skip_fold: np.ndarray | None = None,
        window: Window | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The group's other videos nearest in time, nearest first; arguments as in `totals`.

        Returns:
            (N, NEIGHBOURS, K) standardised targets and (N, NEIGHBOURS) signed days from the query (NaN where there is none).
        """
        count, width = len(group), self.reached.shape[1]
        if len(self.group) == 0:
            return np.zeros((count, NEIGHBOURS, width)), np.full((count, NEIGHBOURS), np.nan)
        low, high = window or self._block(group)
        place = self._place(low, high, time if before is None else before)
        near = place[:, None] + np.arange(-NEIGHBOURS - 1, NEIGHBOURS + 1)
        inside = (near >= low[:, None]) & (near < high[:, None])
        near = near.clip(0, len(self.group) - 1)
        inside &= self.video[near] != video[:, None]
        if skip_fold is not None and before is None:
            skips = self.skipping(skip_fold, self._own(low, high, video))
            inside &= ~(skips[:, None] & (self.video[near] % FOLDS == video[:, None] % FOLDS))
        if before is not None:
            inside &= self.time[near] < before[:, None]
        days = (self.publication[near] - time[:, None]) / DAY
        distance = np.where(inside, np.abs(days), np.inf)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]
        kept = np.take_along_axis(inside, nearest, 1)
        days = np.where(kept, np.take_along_axis(days, nearest, 1), np.nan)
        reached = np.where(kept[:, :, None], self.reached[np.take_along_axis(near, nearest, 1)], 0.0)
        return reached, days

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
        """What `neighbours` returns, NaN where it was not read: other videos one by one, whatever the `age` and what lies `within` it."""
        read = self if self.read is None else replace(self, reached=np.where(self.read, self.reached, np.nan))
        return read.neighbours(group, time, video, before, self.skip_fold(group))

    def others(
        self, group: np.ndarray, time: np.ndarray, video: np.ndarray, age: np.ndarray, before: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        """What `totals` and `neighbours` return; each other video was read once, whatever the `age` (N,) in days that is asked for."""
        asked = group, time, video, before, self.skip_fold(group)
        return *self.totals(*asked), *self.neighbours(*asked)


def first_not_before(times: np.ndarray, low: np.ndarray, high: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """First position in each range [low, high) of `times` whose time is not before `bound`: a binary search in all ranges at once."""
    low, high = low.copy(), high.copy()
    while (low < high).any():
        middle = (low + high) // 2
        earlier = (low < high) & (times[np.minimum(middle, len(times) - 1)] < bound)
        low = np.where(earlier, middle + 1, low)
        high = np.where(earlier, high, np.minimum(high, middle))
    return low


def moments(known: np.ndarray, count: np.ndarray, total: np.ndarray, square: np.ndarray) -> np.ndarray:
    """(N, 2 K + 1): shrunken mean and spread of what `History.totals` found, and the logarithm of how many are `known`."""
    mean = total / (count + SHRINKAGE)
    variance = np.maximum(square - total**2 / np.maximum(count, 1), 0) / np.maximum(count - 1, 1)
    spread = np.sqrt((variance * (count - 1).clip(0) + SHRINKAGE) / (count + SHRINKAGE))
    return np.concatenate([mean, spread, np.log1p(known)], axis=1)


def excess(known: np.ndarray, count: np.ndarray, total: np.ndarray, usual: np.ndarray | float = 0.0) -> np.ndarray:
    """(N, K + 1): how much more than `usual`, shrunken, `count` (N, 1) videos reached that `total` (N, K) is the sum of; and log known."""
    return np.concatenate([(total - count * usual) / (count + SHRINKAGE), np.log1p(known)], axis=1)


def author_numbers(
    history: History, group: np.ndarray, time: np.ndarray, video: np.ndarray, age: np.ndarray, before: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The author-history part: (N, F) numbers and (N,) presence.

    Summary of all other videos; their mean weighted by 1 / (1 + days); then each neighbour's targets, distance and side in time;
    and the age of the video itself, since what the others reached grew with theirs.
    """
    known, count, total, square, reached, days = history.others(group, time, video, age, before)
    return summary(known, count, total, square, reached, days, age)


def summary(
    known: np.ndarray, count: np.ndarray, total: np.ndarray, square: np.ndarray, reached: np.ndarray, days: np.ndarray, age: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of `author_numbers`, of what `History.others` found."""
    there = ~np.isnan(days)
    far = np.where(there, np.abs(np.nan_to_num(days)), 0.0)
    weight = np.where(there, 1.0 / (1.0 + far), 0.0)
    recent = (weight[:, :, None] * reached).sum(1) / np.maximum(weight.sum(1), 1e-9)[:, None]
    # a neighbour that does not exist looks like the mean of those that do
    filled = np.where(there[:, :, None], reached, recent[:, None, :])
    side = np.where(there, np.sign(np.nan_to_num(days)), 0.0) * np.log1p(far)
    own_age = np.log1p(np.nan_to_num(age))[:, None]
    several = there.sum(1)[:, None] / NEIGHBOURS
    numbers = [moments(known, count, total, square), recent, filled.reshape(len(count), -1), side, several, own_age]
    return np.concatenate(numbers, axis=1), count[:, 0] > 0
