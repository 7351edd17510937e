import numpy as np
import pytest
import torch
from torch import nn

from model import Decoder


def make(likelihood: str, targets: int = 3) -> Decoder:
    torch.manual_seed(0)
    return Decoder(2, np.arange(targets) + 5.0, np.arange(targets) + 1.0, likelihood=likelihood, hidden=nn.Linear(2, 6), width=6)


def test_outputs_are_relative_to_the_training_rows() -> None:
    decoder, z = make("normal"), torch.randn(4, 2)
    loc, log_scale = decoder.head(decoder.hidden(z)).chunk(2, dim=-1)
    found = decoder(z).base
    torch.testing.assert_close(found.loc, decoder.target_loc + decoder.target_spread * loc)
    torch.testing.assert_close(found.scale, decoder.target_spread * log_scale.exp())


def test_mixture_scales_are_what_the_head_says_and_components_begin_apart() -> None:
    decoder, z = make("mixture"), torch.randn(4, 2)
    found = decoder(z)
    raw = decoder.head(decoder.hidden(z))
    scale = decoder.target_spread * raw[:, 3 + 9 : 3 + 18].exp().unflatten(-1, (3, 3))
    torch.testing.assert_close(found.scale_tril.square().sum(-1).sqrt(), scale)
    assert torch.equal(found.scale_tril, found.scale_tril.tril())
    narrow_to_wide = decoder.head.bias[3 + 9 : 3 + 18].unflatten(-1, (3, 3))
    torch.testing.assert_close(narrow_to_wide, torch.linspace(-1.5, 0.5, 3)[:, None].expand(3, 3))


@pytest.mark.parametrize("likelihood", ["normal", "mixture"])
@pytest.mark.parametrize("targets", [1, 4])
def test_shapes_for_one_batch_and_for_many_draws(likelihood: str, targets: int) -> None:
    decoder = make(likelihood, targets)
    for batch in ((7,), (5, 7)):
        found = decoder(torch.randn(*batch, 2))
        assert (found.batch_shape, found.event_shape) == (batch, (targets,))
        assert found.sample().shape == (*batch, targets)
        assert found.log_prob(torch.zeros(targets)).shape == batch
        assert found.cdf(torch.zeros(*batch, targets)).shape == (*batch, targets)
