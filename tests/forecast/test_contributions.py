"""Shares and changes against a hand-worked product of two experts of known precision."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from features.videos import Part, Videos
from forecast.contributions import contributions, precision_shares
from guide import Experts


class Constant(nn.Module):
    """An expert whose opinion is the same for every video."""

    def __init__(self, loc, scale):
        super().__init__()
        self.loc, self.scale = loc, scale

    def forward(self, part):
        shape = (len(part.present), 2)
        return torch.full(shape, self.loc), torch.full(shape, self.scale)


class Normal:
    """A forecaster whose K = 1 popularity is z's first dimension: exact quantiles of the product instead of draws."""

    def __init__(self, opinions):
        self.opinions = opinions
        self.members = [SimpleNamespace(experts=Experts({name: Constant(*one) for name, one in opinions.items()}))]

    def blocks(self, videos, samples, *, seed, plain):
        precision = 1.0 + sum(videos[name].present.double() * scale**-2 for name, (_, scale) in self.opinions.items())
        weighted = sum(videos[name].present.double() * loc * scale**-2 for name, (loc, scale) in self.opinions.items())
        levels = torch.special.ndtri((torch.arange(samples).double() + 0.5) / samples)
        yield slice(0, len(videos)), (weighted / precision + levels[:, None] * precision**-0.5).numpy()[:, :, None]


@pytest.fixture
def videos():
    """Three videos; the second lacks b, the third both."""
    present = {"a": [True, True, False], "b": [True, False, False]}
    none = torch.zeros(3, 0, dtype=torch.int64)
    return Videos({name: Part(torch.zeros(3, 1), none, torch.tensor(here)) for name, here in present.items()}, torch.zeros(3, 1))


OPINIONS = {"a": (1.0, 1.0), "b": (-2.0, 0.5)}  # precisions 1 and 4


def test_shares_of_the_precision(videos):
    share = precision_shares(Normal(OPINIONS), videos)
    np.testing.assert_allclose(share["a"], [1 / 6, 1 / 2, 0.0])
    np.testing.assert_allclose(share["b"], [4 / 6, 0.0, 0.0])
    np.testing.assert_allclose(share["prior"], [1 / 6, 1 / 2, 1.0])


def test_leaving_a_part_out_moves_the_median_and_widens_the_interval(videos):
    found = contributions(Normal(OPINIONS), videos, samples=2000)
    # with both: (1 - 8) / 6; without b: 1 / 2; without a: -8 / 5
    np.testing.assert_allclose(found.shift["b"][:, 0], [-7 / 6 - 1 / 2, 0.0, 0.0], atol=1e-3)
    np.testing.assert_allclose(found.shift["a"][:, 0], [-7 / 6 + 8 / 5, 1 / 2, 0.0], atol=1e-3)
    np.testing.assert_allclose(found.width["b"][:, 0], [3**0.5, 1.0, 1.0], rtol=1e-3)
    np.testing.assert_allclose(found.width["a"][:, 0], [(6 / 5) ** 0.5, 2**0.5, 1.0], rtol=1e-3)


def test_averages_are_over_the_videos_that_have_the_part(videos):
    average = contributions(Normal(OPINIONS), videos, samples=2000).averages()
    assert average["b"]["videos"] == 1
    assert average["a"]["precision_share"] == pytest.approx(1 / 3)
    # the truth is 0: without b the forecast N(1/2, 1/2) is nearer to it than N(-7/6, 1/6) with it
    assert average["b"]["crps_lost_without"] < -0.3


def test_without_truth_no_score_is_lost(videos):
    average = contributions(Normal(OPINIONS), videos.unlabelled()).averages()
    assert average["a"]["crps_lost_without"] is None
    assert average["a"]["width_ratio_without"] > 1.0


def test_a_part_is_left_out_also_where_experts_tell_no_precisions(videos):
    forecaster = Normal(OPINIONS)
    wanted = contributions(forecaster, videos, samples=2000).averages()
    forecaster.members = [SimpleNamespace(experts=nn.ModuleList())]
    found = contributions(forecaster, videos, samples=2000).averages()
    assert {part: one.pop("precision_share") for part, one in found.items()} == {"a": None, "b": None}
    assert found == {part: {name: value for name, value in one.items() if name != "precision_share"} for part, one in wanted.items()}
