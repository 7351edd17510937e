"""A column judged as a whole: single cells do not show whether `12.345` is twelve thousand, or `45352` a second of 1970."""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from features.tables.columns import DAY
from features.tables.values import (
    EARLIEST,
    EXACT,
    GROUPS,
    LATEST,
    TEXTS,
    is_missing,
    no_moment,
    parse_count,
    parse_id,
    parse_number,
    parse_seconds,
    parse_text,
    parse_time,
)

LARGEST = 1e18  # of any number, so that its square is still a finite float32
BY_POINT = re.compile(rf"\s*[+-]?(?:{GROUPS['point']})\s*")
ROUNDED = re.compile(r"\d(?:[.,]\d+)?e\+?1[5-9]", re.IGNORECASE)  # an id as a float is written
LONG_ID = re.compile(r"\d{16,20}")
PLAIN = {str, int, float, type(None)}


@dataclass(frozen=True)
class Fault:
    """Cells of one column that cannot be what they should be.

    Attributes:
        column: its name.
        rows: (N,) bool, where.
        shown: the first such cell, as it was written.
        why: the rest of the sentence.
    """

    column: str
    rows: np.ndarray
    shown: str
    why: str

    @property
    def count(self) -> int:
        """How many cells."""
        return int(self.rows.sum())

    @property
    def first(self) -> int:
        """The first row, from 1."""
        return int(np.flatnonzero(self.rows)[0]) + 1

    def __str__(self) -> str:
        return f"row {self.first}, column {self.column}: {self.shown!r} {self.why}"


def judge_texts(values: pd.Series, *, country: bool = False) -> pd.Series:
    """Text, None where missing.

    Args:
        values: cells of any type.
        country: `NA` is Namibia.
    """
    parse = TEXTS.get(str(values.name), parse_text)
    cells = [value if country and value == "NA" else parse(value) for value in values.array]
    return pd.Series(cells, index=values.index, dtype=object)


def judge_ids(values: pd.Series) -> tuple[pd.Series, list[Fault]]:
    """Identifiers as text, None where missing; a fault where they were stored as floats and so rounded."""
    cells: list[Any] = list(values.array)
    floats = np.array([1.0 if isinstance(value, (float, np.floating)) and abs(float(value)) >= EXACT else 0.0 for value in cells]) > 0
    texts = pd.Series([parse_id(value) for value in values.array], index=values.index, dtype=object)
    known = texts.dropna()
    rounded = floats | texts.map(lambda text: text is not None and bool(ROUNDED.fullmatch(text))).to_numpy(bool)
    long = known[known.map(lambda text: bool(LONG_ID.fullmatch(text)))]
    if len(long):
        # JavaScript keeps 16 digits of 19, a spreadsheet 15; of ids so long hardly one is a float's by chance
        whole = np.array([text.endswith("000") or (int(text) >= 32 * EXACT and int(float(text)) == int(text)) for text in long], dtype=bool)
        cut = long.str.endswith("0000").to_numpy(bool) & (long.str.len() >= 18).to_numpy(bool)
        for those, sure in ((whole, whole.mean() > 0.5), (cut, _hardly_chance(long[cut].nunique(), long.nunique()))):
            if sure:
                rounded[values.index.get_indexer(long.index[those])] = True
    objects = np.array([isinstance(value, dict) for value in cells], bool)
    rounding = (rounded, "was rounded on its way (stored as a number): read ids as text")
    return texts, _faults(values, (objects, "is an object, not an id"), rounding)


def _hardly_chance(zeros: int, ids: int) -> bool:
    """Whether so many of so many true ids end in 0000, each by a chance of one in ten thousand, less than once in a million tables."""
    ways = math.lgamma(ids + 1) - math.lgamma(zeros + 1) - math.lgamma(ids - zeros + 1)
    return ways + zeros * math.log(1e-4) < math.log(1e-6)


def judge_numbers(values: pd.Series, kind: str) -> tuple[pd.Series, list[Fault]]:
    """Numbers, float64, NaN where missing or at fault.

    Args:
        values: cells of any type.
        kind: `count`, whole and at least 0; `amount`, at least 0; `seconds`, at least 0; `time`, seconds since 1970; `number`, any.
    """
    if values.dtype.kind in "iuf":
        numbers, unread = values.to_numpy(np.float64, na_value=np.nan), np.zeros(len(values), bool)
    else:
        numbers, unread = _parsed(values.astype(object).to_numpy(), kind)
    with np.errstate(invalid="ignore"):
        found = [(unread, _not_a(kind)), (np.isinf(numbers), "is not a finite number")]
        if kind == "count":
            split = np.isfinite(numbers) & (np.abs(numbers) <= EXACT) & (numbers != np.round(numbers))
            found.append((split, "is not whole, as counts are"))
        found.append((np.isfinite(numbers) & (numbers > LARGEST), f"is larger than {LARGEST:g}"))
        found.append((numbers < -LARGEST, f"is beyond {LARGEST:g}") if kind == "number" else (numbers < 0, "is negative"))
    faults = _faults(values, *found)
    return _without(numbers, faults, values.index), faults


