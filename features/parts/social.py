"""The social part: who posts, and when. Also the keys under which authors are known, which are salted hashes."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.tables.columns import AUTHOR_COUNTS, DAY

CYCLES = {"hour": DAY, "weekday": 7 * DAY}  # periods in seconds
FEW = 0.01  # share of training rows that are younger, and that are older, than what counts as seen
FURTHER = "further"  # the part of columns that a run's parent did not know
FEWEST_ROWS, MOST_VALUES = 3, 30  # of a category, and categories of a column, that a run that goes on learns by name
# what a feature of another name than `log_COLUMN` needs
NEEDS = {
    "log_likes_per_video": ("likes_count", "video_count"),
    "log_likes_per_follower": ("likes_count", "follower_count"),
    "log_followers_per_following": ("follower_count", "following_count"),
    "log_duration": ("video_duration",),
}


def numbers(videos: pd.DataFrame, youngest: float = 0.0) -> dict[str, np.ndarray]:
    """Continuous features by name, each (N,) float64, NaN where unknown; only those whose columns exist.

    Counts enter as log(1 + count); the time elapsed since release, at least `youngest` days, as days and as log(1 + hours).
    """
    column = {name: videos[name].to_numpy(np.float64) for name in videos if videos[name].dtype == np.float64}
    found = {f"log_{name}": np.log1p(column[name]) for name in AUTHOR_COUNTS if name in column}
    if {"likes_count", "video_count"} <= column.keys():
        found["log_likes_per_video"] = np.log1p(column["likes_count"] / np.maximum(column["video_count"], 1.0))
    if {"likes_count", "follower_count"} <= column.keys():
        found["log_likes_per_follower"] = np.log1p(column["likes_count"]) - np.log1p(column["follower_count"])
    if {"follower_count", "following_count"} <= column.keys():
        found["log_followers_per_following"] = np.log1p(column["follower_count"]) - np.log1p(column["following_count"])
    if "video_duration" in column:
        found["log_duration"] = np.log1p(column["video_duration"])
    if "create_time" in column:
        elapsed = np.maximum(age(videos), youngest)
        if not np.isnan(elapsed).all():
            found |= {"age_days": elapsed, "log_age": np.log1p(24 * elapsed)}
        else:
            found["published_days"] = column["create_time"] / DAY
        for name, period in CYCLES.items():
            phase = 2 * np.pi * (column["create_time"] % period) / period
            found |= {f"{name}_sine": np.sin(phase), f"{name}_cosine": np.cos(phase)}
    return found


def further(videos: pd.DataFrame, known: Sequence[str]) -> list[str]:
    """Names of features that `known` lacks and the table has: numbers, and the categories of more than a few rows as `COLUMN=VALUE`."""
    found = [name for name, values in numbers(videos).items() if name not in known and not np.isnan(values).all()]
    for column in ("region_code", "language"):
        if column in videos:
            counts = videos[column].value_counts()
            found += [f"{column}={value}" for value in sorted(counts.index[:MOST_VALUES][counts.iloc[:MOST_VALUES] >= FEWEST_ROWS])]
    return found


def further_numbers(videos: pd.DataFrame, names: Sequence[str], youngest: float = 0.0) -> np.ndarray:
    """(N, F) float64 numbers of the features that `further` names, NaN where unknown."""
    known, missing = numbers(videos, youngest), np.full(len(videos), np.nan)
    columns = []
    for name in names:
        column, is_category, value = name.partition("=")
        if is_category and column in videos:
            columns.append(np.where(videos[column].isna(), np.nan, videos[column] == value))
        else:
            columns.append(known.get(name, missing))
    return np.stack(columns, axis=1).astype(np.float64)


def optional(features: Sequence[str]) -> list[list[int]]:
    """Positions of the features that go missing together: one list for each count of the author, and one for the length of the video.

    A table has a column for all videos or for none, a draft seldom has all: so they are left out in training (`guide.experts.Forget`).
    """
    needs = [NEEDS.get(feature, (feature.removeprefix("log_"),)) for feature in features]
    groups = [[place for place, names in enumerate(needs) if name in names] for name in (*AUTHOR_COUNTS, "video_duration")]
    return [group for group in groups if group]


def cyclic(part: str, features: Sequence[str]) -> list[int]:
    """Positions of the sines and cosines that `numbers` makes; a user's own part may give these names to anything."""
    if part not in ("social", FURTHER):
        return []
    names = {f"{name}_{wave}" for name in CYCLES for wave in ("sine", "cosine")}
    return [place for place, feature in enumerate(features) if feature in names]


def age(videos: pd.DataFrame) -> np.ndarray:
    """(N,) days between release and the reading of the counts, NaN where unknown, 0 where negative."""
    if not {"create_time", "collected_at"} <= set(videos):
        return np.full(len(videos), np.nan)
    elapsed = (videos["collected_at"] - videos["create_time"]).to_numpy(np.float64) / DAY
    return np.maximum(elapsed, 0.0)


def ages_seen(videos: pd.DataFrame) -> tuple[float, float]:
    """The range of ages in days from which `FEW` of the rows fall short, and which as many exceed; 0 and 0 where no age is known."""
    known = age(videos)
    known = known[~np.isnan(known)]
    low, high = np.quantile(known, [FEW, 1 - FEW]) if len(known) else (0.0, 0.0)
    return float(low), float(high)


def author_keys(videos: pd.DataFrame, salt: str) -> np.ndarray:
    """(N,) int64 `keys` of the authors, -1 where unknown."""
    return keys(videos["username"], salt) if "username" in videos else np.full(len(videos), -1)


def video_keys(videos: pd.DataFrame, salt: str) -> np.ndarray:
    """(N,) int64 keys of id and second of publication together: two authors' videos may be numbered alike, and an author be renamed."""
    return together(published_at(videos).astype(np.int64), keys(videos["id"], salt))


def published_at(videos: pd.DataFrame) -> np.ndarray:
    """(N,) seconds since 1970; a video without a time was published in 1970."""
    return np.nan_to_num(videos["create_time"].to_numpy(np.float64)) if "create_time" in videos else np.zeros(len(videos))


def together(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N,) int64 keys of two keys together; one of the two may be such a key itself (multiply and shift, as SplitMix64 does)."""
    mixed = first.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = ((mixed ^ (mixed >> np.uint64(30))) + second.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed ^ (mixed >> np.uint64(27))).astype(np.int64)


def keys(names: pd.Series, salt: str) -> np.ndarray:
    """(N,) int64: salted 63-bit hashes of `names`, -1 where missing. A run directory holds these instead of names."""
    prefix = bytes.fromhex(salt)

    def key(name: object) -> int:
        return int.from_bytes(hashlib.blake2b(str(name).encode("utf-8", "surrogatepass"), digest_size=8, key=prefix).digest(), "big") >> 1

    place, different = pd.factorize(names.to_numpy(object))
    return np.array([*map(key, different), -1], dtype=np.int64)[place]  # the place of a missing name is -1, the last
