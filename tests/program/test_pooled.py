"""A linear forecast beside a network's."""

import math

import pyro
import pyro.distributions as dist
import torch
from pyro import poutine

from features.videos import PartShape
from model.likelihood import NanMasked
from program.linear import WIDE, Beside, Linear, Pooled

SHARE = torch.tensor(0.25)


def pool() -> Pooled:
    first, second = (NanMasked(dist.Normal(torch.full((3, 2), loc), torch.full((3, 2), scale))) for loc, scale in ((0.0, 1.0), (4.0, 0.5)))
    return Pooled(first, second, SHARE)


def test_a_pool_is_a_mixture() -> None:
    pooled, value = pool(), torch.tensor([1.0, 2.0]).expand(3, 2)
    assert torch.allclose(pooled.mean, torch.tensor(1.0))
    # E[y^2] = 3/4 (0 + 1) + 1/4 (16 + 1/4), less the mean squared
    assert torch.allclose(pooled.variance, torch.tensor(0.75 + 0.25 * 16.25 - 1.0))
    first, second = (dist.Normal(loc, scale) for loc, scale in ((0.0, 1.0), (4.0, 0.5)))
    assert torch.allclose(pooled.cdf(value), 0.75 * first.cdf(value) + 0.25 * second.cdf(value))
    density = 0.75 * first.log_prob(value).sum(-1).exp() + 0.25 * second.log_prob(value).sum(-1).exp()
    assert torch.allclose(pooled.log_prob(value), density.log())


def test_draws_of_a_pool_come_from_both_whole_rows_at_a_time() -> None:
    torch.manual_seed(0)
    draws = pool().expand((5, 3)).sample(torch.Size([4000]))
    assert draws.shape == (4000, 5, 3, 2)
    second = draws > 2.5
    assert abs(float(second[..., 0].float().mean()) - 0.25) < 0.02
    assert float((second[..., 0] == second[..., 1]).float().mean()) > 0.98


def test_linear_forecast_by_hand(make_videos) -> None:
    videos = make_videos(6, {"social": 2, "visual": 3})
    linear = Linear({part: PartShape(videos[part].shape[0]) for part in videos}, 3)
    assert linear.groups == ["social"] * 3 + ["visual"] * 4
    linear.weight.copy_(torch.arange(21.0).reshape(7, 3))
    linear.loc.copy_(torch.tensor([1.0, 2.0, 3.0]))
    forecast = linear(videos)
    weight, loc = linear.weight, linear.loc
    for row in range(6):
        wanted = loc.clone()
        if videos["social"].present[row]:
            wanted += videos["social"].numbers[row] @ weight[:2] + weight[2]
        if videos["visual"].present[row]:
            wanted += videos["visual"].numbers[row] @ weight[3:6] + weight[6]
        assert torch.allclose(forecast.mean[row], wanted, atol=1e-5)
    assert torch.allclose(forecast.variance, torch.ones(6, 3))
    # errors: two thirds 1 below, a third 2 above
    linear.shift.copy_(torch.tensor([-1.0, 2.0, -1.0])[:, None].expand(3, 3))
    skewed = linear(videos)
    assert torch.allclose(skewed.mean, forecast.mean, atol=1e-5)
    assert torch.allclose(skewed.variance, torch.full((6, 3), 3.0))
    # their width is exp(a line), within bounds
    linear.width_weight.copy_(torch.tensor([0.5, 0.0, 0.0, 0.0, 0.0, 0.0, -100.0]))
    linear.width_loc.fill_(0.25)
    wider = linear(videos)
    width = (0.25 + torch.where(videos["social"].present, 0.5 * videos["social"].numbers[:, 0], 0.0)).exp()
    width = torch.where(videos["visual"].present, math.exp(-WIDE), width)
    assert torch.allclose(wider.mean, forecast.mean, atol=1e-5)
    assert torch.allclose(wider.variance, 3.0 * width[:, None].square().expand(6, 3), rtol=1e-4)


def test_further_parts_change_nothing(make_videos) -> None:
    videos = make_videos(6, {"social": 2, "visual": 3})
    shapes = {part: PartShape(videos[part].shape[0]) for part in videos}
    linear = Linear({"visual": shapes["visual"]}, 3)
    linear.weight.copy_(torch.arange(12.0).reshape(4, 3))
    linear.width_weight.copy_(0.1 * torch.arange(4.0))
    linear.share.fill_(0.3)
    wider = linear.extended(shapes)
    assert torch.allclose(wider(videos).mean, linear(videos).mean)
    assert torch.allclose(wider(videos).variance, linear(videos).variance)
    assert wider.share == linear.share


def test_one_site_of_a_model_is_pooled(make_videos) -> None:
    torch.manual_seed(0)
    videos = make_videos(4, {"social": 2})
    linear = Linear({"social": PartShape(2)}, 3)
    linear.loc.fill_(7.0)
    linear.share.fill_(1.0)

    def model() -> None:
        with pyro.plate("videos", 4, dim=-1):
            pyro.sample("z", dist.Normal(torch.zeros(4, 1), 1.0).to_event(1))
            pyro.sample("popularity", NanMasked(dist.Normal(torch.zeros(4, 3), 1.0)))

    with Beside("popularity", linear, videos):
        found = poutine.trace(model).get_trace().nodes
    assert isinstance(found["popularity"]["fn"], Pooled)
    assert not isinstance(found["z"]["fn"], Pooled)
    assert float(found["popularity"]["value"].mean()) > 5.0
