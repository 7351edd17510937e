"""The raw columns that every peer gets, fitted on training rows only.

Numbers: times, the author's counts and their ratios, duration, the caption and sound title as tf-idf and SVD, ready-made features.
Categories: author, sound, country, language as they are, for peers that take them, and target-encoded for the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GroupKFold, KFold
from sklearn.preprocessing import TargetEncoder

from features.followed import early
from features.followed.looks import looks_at
from features.rows.splits import Rows
from features.scale import Scale
from features.tables.columns import AUTHOR_COUNTS, CAPTION, COUNTS
from features.tables.dataset import Dataset

CATEGORIES = ("username", "music_title", "region_code", "language")
TEXT_NUMBERS = 32
FOLDS = 10
DAY = 86_400.0

Look = tuple[float | str, float | str]


@dataclass(frozen=True)
class Share:
    """The N rows of one share: float columns, text columns, target encodings of the latter, and K targets in training scale."""

    numbers: pd.DataFrame
    categories: pd.DataFrame
    encodings: pd.DataFrame
    targets: pd.DataFrame

    @property
    def encoded(self) -> pd.DataFrame:
        """All columns as numbers, NaN where missing."""
        return pd.concat([self.numbers, self.encodings], axis=1)

    @property
    def native(self) -> pd.DataFrame:
        """The same and the categories as they are."""
        return self.encoded.join(self.categories)

    def known(self, target: str, *, native: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
        """Columns and one target (n), of the rows where it is known."""
        known = self.targets[target].notna()
        return (self.native if native else self.encoded)[known], self.targets.loc[known, target].to_numpy()


@dataclass(frozen=True)
class Task:
    """What a peer is given: rows to train, rows to forecast (whose targets it leaves alone), and rows to stop on, if it does."""

    train: Share
    test: Share
    validation: Share | None = None
    seed: int = 0
    threads: int = 1

    @property
    def held(self) -> Share:
        """The rows to stop on, of a task that has some."""
        assert self.validation is not None
        return self.validation


def make_task(
    dataset: Dataset,
    rows: Rows,
    targets: tuple[str, ...],
    scale: str,
    *,
    new_authors: bool = False,
    look: Look | None = None,
    seed: int = 0,
    threads: int = 1,
) -> Task:
    """Build the columns of the shares, all of them fitted on `rows.train`.

    Args:
        dataset: what `features.tables.dataset.read_dataset` returned.
        rows: numbers of the rows of each share; none to validate where the peer stops on none.
        targets: columns to forecast.
        scale: `log1p` trains and scores log(1 + target), `identity` the target.
        new_authors: tests are about authors that training has not seen, so encodings learn from other authors' rows only.
        look: what is seen of followed videos and which reading is forecast, as of `features.followed.looks.looks_at`; the targets are
            then growth since what was seen, whose errors are those of the reading itself.
        seed: of SVD and encoding folds.
        threads: that a peer may use.
    """
    shares = [dataset.take(share) for share in (rows.train, rows.test, *([rows.validation] if len(rows.validation) else []))]
    if look is not None:
        shares = [looks_at(share, *look) for share in shares]
    y_shares = [_targets(share, targets, scale) for share in shares]
    numbers = _informative([_numbers(share) for share in shares])
    text = _text_numbers([_text(share.videos) for share in shares], seed)
    categories = [_categories(share.videos) for share in shares]
    # by author, or else a sound that one author uses gives that author away
    groups = categories[0]["username"] if new_authors and "username" in categories[0] else None
    encodings = _informative(_encodings(categories, y_shares[0], groups, seed))
    if new_authors:
        categories = [table.iloc[:, :0] for table in categories]
    train, test, *held = (Share(n.join(t), c, e, v) for n, t, c, e, v in zip(numbers, text, categories, encodings, y_shares, strict=True))
    return Task(train, test, held[0] if held else None, seed, threads)


def _targets(dataset: Dataset, targets: tuple[str, ...], scale: str) -> pd.DataFrame:
    y = dataset.videos[list(targets)].astype(float)
    y = np.log1p(y) if Scale(scale).counts else y
    return y if dataset.so_far is None else y - np.nan_to_num(early.counts(dataset.so_far, targets))


def _numbers(dataset: Dataset) -> pd.DataFrame:
    videos = dataset.videos
    columns: dict[str, pd.Series] = {}
    if "create_time" in videos:
        created = videos["create_time"]
        hour = created % DAY / 3600
        columns |= {"published": created / DAY, "hour": hour, "weekday": (created // DAY + 3) % 7}
        columns |= {"hour_sin": np.sin(hour * np.pi / 12), "hour_cos": np.cos(hour * np.pi / 12)}
        if "collected_at" in videos:
            age = (videos["collected_at"] - created).clip(lower=0) / DAY
            columns |= {"age": age, "log_age": np.log1p(age)}
    if "video_duration" in videos:
        columns["log_duration"] = np.log1p(videos["video_duration"])
    counts = {name: np.log1p(videos[name]) for name in AUTHOR_COUNTS if name in videos}
    columns |= counts
    for over, under in (("likes_count", "video_count"), ("likes_count", "follower_count"), ("follower_count", "following_count")):
        if over in counts and under in counts:
            columns[f"{over} per {under}"] = counts[over] - counts[under]
    for name in CAPTION:
        if name in videos:
            columns[f"words of {name}"] = videos[name].fillna("").str.split().str.len().astype(float)
    if dataset.so_far is not None:
        columns |= early.numbers(videos, dataset.so_far, tuple(name for name in COUNTS if name in videos))[0]
    ready = [table.add_prefix(f"{part}: ") for part, table in dataset.ready.items()]
    return pd.concat([pd.DataFrame(columns, index=videos.index), *ready], axis=1)


def _text(videos: pd.DataFrame) -> pd.Series:
    names = [name for name in (*CAPTION, "music_title") if name in videos]
    return videos[names].fillna("").agg(" ".join, axis=1).str.strip() if names else pd.Series("", index=videos.index)


def _text_numbers(texts: list[pd.Series], seed: int) -> list[pd.DataFrame]:
    """Tf-idf of words and hashtags, reduced by SVD; no columns where training has too few words."""
    if texts[0].str.split().str.len().sum() < 10 * TEXT_NUMBERS:
        return [pd.DataFrame(index=text.index) for text in texts]
    words = TfidfVectorizer(token_pattern=r"[^\s#]+", min_df=3, max_features=20_000, sublinear_tf=True)  # noqa: S106
    counted = words.fit_transform(texts[0])
    svd = TruncatedSVD(min(TEXT_NUMBERS, counted.shape[1] - 1), random_state=seed).fit(counted)
    return [pd.DataFrame(svd.transform(words.transform(text))).add_prefix("text ") for text in texts]


def _categories(videos: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in CATEGORIES if name in videos]
    return videos[names].fillna("").astype(object)


def _encodings(categories: list[pd.DataFrame], y: pd.DataFrame, groups: pd.Series | None, seed: int) -> list[pd.DataFrame]:
    """Shrunken target means and counts a category; out of fold on training rows, from all training rows on the others."""
    train, *others = categories
    folds = list(_folds(len(train), groups, seed))
    out_of_fold = pd.concat([_encode(train.iloc[fit], y.iloc[fit], train.iloc[held]) for fit, held in folds]).sort_index()
    return [out_of_fold, *(_encode(train, y, other) for other in others)]


def _folds(count: int, groups: pd.Series | None, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if groups is None:
        return KFold(min(FOLDS, count), shuffle=True, random_state=seed).split(np.empty(count))
    return GroupKFold(min(FOLDS, groups.nunique())).split(np.empty(count), groups=groups)


def _encode(train: pd.DataFrame, y: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    if table.columns.empty:
        return pd.DataFrame(index=table.index)
    columns = {f"rows of {name}": np.log1p(table[name].map(train[name].value_counts()).fillna(0)) for name in table}
    for target in y:
        known = y[target].notna()
        encoder = TargetEncoder(target_type="continuous").fit(train[known], y.loc[known, target])
        # less the mean: 0 for what is unknown, in every fold, so that the fold's own mean leaks nothing
        means = encoder.transform(table) - encoder.target_mean_
        columns |= {f"{target} of {name}": means[:, position] for position, name in enumerate(table)}
    return pd.DataFrame(columns, index=table.index)


def _informative(tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Without the columns that are constant or missing on all training rows."""
    names = [name for name in tables[0] if tables[0][name].nunique() > 1]
    return [table[names] for table in tables]
