"""Many parameters as one: the same steps as of the optimiser that knows each of them."""

import copy

import torch
from torch import nn

from training.flat import flatten


def test_steps_are_those_of_each_parameter():
    torch.manual_seed(0)
    one = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2).double())
    one[1].bias.requires_grad_(False)
    other = copy.deepcopy(one)
    whole = flatten(one)
    assert [(len(parameter), parameter.dtype) for parameter in whole] == [(20, torch.float32), (10, torch.float64)]
    optimizers = torch.optim.AdamW(whole, lr=0.1), torch.optim.AdamW(other.parameters(), lr=0.1)
    for step in range(3):
        numbers = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
        for modules, parameters, optimizer in zip((one, other), (whole, list(other.parameters())), optimizers, strict=True):
            optimizer.zero_grad(set_to_none=False)
            modules[2](modules[1](modules[0](numbers)).double()).square().sum().backward()
            norm = nn.utils.clip_grad_norm_(parameters, 0.5)
            assert norm > 0.5
            optimizer.step()
    for (name, found), expected in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(found, expected, msg=name)
    assert torch.equal(one[1].bias, torch.zeros(4))


def test_a_copy_has_a_memory_of_its_own():
    torch.manual_seed(0)
    one = nn.Linear(2, 2)
    [whole] = flatten(one)
    kept = copy.deepcopy(one.state_dict())
    with torch.no_grad():
        whole.fill_(3.0)
    assert bool((one.weight == 3.0).all())
    assert not bool((kept["weight"] == 3.0).any())
