"""What makes a program another one, and the sentences about functions that fail."""

import contextlib
import math
import warnings
from pathlib import Path

import numpy as np
import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from scipy import stats

from features.simulated.world import simulate
from features.videos import Videos
from forecast import load
from forecast.draws import draw, draw_chunks
from forecast.latent import drawn
from forecast.member import Member
from forecast.mixture import mixture_summary
from forecast.run.configuration import Configuration
from machine.errors import InputError, InputWarning
from model.likelihood import NanMasked
from program import Networks, Program, build, read_program
from tests.conftest import member_of
from training import train
from training.fit import fit

SMALL = Configuration(latent=4, width=16, members=1, epochs=1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_a_constant_belongs_to_the_program(tmp_path: Path) -> None:
    text = """
WIDEN = {}
PAIR = (object(), 1)


def model(videos, decoder, kl_weight=1.0):
    return WIDEN * Scaled().by(decoder), PAIR

class Scaled:
    def by(self, decoder):
        return decoder * DEEPER

DEEPER = {}
"""
    found = []
    for first, second in ((1.0, 1), (1.0, 2), (2.0, 1), (1.0, 1)):
        file = tmp_path / f"p{len(found)}.py"
        file.write_text(text.format(first, second))
        found.append(read_program(file).fingerprint)
    assert len(set(found)) == 3
    assert found[3] == found[0]  # an object's address is no constant


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda videos: None, "fails on 3 videos: TypeError"),
        (lambda videos, decoder, kl_weight=1.0: {}["no such key"], "fails on 3 videos: KeyError"),
    ],
)
def test_functions_that_fail_are_refused_in_a_sentence(model, said, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        train(simulate(60)[0], Configuration(members=1, epochs=1, width=16), model=model, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match="build returns a NoneType"):
        train(simulate(60)[0], Configuration(members=1, epochs=1, width=16), build=lambda *given: None, run=tmp_path / "run")


def model_of(distribution, *, observed=lambda popularity: popularity, width: int = 2):
    """A model whose popularity has the distribution that is made of z (..., N, 2) and the videos."""

    def model(videos, decoder, kl_weight=1.0):
        shift = pyro.param("a.b", torch.zeros(()))
        with pyro.plate("videos", len(videos), dim=-1):
            with poutine.scale(scale=kl_weight):
                z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), width), 1.0).to_event(1))
            obs = None if videos.popularity is None else observed(videos.popularity)
            pyro.sample("popularity", distribution(z + shift, videos), obs=obs)

    return model


def guide(videos, experts, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1), poutine.scale(scale=kl_weight):
        pyro.sample("z", dist.Normal(torch.zeros(len(videos), 2), 1.0).to_event(1))


def reads_popularity(videos, experts, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1), poutine.scale(scale=kl_weight):
        pyro.sample("z", dist.Normal(videos.popularity.nan_to_num(), 1.0).to_event(1))


def two_parameters(videos, experts, kl_weight=1.0):
    pyro.param("a/b", torch.ones(()))
    guide(videos, experts, kl_weight)


def second_plate(dim: int, *, of_videos: bool):
    """A model and guide with numbers in a second plate, one for each video or one for all videos."""

    def both(videos, decoder=None, experts=None, kl_weight=1.0):
        plate = pyro.plate("videos", len(videos), dim=-1)
        with plate if of_videos else contextlib.nullcontext(), pyro.plate("targets", 2, dim=dim):
            pyro.sample("effects", dist.Normal(pyro.param("loc", torch.zeros(())), 1.0))
        with plate:
            if decoder is not None:
                pyro.sample("popularity", normal(torch.zeros(len(videos), 2), videos), obs=videos.popularity)

    return both, both


def normal(z, videos):
    return NanMasked(dist.Normal(z, 1.0))


def trained(model, guide, videos: Videos):
    settings = Configuration(targets=("a", "b"), target_scale="identity", epochs=1, batch_size=30)
    return fit(model, guide, Networks(torch.nn.Module(), torch.nn.Module()), videos, videos, settings)


