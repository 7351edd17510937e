import dataclasses

import numpy as np
import pytest
from scipy import special, stats

from features.simulated.world import simulate
from features.tables.columns import COUNTS
from features.tables.dataset import read_dataset
from forecast.joint.dependence import Dependence, correlation
from forecast.saved import load
from forecast.scoring.evaluation import evaluate


@pytest.mark.parametrize("size", [0.0, 0.5, 1.0])
def test_the_author_effect_of_a_simulated_world_is_found(size):
    """The oracle's forecasts, which know how large effects are but not which author has which."""
    dataset, oracle = simulate(3000, seed=6)
    author = dataset.videos["username"].factorize()[0]
    effect = size * np.random.default_rng(3).standard_normal(author.max() + 1)[author]
    truth = np.log1p(dataset.videos[list(COUNTS)].to_numpy(np.float64)) + effect[:, None]
    spread = np.sqrt(np.diagonal(oracle.covariance, axis1=1, axis2=2) + size**2)
    below = (oracle.weight[:, :, None] * special.ndtr((truth[:, None] - oracle.loc) / spread[:, None])).sum(axis=1)
    scores = special.ndtri(below.clip(1e-9, 1 - 1e-9))
    found = Dependence.fit(scores, author)
    # the topic is part of what is not known of a video
    middle = (oracle.weight[:, :, None] * oracle.loc).sum(axis=1, keepdims=True)
    whole = np.sqrt(spread**2 + (oracle.weight[:, :, None] * (oracle.loc - middle) ** 2).sum(axis=1))
    put_in = (size / whole).mean(axis=0) ** 2
    error = np.array([correlation(column, author)[1] for column in scores.T])
    assert (np.abs(found.share - put_in) < stats.norm.isf(1e-5) * error).all()
    assert error.max() < 0.05
    if size == 0.0:
        assert found.share.max() < 0.03


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
