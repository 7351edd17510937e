"""A table of drafts as the dataset to be forecast: every video at one age, in an order that does not depend on the table's.

Rows of videos that were published already may say what was read of them since.
"""

import dataclasses
import hashlib
from collections.abc import Collection

import numpy as np
import pandas as pd

from features.followed.early import so_far
from features.followed.looks import NEAR, Followed
from features.tables.columns import COUNTS, DAY
from features.tables.dataset import Dataset
from forecast.latent import ENCODED


def at_horizon(drafts: Dataset, publish: float, horizon: float, seen: float | str = 0.0, targets: Collection[str] = COUNTS) -> Dataset:
    """The drafts `horizon` seconds after their publication, sorted by id, beside what was read of them.

    Args:
        drafts: any rows.
        publish: when those are published that have no time of their own, in seconds since 1970, UTC.
        horizon: seconds.
        seen: days; readings up to that age are known. `first`: the first reading is; `last`: all are. No reading after the
            horizon is known; with `last`, the first one after it, if within a fifth of it and nearer than the one before, counts as taken
            at the horizon.
        targets: columns that are read.
    """
    drafts = _sorted(drafts)
    read = None if seen == 0.0 else _read(drafts, seen, horizon / DAY, targets)
    videos = drafts.videos.drop(columns=[name for name in {*COUNTS, *targets} if name in drafts.videos])
    created = videos["create_time"].to_numpy(np.float64) if "create_time" in videos else np.full(len(videos), np.nan)
    created = np.where(np.isnan(created), publish, created)
    videos = videos.assign(create_time=created, collected_at=created + horizon)
    return dataclasses.replace(drafts, videos=videos, readings=None, so_far=read)


def _sorted(drafts: Dataset) -> Dataset:
    """The same rows by id."""
    return drafts.take(np.argsort(drafts.videos["id"].to_numpy(dtype=str), kind="stable"))


def readings_of(drafts: Dataset, targets: Collection[str]) -> pd.DataFrame:
    """What was read of the drafts: their readings, or else each row's own targets; only of those with times, in their order."""
    table = drafts.videos if drafts.readings is None else drafts.readings
    counts = [name for name in targets if name in table]
    if "create_time" not in drafts.videos or "collected_at" not in table or not counts:
        return pd.DataFrame({"id": pd.Series(dtype=object), "collected_at": pd.Series(dtype=np.float64)})
    published = drafts.videos.set_index("id")["create_time"].reindex(table["id"]).to_numpy(np.float64)
    there = ~np.isnan(published) & (table["collected_at"].to_numpy() >= published) & table[counts].notna().any(axis=1).to_numpy()
    return table.loc[there, ["id", "collected_at", *counts]].reset_index(drop=True)


def _read(drafts: Dataset, seen: float | str, horizon: float, targets: Collection[str]) -> pd.DataFrame:
    """What of it is known, see `features.followed.early.so_far`."""
    readings = readings_of(drafts, targets)
    followed = Followed.of(dataclasses.replace(drafts, readings=readings))
    until = min(seen, horizon) if isinstance(seen, float) else horizon
    if seen == "last":
        stands = _stands(followed, horizon)
        moment = np.where(stands, followed.moment - (followed.age - horizon) * DAY, followed.moment)
        readings, followed = (
            readings.assign(collected_at=moment),
            dataclasses.replace(followed, age=np.where(stands, horizon, followed.age)),
        )
    known, here = np.full(len(drafts), -1), np.arange(len(readings))
    if seen == "first":
        here = np.where(here == followed.first[followed.video], here, -1)
    np.maximum.at(known, followed.video, np.where(followed.age <= until, here, -1))
    return so_far(readings, known, followed.start[:-1])


def _stands(followed: Followed, horizon: float) -> np.ndarray:
    """(R,) bool: a video's first reading after the horizon, in days, if within a fifth of it and nearer than the reading before."""
    after = followed.age > horizon
    same = np.append(False, followed.video[1:] == followed.video[:-1])
    before = np.where(same, np.append(0.0, followed.age[:-1]), 0.0)
    return after & (before <= horizon) & (followed.age - horizon < np.minimum(horizon - before, NEAR * horizon))


def passed(drafts: Dataset, asked: Dataset, targets: Collection[str]) -> int:
    """How many drafts were read after the horizon only, so that it does not count; `asked` is what `at_horizon` makes of them."""
    if asked.so_far is None:
        return 0
    ids, horizon = asked.videos["id"], asked.videos["collected_at"].to_numpy()
    last = readings_of(drafts, targets).groupby("id")["collected_at"].max().reindex(ids).to_numpy()
    return int(((last > horizon) & ~(asked.so_far["collected_at"].to_numpy() > horizon - 1.0)).sum())


def own_numbers(drafts: Dataset, horizon: float, targets: Collection[str] = COUNTS) -> int:
    """Where the random numbers of a plan begin, told as the number of its first draft in an endless table.

    Other plans have other random numbers, and the same plan has the same ones whenever it is forecast. What plans share of an author does
    not depend on it.

    Args:
        drafts: any rows, in any order.
        horizon: seconds.
        targets: columns that are read, which do not belong to the plan.
    """
    drafts = _sorted(drafts)
    told = drafts.videos.dropna(axis=1, how="all")
    columns = sorted(name for name in told if name not in {*COUNTS, *targets, "collected_at"})
    text = f"{horizon:g}" + told[columns].to_json() + "".join(table.to_json() for _, table in sorted(drafts.ready.items()))
    return ENCODED * (int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4], "big"))