@pytest.mark.parametrize(
    ("model", "guide", "said"),
    [
        (model_of(normal, observed=lambda popularity: popularity / 2), guide, "observes something else than videos.popularity"),
        (model_of(lambda z, videos: normal(torch.cat([z, videos["a"].numbers], -1)[..., :2], videos)), guide, "with 200 draws at a time"),
        (model_of(lambda z, videos: normal(z + z[:, :1], videos)), guide, "count from the last"),
        (model_of(lambda z, videos: normal(z - z.mean(0), videos)), guide, "forecast otherwise beside other draws"),
        (
            model_of(lambda z, videos: normal(z - z.mean(-2, keepdim=True), videos)),
            guide,
            "'popularity' of a video changes with the videos",
        ),
        (model_of(normal), reads_popularity, "on 3 videos of unknown popularity"),
        (*second_plate(-2, of_videos=True), r"'effects' lies in a second plate, whose dimension is for draws: use .to_event\(1\) instead"),
        (*second_plate(-3, of_videos=True), r"'effects' lies in a second plate"),
        (*second_plate(-2, of_videos=False), r"at dim=-2, which is for draws: use .to_event\(1\) instead of a second plate$"),
        (model_of(normal), two_parameters, "'a.b' and 'a/b' cannot be told apart"),
        (model_of(lambda z, videos: dist.Normal(z, 1.0).to_event(1)), guide, "unknown .NaN., .* wrap it in NanMasked"),
        (model_of(lambda z, videos: NanMasked(dist.Gamma(z.exp(), 1.0))), guide, "on popularity from -.* within the support"),
        (model_of(lambda z, videos: NanMasked(dist.NegativeBinomial(2.0, logits=z))), guide, "IntegerGreaterThan"),
    ],
)
def test_what_would_end_in_a_traceback_or_in_other_numbers_is_refused_before_training(model, guide, said: str, make_videos) -> None:
    videos = make_videos(60, {"a": 1}, targets=2, missing=0.0)
    videos.popularity[5, 0] = torch.nan
    with pytest.raises(InputError, match=said):
        trained(model, guide, videos)


@pytest.mark.parametrize(
    "likelihood",
    [
        lambda z: dist.Cauchy(z, 1.0),
        lambda z: dist.Gumbel(z, 1.0),
        lambda z: dist.ZeroInflatedDistribution(dist.Normal(z, 1.0), gate=torch.full_like(z, 0.1)),
        lambda z: dist.MixtureSameFamily(dist.Categorical(torch.ones(*z.shape, 2)), dist.Normal(torch.stack([z, z + 1], -1), 1.0)),
        lambda z: dist.TransformedDistribution(dist.Normal(z, 1.0), [dist.transforms.AffineTransform(1.0, 2.0)]),
    ],
    ids=["no moments", "bounded base", "no cdf", "no gradient of draws", "no mean"],
)
def test_other_likelihoods_are_trained_on_unknown_numbers_and_forecast(likelihood, make_videos) -> None:
    videos = make_videos(60, {"a": 1}, targets=2, missing=0.0)
    videos.popularity[5, 0] = torch.nan
    member = trained(model_of(lambda z, videos: NanMasked(likelihood(z))), guide, videos)
    assert member.parameters_by_name["a/b"].isfinite()
    assert draw([member], videos, 250).isfinite().all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        assert np.isfinite(mixture_summary([member], videos, 50)["median"]).all()


@pytest.mark.parametrize("event", [(), (3, 2)], ids=["one number", "a matrix"])
def test_z_of_any_shape_is_forecast_at_even_points(event: tuple[int, ...], make_videos) -> None:
    def site(videos, loc: float, scale: float):
        return pyro.sample("z", dist.Normal(torch.full((len(videos), *event), loc), scale).to_event(len(event)))

    def model(videos, decoder, kl_weight=1.0):
        with pyro.plate("videos", len(videos), dim=-1):
            with poutine.scale(scale=kl_weight):
                z = site(videos, 0.0, 1.0)
            total = z.flatten(-2).sum(-1) if event else z
            pyro.sample("popularity", NanMasked(dist.Normal(total[..., None], 0.5)), obs=videos.popularity)

    def guide(videos, experts, kl_weight=1.0):
        with pyro.plate("videos", len(videos), dim=-1), poutine.scale(scale=kl_weight):
            site(videos, 2.0, 0.3)

    videos = make_videos(4, {"a": 1}, targets=1, missing=0.0)
    member = Member(Program(model, guide), Networks(torch.nn.Module(), torch.nn.Module())).setup(videos)
    torch.manual_seed(0)
    numbers = math.prod(event)
    samples = torch.cat([*draw_chunks([member], videos, 4000, exact=True)], dim=1)[..., 0]
    exact = stats.norm(2.0 * numbers, math.hypot(0.3 * numbers**0.5, 0.5))
    np.testing.assert_allclose(np.quantile(samples, 0.975, axis=0), exact.ppf(0.975), atol=0.15)  # 32 points of z


