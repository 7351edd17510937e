"""How much a moved run relies on its own forecast."""

import numpy as np
import pytest
from scipy import stats

from training.further.moved import Kernel, _signals, share_of_marginal


def draws_about(centre, scale):
    return centre + scale * stats.norm.ppf((np.arange(200) + 0.5) / 200)[:, None, None]


@pytest.fixture
def truth():
    return np.random.default_rng(0).normal(size=(300, 2))


def test_forecasts_that_know_the_video_need_no_marginal(truth):
    noisy = truth + 0.3 * np.random.default_rng(1).normal(size=truth.shape)
    assert share_of_marginal(draws_about(noisy, 0.3), truth, 0) < 0.05


def test_forecasts_that_know_nothing_leave_it_to_the_marginal(truth):
    wrong = 3 * np.random.default_rng(1).normal(size=truth.shape)
    assert share_of_marginal(draws_about(wrong, 1.0), truth, 0) > 0.8


def test_unknown_targets_take_no_part(truth):
    truth[:, 1] = np.nan
    truth[0, 1] = 0.0
    assert share_of_marginal(draws_about(truth, 0.3) * [1.0, np.nan], truth, 0) < 0.1


def test_a_run_that_is_far_off_by_the_same_for_every_video_of_one_author_can_be_moved():
    """The level's signal, and the author's, which is the same, are then huge: the search must not go where nothing can be factorised."""
    random = np.random.default_rng(0)
    features = np.hstack([np.ones((80, 1)), random.normal(size=(80, 5))])
    kernel = Kernel([np.zeros(1, int), np.arange(1, 6)], np.array([1.0, 0.2]), np.array([0.0, -2.5]))
    level, others = _signals(kernel, features, 1 + 1e-10 * random.normal(size=(80, 3)), np.zeros(80))[0]
    assert level > 1000
    assert others < 0.1


def test_a_target_that_never_changes_does_not_decide_for_the_others(truth):
    noisy = truth + 0.3 * np.random.default_rng(1).normal(size=truth.shape)
    truth[:, 1] = 0.0
    assert share_of_marginal(draws_about(noisy, 0.3), truth, 0) < 0.05
