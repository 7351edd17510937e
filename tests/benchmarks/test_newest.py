"""Which videos `benchmarks.newest` holds out."""

import pandas as pd

from benchmarks.newest import newest_of_each


def test_one_video_of_each_author_and_none_of_nobody():
    videos = pd.DataFrame({"username": ["a", "b", None, "a", "a", "b"], "create_time": [5.0, 1.0, 9.0, 7.0, 7.0, 3.0]})
    assert newest_of_each(videos).tolist() == [False, False, False, True, False, True]