def test_a_lognormal_z_is_not_forecast_as_a_normal(make_videos) -> None:
    def site(videos, loc: float):
        with pyro.plate("videos", len(videos), dim=-1):
            return pyro.sample("z", dist.LogNormal(torch.full((len(videos), 1), loc), 1.0).to_event(1))

    videos = make_videos(2, {"a": 1}, targets=1)
    member = member_of(
        lambda videos: pyro.sample("popularity", NanMasked(dist.Normal(site(videos, 0.0), 1.0))), lambda videos: site(videos, 0.0)
    )
    [sites] = drawn(member, videos, (64, "sobol"))
    assert (sites["z"].value > 0).all()


class Turned(torch.nn.Module):
    """A decoder of z turned by a matrix that is drawn, registered or not; or one that training changes."""

    def __init__(self, decoder, registered: bool, counts: bool = False) -> None:
        super().__init__()
        self.decoder, self.latent, self.steps, self.counts = decoder, decoder.latent, 0, counts
        turn = torch.eye(decoder.latent) if counts else torch.randn(decoder.latent, decoder.latent)
        if registered:
            self.register_buffer("turn", turn)
        else:
            self.turn = turn

    def forward(self, z):
        self.steps += self.training and self.counts
        return self.decoder(z @ (self.turn * (1 + self.steps)))


@pytest.mark.parametrize(("registered", "counts", "refused"), [(True, False, False), (False, False, True), (False, True, True)])
def test_tensors_that_a_run_would_lack_are_refused(registered: bool, counts: bool, refused: bool, tmp_path: Path) -> None:
    def build_turned(shapes, targets, configuration):
        networks = build(shapes, targets, configuration)
        return Networks(networks.experts, Turned(networks.decoder, registered, counts))

    run = tmp_path / "run"
    with pytest.raises(InputError, match="register it with register_buffer") if refused else contextlib.nullcontext():
        train(simulate(100)[0], SMALL, build=build_turned, run=run)
    assert run.exists() != refused


def test_networks_that_cannot_be_built_without_memory_are_read_again(tmp_path: Path) -> None:
    class Lazy(torch.nn.Module):
        def __init__(self, decoder) -> None:
            super().__init__()
            self.decoder, self.latent = decoder, decoder.latent
            self.width = int(torch.tensor(float(decoder.latent)).item())  # of which there is none without memory
            self.first, self.norm = torch.nn.LazyLinear(self.width), torch.nn.BatchNorm1d(self.width)

        def forward(self, z):
            return self.decoder(self.norm(self.first(z).flatten(0, -2)).reshape(z.shape))

    def build_lazy(shapes, targets, configuration):
        networks = build(shapes, targets, configuration)
        return Networks(networks.experts, Lazy(networks.decoder))

    forecaster = train(simulate(100)[0], SMALL, build=build_lazy, run=tmp_path / "run")
    videos = simulate(120)[0].take(np.arange(100, 120))
    assert np.array_equal(forecaster.forecast(videos, 20).samples, load(tmp_path / "run", build=build_lazy).forecast(videos, 20).samples)


def test_a_mistake_in_the_networks_alone_is_a_sentence(tmp_path: Path) -> None:
    def build_wrong(shapes, targets, configuration):
        networks = build(shapes, targets, configuration)
        return Networks(networks.experts, torch.nn.Linear(7, 4))

    with pytest.raises(InputError, match="fails on 3 videos: AttributeError"):
        train(simulate(60)[0], SMALL, build=build_wrong, run=tmp_path / "run")
