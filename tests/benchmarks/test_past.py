"""Which videos `benchmarks.past` knows and which it forecasts."""

import numpy as np
import pandas as pd

from benchmarks.past.__main__ import halves, with_past
from features.rows.splits import Rows


def test_each_authors_older_half_newest_first():
    videos = pd.DataFrame(
        {"username": list("abaabaab"), "create_time": [5, 1, 3, 9, 2, 7, 1, 4], "id": list("stuvwxyz")}, index=range(10, 18)
    )
    older, newer, back = halves(videos)
    # a in time: 16 (1), 12 (3), 10 (5), 15 (7), 13 (9); b: 11 (1), 14 (2), 17 (4)
    assert dict(zip(older, back, strict=True)) == {16: 1, 12: 0, 11: 0}
    assert newer.tolist() == [10, 13, 14, 15, 17]


def test_peers_learn_from_all_but_the_newer_and_stop_on_some_of_them():
    rows = Rows(np.arange(0, 50), np.arange(50, 60), np.arange(60, 80))
    found = with_past(rows, older=np.arange(60, 70), newer=np.arange(70, 80))
    assert sorted([*found.train, *found.validation]) == list(range(70))
    assert len(found.validation) == 7
    assert found.test.tolist() == list(range(70, 80))
