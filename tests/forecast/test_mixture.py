"""The mixture of likelihoods: exact quantiles against closed forms, and less noise than draws."""

import numpy as np
import pyro
import pyro.distributions as dist
import pytest
import torch
from scipy import stats

from forecast.member import Member
from forecast.mixture import mixture_summary, solve
from machine.errors import InputWarning
from model.likelihood import NanMasked
from tests.conftest import member_of

LOC, SCALE, NOISE = 2.0, 0.5, 1.2


def program(likelihood=dist.Normal) -> Member:
    """z ~ Normal(2, 0.5), y | z ~ Normal(z, 1.2): y ~ Normal(2, 1.3) exactly."""

    def model(videos):
        with pyro.plate("videos", len(videos), dim=-1):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), 2), 1.0).to_event(1))
            pyro.sample("popularity", NanMasked(likelihood(z, NOISE)), obs=videos.popularity)

    def guide(videos):
        with pyro.plate("videos", len(videos), dim=-1):
            pyro.sample("z", dist.Normal(torch.full((len(videos), 2), LOC), SCALE).to_event(1))

    return member_of(model, guide)


def test_roots_are_those_of_the_normal():
    levels = torch.tensor([0.025, 0.5, 0.975], dtype=torch.float64)
    found = solve(torch.special.ndtr, levels, torch.full((3,), 40.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
    np.testing.assert_allclose(found, stats.norm.ppf(levels), atol=2e-4)


@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_summary_is_that_of_the_exact_forecast(make_videos, sampler):
    torch.manual_seed(0)
    rows = mixture_summary([program()], make_videos(3), 4096, sampler=sampler)
    exact = stats.norm(LOC, np.hypot(SCALE, NOISE))
    # a mean of 4096 z has standard error 0.5 / 64 = 0.008, a bound at most twice that: five of them
    for name, level in (("lower_95", 0.025), ("median", 0.5), ("upper_95", 0.975)):
        np.testing.assert_allclose(rows[name], exact.ppf(level), atol=0.08)
    np.testing.assert_allclose(rows["mean"], LOC, atol=0.04)


def test_sobol_points_are_less_noisy(make_videos):
    torch.manual_seed(1)
    means = {
        sampler: np.std([mixture_summary([program()], make_videos(1), 64, sampler=sampler)["mean"][0, 0] for _ in range(20)])
        for sampler in ("random", "sobol")
    }
    assert means["sobol"] < 0.3 * means["random"]


def test_a_likelihood_without_distribution_function_falls_back_to_draws(make_videos):
    torch.manual_seed(3)
    with pytest.warns(InputWarning, match="come from draws"):
        rows = mixture_summary([program(lambda z, scale: dist.StudentT(5.0, z, scale))], make_videos(2), 100)
    np.testing.assert_allclose(rows["median"], LOC, atol=0.6)
    assert (rows["lower_95"] < rows["median"]).all()
