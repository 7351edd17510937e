"""Videos younger than nearly all training rows: the forecast for the youngest age seen is scaled down by an assumed growth.

Networks cannot learn how counts grow at ages that no training row has. Every video starts at nothing, and its growth slows down:

    count at age a = count at age b * (1 - 2^(-a / h)) / (1 - 2^(-b / h)),   log h ~ Normal(log half_life, 1)

with b the youngest age learned from, and one h for all targets of a draw.
"""

import math

import torch
from torch import Tensor

SPREAD = 1.0  # of the logarithm of the half-life: a factor of 2.7 either way


def shrink(samples: Tensor, age: Tensor, youngest: float, half_life: float) -> Tensor:
    """Take away from draws of log(1 + count), (S, N, K), what the videos do not have yet.

    Args:
        samples: of the videos as they will be at the age of `youngest` days, if they are younger.
        age: (N,) days, NaN where unknown.
        youngest: days; videos of this age or an unknown one stay as they are.
        half_life: days, the median.
    """
    young = (age < youngest).nonzero().flatten()
    if len(young) == 0:
        return samples
    noise = torch.randn(len(samples), len(young), dtype=samples.dtype, device=samples.device)
    rate = math.log(2) / half_life * (SPREAD * noise).exp()
    share = (torch.expm1(-rate * age[young].to(samples)) / torch.expm1(-rate * youngest)).clamp(max=1.0)[..., None]
    # log(1 + share * count), which overflows for huge counts and has no logarithm for counts that round to -1
    shrunken = torch.logaddexp(torch.log1p(-share), samples[:, young] + share.log())
    return samples.index_copy(1, young, shrunken)
