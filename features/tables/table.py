"""Read a videos table or a table of features, and refuse or leave out what is wrong in it, naming file, row and column."""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from features.tables.columns import AUTHOR_COUNTS, COLUMNS, COUNTS, nearest
from features.tables.formats import read_table
from features.tables.judge import Fault, judge_ids, judge_numbers, judge_texts, judge_times, plain_numbers
from features.tables.moments import check_moments
from features.tables.values import is_missing
from machine.errors import InputError, InputWarning

AUTHORS_ROWS = 3  # videos an author, and authors, from which it shows whether a count is the author's
UNSTEADY = 0.5  # standard deviation of the logarithm within an author; that of hearts grows by less in a year
LONGEST_ID = 200  # characters; identifiers are repeated in every output
TIMES = ("create_time", "collected_at")


def read_videos(
    path: Path, *, targets: Iterable[str] = (), count_targets: bool = True, lenient: bool = False, future: bool = False
) -> pd.DataFrame:
    """Read and validate one videos table; an id may be there again with another `collected_at` (see `features.tables.readings`).

    Args:
        path: a file with one of `features.tables.formats.READABLE`.
        targets: names of target columns; they are read as numbers.
        count_targets: targets are counts, so they may not be negative.
        lenient: rows with a bad id, time or target are left out and counted, instead of being refused.
        future: videos that are to be published are meant.

    Returns:
        One row a reading of a video: known text columns as object (None where missing), all other known columns and the targets as float64
        (NaN where missing, and with a warning where a feature's value cannot be), other columns as they are. Row numbers in messages
        count data rows from 1.

    Raises:
        InputError: unreadable file, ragged rows, a repeated column, no or repeated id, an id, time or target of the wrong type or sign or
            not finite.
    """
    table = read_table(path)
    if "id" not in table:
        raise InputError(f"{_without_id(table, path)}; extract.py reads collectors' tables")
    return check_videos(table, path, targets=targets, count_targets=count_targets, lenient=lenient, future=future)


def check_videos(
    table: pd.DataFrame,
    path: Path,
    *,
    targets: Iterable[str] = (),
    count_targets: bool = True,
    lenient: bool = False,
    future: bool = False,
) -> pd.DataFrame:
    """Validate a videos table that was read from `path`; see `read_videos`."""
    targets = tuple(targets)
    table = check_values(table, path, targets=targets, count_targets=count_targets, lenient=lenient, future=future)
    check_ids(table, path)
    return doubted(table, path, targets)


def check_values(
    table: pd.DataFrame,
    path: Path,
    *,
    targets: Iterable[str] = (),
    count_targets: bool = True,
    lenient: bool = False,
    future: bool = False,
) -> pd.DataFrame:
    """Turn the cells of known columns into text and numbers, or refuse them; see `read_videos`."""
    targets = tuple(targets)
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise InputError(f"{path}: has several columns named {repeated[0]}")
    judged, faults = judge(table, path, targets=targets, count_targets=count_targets, future=future)
    needed = {"id", *TIMES, *(targets or COUNTS)}
    out = np.zeros(len(judged), bool)
    for fault in faults:
        if fault.column not in needed:
            _warn(f"{path}: {_values(fault.count)} of {fault.column} taken as missing: {fault}")
        elif lenient:
            out |= fault.rows
        else:
            raise InputError(f"{path}: {fault}")
    if lenient:
        out |= _unusable_ids(judged)
        if out.all():
            raise InputError(f"{path}: not one row can be used ({faults[0] if faults else 'no ids'})")
        if out.any():
            first = next((str(fault) for fault in faults if fault.column in needed), f"row {int(np.flatnonzero(out)[0]) + 1} has no id")
            _warn(f"{path}: {int(out.sum())} of {len(out)} rows were left out (--lenient): {first}")
            judged = judged[~out]
    return judged.reset_index(drop=True)


def judge(
    table: pd.DataFrame, path: Path, *, targets: Iterable[str] = (), count_targets: bool = True, future: bool = False
) -> tuple[pd.DataFrame, list[Fault]]:
    """The known columns and the targets of a table as text and numbers, missing where at fault, and the faults.

    Args:
        table: as it was read.
        path: for messages.
        targets: names of target columns.
        count_targets: targets are counts, so they may not be negative.
        future: videos that are to be published are meant.
    """
    written, table = table, table.copy(deep=False)
    extra = {name: ("count" if name.endswith("_count") else "amount") if count_targets else "number" for name in targets}
    faults: list[Fault] = []
    for name in extra:
        if name in COLUMNS and COLUMNS[name].kind == "text":
            raise InputError(f"--targets {name}: the column holds text, not numbers")
    for name in table.columns:
        if name == "id":
            table[name], found = judge_ids(table[name])
        elif name in TIMES and name not in extra:
            table[name], found, zero = judge_times(table[name], future=future)
            if zero.any():
                _warn(f"{path}: {_values(int(zero.sum()))} of {name} taken as missing: row {int(np.flatnonzero(zero)[0]) + 1} has 0")
        elif name in COLUMNS and COLUMNS[name].kind == "text":
            country = name == "region_code" and _says_na(written[[name]]) and not _says_na(written.drop(columns=name))
            table[name], found = judge_texts(table[name], country=country), []
        elif name in extra or name in COLUMNS:
            values = _unwrap(table[name], path) if name in AUTHOR_COUNTS else table[name]
            kind = COLUMNS[name].kind if name in COLUMNS and (name not in extra or count_targets) else extra[name]
            table[name], found = judge_numbers(values, kind)
        else:
            continue
        faults += found
    return table, faults


