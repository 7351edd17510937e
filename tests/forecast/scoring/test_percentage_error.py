"""Percentage errors and their best point, by hand."""

import numpy as np
import pytest

from forecast.scoring.percentage_error import mape_point, mean_percentage_error


def test_mean_percentage_error_of_counts_and_of_scores() -> None:
    truth = np.array([[10.0, -4.0], [0.0, 2.0], [40.0, np.nan], [np.nan, 0.0]])
    point = np.array([[15.0, -1.0], [7.0, 3.0], [10.0, 9.0], [3.0, 5.0]])
    # off by a half and by three quarters: of a count that is 0 no share can be told, nor of one that is unknown
    first, second = (0.5 + 0.75) / 2, (0.75 + 0.5) / 2
    assert mean_percentage_error(point, truth, "identity") == pytest.approx([first, second])
    counts = np.log1p(truth[:, :1]), np.log1p(point[:, :1])
    assert mean_percentage_error(counts[1], counts[0], "log1p") == pytest.approx([first])
    assert mean_percentage_error(point, np.full_like(truth, np.nan), "identity") == [None, None]


def test_a_point_below_zero_is_no_count_and_one_beyond_all_counts_is_finite() -> None:
    truth = np.log1p(np.array([[4.0]]))
    assert mean_percentage_error(np.array([[-3.0]]), truth, "log1p") == pytest.approx([1.0])
    assert np.isfinite(mean_percentage_error(np.array([[5000.0]]), truth, "log1p")[0])


def test_the_best_point_is_the_median_weighted_by_one_over_the_draw() -> None:
    draws = np.array([1.0, 2.0, 4.0, 8.0, 16.0])[:, None, None]
    # weights 1, 1/2, 1/4, 1/8, 1/16: half of 31/16 is reached at the first
    assert mape_point(draws, "identity") == pytest.approx(1.0)
    assert mape_point(np.log1p(draws), "log1p") == pytest.approx(np.log1p(1.0))
    # a draw below 4 weighs as much as 4: 1/4, 1/4, 1/4, 1/8, 1/16, half of 15/16 is reached at the second
    assert mape_point(draws, "identity", np.array([4.0])) == pytest.approx(2.0)
    assert mape_point(np.log1p(draws), "log1p", np.log1p([4.0])) == pytest.approx(np.log1p(2.0))
