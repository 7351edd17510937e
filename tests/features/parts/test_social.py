"""The numbers of the social part, of rows worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from features.parts.social import numbers

DAY = 86_400.0
ROW = {
    "follower_count": 99.0,
    "following_count": 4.0,
    "likes_count": 999.0,
    "video_count": 9.0,
    "video_duration": 14.0,
    "create_time": 2800 * DAY + 1.75 * DAY,  # 2,800 days are 400 weeks: a quarter of a week after its start, at 18:00
    "collected_at": 2800 * DAY + 4.25 * DAY,
}
EXPECTED = {
    "log_follower_count": np.log(100),
    "log_following_count": np.log(5),
    "log_likes_count": np.log(1000),
    "log_video_count": np.log(10),
    "log_likes_per_video": np.log(1 + 999 / 9),
    "log_likes_per_follower": np.log(1000 / 100),
    "log_followers_per_following": np.log(100 / 5),
    "log_duration": np.log(15),
    "age_days": 2.5,
    "log_age": np.log(1 + 60),
    "hour_sine": -1.0,
    "hour_cosine": 0.0,
    "weekday_sine": 1.0,
    "weekday_cosine": 0.0,
}


def test_one_row_by_hand() -> None:
    found = numbers(pd.DataFrame([ROW]))
    assert {name: values[0] for name, values in found.items()} == pytest.approx(EXPECTED, abs=1e-9)


def test_the_quarter_of_a_day_and_of_a_week_earlier() -> None:
    found = numbers(
        pd.DataFrame([ROW | {"create_time": ROW["create_time"] - 1.75 * DAY}, ROW | {"create_time": ROW["create_time"] - 0.25 * DAY}])
    )
    assert found["hour_cosine"] == pytest.approx([1.0, -1.0])
    assert found["weekday_cosine"] == pytest.approx([1.0, np.cos(2 * np.pi * 1.5 / 7)])
    assert found["weekday_sine"] == pytest.approx([0.0, np.sin(2 * np.pi * 1.5 / 7)], abs=1e-9)


def test_an_author_without_videos_and_a_time_without_a_reading() -> None:
    found = numbers(pd.DataFrame([ROW | {"video_count": 0.0}]).drop(columns="collected_at"))
    assert found["log_likes_per_video"] == pytest.approx(np.log(1000))
    assert found["published_days"] == pytest.approx(2801.75)
    assert not {"age_days", "log_age"} & found.keys()
    assert numbers(pd.DataFrame([ROW]), youngest=4.0)["age_days"] == 4.0
