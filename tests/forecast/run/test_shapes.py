"""Networks without memory have the shapes of real ones."""

import pytest
import torch
from torch import nn

from features.featurizer import Featurizer
from features.simulated.world import simulate
from forecast.run.configuration import PRESETS, Configuration
from forecast.run.shapes import shapes_only
from program import build


def layout(networks) -> dict:
    return {name: (value.dtype, tuple(value.shape)) for module in networks for name, value in module.state_dict().items()}


@pytest.mark.parametrize("likelihood", ["normal", "mixture"])
@pytest.mark.parametrize("preset", PRESETS)
def test_shapes_are_those_of_real_networks(preset, likelihood):
    torch.manual_seed(0)
    configuration = Configuration(**PRESETS[preset] | {"likelihood": likelihood, "width": 8, "latent": 4})
    featurizer = Featurizer.fit(simulate(60)[0])
    with shapes_only():
        empty = build(featurizer.shapes, featurizer.targets, configuration)
    assert layout(empty) == layout(build(featurizer.shapes, featurizer.targets, configuration))
    assert all(value.is_meta for module in empty for name, value in module.state_dict().items() if not name.startswith("target_"))


def test_an_absurd_network_takes_no_memory():
    with shapes_only():
        network = nn.Linear(1 << 30, 1 << 30)
        scaled = torch.randn(1 << 30, 1 << 20) * 0.3 / 2
    assert network.weight.shape == (1 << 30, 1 << 30)
    assert scaled.shape == (1 << 30, 1 << 20)
    assert scaled.is_meta


def test_products_of_two_tensors_keep_the_shape_of_both():
    with shapes_only():
        assert (torch.zeros(3, 1) * torch.zeros(1, 4)).shape == (3, 4)
