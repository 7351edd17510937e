import dataclasses

import numpy as np
import pytest
from scipy import stats

from features.tables.columns import COUNTS
from features.tables.dataset import read_dataset
from forecast.joint.authors import authors_of
from forecast.joint.dependence import Dependence, correlation
from forecast.joint.held_back import dependence_of, normal_scores, some_of_each
from forecast.run.load import load
from forecast.scoring.evaluation import evaluate


def with_effect(dataset, size, seed=0):
    """The same videos, each author's counts multiplied by exp of a Normal of this standard deviation."""
    videos = dataset.videos.copy()
    author = videos["username"].factorize()[0]
    effect = size * np.random.default_rng(seed).standard_normal(author.max() + 1)[author]
    for name in COUNTS:
        videos[name] = np.round(np.expm1(np.maximum(np.log1p(videos[name]) + effect, 0.0)))
    return dataclasses.replace(dataset, videos=videos)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.0, 0.7])
def test_the_author_effect_of_a_simulated_world_is_found(world_forecaster, size):
    forecaster, further, _ = world_forecaster
    chosen = further.take(np.flatnonzero(further.videos["username"].isin(further.videos["username"].unique()[:160])))
    alone = forecaster.featurizer.transform(chosen)
    with_it = with_effect(chosen, size, seed=3)
    author = authors_of(forecaster.featurizer, with_it).key
    videos = forecaster.featurizer.transform(with_it)
    found = dependence_of(forecaster, [videos], [author]).share
    scores = normal_scores(forecaster, videos)
    medians = np.concatenate([np.median(block, axis=0) for block in forecaster.draws(alone.unlabelled(), 100, plain=True)])
    rest = (alone.popularity.numpy() - medians).var(axis=0)
    for k in range(4):
        error = correlation(scores[:, k], author)[1]
        # the effect is Normal and so, nearly, is the rest; 0.03 for the rest of the rest
        assert abs(found[k] - size**2 / (size**2 + rest[k])) < stats.norm.isf(1e-5) * error + 0.03
    if size == 0.0:
        assert found.max() < 0.1


def test_some_of_each_author():
    author = np.array([5, 5, 5, 7, 9, 9, -1, -1])
    assert some_of_each(author, 2, 100).tolist() == [0, 1, 4, 5]
    assert some_of_each(author, 8, 3).tolist() == [0, 1, 2]
    assert some_of_each(author, 8, 100).tolist() == [0, 1, 2, 4, 5]


@pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
def test_joint_draws_have_the_same_marginals_and_move_together(small_run, small_data):
    forecaster, dataset = load(small_run), read_dataset(small_data)
    count = len(forecaster.targets)
    tied = dataclasses.replace(forecaster, dependence=Dependence(np.full(count, 0.6), np.eye(count)))
    free = dataclasses.replace(forecaster, dependence=None)
    strangers = dataclasses.replace(dataset, videos=dataset.videos.assign(username="someone new"))
    joint, apart = (one.forecast(strangers, samples=400).samples for one in (tied, free))
    assert np.array_equal(np.sort(joint, axis=0), np.sort(apart, axis=0))
    ranks = joint[:, :40, 0].argsort(axis=0).argsort(axis=0)
    together = np.corrcoef(ranks.T)[np.triu_indices(40, 1)]
    assert together.mean() == pytest.approx(6 / np.pi * np.arcsin(0.3), abs=0.1)
    metrics = [evaluate(one, strangers, samples=100).metrics for one in (tied, free)]
    assert metrics[0]["mean"] == pytest.approx(metrics[1]["mean"], rel=1e-6)
