import math

import numpy as np
import pytest
import torch
from scipy import stats

from forecast.adjustments.tails import normal_tails

S = 2000


def heavy(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_t(2, size=(S, 3, 2)))


def test_only_what_lies_beyond_the_ends_is_moved_and_ranks_stay():
    samples = heavy()
    found = normal_tails(samples, samples.quantile(0.5, dim=0))
    assert torch.equal(found.argsort(dim=0), samples.argsort(dim=0))
    moved = (found != samples).sum(dim=0)
    assert (moved == 2 * 49).all()  # 50 of 2,000 lie beyond either end, and the innermost of them stays
    for level in (0.025, 0.5, 0.975):
        torch.testing.assert_close(found.quantile(level, dim=0), samples.quantile(level, dim=0), rtol=1e-2, atol=0)


def test_the_outermost_draws_by_hand():
    samples = heavy()
    median = samples.quantile(0.5, dim=0)
    ordered, found = samples.sort(dim=0).values, normal_tails(samples, median).sort(dim=0).values
    anchor = stats.norm.ppf((50 - 0.5) / S)  # of the innermost draw beyond the end
    for beyond, place, end in ((stats.norm.ppf(0.5 / S), 0, 49), (stats.norm.ppf(1.5 / S), -2, -50)):
        torch.testing.assert_close(found[place], median + beyond / anchor * (ordered[end] - median))


def test_a_normal_stays_what_it_is():
    level = (torch.arange(S, dtype=torch.float64) + 0.5) / S
    samples = (3.0 + 2.0 * torch.special.ndtri(level))[:, None, None]
    torch.testing.assert_close(normal_tails(samples, samples.quantile(0.5, dim=0)), samples, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("draws", [1, 40, 79])
def test_too_few_draws_have_no_tails(draws):
    samples = heavy()[:draws]
    assert torch.equal(normal_tails(samples, samples.quantile(0.5, dim=0)), samples)


def test_halves_of_no_width_and_infinite_draws():
    samples = torch.zeros(S, 1, 1, dtype=torch.float64)
    assert torch.equal(normal_tails(samples, samples[0]), samples)
    samples[-3:] = math.inf
    assert normal_tails(samples, samples[0]).isfinite().all()