def judge_times(values: pd.Series, *, future: bool = False) -> tuple[pd.Series, list[Fault], np.ndarray]:
    """Moments in seconds since 1970, NaN where missing or at fault; the faults; and (N,) bool, where a moment was 0, which is missing.

    Args:
        values: cells of any type.
        future: moments after tomorrow are meant.
    """
    faults: list[Fault] = []
    if values.dtype.kind == "M":
        stamps = pd.to_datetime(values, utc=True)
        numbers = ((stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(np.float64)
        moments = pd.Series(numbers, index=values.index)
    else:
        moments, faults = judge_numbers(values, "time")
    numbers = moments.to_numpy(np.float64, copy=True)
    zero = numbers == 0
    numbers[zero] = np.nan
    last = LATEST if future else time.time() + DAY
    with np.errstate(invalid="ignore"):
        outside = (numbers < EARLIEST) | (numbers > last)
    if outside.any():
        faults = [*faults, *_faults(values, (outside, no_moment(numbers[outside][0], last) or ""))]
        numbers[outside] = np.nan
    return pd.Series(numbers, index=values.index), faults, zero


def _not_a(kind: str) -> str:
    return {"time": "is not a time (seconds since 1970, or ISO 8601 such as 2024-03-01 12:00)", "count": "is not a count"}.get(
        kind, "is not a finite number"
    )


def plain_numbers(values: pd.Series) -> np.ndarray:
    """(N,) float64: cells that are numbers or their text as programs write it, NaN elsewhere."""
    try:
        numbers = pd.to_numeric(values, errors="coerce")
    except OverflowError:  # an integer of hundreds of digits is none
        kept = [None if isinstance(value, int) and parse_number(value) is None else value for value in values]
        numbers = pd.to_numeric(pd.Series(kept, index=values.index, dtype=object), errors="coerce")
    return numbers.to_numpy(np.float64, na_value=np.nan, copy=True)


def _parsed(cells: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(N,) float64 and (N,) bool: cells as numbers, and those that are not missing and cannot be read."""
    strange = np.zeros(len(cells), bool)
    if not set(map(type, cells)) <= PLAIN:
        strange = np.array([type(value) not in PLAIN and parse_number(value) is None for value in cells], bool)  # truths, dates, lists
    # fast, and right for most columns; whatever it cannot read is looked at cell by cell
    numbers = plain_numbers(pd.Series(cells, dtype=object).mask(strange))
    left = np.isnan(numbers)
    left[left] = [not is_missing(value) for value in cells[left]]
    if kind == "count":
        pointed = np.array([isinstance(value, str) and "." in value for value in cells], bool)
        grouped = pointed.copy()
        grouped[pointed] = [bool(BY_POINT.fullmatch(value)) for value in cells[pointed]]
        with np.errstate(invalid="ignore"):
            plain = (~pointed & (np.abs(numbers) >= 1000)).any() or any(
                not re.search(r"[^\W\d_]", text) for text in cells[pointed & ~grouped]
            )
        left |= grouped  # as a plain number, 12.345 is twelve
        parse: Callable[[object], float | None] = partial(parse_count, points=not plain)
    elif kind == "time":
        parse = parse_time
    else:
        commas = _decimal_commas([value for value in cells if isinstance(value, str)])
        parse = partial(parse_seconds if kind == "seconds" else parse_number, commas=commas)
    numbers[left] = [np.nan if number is None else number for number in map(parse, cells[left])]
    return numbers, left & np.isnan(numbers)


def _decimal_commas(texts: list[str]) -> bool:
    """Whether commas are decimal marks: each cell has one at most, none has a point, and not all have three digits behind it."""
    with_comma = [text for text in texts if "," in text]
    if not with_comma or any("." in text for text in texts):
        return False
    decimals = [re.fullmatch(r"\s*[+-]?\d*,(\d+)(?:e[+-]?\d+)?\s*", text, re.IGNORECASE) for text in with_comma]
    return all(decimals) and not all(match and len(match[1]) == 3 for match in decimals)


def _faults(values: pd.Series, *found: tuple[np.ndarray, str]) -> list[Fault]:
    return [Fault(str(values.name), rows, _shown(values.array[np.flatnonzero(rows)[0]]), why) for rows, why in found if rows.any()]


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "..."


def _without(numbers: np.ndarray, faults: list[Fault], index: pd.Index) -> pd.Series:
    numbers = numbers.copy()
    for fault in faults:
        numbers[fault.rows] = np.nan
    return pd.Series(numbers, index=index)
