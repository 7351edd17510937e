import numpy as np
import pytest
from scipy import stats

from features.simulated.world import simulate
from forecast.draft.compare import compare, comparison_table, probability_of_more
from forecast.draft.outlook import Outlook
from machine.errors import InputError


def outlook(samples, **changes):
    given = {"targets": ("view_count",), "scale": "log1p", "horizons": (3600.0, 86_400.0), "parts": {}, "notes": (), "run": "r", "seed": 0}
    return Outlook(samples=np.asarray(samples, dtype=np.float32), **(given | changes))


def test_probability_by_counting_pairs():
    # of the nine pairs: 1 > none, 2 > 1 twice and = 2 once ...
    assert probability_of_more(np.array([1.0, 2.0, 4.0]), np.array([2.0, 3.0, 0.0])) == pytest.approx((1 + 1.5 + 3) / 9)


def test_identical_drafts_are_even_and_order_does_not_matter():
    random = np.random.default_rng(0)
    one, two = random.normal(size=501), random.normal(1.0, size=300)
    assert probability_of_more(one, one) == 0.5
    assert probability_of_more(one, two) + probability_of_more(two, one) == pytest.approx(1.0)


def test_compare_keeps_the_common_horizons():
    one = outlook([[[1.0], [2.0]], [[3.0], [4.0]]])
    two = outlook([[[2.0]], [[2.0]]], horizons=(86_400.0,))
    found = compare(one, two)
    assert found.horizons == (86_400.0,)
    assert found.probability.tolist() == [[0.75]]
    assert found.ratio.tolist() == [[1.0]]
    assert "x 2.72" in comparison_table(found, "log1p")


@pytest.mark.parametrize(
    ("changes", "why"), [({"run": "other"}, "different runs"), ({"seed": 1}, "seeds 0 and 1"), ({"horizons": (1.0, 2.0)}, "no horizon")]
)
def test_what_cannot_be_compared_is_refused(changes, why):
    samples = np.zeros((3, 2, 1))
    with pytest.raises(InputError, match=why):
        compare(outlook(samples), outlook(samples, **changes))


@pytest.mark.slow
def test_probability_is_calibrated_for_the_best_possible_forecast():
    dataset, oracle = simulate(8000, seed=3)
    samples = oracle.sample(200, seed=4)
    truth = np.log1p(dataset.videos[["view_count", "like_count", "comment_count", "share_count"]].to_numpy())
    pairs = range(0, 8000, 2)
    said = np.array([[probability_of_more(samples[:, i, k], samples[:, i + 1, k]) for k in range(4)] for i in pairs]).ravel()
    happened = (truth[::2] > truth[1::2]).ravel() + 0.5 * (truth[::2] == truth[1::2]).ravel()
    bins = np.minimum((said * 10).astype(int), 9)
    for place in range(10):
        inside = bins == place
        # the four targets of a pair share their luck: as many outcomes as pairs; ten bins together at a failure rate of 2e-5
        luck = stats.norm.isf(2e-5 / 2 / 10) * np.sqrt((said[inside] * (1 - said[inside])).mean() / inside.reshape(-1, 4).any(1).sum())
        assert abs(happened[inside].mean() - said[inside].mean()) < luck
