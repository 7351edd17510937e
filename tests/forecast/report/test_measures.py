import numpy as np

from forecast.report.measures import coverage, pit_histogram


def test_coverage_counts_truths_inside_each_central_interval():
    # distances from the middle, doubled: 0, 0.4, 0.94, 1
    pit = np.array([[0.5], [0.3], [0.97], [1.0], [np.nan]])
    found = coverage(pit, ("views",))
    assert dict(zip(found["levels"], found["targets"]["views"], strict=True)) == {
        0.1: 0.25,
        0.2: 0.25,
        0.3: 0.25,
        0.4: 0.5,
        0.5: 0.5,
        0.6: 0.5,
        0.7: 0.5,
        0.8: 0.5,
        0.9: 0.5,
        0.95: 0.75,
    }


def test_coverage_of_unknown_truth_is_unknown():
    assert coverage(np.full((3, 1), np.nan), ("views",))["targets"]["views"] == [None] * 10


def test_histogram_counts_every_known_truth_once():
    found = pit_histogram(np.array([[0.0], [0.049], [0.5], [1.0], [np.nan]]), ("views",))["views"]
    assert (found[0], found[10], found[19], sum(found)) == (2, 1, 1, 4)
