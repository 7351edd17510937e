"""Draws are moved so that their quantiles become those of the mixture of likelihoods, which are known more precisely.

The quantiles of 1,000 draws err by a sixth of a predictive standard deviation at the ends of the 95 % interval, those of the mixture at
32 Sobol points of z by a sixteenth (docs/performance.md). Independent points of z may err by far more than the draws do, so where a guide
has no Sobol points (`forecast.latent.drawn`) draws stay as they are. Every target's draws are moved by one rising function, so that the
targets keep moving together.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from forecast.mixture import LEVELS, mixture_quantiles

POINTS = 32  # draws of z, shared by the members
FEWEST = 200  # draws: with fewer, the outermost draw lies inside the 2.5 % quantile and would be moved onto it


def with_exact_quantiles(samples: Tensor, likelihoods: Sequence[Any]) -> Tensor:
    """Move draws (S, N, K) so that their median and the ends of their central intervals are exact given z.

    Fewer than `FEWEST` draws, and those of likelihoods without a distribution function, stay as they are.

    Args:
        samples: of the mixture.
        likelihoods: of each member, at a few z, see `forecast.latent.likelihood`.
    """
    if len(samples) < FEWEST:
        return samples
    with torch.no_grad():
        try:
            exact = mixture_quantiles(likelihoods)
        except NotImplementedError:
            return samples
    drawn = quantiles(samples)
    return moved(samples, drawn, torch.where(exact.isfinite(), exact, drawn))


def quantiles(samples: Tensor) -> Tensor:
    """(S, N, K) to (L, N, K), linear between draws as `numpy.quantile` has it."""
    ordered = samples.sort(dim=0).values
    place = samples.new_tensor(list(LEVELS.values())) * (len(samples) - 1)
    below = place.long()
    share = (place - below)[:, None, None]
    return torch.lerp(ordered[below], ordered[(below + 1).clamp(max=len(samples) - 1)], share)


def moved(samples: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """Samples (S, N, K) by the function that is linear between the L points (`old`, `new`), both (L, N, K) and rising, and beyond them."""
    step = old.diff(dim=0)
    slope = torch.where(step > 1e-6, new.diff(dim=0) / step.clamp_min(1e-6), 1.0)
    last = len(step) - 1
    found = new[0] + slope[0] * torch.minimum(samples - old[0], step[0])
    for place in range(1, last):
        found += slope[place] * torch.minimum((samples - old[place]).clamp_min(0.0), step[place])
    return found + slope[last] * (samples - old[last]).clamp_min(0.0)
