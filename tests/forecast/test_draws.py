"""A pair whose forecast of a video depends on the other videos is refused; any other is not, however it draws."""

from functools import partial

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.distributions.transforms import ExpTransform, Planar

from forecast.draws import try_draws
from machine.errors import InputError
from model.likelihood import NanMasked
from tests.conftest import member_of


def flow(loc, transform):
    return dist.TransformedDistribution(dist.Normal(loc, 1.0).to_event(1), [transform])


def normal(z):
    return NanMasked(dist.Normal(z, 1.0))


def member(posterior, popularity=normal):
    """z (N, 2) has the distribution `posterior` of the videos' numbers (N, 2), and y (N, 2) that of z."""

    def model(videos):
        with pyro.plate("videos", len(videos), dim=-1):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), 2), 1.0).to_event(1))
            pyro.sample("popularity", popularity(z), obs=videos.popularity)

    def guide(videos):
        with pyro.plate("videos", len(videos), dim=-1):
            pyro.sample("z", posterior(videos["a"].numbers))

    return member_of(model, guide)


def own(loc):
    return dist.Normal(loc, 1.0).to_event(1)


def two_steps(videos, observe=False):
    with pyro.plate("videos", len(videos), dim=-1):
        rate = pyro.sample("rate", dist.Gamma(videos["a"].numbers[:, 0].exp(), 1.0))  # takes as many random numbers as it needs
        z = pyro.sample("z", dist.Normal(rate[..., None].expand(*rate.shape, 2), 1.0).to_event(1))
        if observe:
            pyro.sample("popularity", normal(z), obs=videos.popularity)


@pytest.mark.parametrize(
    ("tried", "site"),
    [
        (member(own, lambda z: normal(z - z.mean(-2, keepdim=True))), "popularity"),
        (member(lambda loc: own(loc - loc.mean(0))), "z"),
        (member(lambda loc: own(loc.cumsum(0))), "z"),
        (member(lambda loc: flow(loc - loc.mean(0), ExpTransform())), "z"),
    ],
    ids=["model", "centred", "rows before", "no moments"],
)
def test_what_reads_the_other_videos_is_refused(tried, site: str, make_videos) -> None:
    torch.manual_seed(0)
    videos = make_videos(20, {"a": 2}, targets=2)
    with pytest.raises(InputError, match=f"^the site '{site}' of a video changes with the videos that are forecast beside it"):
        try_draws(tried.setup(videos), videos)


@pytest.mark.parametrize(
    "tried",
    [
        member(own),
        member(lambda loc: own(torch.nn.functional.dropout(loc))),
        member(lambda loc: flow(loc, ExpTransform())),
        member(lambda loc: flow(loc, Planar(2))),
        member_of(partial(two_steps, observe=True), two_steps),
    ],
    ids=["plain", "dropout in forecasts, too", "no moments", "no inverse", "gamma"],
)
def test_what_reads_a_video_alone_is_not(tried, make_videos) -> None:
    torch.manual_seed(0)
    videos = make_videos(20, {"a": 2}, targets=2)
    try_draws(tried.setup(videos), videos)
