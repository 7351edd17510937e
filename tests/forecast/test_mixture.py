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


def test_factors_stretch_each_half_about_the_median(make_videos):
    factor = np.array([[[1.0, 1.0], [1.0, 1.0]], [[2.0, 3.0], [1.0, 0.5]]])
    torch.manual_seed(2)
    plain = mixture_summary([program()], make_videos(2), 50)
    torch.manual_seed(2)
    rows = mixture_summary([program()], make_videos(2), 50, factor=factor)
    assert rows.keys() == plain.keys()
    for name, values in rows.items():
        np.testing.assert_allclose(values[0], plain[name][0], rtol=1e-6)
    np.testing.assert_allclose((rows["upper_95"] - rows["median"])[1], [1.0, 0.5] * (plain["upper_95"] - plain["median"])[1])
    np.testing.assert_allclose((rows["lower_50"] - rows["median"])[1], [2.0, 3.0] * (plain["lower_50"] - plain["median"])[1])


def test_the_mean_of_a_normal_whose_halves_are_stretched(make_videos):
    """N(loc, scale) has E[max(y - loc, 0)] = scale / sqrt(2 pi): the mean moves by (above - below) times that."""
    videos = make_videos(3)
    factor = np.broadcast_to(np.array([[0.5], [2.0]]), (3, 2, 2))
    torch.manual_seed(4)
    plain = mixture_summary([program()], videos, 4000)
    torch.manual_seed(4)
    rows = mixture_summary([program()], videos, 4000, factor=factor)
    scale = (plain["upper_95"] - plain["lower_95"]) / 3.92
    np.testing.assert_allclose((rows["mean"] - plain["mean"]) / scale, 1.5 / np.sqrt(2 * np.pi), atol=0.02)


def test_a_likelihood_without_distribution_function_falls_back_to_draws(make_videos):
    torch.manual_seed(3)
    with pytest.warns(InputWarning, match="come from draws"):
        rows = mixture_summary([program(lambda z, scale: dist.StudentT(5.0, z, scale))], make_videos(2), 100)
    np.testing.assert_allclose(rows["median"], LOC, atol=0.6)
    assert (rows["lower_95"] < rows["median"]).all()
    with pytest.warns(InputWarning, match="come from draws"):
        wider = mixture_summary(
            [program(lambda z, scale: dist.StudentT(5.0, z, scale))], make_videos(2), 100, factor=np.full((2, 2, 2), 2.0)
        )
    assert wider.keys() == rows.keys()
    np.testing.assert_allclose(wider["upper_95"] - wider["median"], 2 * (rows["upper_95"] - rows["median"]), rtol=0.4)
