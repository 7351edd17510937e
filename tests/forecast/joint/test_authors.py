"""What is known of authors when their videos are published."""

from dataclasses import replace

import numpy as np
import pandas as pd

from features.featurizer import Featurizer
from features.tables.dataset import Dataset
from forecast.joint.authors import authors_of, told_later

DAY = 86_400.0


def table(*rows: tuple[str, str, float]) -> Dataset:
    """Rows of (id, author, day of publication), read ten days later."""
    videos = pd.DataFrame(rows, columns=["id", "username", "create_time"])
    videos["create_time"] *= DAY
    return Dataset(videos.assign(collected_at=videos["create_time"] + 10 * DAY, view_count=np.arange(len(rows)) + 5.0))


def test_outcomes_that_were_read_after_publication_are_told_later() -> None:
    featurizer = Featurizer.fit(table(*((f"t{row}", f"author{row % 5}", float(row)) for row in range(60)))).for_drafts()
    knowing = featurizer.with_past(table(("p", "new", 100.0)))
    drafts = table(("a", "new", 105.0), ("b", "new", 111.0), ("c", "author1", 70.0), ("d", "nobody", 120.0))
    assert authors_of(knowing, drafts).known.tolist() == [0, 1, 12, 0]
    assert told_later(knowing, drafts).tolist() == [True, False, False, False]
    assert not told_later(featurizer, drafts).any()
    # a video that was read is forecast from its last reading on
    read = replace(drafts, so_far=pd.DataFrame({"collected_at": np.array([112.0, np.nan, np.nan, np.nan]) * DAY}))
    assert authors_of(knowing, read).known.tolist() == [1, 1, 12, 0]
    assert not told_later(knowing, read).any()


def test_a_followed_video_is_known_from_its_first_reading_on() -> None:
    once = table(*((f"t{row}", f"author{row % 5}", float(row)) for row in range(40)))
    again = once.videos.assign(collected_at=once.videos["collected_at"] + 10 * DAY, view_count=99.0)
    readings = pd.concat([once.videos, again])[["id", "collected_at", "view_count"]].sort_values(["id", "collected_at"], ignore_index=True)
    videos = again.sort_values("id", ignore_index=True)
    featurizer = Featurizer.fit(Dataset(videos, readings=readings)).for_drafts()
    assert featurizer.follows
    drafts = table(("a", "author0", 44.0), ("b", "author0", 46.0))  # the last one is of day 35, first read on day 45
    assert authors_of(featurizer, drafts).known.tolist() == [7, 8]
    assert authors_of(replace(featurizer, past_only=False), drafts).known.tolist() == [8, 8]
