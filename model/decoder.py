"""The decoder: z to a distribution of popularity, p(y | z) (Wang and Li)."""

from typing import Literal

import numpy as np
import pyro.distributions as dist
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.likelihood import NanMasked, NormalMixture

Likelihood = Literal["normal", "mixture"]
LOG_SCALE = (-7.0, 7.0)  # of the standardised targets


class Decoder(nn.Module):
    """A network from z to the numbers that a likelihood needs.

    Args:
        latent: D, width of z.
        loc: (K,) training means of the targets; outputs are relative to them.
        spread: (K,) training standard deviations of the targets.
        likelihood: `normal`, as published;
            `mixture`, of multivariate Normals, whose K numbers move together.
        hidden: a network from (N, D) to (N, width).
        width: of what `hidden` returns.
        components: C of the mixture.
    """

    target_loc: Tensor
    target_spread: Tensor

    def __init__(
        self,
        latent: int,
        loc: np.ndarray,
        spread: np.ndarray,
        *,
        likelihood: Likelihood = "mixture",
        hidden: nn.Module,
        width: int,
        components: int = 3,
    ) -> None:
        super().__init__()
        self.latent, self.likelihood, self.components = latent, likelihood, components
        self.register_buffer("target_loc", torch.tensor(loc, dtype=torch.float32))
        self.register_buffer("target_spread", torch.tensor(spread, dtype=torch.float32))
        targets = len(loc)
        below = targets * (targets - 1) // 2
        self.hidden = hidden
        self.head = nn.Linear(width, components * (1 + 2 * targets + below) if likelihood == "mixture" else 2 * targets)
        if likelihood == "mixture":
            # components begin apart: narrow to wide
            with torch.no_grad():
                scales = torch.linspace(-1.5, 0.5, components)[:, None].expand(components, targets)
                self.head.bias[components * (1 + targets) : components * (1 + 2 * targets)] = scales.flatten()

    def forward(self, z: Tensor) -> dist.TorchDistribution:
        """(..., D) to a distribution over (..., K) in the training scale."""
        raw = self.head(self.hidden(z))
        if self.likelihood == "mixture":
            return self._mixture(raw)
        loc, log_scale = raw.chunk(2, dim=-1)
        loc = self.target_loc + self.target_spread * loc
        scale = self.target_spread * log_scale.clamp(*LOG_SCALE).exp()
        return NanMasked(dist.Normal(loc, scale))

    def _mixture(self, raw: Tensor) -> NormalMixture:
        count, targets = self.components, len(self.target_loc)
        logits, loc, log_scale, below = raw.split(
            [count, count * targets, count * targets, raw.shape[-1] - count * (1 + 2 * targets)], dim=-1
        )
        loc = self.target_loc + self.target_spread * loc.unflatten(-1, (count, targets))
        scale = self.target_spread * log_scale.clamp(*LOG_SCALE).exp().unflatten(-1, (count, targets))
        # rows of a unit-diagonal factor, scaled so that each marginal scale is what the head says
        row, column = torch.tril_indices(targets, targets, -1, device=raw.device)
        factor = torch.eye(targets, device=raw.device, dtype=raw.dtype).expand(*loc.shape, targets).clone()
        factor[..., row, column] = below.unflatten(-1, (count, len(row)))
        factor = scale[..., None] * functional.normalize(factor, dim=-1)
        return NormalMixture(logits, loc, factor)
