"""When videos were published and read: whether both moments can be, and what TikTok's ids say of the first."""

import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from features.tables.columns import DAY
from machine.errors import InputWarning

FIRST = 1_409_529_600  # September 2014, when the platform began
ZONES = 15 * 3600  # no clock is further from UTC
SURE = 0.95  # share of ids that must look like TikTok's where no moment confirms it
MANY = 0.01  # share of rows from which it is worth a word that they were read before they were published


def check_moments(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Warn of moments that contradict each other or the ids; take `create_time` from TikTok's ids where it is missing.

    A TikTok id holds its second of creation in its upper bits (id >> 32).

    Args:
        table: with `id` as text, `create_time` and `collected_at`, where there, as float64.
        path: for messages.
    """
    table = _from_ids(table, path)
    if {"create_time", "collected_at"} <= set(table):
        # of a video that is there several times, such a row is refused (see `features.tables.readings`)
        early = (table["collected_at"] < table["create_time"]).to_numpy() & ~table["id"].duplicated(keep=False).to_numpy()
        if early.mean() > MANY:
            _warn(path, early, "collected_at before create_time (another time zone?): their age is taken as 0")
    return table


def seconds_of_ids(ids: pd.Series) -> np.ndarray:
    """(N,) seconds since 1970 that TikTok's ids carry, NaN where an id is none of theirs."""
    latest = time.time() + DAY

    def second(text: object) -> float:
        if not isinstance(text, str) or len(text) not in (18, 19) or not (text.isascii() and text.isdecimal()):
            return np.nan
        moment = int(text) >> 32
        return float(moment) if FIRST <= moment <= latest else np.nan

    return np.array([second(text) for text in ids], np.float64)


def _from_ids(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    carried = seconds_of_ids(table["id"])
    theirs = ~np.isnan(carried)
    if theirs.mean() < 0.5:
        return table
    created = table["create_time"].to_numpy(np.float64) if "create_time" in table else np.full(len(table), np.nan)
    both = theirs & ~np.isnan(created)
    apart = (created - carried)[both]
    agree = np.abs(apart) < 3600
    if both.any() and agree.mean() <= 0.5:
        shift = float(np.median(apart))
        if np.mean(np.abs(apart - shift) < 60) > 0.9 and abs(shift) <= ZONES:
            _warn(path, both, f"create_time {shift / 3600:+.3g} h from the second that TikTok's ids carry (another time zone?)")
        elif np.mean(np.abs(apart) > DAY) > 0.5:
            _warn(path, both, "create_time more than a day from the second that TikTok's ids carry")
        return table
    wrong = np.zeros(len(table), bool)
    wrong[both] = np.abs(apart) > DAY
    if wrong.any():
        _warn(path, wrong, "create_time more than a day from the second that their TikTok id carries")
    empty = theirs & np.isnan(created)
    if empty.any() and (both.any() or theirs.mean() > SURE):
        _warn(path, empty, "no create_time: it is taken from their TikTok id")
        table = table.assign(create_time=np.where(empty, carried, created))
    return table


def _warn(path: Path, rows: np.ndarray, what: str) -> None:
    count, first = int(rows.sum()), int(np.flatnonzero(rows)[0]) + 1
    warnings.warn(f"{path}: {count} of {len(rows)} rows (the first is row {first}) have {what}", InputWarning, stacklevel=4)
