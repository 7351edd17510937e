"""Readings: the counts of videos that were followed, read several times after they were published.

They stand in a table of their own beside the videos (`counts.csv`), or a videos table repeats an id with another `collected_at`. Either
way a dataset has one row a video, which is its last reading, and all readings beside them.
"""

import warnings
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from features.tables.columns import COLUMNS, COUNTS
from features.tables.formats import read_table
from features.tables.judge import judge_numbers
from features.tables.table import check_values
from machine.errors import InputError, InputWarning

BESIDE = Path("counts")  # the table of readings, where nobody says which


def videos_and_readings(
    table: pd.DataFrame, path: Path, targets: Iterable[str] = COUNTS, *, others: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """A validated videos table that may repeat ids: one row a video in order of first appearance, and all rows as readings.

    A video's counts are those of its newest row that has any; of every other column the newest value that is not missing stands. The
    readings are None where no id is repeated.

    Args:
        table: the table.
        path: for messages.
        targets: names of target columns, beside the known ones.
        others: every other column of numbers is read, too, since it may be a target.

    Raises:
        InputError: a row of a video that is there several times was read before the video was published.
    """
    if not table["id"].duplicated().any():
        return table, None
    targets = tuple(targets)
    table, columns = _counted(table, targets, others)
    several = table["id"].duplicated(keep=False).to_numpy()
    order = np.lexsort((table["collected_at"].to_numpy(), pd.factorize(table["id"])[0]))
    known = [name for name in columns if name in targets] or columns
    videos = _newest(table.iloc[order], {"collected_at", *columns}, table[known].notna().any(axis=1).to_numpy()[order])
    if "create_time" in videos:
        published = videos.set_index("id")["create_time"].reindex(table["id"]).to_numpy()
        _refuse_early(table, np.where(several, published, np.nan), path)
    return videos, _in_order(table[["id", "collected_at", *columns]], videos)


def read_readings(
    path: Path,
    videos: pd.DataFrame,
    *,
    targets: Iterable[str] = COUNTS,
    count_targets: bool = True,
    lenient: bool = False,
    others: bool = False,
) -> pd.DataFrame:
    """Read the table of readings that lies beside `videos`.

    Args:
        path: a table with `id`, `collected_at` and some of the targets; many rows an id.
        videos: what they are readings of, one row a video.
        targets: names of target columns, beside the known ones.
        count_targets: targets are counts, so they may not be negative.
        lenient: rows with a bad id, time or count are left out and counted, and those of other videos.
        others: as in `videos_and_readings`.

    Returns:
        `id` (text), `collected_at` and the targets (float64), in the order of `videos`, then of time.

    Raises:
        InputError: what `features.tables.table.read_videos` refuses; no moment, an id that is not in `videos` (with `lenient`, not one
            that is), a reading from before the video was published, two readings of one video at one moment that contradict each other,
            or no target column.
    """
    table = check_values(read_table(path), path, targets=targets, count_targets=count_targets, lenient=lenient)
    for name in ("id", "collected_at"):
        if name not in table:
            raise InputError(f"{path}: no column {name}")
    table, columns = _counted(table, targets, others)
    if not columns:
        raise InputError(f"{path}: no column of counts ({', '.join(dict.fromkeys([*COUNTS, *targets]))})")
    place = pd.Index(videos["id"]).get_indexer(table["id"])
    faults = {f"has no {name}": table[name].isna().to_numpy() for name in ("id", "collected_at")}
    faults["reads the video {!r}, which is not in the videos table"] = place < 0
    out = np.logical_or.reduce(list(faults.values()))
    if out.any():
        first = _first(out)
        why = next(why for why, rows in faults.items() if rows[first - 1]).format(table["id"].iloc[first - 1])
        if not lenient:
            raise InputError(f"{path}: row {first} {why}")
        if out.all():
            raise InputError(f"{path}: not one reading can be used (--lenient): row {first} {why}")
        _warn(f"{path}: {int(out.sum())} of {len(out)} readings were left out (--lenient): row {first} {why}")
        table, place = table[~out].reset_index(drop=True), place[~out]
    if "create_time" in videos:
        _refuse_early(table, videos["create_time"].to_numpy(np.float64)[place], path)
    readings, otherwise = _merged(table[["id", "collected_at", *columns]])
    if otherwise.any():
        row = _first(otherwise)
        at = f"{table['collected_at'].iloc[row - 1]:.0f}"
        raise InputError(f"{path}: row {row} reads the video {table['id'].iloc[row - 1]!r} a second time at the same collected_at {at}")
    return _in_order(readings, videos)


def with_last_reading(
    videos: pd.DataFrame, readings: pd.DataFrame, path: Path = BESIDE, targets: Iterable[str] = COUNTS, *, lenient: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables made to agree: counts in `videos` that have a moment of their own are readings too, and each video has its last one.

    A count that is in `videos` alone is known at the row's moment or, where it has none, at the last reading, and nowhere else.

    Args:
        videos: one row a video.
        readings: several at one moment are one, of which each knows a part.
        path: where they were read, for messages.
        targets: names of target columns, beside the known ones.
        lenient: of readings that contradict each other, that of `readings` counts; those from before publication do not.

    Raises:
        InputError: a row of `videos` was read before the video was published, and others of that video were not, or two readings of
            one video at one moment contradict each other.
    """
    alone = _alone(videos, readings, targets)
    columns = list(dict.fromkeys([*readings.columns.drop("id"), *alone]))
    texts = [name for name in columns if name in videos and videos[name].dtype != np.float64]  # columns that were carried along
    videos = videos.assign(**{name: judge_numbers(videos[name], "number")[0] for name in texts})
    own = videos.reindex(columns=["id", *columns])
    if alone:
        last, others = own["id"].map(readings.groupby("id")["collected_at"].max()), [name for name in columns[1:] if name not in alone]
        # of what is followed, the last reading says more than a row without a time, or a later one without any such count
        poorer = own["collected_at"].isna() | ((own["collected_at"] > last) & own[others].isna().all(axis=1))
        own.loc[poorer, others] = np.nan
        own.loc[poorer, "collected_at"] = last
    known = own["collected_at"].notna() & own[columns[1:]].notna().any(axis=1)
    if "create_time" in videos:
        early = known & (own["collected_at"] < videos["create_time"])
        known &= ~early
        early &= own["id"].isin(readings["id"])  # of any other video its row is all there is
        why = "before it was published (collected_at, create_time of the videos table)"
        if early.any() and not lenient:
            raise InputError(f"{path}: the video {own['id'][early].iloc[0]!r} was read {why}")
        if early.any():
            _warn(f"{path}: {int(early.sum())} rows of the videos table are no readings (--lenient): each video was read {why}")
    readings = pd.concat([readings.reindex(columns=["id", *columns]), own[known]], ignore_index=True)
    merged, otherwise = _merged(readings)
    if otherwise.any() and lenient:
        _warn(f"{path}: {int(otherwise.sum())} readings are in the videos table too, with other counts, which do not count")
    elif otherwise.any():
        name, at = readings[["id", "collected_at"]].iloc[_first(otherwise) - 1]
        raise InputError(f"{path}: the video {name!r} is read at collected_at {at:.0f} in the videos table too, with other counts")
    readings = _in_order(merged, videos)
    last = readings.drop_duplicates("id", keep="last").set_index("id")[columns].reindex(videos["id"])
    read = last["collected_at"].notna().to_numpy()
    held = videos.reindex(columns=list(dict.fromkeys([*videos, *columns])))
    for name in columns:
        held[name] = np.where(read, last[name].to_numpy(), held[name].to_numpy(np.float64))
    return held, readings


def _newest(rows: pd.DataFrame, of_the_moment: Collection[str], counted: np.ndarray) -> pd.DataFrame:
    """One row a video of rows sorted by video and time: what is of the moment as in the newest row, else the newest value there is.

    Rows that are not `counted` (R, bool) are the newest only of a video that has no other.
    """
    first, here = np.flatnonzero(~rows["id"].duplicated()), np.arange(len(rows))
    newest = np.maximum.reduceat(np.where(counted, here, -1), first)
    last = np.where(newest < 0, np.append(first[1:], len(rows)) - 1, newest)
    columns = {}
    for name in rows:
        told = np.maximum.reduceat(np.where(rows[name].notna(), here, -1), first)
        columns[name] = rows[name].iloc[np.where((told < 0) | (name in of_the_moment), last, told)].reset_index(drop=True)
    return pd.DataFrame(columns)


def _alone(videos: pd.DataFrame, readings: pd.DataFrame, targets: Iterable[str]) -> list[str]:
    """Counts that the videos know and not one of the readings does; none where nothing was read."""
    known = [name for name in dict.fromkeys([*COUNTS, *targets]) if name in videos and videos[name].notna().any()]
    return [name for name in known if len(readings) and (name not in readings or readings[name].isna().all())]


def warn_of_alone(videos: pd.DataFrame, readings: pd.DataFrame, targets: Collection[str], path: Path) -> None:
    """Warn of targets that are in the videos table alone (see `with_last_reading`), while others are followed."""
    if alone := [name for name in _alone(videos, readings, targets) if name in targets]:
        _warn(f"{path}: lacks {' and '.join(alone)}, which the videos table says at one moment of each video: nothing shows how it grows")


def warn_of_lost(videos: pd.DataFrame, readings: pd.DataFrame | None, targets: Iterable[str], path: Path) -> None:
    """Warn of targets that readings know, and yet not one video's last reading."""
    if readings is None:
        return
    lost = [name for name in targets if name in readings and readings[name].notna().any() and videos[name].isna().all()]
    if lost:
        count, names = readings["id"].nunique(), " or ".join(lost)
        _warn(f"{path}: not one of the last readings of {count:,} videos says {names}, as earlier ones do: what it became is unknown")


def of_videos(readings: pd.DataFrame, videos: pd.DataFrame) -> pd.DataFrame:
    """Those of these videos, in their order; a video that is there twice counts once."""
    return _in_order(readings[readings["id"].isin(videos["id"])], videos)


def _merged(readings: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """One reading a video and moment, with each count that any of several says; and (R,) bool: the row says another than one before it."""
    moment = ["id", "collected_at"]
    again = readings.duplicated(moment).to_numpy()
    if not again.any():
        return readings, again
    counts = readings.drop(columns=moment)
    said = readings.groupby(moment, sort=False, dropna=False)[list(counts)].transform("first")
    return readings.assign(**said)[~again], (counts.notna() & (counts != said)).any(axis=1).to_numpy()


def _in_order(readings: pd.DataFrame, videos: pd.DataFrame) -> pd.DataFrame:
    """Sorted by the video's place and time; rows without any count are no readings."""
    counts = [name for name in readings if name not in ("id", "collected_at")]
    readings = readings[readings[counts].notna().any(axis=1)]
    place = pd.Index(videos["id"].drop_duplicates()).get_indexer(readings["id"])
    return readings.iloc[np.lexsort((readings["collected_at"].to_numpy(), place))].reset_index(drop=True)


def _counted(table: pd.DataFrame, targets: Iterable[str], others: bool) -> tuple[pd.DataFrame, list[str]]:
    """The table, and its columns that are read again and again; with `others`, every column of numbers that is not known."""
    columns = [name for name in dict.fromkeys([*COUNTS, *targets]) if name in table]
    numbers = {name: judge_numbers(table[name], "number")[0] for name in table if others and name not in {*COLUMNS, *columns}}
    told = {name: values for name, values in numbers.items() if values.notna().any()}
    return table.assign(**told), [*columns, *told]


def _refuse_early(table: pd.DataFrame, published: np.ndarray, path: Path) -> None:
    early = table["collected_at"].to_numpy() < published
    if early.any():
        row = _first(early)
        raise InputError(
            f"{path}: row {row} was read before its video {table['id'].iloc[row - 1]!r} was published (collected_at, create_time)"
        )


def _warn(sentence: str) -> None:
    warnings.warn(sentence, InputWarning, stacklevel=3)


def _first(bad: np.ndarray) -> int:
    """Number of the first such row, from 1."""
    return int(np.flatnonzero(bad)[0]) + 1
