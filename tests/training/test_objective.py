"""Eq. 1 by value: the loss, its gradients, its exact optimum in a linear-Gaussian world, and the traces of model and guide."""

import dataclasses
from functools import partial

import numpy as np
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import Trace_ELBO
from torch import nn

from features.targets import Targets
from features.videos import Part, PartShape, Videos
from forecast.draws import draw
from forecast.member import Member
from forecast.run.configuration import Configuration
from guide import Experts, guide, posterior
from model import model
from model.likelihood import NanMasked
from program import Networks, Program, build
from tests.conftest import member_of
from training.fit import fit
from training.watch import epoch_numbers, objective_terms

SMALL = Configuration(latent=3, width=8, depth=1, members=1, likelihood="normal", periodic=False, dropout=0.0)


def networks(videos: Videos, configuration: Configuration = SMALL) -> Networks:
    torch.manual_seed(1)
    shapes = {name: PartShape(*part.shape) for name, part in videos.items()}
    targets = videos.popularity.shape[1]
    return build(
        shapes, Targets(tuple("abcd"[:targets]), "identity", np.zeros(targets), np.ones(targets), np.zeros(targets, bool)), configuration
    )


def closed_form(videos: Videos, found: Networks, weight: float, noise: torch.Tensor) -> torch.Tensor:
    """weight * KL - log-likelihood in plain PyTorch, for one reparameterised draw, summed over videos."""
    precision, weighted = torch.ones_like(noise), torch.zeros_like(noise)
    for name, part in videos.items():
        loc, scale = found.experts[name](part)
        precision = precision + part.present[:, None] / scale**2
        weighted = weighted + part.present[:, None] * loc / scale**2
    loc, scale = weighted / precision, precision**-0.5
    z = loc + scale * noise
    raw = found.decoder.head(found.decoder.hidden(z))
    mean, log_scale = raw.chunk(2, -1)
    log_likelihood = torch.distributions.Normal(mean, log_scale.exp()).log_prob(videos.popularity).sum()
    # the draw's own log q - log p, as Trace_ELBO has it
    kl = (torch.distributions.Normal(loc, scale).log_prob(z) - torch.distributions.Normal(0.0, 1.0).log_prob(z)).sum()
    return weight * kl - log_likelihood


