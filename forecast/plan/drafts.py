"""A table of drafts as the dataset to be forecast: every video at one age, in an order that does not depend on the table's."""

import dataclasses
import hashlib

import numpy as np

from features.tables.columns import COUNTS
from features.tables.dataset import Dataset
from forecast.latent import ENCODED


def at_horizon(drafts: Dataset, publish: float, horizon: float) -> Dataset:
    """The drafts `horizon` seconds after their publication, sorted by id, without what they may have reached already.

    Args:
        drafts: any rows.
        publish: when those are published that have no time of their own, in seconds since 1970, UTC.
        horizon: seconds.
    """
    drafts = drafts.take(np.argsort(drafts.videos["id"].to_numpy(dtype=str), kind="stable"))
    videos = drafts.videos.drop(columns=[name for name in COUNTS if name in drafts.videos])
    created = videos["create_time"].to_numpy(np.float64) if "create_time" in videos else np.full(len(videos), np.nan)
    created = np.where(np.isnan(created), publish, created)
    return dataclasses.replace(drafts, videos=videos.assign(create_time=created, collected_at=created + horizon), readings=None)


def own_numbers(drafts: Dataset) -> int:
    """Number of the first draft, as if it stood far down in a long table: two plans have random numbers of their own.

    What they share of an author does not depend on it. The same plan gets the same numbers.
    """
    text = drafts.videos.to_json() + "".join(table.to_json() for _, table in sorted(drafts.ready.items()))
    return ENCODED * (int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4], "big"))
