"""Looks at videos that were followed: at each one something was known, and a later reading is to be forecast.

    look = (video, what had been read by then: nothing, or its readings up to one of them; a later reading)

Whatever is forecast is a look; a video that nobody has read yet is looked at at age 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.followed.early import so_far
from features.scale import Scale
from features.tables.columns import DAY
from features.tables.dataset import Dataset
from features.videos import EARLY
from machine.errors import InputError

LOOKS = 20_000  # in all, that are made of few videos; of many, each is looked at `FEWEST` times
FEWEST, MOST = 8, 16  # looks at one video
NEAR = 0.2  # a reading stands for an age if it is within this share of it
HOUR = DAY / 24
EXACT = 1e-6  # days; ages nearer than that are the same, since borders such as 0.8 * 7 are not exact


@dataclass(frozen=True)
class Followed:
    """The readings of a dataset in arrays, sorted by video and time.

    Attributes:
        start: (N + 1,) where the readings of each of N videos begin.
        video: (R,) row number of the video of each reading.
        moment: (R,) seconds since 1970.
        age: (R,) days since the video was published, NaN where that is unknown.
    """

    start: np.ndarray
    video: np.ndarray
    moment: np.ndarray
    age: np.ndarray

    @classmethod
    def of(cls, dataset: Dataset) -> "Followed":
        """The readings of `dataset`, each video of which is there once."""
        readings = dataset.readings
        assert readings is not None  # noqa: S101  (asked of followed videos only)
        video = pd.Index(dataset.videos["id"]).get_indexer(readings["id"])
        moment = readings["collected_at"].to_numpy(np.float64)
        published = dataset.videos["create_time"].to_numpy(np.float64) if "create_time" in dataset.videos else np.full(len(dataset), np.nan)
        return cls(np.searchsorted(video, np.arange(len(dataset) + 1)), video, moment, (moment - published[video]) / DAY)

    @property
    def last(self) -> np.ndarray:
        """(N,) the last reading of each video, -1 where it has none."""
        return np.where(np.diff(self.start) > 0, self.start[1:] - 1, -1)

    @property
    def first(self) -> np.ndarray:
        """(N,) the first reading of each video, -1 where it has none."""
        return np.where(np.diff(self.start) > 0, self.start[:-1], -1)

    def chosen(self, weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """(N,) one reading of each video at random, by `weight` (R,); -1 where all weights are 0."""
        with np.errstate(divide="ignore"):
            score = np.log(weight) + random.gumbel(size=len(weight))
        order = np.lexsort((score, self.video))
        best = order[self.start[1:] - 1] if len(order) else self.start[1:]
        found = (np.diff(self.start) > 0) & (score[best] > -np.inf) if len(order) else np.zeros(len(self.start) - 1, bool)
        return np.where(found, best, -1)

    def evenly(self, hours: np.ndarray) -> np.ndarray:
        """(R,) weights with which readings are drawn evenly in log(1 + hours), however they are spaced: half of the gap between neighbours.

        Args:
            hours: (R,) since some moment of each video, not falling in time; the first gap begins at 0.
        """
        place = np.log1p(hours)
        inside = np.r_[False, self.video[1:] == self.video[:-1]]  # whether the reading before is of the same video
        before = np.where(inside, np.r_[0.0, place[:-1]], 0.0)
        after = np.where(np.r_[inside[1:], False], np.r_[place[1:], 0.0], place)
        return (after - before) / 2

    def or_last(self, chosen: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """(N,) one reading of each video: the chosen one, or the last where none is chosen or last readings are common at that age.

        Videos are often read only as long as they do well: of all that reach an age, those that are read on are the better ones.
        """
        age, last = np.r_[self.age, np.nan][chosen], self.last
        ends = np.sort(self.age[last[last >= 0]])
        others = np.sort(age[~np.isnan(age)])
        near = [np.searchsorted(sample, age * (1 + NEAR)) - np.searchsorted(sample, age * (1 - NEAR)) for sample in (ends, others)]
        rare = random.uniform(size=len(age)) * near[1] >= near[0]
        return np.where(~np.isnan(age) & rare, chosen, last)


def learned_from_looks(dataset: Dataset, without: Sequence[str], target_scale: str) -> bool:
    """Whether training looks at each video several times: some were read again, and what was read so far is a part."""
    return read_again(dataset) > 0 and EARLY not in without and Scale(target_scale).counts


def read_again(dataset: Dataset) -> int:
    """How many videos were read more than once; one without `create_time` is not counted, since its age at a reading is unknown."""
    if dataset.readings is None or "create_time" not in dataset.videos:
        return 0
    again = dataset.readings["id"].value_counts() > 1
    return int(again.reindex(dataset.videos.loc[dataset.videos["create_time"].notna(), "id"]).eq(True).sum())


def last_told(dataset: Dataset) -> pd.DataFrame:
    """The videos; a count that no row of theirs knows, but readings do, is as each video's last reading that knows it says."""
    videos, readings = dataset.videos, dataset.readings
    if readings is None:
        return videos
    counts = [name for name in readings if name not in ("id", "collected_at")]
    lost = [name for name in counts if name not in videos or videos[name].isna().all()]
    said = readings.groupby("id", sort=False)[counts].last().reindex(videos["id"])
    return videos.assign(**{name: said[name].to_numpy() for name in lost})


