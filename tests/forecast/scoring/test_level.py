"""Whether a run is at home on labelled rows, by hand."""

import numpy as np
import pytest

from features.scale import Scale
from forecast.scoring.level import level


def test_a_bias_is_told_with_its_error_over_authors(monkeypatch):
    monkeypatch.setattr("forecast.scoring.level.FEW", 3)
    truth = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 7.0], [6.0, 6.0]])
    rows = {"mean": np.array([[0.0, 5.0], [2.0, 0.0], [2.0, 7.0], [4.0, 6.0]]), "crps": np.full((4, 2), 0.5)}
    found = level(rows, truth, ("a", "b"), Scale.COUNTS, np.array(["x", "x", "y", "z"]))["targets"]
    assert found["a"]["bias"] == pytest.approx((1 + 0 + 1 + 2) / 4)
    # off by 1, 0, 1, 2, mean 1: authors' totals of what is left are -1, 0, 1
    assert found["a"]["standard_error"] == pytest.approx(np.sqrt(2 * 3 / 2) / 4)
    # of 5, 6 and 7, each forecast by the other two: mean distance of the truth to a draw, less half the mean distance of two draws
    assert found["b"]["crps_marginal"] == pytest.approx((1.5 - 0.25 + 1.0 - 0.5 + 1.5 - 0.25) / 3)


def test_what_is_off_is_a_sentence():
    random = np.random.default_rng(0)
    truth = random.normal(8.0, 1.0, size=(400, 1))
    authors = np.arange(400).astype(str)

    def said(shift, crps):
        rows = {"mean": truth - shift + random.normal(0, 0.5, size=truth.shape), "crps": np.full_like(truth, crps)}
        return level(rows, truth, ("view_count",), Scale.COUNTS, authors)["sentences"]

    assert said(0.0, 0.3) == []
    low, worse = said(2.0, 0.3)[0], said(0.0, 0.7)[0]
    assert low.startswith("view_count is forecast too low, by a factor of 7.")
    assert worse.startswith("view_count: its CRPS, 0.700, is worse than that of the distribution of these very rows, 0.5")
    assert said(-2.0, 0.3)[0].startswith("view_count is forecast too high, by a factor of 7.")


def test_a_few_rows_are_no_judge():
    random = np.random.default_rng(0)
    truth = random.normal(8.0, 1.0, size=(18, 1))
    rows = {"mean": np.full_like(truth, truth.mean()), "crps": np.abs(truth - 8.0) * 0.8}  # worse by chance
    assert level(rows, truth, ("view_count",), Scale.COUNTS, np.arange(18).astype(str))["sentences"] == []


def test_skewed_forecasts_that_are_right_are_not_off():
    """Exponential truths are 0.31 above their median on average, and not above their mean."""
    truth = np.random.default_rng(0).exponential(1.0, size=(4000, 1))
    rows = {"mean": np.ones_like(truth), "median": np.full_like(truth, np.log(2)), "crps": np.full_like(truth, 0.5)}
    found = level(rows, truth, ("view_count",), Scale.COUNTS, np.arange(4000).astype(str))
    assert found["sentences"] == []
    assert abs(found["targets"]["view_count"]["bias"]) < 4.27 / 4000**0.5


@pytest.mark.parametrize("authors", [1, 4])
def test_few_authors_are_judged_by_their_videos(authors):
    random = np.random.default_rng(0)
    truth = random.normal(size=(300, 1))
    for off, told in ((0.0, 0), (1.0, 1)):
        rows = {"mean": np.full((300, 1), off), "crps": np.full((300, 1), 0.4)}
        found = level(rows, truth, ("view_count",), Scale.COUNTS, np.arange(300) % authors)
        assert len(found["sentences"]) == told
        assert found["targets"]["view_count"]["standard_error"] == pytest.approx(truth.std(ddof=1) / 300**0.5)
