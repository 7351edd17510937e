"""The part `early`: what had been read of a video when its forecast was made. Absent before the first reading."""

import numpy as np
import pandas as pd

from features.followed.growth import Growth
from features.scale import Scale
from features.tables.columns import DAY
from features.tables.dataset import Dataset

BEFORE = "before_"  # the reading before the last one


def so_far(readings: pd.DataFrame, known: np.ndarray, first: np.ndarray) -> pd.DataFrame:
    """What is known at M looks: the last reading, the one before it and how many there were.

    Args:
        readings: R readings, sorted by video and time.
        known: (M,) the last one known, -1 where nothing is.
        first: (M,) the first one of the same video.

    Returns:
        `collected_at` and the counts of the last reading; the same with `before_`; all NaN where there is none; and `readings`.
    """
    columns = [name for name in readings if name != "id"]
    if readings[columns].isna().any(axis=None):  # a count that a reading lacks is as it was read before
        readings = (readings.groupby(readings["id"], sort=False) if "id" in readings else readings)[columns].ffill()
    values = np.vstack([readings[columns].to_numpy(np.float64), np.full((1, len(columns)), np.nan)])
    before = np.where((known >= 0) & (known > first), known - 1, -1)
    found = pd.DataFrame(np.hstack([values[known], values[before]]), columns=[*columns, *(BEFORE + name for name in columns)])
    return found.assign(readings=np.where(known >= 0, known - first + 1.0, 0.0))


def why_unread(scale: Scale) -> str:
    """Why a run that did not learn from readings is told nothing by what was read of a video."""
    why = "was trained without readings (counts.csv)" if scale.counts else "forecasts scores, of which no growth is learned"
    return f"the run {why}, so what was read of a video tells it nothing"


def moments(table: pd.DataFrame, published: np.ndarray) -> np.ndarray:
    """(N,) seconds since 1970: when each forecast was made, which is the last reading, or publication."""
    read = table["collected_at"].to_numpy()
    return np.where(np.isnan(read), published, read)


def known(dataset: Dataset, targets: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each of N rows: `counts`, (N, K), all NaN where nothing was read, and `ages`, (N,) each."""
    table = pd.DataFrame({"collected_at": np.full(len(dataset), np.nan)}) if dataset.so_far is None else dataset.so_far
    return counts(table, targets), *ages(dataset.videos, table)


def counts(table: pd.DataFrame, targets: tuple[str, ...]) -> np.ndarray:
    """(N, K) log(1 + count) of the last reading, NaN where there is none."""
    return np.log1p(table.reindex(columns=list(targets)).to_numpy(np.float64))


def ages(videos: pd.DataFrame, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(N,) hours from publication to the last reading, 0 where there is none, and (N,) from there to the horizon; NaN where unknown."""
    published = videos["create_time"].to_numpy(np.float64) if "create_time" in videos else np.full(len(videos), np.nan)
    horizon = videos["collected_at"].to_numpy(np.float64) if "collected_at" in videos else np.full(len(videos), np.nan)
    forecast = moments(table, published)
    return np.maximum(forecast - published, 0.0) / (DAY / 24), np.maximum(horizon - forecast, 0.0) / (DAY / 24)


def numbers(
    videos: pd.DataFrame, table: pd.DataFrame, targets: tuple[str, ...], growth: Growth | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Continuous features by name, each (N,), NaN where unknown; and (N,) whether anything was read.

    Counts and hours enter as log(1 + n): the last reading's counts and age, the time to the horizon, growth since the reading before and
    the time it took, and how many readings there were. With `growth`, a count that was not read is told as `Growth.filled` has it.
    """
    age, lead = ages(videos, table)
    last = counts(table, targets)
    if growth is not None:
        last = growth.filled(last)
    previous = counts(table.filter(like=BEFORE).rename(columns=lambda name: name.removeprefix(BEFORE)), targets)
    since = (table["collected_at"] - table["before_collected_at"]).to_numpy() / (DAY / 24)
    found = {f"so_far_{name}": last[:, k] for k, name in enumerate(targets)}
    found |= {"log_age_read": np.log1p(age), "log_lead": np.log1p(lead)}
    found |= {f"grown_{name}": last[:, k] - previous[:, k] for k, name in enumerate(targets)}
    found |= {"log_hours_between": np.log1p(since), "log_readings": np.log1p(table["readings"].to_numpy())}
    present = table["readings"].to_numpy() > 0
    return {name: np.where(present, values, np.nan) for name, values in found.items()}, present
