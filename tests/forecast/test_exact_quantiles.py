"""Draws moved to the exact quantiles: by value, with less noise than draws, and still moving together."""

import numpy as np
import pyro
import pyro.distributions as dist
import pytest
import torch
from scipy import stats

from forecast.draws import draw, draw_chunks
from forecast.exact_quantiles import POINTS, moved, quantiles, with_exact_quantiles
from forecast.member import Member
from forecast.mixture import LEVELS, likelihoods_given_z
from model.likelihood import NanMasked, NormalMixture
from tests.conftest import member_of

LOC, SCALE, NOISE = 2.0, 0.5, 1.2


def program(likelihood) -> Member:
    """z ~ Normal(2, 0.5), y | z ~ likelihood(z) of two numbers."""

    def model(videos):
        with pyro.plate("videos", len(videos), dim=-1):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), 2), 1.0).to_event(1))
            pyro.sample("popularity", likelihood(z), obs=videos.popularity)

    def guide(videos):
        with pyro.plate("videos", len(videos), dim=-1):
            pyro.sample("z", dist.Normal(torch.full((len(videos), 2), LOC), SCALE).to_event(1))

    return member_of(model, guide)


def test_quantiles_are_those_of_numpy():
    samples = torch.randn(101, 3, 2, generator=torch.Generator().manual_seed(0))
    expected = np.quantile(samples.numpy(), list(LEVELS.values()), axis=0)
    np.testing.assert_allclose(quantiles(samples), expected, rtol=1e-5, atol=1e-6)


def test_draws_move_by_the_line_through_the_points():
    samples = torch.tensor([-3.0, -2.0, 0.0, 1.0, 5.0, 9.0]).reshape(-1, 1, 1)
    old, new = (torch.tensor(points).reshape(-1, 1, 1) for points in ([-2.0, 0.0, 4.0], [-1.0, 0.0, 8.0]))
    assert moved(samples, old, new).flatten().tolist() == [-1.5, -1.0, 0.0, 2.0, 10.0, 18.0]


def test_points_that_coincide_move_draws_aside():
    samples = torch.tensor([1.0, 1.0, 2.0]).reshape(-1, 1, 1)
    old, new = (torch.tensor(points).reshape(-1, 1, 1) for points in ([1.0, 1.0, 1.5], [0.5, 0.5, 1.0]))
    assert moved(samples, old, new).flatten().tolist() == [0.5, 0.5, 1.5]


def test_bounds_have_a_third_of_the_noise_of_draws(make_videos):
    ours, exact = program(lambda z: NanMasked(dist.Normal(z, NOISE))), stats.norm(LOC, np.hypot(SCALE, NOISE)).ppf(0.975)
    plain, less = [], []
    for seed in range(30):
        torch.manual_seed(seed)
        samples = draw([ours], make_videos(4), 400)
        plain.append(np.quantile(samples, 0.975, axis=0) - exact)
        less.append(
            np.quantile(with_exact_quantiles(samples, likelihoods_given_z([ours], make_videos(4), POINTS, "sobol")), 0.975, axis=0) - exact
        )
    # 240 errors each: their root mean square varies by 5 % at random, so a third is out of reach of noise
    assert np.square(less).mean() ** 0.5 < np.square(plain).mean() ** 0.5 / 3


def test_targets_keep_moving_together(make_videos):
    factor = torch.tensor([[1.0, 0.0], [0.9, (1 - 0.9**2) ** 0.5]])

    def likelihood(z):
        return NormalMixture(torch.zeros(*z.shape[:-1], 1), 0 * z[..., None, :], factor.expand(*z.shape[:-1], 1, 2, 2))

    ours = program(likelihood)
    torch.manual_seed(0)
    samples = draw([ours], make_videos(1), 4000)
    found = with_exact_quantiles(samples, likelihoods_given_z([ours], make_videos(1), POINTS, "sobol"))[:, 0]
    assert abs(np.corrcoef(found.T)[0, 1] - 0.9) < 0.02
    assert torch.equal(found.argsort(dim=0), samples[:, 0].argsort(dim=0))


def test_a_likelihood_without_a_distribution_function_keeps_its_draws(make_videos):
    torch.manual_seed(0)
    ours = program(lambda z: NanMasked(dist.StudentT(3.0, z, NOISE)))
    samples = draw([ours], make_videos(2), 300)
    assert torch.equal(with_exact_quantiles(samples, likelihoods_given_z([ours], make_videos(2), POINTS, "sobol")), samples)


def test_few_draws_stay_as_they_are(make_videos):
    torch.manual_seed(0)
    ours = program(lambda z: NanMasked(dist.Normal(z, NOISE)))
    for count in (1, 50):
        samples = draw([ours], make_videos(2), count)
        assert torch.equal(with_exact_quantiles(samples, likelihoods_given_z([ours], make_videos(2), POINTS, "sobol")), samples)


def test_a_likelihood_without_a_mean_has_exact_quantiles(make_videos):
    ours = program(lambda z: NanMasked(dist.Cauchy(z, NOISE)))
    torch.manual_seed(0)
    found = with_exact_quantiles(draw([ours], make_videos(2), 300), likelihoods_given_z([ours], make_videos(2), POINTS, "sobol"))
    # z moves the quartiles of a Cauchy (1.2 from its centre) by less than its own spread
    np.testing.assert_allclose(np.quantile(found, 0.75, axis=0), LOC + NOISE, atol=0.35)


def two_sites(zeros):
    return pyro.sample("z", dist.Normal(zeros, 1.0)) + pyro.sample("w", dist.Normal(zeros, 1.0))


def one_site(zeros):
    return pyro.sample("z", dist.MultivariateNormal(torch.stack([zeros, zeros], -1), torch.eye(2))).sum(-1)


@pytest.mark.parametrize("latent", [two_sites, one_site])
def test_only_sobol_points_move_draws(latent, make_videos):
    """A sum of two numbers: 1,000 draws err by 0.12 at the end of its interval, 32 independent points of it by some 0.6."""

    def guide(videos):
        with pyro.plate("videos", len(videos), dim=-1):
            latent(torch.zeros(len(videos)))

    def model(videos):
        with pyro.plate("videos", len(videos), dim=-1):
            total = latent(torch.zeros(len(videos)))
            pyro.sample("popularity", NanMasked(dist.Normal(total[..., None], 0.1)), obs=videos.popularity)

    torch.manual_seed(0)
    ours, videos = member_of(model, guide), make_videos(16, {"a": 1}, targets=1)
    samples = torch.cat([*draw_chunks([ours], videos, 1000, seed=3, exact=True)], dim=1)
    assert np.square(np.quantile(samples[..., 0], 0.975, axis=0) - stats.norm(0, 2.01**0.5).ppf(0.975)).mean() ** 0.5 < 0.25
