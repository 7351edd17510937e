import numpy as np
import pandas as pd
import pytest

from forecast.scoring.totals import Sums, groups_of, total_scores


def table(authors=40, each=6):
    count = authors * each
    return pd.DataFrame(
        {
            "id": [f"v{row}" for row in range(count)],
            "username": [f"a{row % authors}" for row in range(count)],
            "create_time": np.arange(count, 0, -1).astype(float),
        }
    )


def test_an_author_is_summed_over_the_first_videos_in_time():
    videos = table()
    found = groups_of(videos)
    assert list(found) == [5]
    number = found[5]
    # times fall, so that the first row of an author is the newest of its six
    assert (number[:40] == -1).all()
    assert sorted(np.unique(number[40:], return_counts=True)[1]) == [5] * 40
    assert all(len(set(videos["username"][number == total])) == 1 for total in range(40))


@pytest.mark.parametrize("videos", [table(29), table(40, 4), table().drop(columns="username")])
def test_few_authors_or_few_videos_or_no_authors(videos):
    assert groups_of(videos) == {}


def test_rows_of_unknown_authors_are_in_no_total():
    videos = table()
    videos.loc[videos["username"] == "a3", "username"] = None
    number = groups_of(videos)[5]
    assert number.max() == 38
    assert (number[videos["username"].isna()] == -1).all()


def test_sums_by_hand_in_pieces():
    counts = np.array([[1.0, 10.0, 100.0], [3.0, 30.0, 300.0]])  # two draws of three videos
    samples, truth = np.log1p(counts)[:, :, None].astype(np.float32), np.log1p([[2.0], [20.0], [np.nan]])
    groups = {5: np.array([0, 0, 1])}
    whole, first, second = Sums(), Sums(), Sums()
    whole.add(samples, truth, groups)
    first.add(samples[:, :1], truth[:1], {5: groups[5][:1]})
    second.add(samples[:, 1:], truth[1:], {5: groups[5][1:]})
    first.merge(second)
    for sums in (whole, first):
        assert sums.joint[5, 0][:, 0] == pytest.approx([11.0, 33.0], rel=1e-5)
        assert sums.joint[5, 1][:, 0] == pytest.approx([100.0, 300.0], rel=1e-5)
        assert sums.truth[5, 0] == pytest.approx([22.0], rel=1e-5)
        assert np.isnan(sums.truth[5, 1][0])
    assert whole.apart[5, 1].sum() == pytest.approx(400.0, rel=1e-5)


def test_scores_by_hand():
    draws = np.expm1(np.array([[1.0, 1.0], [3.0, 3.0]]))
    found = total_scores(draws, np.expm1(np.array([2.0, 7.0])))
    # E|X - y| - E|X - X'| / 2: 1 - 1 / 2 and 5 - 1 / 2
    assert found["crps_log"] == pytest.approx((0.5 + 4.5) / 2)
    assert found["coverage_95"] == 0.5
    assert found["width_log_95"] == pytest.approx(0.95 * 2)


def test_what_moves_together_is_told_beside_independent_draws():
    random = np.random.default_rng(0)
    groups = {5: np.repeat(np.arange(100), 5)}
    shared = random.standard_normal((400, 100, 1)).repeat(5, axis=1)
    truth = 8 + random.standard_normal((100, 1)).repeat(5, axis=0)
    sums = Sums()
    sums.add((8 + shared).astype(np.float32), truth, groups)
    [found] = sums.scores(["view_count"])
    assert (found["videos"], found["authors"], found["target"]) == (5, 100, "view_count")
    assert 0.8 < found["coverage_95"] <= 1.0  # 95 of 100, give or take 2.2
    assert found["independent"]["coverage_95"] < 0.75
    assert found["crps_log"] < found["independent"]["crps_log"]
