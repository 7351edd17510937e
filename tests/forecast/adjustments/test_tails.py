import math

import numpy as np
import pytest
import torch

from forecast.adjustments.tails import REACH, within_reach

S = 2000


def heavy(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_t(1.5, size=(S, 3, 2)))


def test_by_hand():
    samples = torch.cat([torch.linspace(-1.0, 1.0, 79), torch.tensor([50.0])])[:, None, None]
    found = within_reach(samples, torch.zeros(1, 1))
    # two draws of 80 lie beyond either end
    assert found[-1].item() == pytest.approx(REACH * samples[77].item())
    assert torch.equal(found[:-1], samples[:-1])


def test_only_what_lies_far_beyond_the_ends_is_moved():
    samples = heavy()
    median = samples.quantile(0.5, dim=0)
    found = within_reach(samples, median)
    for level in (0.025, 0.5, 0.975):
        assert torch.equal(found.quantile(level, dim=0), samples.quantile(level, dim=0))
    lower, upper = (samples.quantile(level, dim=0) for level in (0.025, 0.975))
    near = (samples > median + 1.9 * (lower - median)) & (samples < median + 1.9 * (upper - median))
    assert torch.equal(found[near], samples[near])
    assert (found <= median + 2.1 * (upper - median)).all()
    assert (found >= median + 2.1 * (lower - median)).all()
    assert (found != samples).any()


@pytest.mark.parametrize("draws", [1, 2, 39])
def test_of_few_draws_the_outermost_are_the_ends(draws):
    samples = heavy()[:draws]
    assert torch.equal(within_reach(samples, samples.quantile(0.5, dim=0)), samples)


def test_halves_of_no_width_and_infinite_draws():
    samples = torch.zeros(S, 1, 1, dtype=torch.float64)
    assert torch.equal(within_reach(samples, samples[0]), samples)
    samples[-3:] = math.inf
    assert within_reach(samples, samples[0]).isfinite().all()
