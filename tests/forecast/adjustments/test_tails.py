import math

import numpy as np
import pytest
import torch

from forecast.adjustments import tails
from forecast.adjustments.tails import ends, within_reach


def heavy(draws=2000, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_t(1.5, size=(draws, 3, 2)))


def test_by_hand():
    samples = torch.cat([torch.linspace(-1.0, 1.0, 80), torch.tensor([50.0])])[:, None, None]  # the level 0.975 is the 79th of 81
    lower, median, upper = ends(samples)
    assert upper.item() == pytest.approx(-1 + 2 * 78 / 79)
    found = within_reach(samples, lower, median, upper)
    assert found[-1].item() == pytest.approx(median.item() + 2 * (upper - median).item())
    assert torch.equal(found[:-1], samples[:-1])


def test_only_what_lies_further_out_is_moved_and_the_interval_stays():
    samples = heavy()
    lower, median, upper = ends(samples)
    found = within_reach(samples, lower, median, upper)
    assert torch.equal(torch.stack(ends(found)), torch.stack([lower, median, upper]))
    near = (samples >= median - 2 * (median - lower)) & (samples <= median + 2 * (upper - median))
    assert torch.equal(found[near], samples[near])
    assert (~near).any()
    assert (found >= median - 2 * (median - lower)).all()
    assert (found <= median + 2 * (upper - median)).all()


def test_of_many_draws_the_ends_are_draws(monkeypatch):
    samples = heavy(2001)
    between = ends(samples)
    monkeypatch.setattr(tails, "MANY", 0)
    for one, other in zip(between, ends(samples), strict=True):
        torch.testing.assert_close(one, other)  # the levels 0.025, 0.5 and 0.975 are draws of 2,001


def test_halves_of_no_width_and_infinite_draws():
    samples = torch.zeros(2000, 1, 1, dtype=torch.float64)
    assert torch.equal(within_reach(samples, *ends(samples)), samples)
    samples[-3:] = math.inf
    assert within_reach(samples, *ends(samples)).isfinite().all()
