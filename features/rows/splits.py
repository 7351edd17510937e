"""Which rows train, which validate (stop, calibrate), which test."""

from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from machine.errors import InputError

Split = Literal["random", "author", "time"]


class Rows(NamedTuple):
    """Sorted row numbers (int64) of the three disjoint shares of a table."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(
    videos: pd.DataFrame,
    how: str = "random",
    *,
    seed: int = 0,
    fold: int = 0,
    test_share: float = 0.1,
    validation_share: float = 0.1,
) -> Rows:
    """Divide the rows of `videos`.

    Args:
        videos: the table, one row a video.
        how: `random` rows; `author`: every author lies in one share, so that tests are about new authors; `time`: the newest rows
            test, the next newest validate; or `column=value`: the rows with that value test (published folds), the rest is random.
        seed: of the random order.
        fold: which rows validate: 0, 1, ... are disjoint, and the rest trains. The test rows are the same for all. For `time` only
            those of fold 0 are the newest; the others are random, so that the newest train, too.
        test_share: share of the rows that test; 0 for none.
        validation_share: share of the remaining rows that validate.

    Raises:
        InputError: unknown `how`, a column that it needs is missing, or a share would be empty.
    """
    column, _, value = how.partition("=")
    if value:
        test = _rows_of(videos, column, value)
        rest = np.setdiff1d(np.arange(len(videos)), test)
        order = np.random.default_rng(seed).permutation(len(rest))
        count = _count(len(rest), validation_share)
        here = slice(fold * count, (fold + 1) * count)
        rows = Rows(np.sort(rest[np.delete(order, here)]), np.sort(rest[order[here]]), test)
    else:
        if how not in get_args(Split):
            raise InputError(f"--split {how}: choose from {', '.join(get_args(Split))} or COLUMN=VALUE")
        order = {"random": _random_order, "author": _author_order, "time": _time_order}[how](videos, seed)
        groups = _author_codes(videos)[order] if how == "author" else np.arange(len(order))
        test_end = _boundary(groups, _count(len(order), test_share)) if test_share > 0 else 0
        count, start = _count(len(order) - test_end, validation_share), test_end
        if how == "time":
            order[test_end + count :] = np.random.default_rng(seed).permutation(order[test_end + count :])
        for _ in range(fold):
            start = _boundary(groups, start + count)
        here = slice(start, _boundary(groups, start + count))
        rest = np.delete(order, np.r_[:test_end, here])
        rows = Rows(np.sort(rest), np.sort(order[here]), np.sort(order[:test_end]))
    if min(len(rows.train), len(rows.validation), len(rows.test) or test_share == 0) == 0:
        few = f"{videos['username'].nunique()} authors" if how == "author" and "username" in videos else f"{len(videos)} rows"
        raise InputError(f"--split {how}: {few} are too few to train, validate and test")
    return rows


def newest(videos: pd.DataFrame, rows: np.ndarray, share: float) -> np.ndarray:
    """Sorted: the newest share of `rows` (R,), which are row numbers of `videos`; none where some were published nobody knows when."""
    if "create_time" not in videos or videos["create_time"].iloc[rows].isna().any():
        return rows[:0]
    return np.sort(rows[_time_order(videos.iloc[rows], 0)[: _count(len(rows), share)]])


def whole_authors(videos: pd.DataFrame, rows: np.ndarray, groups: int, seed: int) -> list[np.ndarray]:
    """`rows` (R,), which are row numbers of `videos`, in so many groups at random, each author's in one of them; each is sorted.

    A group with more than half of the rows, or none, is left out; all of them where there is no column of authors.
    """
    if "username" not in videos:
        return []
    codes = _author_codes(videos.iloc[rows])
    each, group = np.bincount(codes), np.zeros(codes.max() + 1, np.int64)
    sizes = np.zeros(groups)
    for author in np.random.default_rng(seed).permutation(len(each)):
        group[author] = sizes.argmin()
        sizes[group[author]] += each[author]
    return [rows[group[codes] == number] for number in range(groups) if 0 < sizes[number] <= len(rows) / 2]


def _count(rows: int, share: float) -> int:
    return max(1, round(rows * share))


def _boundary(groups: np.ndarray, count: int) -> int:
    """First position at or after `count` where a new group begins."""
    while 0 < count < len(groups) and groups[count] == groups[count - 1]:
        count += 1
    return min(count, len(groups))


def _random_order(videos: pd.DataFrame, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(len(videos))


def _author_order(videos: pd.DataFrame, seed: int) -> np.ndarray:
    codes = _author_codes(videos)
    shuffled = np.random.default_rng(seed).permutation(codes.max() + 1)
    return np.argsort(shuffled[codes], kind="stable")


def _time_order(videos: pd.DataFrame, seed: int) -> np.ndarray:
    if "create_time" not in videos or videos["create_time"].isna().any():
        raise InputError("--split time: every row needs a create_time")
    return np.argsort(-videos["create_time"].to_numpy(dtype=np.float64), kind="stable")


def _author_codes(videos: pd.DataFrame) -> np.ndarray:
    if "username" not in videos:
        raise InputError("--split author: the table has no column username")
    codes = pd.factorize(videos["username"])[0]
    # a row without an author is an author of its own
    codes[codes < 0] = codes.max() + 1 + np.arange(int((codes < 0).sum()))
    return codes


def _rows_of(videos: pd.DataFrame, column: str, value: str) -> np.ndarray:
    if column not in videos:
        raise InputError(f"--split {column}={value}: the table has no column {column}")
    test = np.flatnonzero(videos[column].astype(str).to_numpy() == value)
    if len(test) == 0:
        raise InputError(f"--split {column}={value}: no row has that value")
    return test
