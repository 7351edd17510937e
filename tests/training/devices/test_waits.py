"""What waits for a device: a step on `meta`, whose tensors have no numbers that one could ask for, fails where a step on a card waits."""

from collections.abc import Callable

import pyro
import pytest
import torch
from pyro.infer import Trace_ELBO

from benchmarks.speed.world import TARGETS
from features.videos import Gap, Part, PartShape, Videos
from forecast.run.configuration import Configuration
from guide import guide
from model import model
from program import build
from training.objective import Objective


def gradients(videos: Videos, shapes: dict[str, PartShape], elbo: Trace_ELBO, likelihood: str = "mixture") -> list[torch.Tensor]:
    """The loss and all gradients of one step from fixed weights and noise."""
    torch.manual_seed(0)
    found = build(shapes, TARGETS, Configuration(width=16, latent=4, columns_left_out=0.3, likelihood=likelihood))
    modules = torch.nn.ModuleDict(found._asdict()).to(videos.device)
    with pyro.validation_enabled(False):
        loss = elbo.differentiable_loss(
            lambda rows: model(rows, decoder=found.decoder, kl_weight=0.3),
            lambda rows: guide(rows, experts=found.experts, kl_weight=0.3),
            videos,
        )
        loss.backward()
    torch.nn.utils.clip_grad_norm_(modules.parameters(), 5.0)
    return [loss.detach(), *(one.grad for one in modules.parameters() if one.grad is not None)]


@pytest.fixture
def gapped(make_videos: Callable[..., Videos]) -> tuple[Videos, dict[str, PartShape]]:
    videos = make_videos(40, {"social": 6, "visual": 5}, targets=4)
    videos.popularity[3, 1] = torch.nan
    coded = videos["social"]
    parts = videos.parts | {"social": Part(coded.numbers, torch.ones(40, 2, dtype=torch.int64), coded.present)}
    shapes = {"social": PartShape(6, 2, 9, (Gap((0,), (1,)), Gap((2,), (3,)))), "visual": PartShape(5)}
    return Videos(parts, videos.popularity), shapes


@pytest.mark.parametrize("likelihood", ["normal", "mixture"])
def test_loss_and_gradients_are_those_of_pyro_to_the_last_bit(gapped, likelihood: str) -> None:
    for one, other in zip(gradients(*gapped, Objective(), likelihood), gradients(*gapped, Trace_ELBO(), likelihood), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("likelihood", ["normal", "mixture"])
def test_a_step_asks_the_device_for_no_number(gapped, likelihood: str) -> None:
    videos, shapes = gapped
    assert all(one.is_meta for one in gradients(videos.to("meta"), shapes, Objective(), likelihood))


def test_pyros_own_loss_does(gapped) -> None:
    videos, shapes = gapped
    with pytest.raises(RuntimeError, match="meta"):
        gradients(videos.to("meta"), shapes, Trace_ELBO())
