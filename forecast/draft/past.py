"""What the author's other videos tell of a draft, besides how they did: who it is by, and the author's newest counts."""

import dataclasses

import numpy as np
import pandas as pd

from features.past import known_at
from features.tables.columns import AUTHOR_COUNTS, DAY
from features.tables.dataset import Dataset
from forecast.draft.video import Draft
from forecast.forecaster import Forecaster


def knowing(forecaster: Forecaster, past: Dataset) -> Forecaster:
    """The same forecaster for drafts: outcomes in `past` join its histories, each from when it was published and read.

    Raises:
        InputError: see `features.past.check_past`.
    """
    return forecaster.for_drafts().with_past(past)


def told(forecaster: Forecaster, draft: Draft, past: Dataset) -> tuple[Forecaster, Draft, bool]:
    """The forecaster that knows `past`, the draft with what `past` says of its author, and whether `past` holds the video itself.

    The video's own row does not count. It has the draft's author and time of publication; or, where the draft was read since, so that it
    is published, its caption on the same day.

    Raises:
        InputError: see `features.past.check_past`.
    """
    whole, videos = completed(draft, past), past.videos
    apart = (videos["create_time"] - draft.publish).abs() if "create_time" in videos else pd.Series(np.nan, videos.index)
    caption = whole.known.get("video_description")
    alike = videos["video_description"] == caption if draft.read and caption and "video_description" in videos else False
    itself = (apart < 1.0) | ((apart < DAY) & alike)
    if "username" in videos:
        itself &= videos["username"] == whole.known.get("username")
    others = past.take(np.flatnonzero(~itself.to_numpy(bool)))
    return (knowing(forecaster, others) if len(others) else forecaster.for_drafts()), whole, bool(itself.any())


def completed(draft: Draft, past: Dataset) -> Draft:
    """The draft with what it does not say and `past` does, see `completed_table`."""
    told = _completed(pd.DataFrame([dict(draft.known)]), past, np.array([draft.publish])).iloc[0]
    return dataclasses.replace(draft, known={name: value for name, value in told.items() if pd.notna(value)})


def completed_table(drafts: Dataset, past: Dataset, publish: float) -> Dataset:
    """Drafts with what they do not say: their author, if `past` has but one, and the author's counts as of the newest row before each.

    A count is that of the newest row that has it and had been published and read when the draft is published.

    Args:
        drafts: any rows.
        past: what other videos reached.
        publish: when those are published that have no time of their own, in seconds since 1970, UTC.
    """
    created = drafts.videos["create_time"].fillna(publish) if "create_time" in drafts.videos else pd.Series(publish, drafts.videos.index)
    return dataclasses.replace(drafts, videos=_completed(drafts.videos, past, created.to_numpy(np.float64)))


def added(before: Dataset, after: Dataset) -> str:
    """What `completed_table` added, for people; empty if nothing."""
    told = {name: int(after.videos[name].notna().sum()) for name in ("username", *AUTHOR_COUNTS) if name in after.videos}
    new = {name: count - int(before.videos[name].notna().sum() if name in before.videos else 0) for name, count in told.items()}
    return ", ".join(f"{name} of {count:,} draft{'s' * (count != 1)}" for name, count in new.items() if count)


def _completed(videos: pd.DataFrame, past: Dataset, published: np.ndarray) -> pd.DataFrame:
    if "username" not in past.videos:
        return videos
    names = past.videos["username"].dropna().unique()
    if len(names) == 1 and ("username" not in videos or videos["username"].isna().all()):
        videos = videos.assign(username=names[0])
    if "username" not in videos:
        return videos
    asked = pd.DataFrame({"username": videos["username"].astype(object), "time": published, "row": np.arange(len(videos))})
    asked = asked.dropna(subset="username").sort_values("time", kind="stable")
    for column in AUTHOR_COUNTS:
        if column not in past.videos:
            continue
        known = pd.DataFrame(
            {"username": past.videos["username"].astype(object), "time": known_at(past.videos), "told": past.videos[column]}
        )
        newest = pd.merge_asof(asked, known.dropna().sort_values("time", kind="stable"), on="time", by="username")
        told = newest.set_index("row")["told"].reindex(np.arange(len(videos))).to_numpy()
        given = videos[column].to_numpy(np.float64) if column in videos else np.full(len(videos), np.nan)
        if (np.isnan(given) & ~np.isnan(told)).any():
            videos = videos.assign(**{column: np.where(np.isnan(given), told, given)})
    return videos
