"""The probability of ending above what is usual for the author, by value."""

import numpy as np
import pytest

from forecast.scoring.subsets.usual import above, reliability


def test_the_share_of_draws_above_so_many_times_the_usual_count():
    samples = np.log1p(np.array([99.0, 101.0, 250.0, 301.0]))[:, None, None] * np.ones((1, 2, 1))
    usual = np.array([[np.log1p(100.0)], [np.nan]])
    assert above(samples, usual, 1.0)[0, 0] == pytest.approx(0.75)
    assert above(samples, usual, 3.0)[0, 0] == pytest.approx(0.25)
    assert np.isnan(above(samples, usual, 3.0)[1, 0])


def test_reliability_by_hand():
    usual = np.full((4, 1), np.log1p(10.0))
    chance, truth = np.array([[0.05], [0.93], [0.97], [1.0]]), np.log1p(np.array([[9.0], [31.0], [29.0], [1000.0]]))
    found = reliability(chance, truth, usual, 3.0)
    assert [one["forecasts"] for one in found] == [1, 3]
    assert found[0] == {"said": pytest.approx(0.05), "happened": 0.0, "forecasts": 1}
    assert found[1]["said"] == pytest.approx(0.9666666)
    assert found[1]["happened"] == pytest.approx(2 / 3)
    assert reliability(chance * np.nan, truth, usual, 3.0) == []