def looks_each(videos: int) -> int:
    """How often training looks at each of so many followed videos."""
    return int(np.clip(LOOKS // max(videos, 1), FEWEST, MOST))


def looks_to_learn(dataset: Dataset, seed: int) -> tuple[Dataset, np.ndarray]:
    """Looks at each video of a dataset with readings, for training: several fixed ones, drawn once.

    There are four kinds, in turn. 0: nothing is known, the last reading is to be forecast; the same look each time, so that it counts as
    often as the others. 1: nothing is known, any other reading is to be forecast. 2: one reading is known, any later one is to be forecast.
    3: one reading is known, the last one is to be forecast. Readings are drawn evenly in the logarithm of their age, the later ones of kind
    2 in that of the time from the known one. Where last readings are common at the age that was drawn, the last one is forecast in its
    stead, see `Followed.or_last`. A video that was never read is looked at in kind 0 alone: its row says what it reached.

    Args:
        dataset: N videos.
        seed: of what is drawn.

    Returns:
        The looks as a dataset with `so_far`, sorted by video, and (M,) the row number of the video of each.
    """
    followed, random = Followed.of(dataset), np.random.default_rng([seed, 18])
    last, nothing, here = followed.last, np.full(len(dataset), -1), np.arange(len(followed.age))
    ageless, ended, undated = np.isnan(followed.age), here == last[followed.video], _undated(dataset, last)
    but_last = np.where(ageless | ended, 0.0, followed.evenly(24 * np.where(ageless, 0.0, np.maximum(followed.age, 0.0))))
    rows, known, wanted = [], [], []
    for number in range(looks_each(len(dataset))):
        kind, seen, later = number % 4, nothing, last
        if kind == 1:
            later = followed.or_last(followed.chosen(but_last, random), random)
        elif kind > 1:
            seen = followed.chosen(but_last, random)
        if kind == 2:
            lead = np.maximum(followed.moment - followed.moment[seen[followed.video]], 0.0)
            after = (seen[followed.video] >= 0) & (here > seen[followed.video])
            later = followed.or_last(followed.chosen(np.where(after, followed.evenly(lead / HOUR), 0.0), random), random)
        there = ((later >= 0) | undated) & ((kind < 2) | (seen >= 0))
        rows.append(np.flatnonzero(there))
        known.append(seen[there])
        wanted.append(later[there])
    row, seen, later = (np.concatenate(parts) for parts in (rows, known, wanted))
    order = np.argsort(row, kind="stable")
    return look(dataset, row[order], seen[order], later[order]), row[order]


def were_read(looks: Dataset) -> np.ndarray:
    """Numbers of the looks at videos that had been read before."""
    assert looks.so_far is not None  # noqa: S101  (looks have it)
    return np.flatnonzero(looks.so_far["readings"].to_numpy() > 0)


def looks_at(dataset: Dataset, seen: float | str = 0.0, horizon: float | str = "last") -> Dataset:
    """One look at each video that has a reading to forecast; the last one of a video without readings is what its row says.

    Args:
        dataset: a dataset with readings.
        seen: days; readings up to that age are known. `first`: the first reading is.
        horizon: days; the reading nearest to that age is forecast, if within a fifth of it. `last`: the last one is.

    Raises:
        InputError: no video has such a reading later than what is seen.
    """
    followed = Followed.of(dataset)
    here, last = np.arange(len(followed.age)), followed.last
    known = followed.first
    if not isinstance(seen, str):
        up_to = np.where((followed.age <= seen + EXACT) & (seen > 0), here, -1)
        known = np.full(len(dataset), -1)
        np.maximum.at(known, followed.video, up_to)
    wanted = last
    if not isinstance(horizon, str):
        off = np.abs(followed.age - horizon)
        off = np.where(off <= NEAR * horizon + EXACT, off, np.inf)
        some = last >= 0
        nearest = np.lexsort((off, followed.video))[followed.start[:-1][some]]
        wanted = np.full(len(dataset), -1)
        wanted[some] = np.where(np.isfinite(off[nearest]), nearest, -1)
    there = (wanted >= 0) & (wanted > known)
    if not isinstance(seen, str):
        there &= ~(np.r_[followed.age, np.nan][wanted] <= seen + EXACT)  # no reading, -1, has no age
        if seen == 0 and isinstance(horizon, str):
            there |= _undated(dataset, last)
    if not there.any():
        raise InputError(f"{dataset.name}: no video has a reading {_asked(horizon)}, later than what is seen ({_told(seen)})")
    row = np.flatnonzero(there)
    return look(dataset, row, known[row], wanted[row])


def _undated(dataset: Dataset, last: np.ndarray) -> np.ndarray:
    """(N,) bool: the video has no reading, and yet its row says what it reached."""
    assert dataset.readings is not None  # noqa: S101  (asked of followed videos only)
    counts = dataset.videos.reindex(columns=[name for name in dataset.readings if name not in ("id", "collected_at")])
    return (last < 0) & counts.notna().any(axis=1).to_numpy(bool)


def look(dataset: Dataset, row: np.ndarray, known: np.ndarray, wanted: np.ndarray) -> Dataset:
    """M looks as a dataset: each row is a video as it was at the reading to forecast, beside what had been read before.

    Args:
        dataset: with readings.
        row: (M,) row numbers of videos.
        known: (M,) the last reading known, a row number in `dataset.readings`; -1 where nothing is.
        wanted: (M,) the reading to forecast; -1: what the video's own row says.
    """
    readings = dataset.readings
    assert readings is not None  # noqa: S101  (asked of followed videos only)
    taken = replace(dataset, readings=None).take(row)
    columns = [name for name in readings if name != "id"]
    own = taken.videos.reindex(columns=columns).to_numpy(np.float64)
    later = np.vstack([readings[columns].to_numpy(np.float64), np.full((1, len(columns)), np.nan)])[wanted]
    later = np.where(wanted[:, None] >= 0, later, own)
    videos = taken.videos.assign(**{name: later[:, place] for place, name in enumerate(columns)})
    return replace(taken, videos=videos, so_far=so_far(readings, known, Followed.of(dataset).start[row]))


def unread(dataset: Dataset) -> Dataset:
    """The same videos, looked at before anything was read."""
    nothing = np.full(len(dataset), -1)
    columns = [name for name in dataset.videos if dataset.videos[name].dtype == np.float64]
    blank = pd.DataFrame({"id": pd.Series(dtype=object)} | {name: pd.Series(dtype=np.float64) for name in columns})
    return replace(dataset, readings=None, so_far=so_far(blank, nothing, nothing))


def _asked(horizon: float | str) -> str:
    return "at all" if isinstance(horizon, str) else f"within a fifth of {horizon:g} days"


def _told(seen: float | str) -> str:
    return "the first reading" if isinstance(seen, str) else f"up to {seen:g} days"
