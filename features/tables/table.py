"""Read a videos table (csv, csv.gz, parquet, jsonl) and refuse what is wrong in it, naming file, row and column."""

import gzip
import json
import warnings
from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.tables.columns import AUTHOR_COUNTS, COLUMNS, LARGEST, LATEST
from machine.errors import InputError, InputWarning
from machine.files import regular_file

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl")
LONGEST_ID = 200  # characters; identifiers are repeated in every output


def read_videos(path: Path, *, targets: Iterable[str] = (), count_targets: bool = True) -> pd.DataFrame:
    """Read and validate one videos table; an id may be there again with another `collected_at` (see `features.tables.readings`).

    Args:
        path: a file with one of `SUFFIXES`.
        targets: names of target columns beyond the known ones; they are read as numbers.
        count_targets: targets are counts, so they may not be negative.

    Returns:
        One row a reading of a video: known text columns as object (None where missing), all other known columns and the targets as float64
        (NaN where missing), other columns as they are. Row numbers in messages count data rows from 1.

    Raises:
        InputError: unreadable file, ragged rows, no or repeated id, a value of the wrong type or sign or not finite.
    """
    return check_videos(read_table(path), path, targets=targets, count_targets=count_targets)


def check_videos(table: pd.DataFrame, path: Path, *, targets: Iterable[str] = (), count_targets: bool = True) -> pd.DataFrame:
    """Validate a videos table that was read from `path`; see `read_videos`."""
    table = check_values(table, path, targets=targets, count_targets=count_targets)
    _check_ids(table, path)
    return table


def check_values(table: pd.DataFrame, path: Path, *, targets: Iterable[str] = (), count_targets: bool = True) -> pd.DataFrame:
    """Turn the cells of known columns into text and numbers, or refuse them; see `read_videos`."""
    table = table.copy(deep=False)
    extra = {name: "count" if count_targets else "number" for name in targets}
    for name in extra:
        if name in COLUMNS and COLUMNS[name].kind == "text":
            raise InputError(f"--targets {name}: the column holds text, not numbers")
    for name in table.columns:
        kind = extra.get(name) or (COLUMNS[name].kind if name in COLUMNS else None)
        if kind == "text":
            table[name] = _text(table[name])
        elif kind is not None:
            table[name] = _numbers(table[name], kind, path)
    return table.reset_index(drop=True)


def read_features(path: Path) -> pd.DataFrame:
    """Read ready-made numeric features of one modality: float64 columns, indexed by `id` as text.

    A row without any number is the same as no row; single missing numbers are allowed.

    Raises:
        InputError: as in `read_videos`; or a column that is not numeric.
    """
    table = read_table(path)
    if "id" not in table:
        raise InputError(f"{path}: no column id")
    table["id"] = _text(table["id"])
    _check_ids(table, path)
    numeric = {name: _numbers(table[name], "number", path) for name in table.columns if name != "id"}
    if not numeric:
        raise InputError(f"{path}: no feature beside the id")
    features = pd.DataFrame(numeric, dtype=np.float64).set_axis(table["id"], axis=0).dropna(how="all")
    if features.empty:
        raise InputError(f"{path}: no row has any number")
    return features


def read_table(path: Path) -> pd.DataFrame:
    """Read any table as it is; csv cells stay text (None where empty).

    Raises:
        InputError: not one of `SUFFIXES`, not a regular file, not readable, or without rows.
    """
    regular_file(path)
    name = path.name.lower()
    try:
        if name.endswith((".csv", ".csv.gz")):
            table = _read_csv(path)
        elif name.endswith(".parquet"):
            table = pd.read_parquet(path)
        elif name.endswith(".jsonl"):
            table = _read_jsonl(path)
        else:
            raise InputError(f"{path}: not a table ({', '.join(SUFFIXES)})")
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{path}: cannot be read as a table ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        ) from error
    table.columns = [str(column).strip() for column in table.columns]
    if table.columns.duplicated().any():
        raise InputError(f"{path}: column {table.columns[table.columns.duplicated()][0]} appears twice")
    if len(table) == 0:
        raise InputError(f"{path}: the table is empty")
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv

    read = csv.ReadOptions(block_size=1 << 26)  # a block must hold the longest row
    parse = csv.ParseOptions(newlines_in_values=True)
    head_only = csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: "skip")
    with csv.open_csv(path, read_options=read, parse_options=head_only, convert_options=csv.ConvertOptions(check_utf8=False)) as head:
        names = head.schema.names

    def cells(kind: pa.DataType, **options: Any) -> pa.Table:
        convert = csv.ConvertOptions(
            column_types=dict.fromkeys(names, kind), null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True
        )
        return csv.read_csv(path, read_options=csv.ReadOptions(block_size=1 << 26, **options), parse_options=parse, convert_options=convert)

    try:
        table = cells(pa.string())
    except pa.ArrowInvalid:
        # slowly again, to name the row and the column at fault
        ragged: list[Any] = []

        def keep(row: Any) -> str:
            ragged.append(row)
            return "error"

        parse.invalid_row_handler = keep
        try:
            _refuse_bytes(cells(pa.binary(), use_threads=False), path)
        except pa.ArrowInvalid as error:
            if ragged:
                row = ragged[0]
                # the header is number 1
                why = f"row {row.number - 1} has {row.actual_columns} cells, not {row.expected_columns}"
                raise InputError(f"{path}: {why}") from error
        raise
    table = table.to_pandas(types_mapper=_object_type)
    if len(table) and any(isinstance(cell, str) and "\n" in cell for cell in table.iloc[-1]) and _odd_quotes(path):
        raise InputError(f"{path}: row {len(table)} opens a quote that is never closed")
    return table


