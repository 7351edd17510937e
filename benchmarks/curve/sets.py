"""The data sets of the curve: those of a folder, and subsets made to be unlike them."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.tables.columns import AUTHOR_COUNTS, CAPTION
from features.tables.dataset import Dataset, read_dataset

TIMES = ("create_time", "collected_at")
COUNTS = ("view_count", "like_count", "comment_count")
SOUNDS = 40  # that stand for few sounds with many videos each


def as_it_is(dataset: Dataset) -> Dataset:
    """No change."""
    return dataset


def few_sounds(dataset: Dataset) -> Dataset:
    """Videos with one of the most frequent sounds, at most two of an author."""
    title = dataset.videos["music_title"]
    frequent = title.value_counts().index[1 : SOUNDS + 1]  # the first says no more than "original sound"
    here = title.isin(frequent) & (dataset.videos.groupby(["username", "music_title"]).cumcount() < 1)
    return dataset.take(np.flatnonzero(here & (dataset.videos[here].groupby("username").cumcount().reindex(title.index) < 2)))


def one_author(dataset: Dataset) -> Dataset:
    """All videos by one author, whose counts say nothing."""
    return _with(dataset, dataset.videos.drop(columns=[*AUTHOR_COUNTS], errors="ignore").assign(username="somebody"))


def no_author(dataset: Dataset) -> Dataset:
    """Who posted is not known."""
    return _without(dataset, "username", *AUTHOR_COUNTS)


def followers_alone(dataset: Dataset) -> Dataset:
    """One column and nothing else."""
    return _only(dataset, "follower_count")


def captions_alone(dataset: Dataset) -> Dataset:
    """Captions and nothing else."""
    return _only(dataset, *CAPTION)


def ready_alone(dataset: Dataset) -> Dataset:
    """Ready-made numbers and nothing else."""
    return dataclasses.replace(_only(dataset), ready=dataset.ready)


def few_authors(dataset: Dataset) -> Dataset:
    """The twelve authors with most videos."""
    most = dataset.videos["username"].value_counts().index[:12]
    return dataset.take(np.flatnonzero(dataset.videos["username"].isin(most)))


def no_age(dataset: Dataset) -> Dataset:
    """When is not known."""
    return _without(dataset, *TIMES)


def counts_in_the_tens(dataset: Dataset) -> Dataset:
    """Counts whose medians are 30, as a small platform has them."""
    return _thinned(dataset, 30.0)


def heavy_zeros(dataset: Dataset) -> Dataset:
    """Counts of which more than half are 0."""
    return _thinned(dataset, 0.3)


@dataclass(frozen=True)
class Set:
    """One curve.

    Attributes:
        folder: name of the data set.
        change: what makes it unlike itself.
        targets: columns to forecast.
        scale: `log1p` or `identity`.
        split: `random`, or `author` for tests on authors never seen.
    """

    folder: str
    change: Callable[[Dataset], Dataset] = as_it_is
    targets: tuple[str, ...] = COUNTS
    scale: str = "log1p"
    split: str = "random"

    def read(self, data: Path) -> Dataset:
        """Read the data set below `data`; its last readings where it was followed over time."""
        dataset = read_dataset(data / self.folder, targets=self.targets, target_scale=self.scale)
        return self.change(dataclasses.replace(dataset, readings=None))


SCORED = "popularity"  # a ready-made score
SETS = {
    "tiktok": Set("tiktok-famous"),
    "tiktok, new authors": Set("tiktok-famous", split="author"),
    "smp": Set("smp-video", targets=(SCORED,), scale="identity"),
    "youtube": Set("youtube-shorts"),
    "us": Set("us-shorts"),
    "few sounds": Set("tiktok-famous", few_sounds),
    "one author": Set("youtube-shorts", one_author),
    "few authors": Set("tiktok-famous", few_authors),
    "no author": Set("tiktok-famous", no_author),
    "followers alone": Set("tiktok-famous", followers_alone),
    "captions alone": Set("youtube-shorts", captions_alone),
    "ready-made alone": Set("smp-video", ready_alone, (SCORED,), "identity"),
    "no age": Set("tiktok-famous", no_age),
    "counts in the tens": Set("us-shorts", counts_in_the_tens),
    "heavy zeros": Set("tiktok-famous", heavy_zeros),
}


def _with(dataset: Dataset, videos: pd.DataFrame) -> Dataset:
    return dataclasses.replace(dataset, videos=videos)


def _without(dataset: Dataset, *columns: str) -> Dataset:
    return _with(dataset, dataset.videos.drop(columns=list(columns), errors="ignore"))


def _only(dataset: Dataset, *columns: str) -> Dataset:
    kept = ["id", *(name for name in (*columns, *COUNTS, SCORED) if name in dataset.videos)]
    return dataclasses.replace(dataset, videos=dataset.videos[kept], ready={})


def _thinned(dataset: Dataset, median: float) -> Dataset:
    """Each count of a target is drawn from a Poisson distribution around its share of `median`."""
    random = np.random.default_rng(0)
    counts = {name: dataset.videos[name] for name in COUNTS if name in dataset.videos}
    fewer = {name: random.poisson(count * median / max(count.median(), 1.0)).astype(np.float64) for name, count in counts.items()}
    return _with(dataset, dataset.videos.assign(**fewer))
