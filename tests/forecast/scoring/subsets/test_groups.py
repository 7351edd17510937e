import numpy as np
import pandas as pd
import pytest

from forecast.scoring.subsets.groups import group_scores, members


@pytest.fixture
def videos():
    return pd.DataFrame(
        {
            "follower_count": [10.0, 1000.0, 5e6, np.nan],
            "create_time": [0.0, 0.0, 0.0, 0.0],
            "collected_at": [3600.0, 86_400.0, 400 * 86_400.0, np.nan],
        }
    )


def test_a_video_lies_in_one_tier_and_an_unknown_number_in_none(videos):
    found = members(videos, np.array([True, False, False, False]))
    assert found["authors"]["new"].tolist() == [True, False, False, False]
    tiers = np.stack(list(found["followers"].values()))
    assert tiers.sum(0).tolist() == [1, 1, 1, 0]
    assert found["followers"]["1K to 10K"].tolist() == [False, True, False, False]
    assert found["age"]["1 to 7 days"].tolist() == [False, True, False, False]
    assert found["age"]["1 year and more"].tolist() == [False, False, True, False]


def test_scores_of_a_group_by_hand(videos):
    truth = np.array([[1.0, 2.0], [5.0, np.nan], [3.0, 3.0], [0.0, 0.0]])
    rows = {
        "median": np.zeros((4, 2)),
        "lower_95": np.full((4, 2), -2.0),
        "upper_95": np.full((4, 2), 2.0),
        "crps": np.where(np.isnan(truth), np.nan, np.abs(truth) / 2),
    }
    found = group_scores(videos, np.array([True, True, False, False]), rows, truth)
    new = found["authors"]["new"]
    # first target: rows 1 and 5, one of two held; second: row 2 alone, held
    assert new == {"rows": 2, "crps": pytest.approx((1.5 + 1.0) / 2), "typical_error": pytest.approx((3.0 + 2.0) / 2), "coverage_95": 0.75}
    assert "100K to 1M" not in found["followers"]


def test_without_columns_only_authors_are_told_apart():
    assert list(members(pd.DataFrame({"id": ["a"]}), np.array([False]))) == ["authors"]