def _refuse_bytes(table: Any, path: Path) -> None:
    for name in table.column_names:
        for row, cell in enumerate(table[name], 1):
            try:
                (cell.as_py() or b"").decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{path}: row {row}, column {name}: not UTF-8 text") from error


def _odd_quotes(path: Path) -> bool:
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        return sum(block.count(b'"') for block in iter(partial(file.read, 1 << 20), b"")) % 2 == 1


def _object_type(kind: Any) -> None:
    return None


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}: line {number} is not JSON ({error})") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}: line {number} is not a JSON object")
            rows.append(row)
    return pd.DataFrame(rows, dtype=object)


def _text(values: pd.Series) -> pd.Series:
    """Text, None where missing; whole numbers without a decimal point, lists joined by blanks, half characters (surrogates) replaced."""

    def one(value: object) -> str | None:
        if isinstance(value, (list, tuple, np.ndarray)):
            return " ".join(str(item) for item in value) or None
        if value is None or value is pd.NA or value != value:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        return text.encode("utf-8", "replace").decode("utf-8") or None

    return pd.Series([one(value) for value in values], index=values.index, dtype=object)


def _numbers(values: pd.Series, kind: str, path: Path) -> pd.Series:
    # pandas would read truths as 0 and 1, and dates as nanoseconds
    strange = np.full(len(values), values.dtype.kind in "bmM")
    if values.dtype == object:
        strange = np.array([isinstance(value, (bool, np.bool_, date, timedelta)) for value in values])
    _refuse(values, strange & values.notna().to_numpy(), "is not a number", path)
    numbers = pd.to_numeric(values, errors="coerce")
    numbers = pd.Series(numbers.to_numpy(dtype=np.float64, na_value=np.nan), index=values.index)
    missing = values.isna().to_numpy()
    blank = np.array([isinstance(value, str) and not value.strip() for value in values]) if values.dtype.kind == "O" else False
    _refuse(values, numbers.isna().to_numpy() & ~missing & ~blank, "is not a finite number", path)
    _refuse(values, np.isinf(numbers.to_numpy()), "is not a finite number", path)
    if kind == "count" and values.name in AUTHOR_COUNTS:
        numbers = _unwrap(numbers, values.name, path)
    if kind == "number":
        _refuse(values, (numbers.abs() > LARGEST).to_numpy(), f"is beyond {LARGEST:g}", path)
    else:
        _refuse(values, (numbers < 0).to_numpy(), "is negative", path)
    if kind == "time":
        _refuse(values, (numbers > LATEST).to_numpy(), "is later than the year 9999 (seconds since 1970 are expected)", path)
    if kind in ("count", "seconds"):
        _refuse(values, (numbers > LARGEST).to_numpy(), f"is larger than {LARGEST:g}", path)
    return numbers


def _unwrap(numbers: pd.Series, name: str, path: Path) -> pd.Series:
    """Repair author counts above 2^31 that some collector stored in 32 signed bits."""
    wrapped = (numbers < -1e6) & (numbers >= -(2**31))
    if wrapped.any():
        warnings.warn(
            f"{path}: {int(wrapped.sum())} negative values of {name} were read as 32-bit overflow (+ 2^32)", InputWarning, stacklevel=2
        )
        numbers = numbers.where(~wrapped, numbers + 2**32)
    return numbers


def _refuse(values: pd.Series, bad: np.ndarray, why: str, path: Path) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        shown = str(values.iloc[row])
        shown = shown if len(shown) <= 40 else shown[:40] + "..."
        raise InputError(f"{path}: row {row + 1}, column {values.name}: {shown!r} {why}")


def _check_ids(table: pd.DataFrame, path: Path) -> None:
    if "id" not in table:
        raise InputError(f"{path}: no column id")
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