@pytest.mark.parametrize("weight", [0.3, 1.0, 2.0])
def test_loss_and_gradients_are_those_of_plain_pytorch(make_videos, weight: float) -> None:
    videos = make_videos(11)
    found = networks(videos)
    parameters = list(found.experts.parameters()) + list(found.decoder.parameters())
    torch.manual_seed(5)
    loss = Trace_ELBO().differentiable_loss(
        partial(model, decoder=found.decoder, kl_weight=weight), partial(guide, experts=found.experts, kl_weight=weight), videos
    )
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    torch.manual_seed(5)
    wanted = closed_form(videos, found, weight, torch.randn(11, 3))
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=1e-4)
    for one, other in zip(gradients, torch.autograd.grad(wanted, parameters, allow_unused=True), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("weight", [0.3, 1.0, 2.0])
def test_expected_loss_is_weight_times_kl_minus_log_likelihood(make_videos, weight: float) -> None:
    """With the exact KL: the mean over 2,000 draws lies within the error that a correct program exceeds once in 50,000 seeds."""
    videos = make_videos(3)
    found = networks(videos)
    many = videos.rows(torch.arange(3).repeat(2000))
    one_model, one_guide = partial(model, decoder=found.decoder), partial(guide, experts=found.experts)
    torch.manual_seed(6)
    with torch.no_grad():
        terms = objective_terms(one_model, one_guide, many)
        guided = poutine.trace(partial(one_guide, kl_weight=weight)).get_trace(many)
        modelled = poutine.trace(poutine.replay(partial(one_model, kl_weight=weight), trace=guided)).get_trace(many)
        loss = Trace_ELBO().loss(partial(one_model, kl_weight=weight), partial(one_guide, kl_weight=weight), many) / len(many)
        modelled.compute_log_prob(), guided.compute_log_prob()
        spread = float((modelled.nodes["popularity"]["log_prob"] + modelled.nodes["z"]["log_prob"] - guided.nodes["z"]["log_prob"]).std())
        loc, scale = posterior(videos, found.experts)
    exact = float(0.5 * (loc**2 + scale**2 - 1 - 2 * scale.log()).sum() / 3)
    assert terms["kl"] == pytest.approx(exact, rel=1e-4)
    assert sum(terms["kl_by_dimension"]) == pytest.approx(exact, abs=1e-3)
    error = spread * (2 / len(many)) ** 0.5  # of the loss and of the log-likelihood, each a mean of draws
    assert abs(loss - (weight * exact - terms["log_likelihood"])) < 4.3 * error


def test_unknown_targets_take_no_part(make_videos) -> None:
    videos = make_videos(4)
    found = networks(videos)
    holes = videos.popularity.clone()
    holes[1, 0], holes[2] = torch.nan, torch.nan
    trace = poutine.trace(partial(model, decoder=found.decoder)).get_trace(Videos(videos.parts, holes))
    site = trace.nodes["popularity"]
    base = site["fn"].base
    density = base.log_prob(videos.popularity)
    density = torch.where(holes.isnan(), 0.0, density)
    torch.testing.assert_close(site["fn"].log_prob(site["value"]), density.sum(-1))


class LinearDecoder(nn.Module):
    """p(y | z) = Normal(A z + b, spread): with a Normal z, everything about it is known."""

    def __init__(self, latent: int, targets: int) -> None:
        super().__init__()
        self.latent, self.linear = latent, nn.Linear(latent, targets)
        self.log_scale = nn.Parameter(torch.zeros(targets))

    def forward(self, z: torch.Tensor) -> NanMasked:
        return NanMasked(dist.Normal(self.linear(z), self.log_scale.exp()))


class LinearExpert(nn.Module):
    """p(z | x_j) with loc linear in x_j and a free scale: the exact family of the linear-Gaussian world."""

    def __init__(self, numbers: int, latent: int) -> None:
        super().__init__()
        self.latent, self.linear = latent, nn.Linear(numbers, latent)
        self.log_scale = nn.Parameter(torch.full((latent,), -0.7))

    def forward(self, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        loc = self.linear(part.numbers)
        return loc, self.log_scale.exp().expand_as(loc)


NOISE = {"visual": 0.5, "social": 1.0}
PRECISION = 1 + sum(scale**-2 for scale in NOISE.values())  # of z given both parts


def linear_world(count: int, seed: int) -> tuple[Videos, torch.Tensor]:
    """z ~ Normal(0, 1); x_j = z + noise_j for two parts; y = 2 z + 1 + noise of scale 0.5. Also E[z | x], (N, 1)."""
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(count, 1, generator=random)
    numbers = {name: z + scale * torch.randn(count, 1, generator=random) for name, scale in NOISE.items()}
    here, codes = torch.ones(count, dtype=torch.bool), torch.zeros(count, 0, dtype=torch.int64)
    expected = sum(numbers[name] / scale**2 for name, scale in NOISE.items()) / PRECISION
    y = 2 * z + 1 + 0.5 * torch.randn(count, 1, generator=random)
    return Videos({name: Part(one, codes, here) for name, one in numbers.items()}, y), expected


def test_linear_gaussian_world_the_guide_finds_the_exact_posterior() -> None:
    """With the true decoder, Eq. 1 has its optimum at z ~ Normal(16/17 E[z | x], 1/17): found to 0.05 in loc, 3 % in scale."""
    torch.manual_seed(0)
    experts, decoder = Experts({name: LinearExpert(1, 1) for name in NOISE}), LinearDecoder(1, 1).requires_grad_(False)
    decoder.linear.weight.fill_(2.0), decoder.linear.bias.fill_(1.0), decoder.log_scale.fill_(np.log(0.5))
    optimizer = torch.optim.LBFGS(experts.parameters(), max_iter=80, line_search_fn="strong_wolfe")
    videos, expected = linear_world(4000, seed=0)

    def closure() -> torch.Tensor:
        torch.manual_seed(7)  # the same draws at every step: a smooth function of the parameters
        optimizer.zero_grad()
        loss = Trace_ELBO().differentiable_loss(partial(model, decoder=decoder), partial(guide, experts=experts), videos) / len(videos)
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        loc, scale = posterior(videos, experts)
    assert float((loc - 16 / 17 * expected).square().mean().sqrt()) < 0.05
    torch.testing.assert_close(scale, torch.full_like(scale, 17**-0.5), rtol=0.03, atol=0)


def test_linear_gaussian_world_training_finds_the_exact_forecast() -> None:
    """With a small KL weight the forecast is y | x ~ Normal(1 + 2 E[z | x], 4 / 6 + 0.25): to 0.1 in mean, 7 % in scale."""
    torch.manual_seed(0)
    found = Networks(Experts({name: LinearExpert(1, 1) for name in NOISE}), LinearDecoder(1, 1))
    nothing_left_out = {"part_left_out": 0.0, "author_left_out": 0.0, "weight_decay": 0.0}
    settings = dataclasses.replace(SMALL, latent=1, epochs=15, batch_size=200, learning_rate=0.03, kl_weight=0.01, **nothing_left_out)
    fit(model, guide, found, linear_world(4000, seed=1)[0], linear_world(200, seed=2)[0], settings)
    test, expected = linear_world(300, seed=3)
    torch.manual_seed(1)
    with torch.no_grad():
        samples = draw([member_of(partial(model, decoder=found.decoder), partial(guide, experts=found.experts))], test, 4000)[..., 0]
    assert float((samples.mean(0) - (1 + 2 * expected[:, 0])).square().mean().sqrt()) < 0.1
    assert float(samples.std(0).mean()) == pytest.approx((4 / PRECISION + 0.25) ** 0.5, rel=0.07)


def test_the_posterior_does_not_change_when_the_truth_does(make_videos) -> None:
    videos = make_videos(9)
    found = networks(videos)
    wanted = posterior(videos, found.experts)
    for popularity in (videos.popularity + 100, torch.full_like(videos.popularity, torch.nan), None):
        other = posterior(Videos(videos.parts, popularity), found.experts)
        assert torch.equal(other[0], wanted[0])
        assert torch.equal(other[1], wanted[1])


def test_model_and_guide_agree_in_sites_and_shapes(make_videos) -> None:
    videos = make_videos(9)
    found = networks(videos)
    guided = poutine.trace(partial(guide, experts=found.experts)).get_trace(videos)
    modelled = poutine.trace(partial(model, decoder=found.decoder)).get_trace(videos)
    assert set(modelled.stochastic_nodes) - {"videos"} == set(guided.stochastic_nodes) - {"videos"} == {"z"}
    for trace in (guided, modelled):
        trace.compute_log_prob()
        site = trace.nodes["z"]
        assert site["fn"].event_shape == (3,)
        assert site["value"].shape == (9, 3)
        assert site["log_prob"].shape == (9,)
        assert [(frame.name, frame.dim, frame.size) for frame in site["cond_indep_stack"]] == [("videos", -1, 9)]
    observed = modelled.nodes["popularity"]
    assert observed["is_observed"]
    assert observed["log_prob"].shape == (9,)
    assert [(frame.name, frame.dim) for frame in observed["cond_indep_stack"]] == [("videos", -1)]


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("likelihood", ["normal", "mixture"])
def test_a_forecast_cannot_be_handed_the_truth(make_videos, likelihood: str, count: int) -> None:
    videos = make_videos(count)
    found = networks(videos, dataclasses.replace(SMALL, likelihood=likelihood))
    program = member_of(partial(model, decoder=found.decoder), partial(guide, experts=found.experts))
    torch.manual_seed(2)
    labelled = draw([program], videos, 40)
    torch.manual_seed(2)
    unlabelled = draw([program], videos.unlabelled(), 40)
    assert labelled.shape == (40, count, 3)
    assert torch.equal(labelled, unlabelled)
    assert (labelled.std(0) > 0).all()


def test_everything_names_its_device(make_videos) -> None:
    """With `meta` as torch's default device, whatever is made without a device would fail; a step and a forecast still run."""
    videos = make_videos(40)
    for likelihood in ("normal", "mixture"):
        found = networks(videos, dataclasses.replace(SMALL, likelihood=likelihood, periodic=True, dropout=0.1))
        settings = dataclasses.replace(SMALL, epochs=1, batch_size=20)
        with torch.device("meta"):
            fit(model, guide, found, videos, videos, settings)
            samples = draw([member_of(partial(model, decoder=found.decoder), partial(guide, experts=found.experts))], videos, 12)
        assert samples.device.type == "cpu"
        assert samples.isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_step_and_a_forecast_on_a_gpu(make_videos) -> None:
    videos = make_videos(40).to("cuda")
    found = networks(videos)
    found.experts.to("cuda"), found.decoder.to("cuda")
    fit(model, guide, found, videos, videos, dataclasses.replace(SMALL, epochs=1, batch_size=20))
    samples = draw([member_of(partial(model, decoder=found.decoder), partial(guide, experts=found.experts))], videos, 12)
    assert samples.device.type == "cuda"
    assert samples.isfinite().all()


def test_growth_is_watched_as_it_is_scored(make_videos) -> None:
    """The CRPS of an epoch is in the training scale, not in units of the expected growth."""
    videos = make_videos(20)
    halved = dataclasses.replace(videos, origin=torch.zeros(20, 3), unit=torch.full((20, 3), 0.5), floor=torch.zeros(20, 3))
    member = Member(Program(model, guide), networks(videos)).setup(videos)
    whole, half = (epoch_numbers(member, one, SMALL)["validation_crps"] for one in (videos, halved))
    assert whole > 0.1
    assert half == pytest.approx(whole / 2)