def read_features(path: Path) -> pd.DataFrame:
    """Read ready-made numeric features of one modality: float64 columns, indexed by `id` as text.

    A row without any number is the same as no row; single missing numbers are allowed.

    Raises:
        InputError: as in `read_videos`; or a column that is not numeric.
    """
    table = read_table(path)
    if "id" in table:
        table["id"], faults = judge_ids(table["id"])
        if faults:
            raise InputError(f"{path}: {faults[0]}")
    check_ids(table, path)
    numeric = {}
    for name in table.columns.drop("id"):
        numeric[name], faults = judge_numbers(table[name], "number")
        if faults:
            raise InputError(f"{path}: {faults[0]}")
    if not numeric:
        raise InputError(f"{path}: no feature beside the id")
    features = pd.DataFrame(numeric, dtype=np.float64).set_axis(table["id"], axis=0).dropna(how="all")
    if features.empty:
        raise InputError(f"{path}: no row has any number")
    return features


def doubted(table: pd.DataFrame, path: Path, targets: Iterable[str] = ()) -> pd.DataFrame:
    """Warn of what a validated table says that can hardly be: moments (see `features.tables.moments`), and counts that we take for the
    author's, and that vary from video to video of one author as a video's own do.
    """
    targets = tuple(targets)
    for name in ("digg_count", "likes_count"):
        if name in targets or name not in table or "username" not in table:
            continue
        logs = np.log1p(table[name]).groupby(table["username"])
        spreads = logs.std()[logs.count() >= AUTHORS_ROWS]
        if len(spreads) >= AUTHORS_ROWS and float(spreads.median()) > UNSTEADY:
            meant, rows = COLUMNS[name].meaning, "differs between one author's videos as a video's own likes do"
            _warn(f"{path}: {name} is taken for {meant}, but {rows} (is it like_count?)")
    return check_moments(table, path)


def _says_na(table: pd.DataFrame) -> bool:
    """Whether some known column writes `NA` for what is missing."""
    return any(isinstance(value, str) and value == "NA" for name in table if name in COLUMNS for value in table[name].array)


def _unwrap(values: pd.Series, path: Path) -> pd.Series:
    """Repair author counts above 2^31 that some collector stored in 32 signed bits."""
    numbers = plain_numbers(values) if values.dtype.kind in "iufO" else np.zeros(len(values))
    wrapped = (numbers < -1e6) & (numbers >= -(2**31))
    if wrapped.any():
        _warn(f"{path}: {int(wrapped.sum())} negative values of {values.name} were read as 32-bit overflow (+ 2^32)")
        values = values.astype(object).where(~wrapped, pd.Series(numbers + 2**32, index=values.index))
    return values


def check_ids(table: pd.DataFrame, path: Path) -> None:
    """Refuse a table without ids, with a bad one, or with two rows of one video at one moment."""
    if "id" not in table:
        raise InputError(_without_id(table, path))
    missing = table["id"].isna().to_numpy()
    if missing.any():
        raise InputError(f"{path}: row {int(np.flatnonzero(missing)[0]) + 1} has no id")
    for row, name in enumerate(table["id"], 1):
        if len(name) > LONGEST_ID or "\0" in name:
            raise InputError(
                f"{path}: row {row} has an id {'of more than 200 characters' if len(name) > LONGEST_ID else 'with a null character'}"
            )
    repeated = table["id"].duplicated().to_numpy()
    if repeated.any() and "collected_at" in table:
        # another moment makes it another reading of the video
        timeless = table["id"].isin(table["id"][table["collected_at"].isna()]).to_numpy()
        repeated = repeated & (timeless | table.duplicated(["id", "collected_at"]).to_numpy())
    if repeated.any():
        row = int(np.flatnonzero(repeated)[0])
        raise InputError(f"{path}: row {row + 1} repeats the id {table['id'].iloc[row]!r}")


def _without_id(table: pd.DataFrame, path: Path) -> str:
    near = nearest("id", table.columns)
    return f"{path}: no column id (but {', '.join(map(repr, table.columns[:12]))}{f'; is it {near}?' if near else ''})"


def _unusable_ids(table: pd.DataFrame) -> np.ndarray:
    if "id" not in table:
        return np.zeros(len(table), bool)
    bad: Callable[[object], bool] = lambda text: is_missing(text) or len(str(text)) > LONGEST_ID or "\0" in str(text)  # noqa: E731
    return np.array([bad(text) for text in table["id"]], bool)


def _values(count: int) -> str:
    return f"{count} value{'s' if count != 1 else ''}"


def _warn(sentence: str) -> None:
    warnings.warn(sentence, InputWarning, stacklevel=3)
