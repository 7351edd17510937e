"""The pool of moved draws with what ignores the video, by value."""

import numpy as np
import torch
from scipy import optimize, stats

from forecast.adjustments.moved import MovedGrowth, pooled


def test_draws_in_the_same_order_take_the_quantiles_of_the_pool():
    levels = torch.from_numpy(stats.norm.ppf((np.arange(2000) + 0.5) / 2000))
    mixed = torch.randperm(2000, generator=torch.Generator().manual_seed(0))
    samples = torch.stack([levels, 2 * levels + 5], dim=1)[mixed][:, None]
    found = pooled(samples, torch.stack([3 * levels - 1, levels], dim=1), torch.tensor([0.25, 0.0]))
    assert torch.equal(found[..., 0].argsort(dim=0), samples[..., 0].argsort(dim=0))
    np.testing.assert_allclose(found[..., 1], samples[..., 1], atol=1e-3)
    for level in (0.025, 0.5, 0.9):
        exact = optimize.brentq(lambda y: 0.75 * stats.norm.cdf(y) + 0.25 * stats.norm(-1, 3).cdf(y) - level, -20, 20)  # noqa: B023
        assert abs(float(found[..., 0].quantile(level)) - exact) < 0.03


def test_no_share_changes_nothing_and_the_whole_share_forgets_the_video():
    samples = torch.tensor([[[3.0]], [[1.0]], [[2.0]]])
    others = torch.tensor([[10.0], [20.0], [30.0]])
    assert pooled(samples, others, torch.zeros(1)) is samples
    assert pooled(samples, others, torch.ones(1)).flatten().tolist() == [30.0, 10.0, 20.0]


def test_growth_has_the_quantiles_that_were_seen_and_the_ranks_that_were_said():
    samples = torch.tensor([[[3.0, 5.0], [0.0, 1.0]], [[1.0, 6.0], [9.0, 2.0]]])  # two draws of two videos
    seen = np.array([[10.0, 0.0], [20.0, 0.0], [30.0, 0.0], [40.0, 0.0]])
    found = MovedGrowth(seen, np.array([True, False])).apply(samples)
    assert found[..., 0].tolist() == [[40.0, 20.0], [20.0, 40.0]]  # levels 0.25 and 0.75
    assert torch.equal(found[..., 1], samples[..., 1])  # of a target that no look knew
