import numpy as np
import pytest
import torch

from forecast.joint.authors import Authors
from forecast.joint.dependence import Dependence
from forecast.joint.reorder import reorder

TARGETS = np.array([[1.0, 0.7], [0.7, 1.0]])


def drawn(videos, samples=4000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(samples, videos, 2, generator=generator, dtype=torch.float64)
    return (noise @ torch.from_numpy(np.linalg.cholesky(TARGETS).T)).exp().float()


def authors(*keys, known=0.0):
    return Authors(np.array(keys), np.full(len(keys), known))


def rank_correlation(one, two):
    return np.corrcoef(one.argsort().argsort(), two.argsort().argsort())[0, 1]


def test_marginals_stay_and_videos_of_one_author_move_together():
    share = np.array([0.5, 0.3])
    samples = drawn(4)
    found = reorder(samples, authors(5, 5, 6, -1), Dependence(share, TARGETS), seed=1)
    assert torch.equal(found.sort(dim=0).values, samples.sort(dim=0).values)
    assert torch.equal(found[:, 3], samples[:, 3])
    for k in range(2):
        # Spearman's of a Gaussian copula is 6 / pi arcsin(r / 2); its standard error is below 1 / sqrt(4000) = 0.016
        expected = 6 / np.pi * np.arcsin(share[k] / 2)
        assert rank_correlation(found[:, 0, k].numpy(), found[:, 1, k].numpy()) == pytest.approx(expected, abs=0.07)
        assert abs(rank_correlation(found[:, 0, k].numpy(), found[:, 2, k].numpy())) < 0.07


def test_targets_of_one_video_keep_their_dependence():
    samples = drawn(2)
    found = reorder(samples, authors(5, 5), Dependence(np.array([0.45, 0.36]), TARGETS), seed=1)
    before, after = (rank_correlation(values[:, 0, 0].numpy(), values[:, 0, 1].numpy()) for values in (samples, found))
    assert after == pytest.approx(before, abs=0.04)


def test_same_draws_whoever_forecasts_what_in_any_order():
    samples, who = drawn(5, 200), authors(5, 9, 5, -1, 9)
    dependence = Dependence(np.array([0.5, 0.3]), TARGETS)
    whole = reorder(samples, who, dependence, seed=1)
    order = np.array([3, 0, 4, 2, 1])
    assert torch.equal(reorder(samples[:, order], who[order], dependence, seed=1), whole[:, order])
    pieces = [reorder(samples[:, rows], who[rows], dependence, seed=1) for rows in (slice(0, 2), slice(2, 5))]
    assert torch.equal(torch.cat(pieces, dim=1), whole)
    assert not torch.equal(reorder(samples, who, dependence, seed=2), whole)


def test_nothing_shared_changes_nothing():
    samples = drawn(2, 100)
    assert torch.equal(reorder(samples, authors(5, 5), Dependence.none(2), seed=1), samples)


def test_a_long_past_leaves_little_to_share():
    samples = drawn(2)
    found = reorder(samples, authors(5, 5, known=50.0), Dependence(np.array([0.5, 0.3]), TARGETS), seed=1)
    assert abs(rank_correlation(found[:, 0, 0].numpy(), found[:, 1, 0].numpy())) < 0.09  # 1 / 52 was put in
