import numpy as np

from benchmarks.totals.__main__ import groups, reliability


def test_groups_are_of_one_author_of_random_videos_and_of_both():
    author, time = np.array([0, 0, 1, 0, 1, 1, 1, -1, -1, -1]), np.array([3.0, 1, 9, 2, 7, 8, 6, 0, 0, 0])
    found = dict(groups(author, time, 4))
    assert [rows.tolist() for rows in found["one author"]] == [[6, 4, 5, 2]]
    assert all(len(set(rows.tolist())) == 4 for rows in found["random"])
    first, second = found["half an author's"]
    assert first[:2].tolist() == [1, 3]
    assert second[:2].tolist() == [6, 4]
    assert len(set(first.tolist())) == len(set(second.tolist())) == 4


def test_probabilities_of_goals_that_are_true_are_reliable():
    random = np.random.default_rng(0)
    loc = random.normal(10, 1, 2000)
    truth, draws = np.exp(loc + random.normal(size=2000)), np.exp(loc + random.normal(size=(400, 2000)))
    most, mean = reliability(draws, truth)
    assert most < 0.05
    assert mean < 0.02
    assert reliability(draws**0.2 * np.exp(0.8 * loc), truth)[0] > 0.15  # a fifth of the spread claims too much
