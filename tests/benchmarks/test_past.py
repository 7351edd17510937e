"""Which videos `benchmarks.past` knows and which it forecasts."""

import pandas as pd

from benchmarks.past.__main__ import halves


def test_each_authors_older_half_newest_first():
    videos = pd.DataFrame(
        {"username": list("abaabaab"), "create_time": [5, 1, 3, 9, 2, 7, 1, 4], "id": list("stuvwxyz")}, index=range(10, 18)
    )
    older, newer, back = halves(videos)
    # a in time: 16 (1), 12 (3), 10 (5), 15 (7), 13 (9); b: 11 (1), 14 (2), 17 (4)
    assert dict(zip(older, back, strict=True)) == {16: 1, 12: 0, 11: 0}
    assert newer.tolist() == [10, 13, 14, 15, 17]
