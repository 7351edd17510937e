"""What of a draft is told by the author's other videos."""

import numpy as np
import pandas as pd
import pytest

from features.tables.dataset import Dataset
from forecast.draft import past
from forecast.draft.past import added, completed, completed_table
from forecast.draft.so_far import Reading
from forecast.draft.video import Draft

PAST = Dataset(
    pd.DataFrame(
        {
            "id": ["p", "q", "r", "s"],
            "username": ["a", "a", "a", "b"],
            "create_time": [1e9, 1e9 + 100, 1e9 + 200, 1e9],
            "collected_at": [1e9 + 50, 1e9 + 150, 1e9 + 250, 1e9 + 50],
            "follower_count": [10.0, 20.0, 30.0, 99.0],
            "video_count": [1.0, np.nan, 3.0, np.nan],
        }
    )
)


def test_counts_are_those_of_the_newest_row_that_was_read_before_and_has_them():
    drafts = Dataset(
        pd.DataFrame(
            {
                "id": ["u", "v", "w", "x", "y"],
                "username": ["a", "a", "a", "b", None],
                "create_time": [1e9 + 150, 1e9 + 249, np.nan, 1e9 + 60, 1e9 + 60],
                "follower_count": [np.nan, np.nan, np.nan, 5.0, np.nan],
            }
        )
    )
    found = completed_table(drafts, PAST, 1e9 + 1000)
    np.testing.assert_array_equal(found.videos["follower_count"], [20.0, 20.0, 30.0, 5.0, np.nan])
    np.testing.assert_array_equal(found.videos["video_count"], [1.0, 1.0, 3.0, np.nan, np.nan])
    assert "likes_count" not in found.videos
    assert added(drafts, found) == "follower_count of 3 drafts, video_count of 3 drafts"
    assert added(found, found) == ""


def test_the_author_is_told_where_there_is_but_one():
    alone = PAST.take(np.arange(3))
    assert completed(Draft(1e9 + 160), alone).known == {"username": "a", "follower_count": 20.0, "video_count": 1.0}
    assert completed(Draft(1e9 + 160, {"follower_count": 7.0}), PAST).known == {"follower_count": 7.0}
    drafts = Dataset(pd.DataFrame({"id": ["u", "v"], "username": ["c", None]}))
    assert completed_table(drafts, alone, 2e9).videos["username"].fillna("").tolist() == ["c", ""]
    nobody = Dataset(drafts.videos[["id"]])
    assert added(nobody, completed_table(nobody, alone, 2e9)) == "username of 2 drafts, follower_count of 2 drafts, video_count of 2 drafts"


@pytest.mark.parametrize(
    ("draft", "others"),
    [
        (Draft(1e9 + 100.5, {"username": "a"}), ["p", "r", "s"]),
        (Draft(1e9, {"username": "b"}), ["p", "q", "r"]),
        (Draft(1e9 + 500, {"username": "a", "video_description": "cats"}), ["p", "q", "r", "s"]),  # a new one, with the caption of another
        (Draft(1e9 + 500, {"username": "a", "video_description": "cats"}, read=(Reading(9.0, {}),)), ["p", "r", "s"]),
        (Draft(1e9 + 90_000, {"username": "a", "video_description": "cats"}, read=(Reading(9.0, {}),)), ["p", "q", "r", "s"]),
    ],
)
def test_a_video_is_none_of_its_authors_others(draft, others, monkeypatch):
    captions = PAST.videos.assign(video_description=["dogs", "cats", None, "cats"])
    monkeypatch.setattr(past, "knowing", lambda forecaster, table: list(table.videos["id"]))
    found, whole, itself = past.told(None, draft, Dataset(captions))
    assert found == others
    assert itself == (len(others) < 4)
    assert whole.known["username"] == draft.known["username"]


def test_a_past_without_authors_is_refused_as_ever():
    assert completed(Draft(1e9 + 160, {"username": "a"}), Dataset(PAST.videos[["id", "create_time"]])).known == {"username": "a"}
