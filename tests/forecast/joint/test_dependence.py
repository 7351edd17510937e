import json

import numpy as np
import pytest
from scipy import stats

from forecast.joint.authors import Authors
from forecast.joint.dependence import Dependence, between_targets, correlation, left_over, load_dependence, save_dependence, shrunken
from forecast.run.directory import RunDirectory
from machine.errors import InputError


def scores_of(share, groups, each, seed=0):
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    author = random.standard_normal(groups)[group]
    return np.sqrt(share) * author + np.sqrt(1 - share) * random.standard_normal(len(group)), group


def test_correlation_by_hand():
    scores = np.tile([1.0, 1.0, -1.0, -1.0, 2.0, -2.0], 10)
    group = np.repeat(np.arange(30), 2)
    found, error = correlation(scores, group)
    # pairs of products 1, 1 and -4, each weighing two videos; mean square 12 / 6
    assert found == pytest.approx((1 + 1 - 4) / 3 / 2.0)
    assert 0 < error < 0.2


@pytest.mark.parametrize("share", [0.0, 0.1, 0.45, 0.8])
def test_finds_what_was_put_in(share):
    scores, group = scores_of(share, 600, 6, seed=3)
    found, error = correlation(scores, group)
    assert abs(found - share) < stats.norm.isf(1e-5) * error
    assert error < 0.04


def test_error_is_that_of_repetitions():
    found = np.array([correlation(*scores_of(0.4, 100, 5, seed)) for seed in range(300)])
    # the standard deviation of 300 repetitions has a relative error of 4 %, the jackknife a little bias
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.2)


def test_nothing_shared_is_found_as_nothing_most_of_the_time():
    found = [shrunken(*correlation(*scores_of(0.0, 100, 5, seed))) for seed in range(200)]
    assert np.mean(np.array(found) == 0.0) > 0.84 - 4.3 * (0.84 * 0.16 / 200) ** 0.5  # 84 % lie below one standard error
    assert np.mean(found) < 0.02


def test_too_few_authors_say_nothing():
    scores, group = scores_of(0.9, 19, 8)
    assert correlation(scores, group) == (0.0, np.inf)
    assert shrunken(0.0, np.inf) == 0.0
    assert correlation(*scores_of(0.9, 20, 8))[0] > 0.5


def test_unknown_authors_and_truths_do_not_count():
    scores, group = scores_of(0.5, 100, 4)
    more = np.concatenate([scores, np.full(50, 3.0), np.full(100, np.nan)])
    groups = np.concatenate([group, np.full(50, -1), np.arange(100)])
    assert correlation(more, groups) == correlation(scores, group)


def test_known_videos_take_the_share_away():
    dependence = Dependence(np.array([0.5, 0.2]), np.eye(2))
    found = dependence.shares(Authors(np.array([7, 7, 7, -1]), np.array([0.0, 1.0, 9.0, 0.0])))
    # v = 1: 1, 1 / 2, 1 / 10; v = 1 / 4: 1 / 4, 1 / 5, 1 / 13
    assert found == pytest.approx(np.array([[1 / 2, 1 / 5], [1 / 3, 1 / 6], [1 / 11, 1 / 14], [0, 0]]))


@pytest.mark.parametrize("worth", [0.1, 0.3, 1.0])
def test_the_worth_of_the_past_is_found(worth):
    random, share = np.random.default_rng(0), np.array([0.5])
    author, known = np.repeat(np.arange(1500), 6), np.repeat(random.integers(1, 16, 1500), 6).astype(float)
    left = left_over(share, worth * known)[:, 0]
    scores = np.sqrt(left) * random.standard_normal(1500)[author] + np.sqrt(1 - left) * random.standard_normal(len(author))
    found = Dependence(share, np.eye(1)).with_worth(scores[:, None], Authors(author, known)).worth
    assert 0.6 * worth < found < 1.7 * worth
    few = Dependence(share, np.eye(1), 0.4).with_worth(scores[:60, None], Authors(author[:60], known[:60]))
    assert few.worth == 0.4
    seldom = np.column_stack([scores, np.where(np.arange(len(scores)) < 60, scores, np.nan)])  # a second target that is hardly known
    both = Dependence(np.array([0.5, 0.5]), np.eye(2)).with_worth(seldom, Authors(author, known))
    assert both.worth == found


def test_between_targets_is_a_correlation():
    random = np.random.default_rng(0)
    one = random.standard_normal(500)
    scores = np.stack([one, one, -one, random.standard_normal(500)], axis=1)
    scores[:100, 0] = np.nan
    found = between_targets(scores)
    assert np.linalg.eigvalsh(found)[0] > 0
    assert found[0, 1] == pytest.approx(1.0, abs=1e-3)
    assert found[0, 2] == pytest.approx(-1.0, abs=1e-3)
    assert abs(found[0, 3]) < 0.25


def test_written_and_read(tmp_path):
    run = RunDirectory(tmp_path)
    dependence = Dependence(np.array([0.4, 0.0]), np.array([[1.0, 0.3], [0.3, 1.0]]), 0.25)
    save_dependence(run, dependence)
    found = load_dependence(run, 2)
    assert np.array_equal(found.share, dependence.share)
    assert np.array_equal(found.targets, dependence.targets)
    assert found.worth == 0.25


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"share": [0.1], "targets": [[1.0]]},
        {"share": [0.1, 1.2], "targets": [[1.0, 0.0], [0.0, 1.0]]},
        {"share": [0.1, float("nan")], "targets": [[1.0, 0.0], [0.0, 1.0]]},
        {"share": [0.1, 0.2], "targets": [[1.0, 1.5], [1.5, 1.0]]},
        {"share": [0.1, 0.2], "targets": [[1.0, 0.1], [0.2, 1.0]]},
        {"share": "none", "targets": []},
        {"share": [0.1, 0.2], "targets": [[1.0, 0.1], [0.1, 1.0]], "worth": 0.0},
    ],
)
def test_damage_is_refused(tmp_path, stored):
    (tmp_path / "dependence.json").write_text(json.dumps({"worth": 0.5} | stored))
    with pytest.raises(InputError, match=r"dependence\.json"):
        load_dependence(RunDirectory(tmp_path), 2)
