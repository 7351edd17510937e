"""Videos younger than nearly all training rows: the forecast for the youngest age seen is scaled down by how videos grow elsewhere.

Networks cannot learn how counts grow at ages that hardly any training row has. Every video starts at nothing, and its growth slows down:

    count at age a = count at age b * s(a) / s(b),    s(t) = 1 / (1 + (h / t)^POWER),    log h ~ Normal(log HALF, SPREAD)

with b the youngest age learned from, and one h for all targets of a draw. At the age h a video has half of what it will ever have.

The three numbers are fitted to the views of 1,519 videos of `us-shorts`, which were followed whether they did well or not and reached
1,000 views in 30 days: to seven quantiles, from 5 % to 95 %, of the ratio of counts between each two of the ages 12 h, 1, 2, 4, 7, 14 and
30 days. Of its views at 7 days a video has then 65 % at one day, a tenth of videos 27 %, a tenth 93 % (in the data 59, 24 and 96 %); of
those at 30 days a tenth has under 75 % at 7 days (79 %). 1 - 2^(-t / h), which saturates sooner, fits a little worse.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

HALF = 0.68  # days, the median
SPREAD = 1.28  # of log h: a factor of 3.6 either way
POWER = 1.19


def shrink(samples: Tensor, age: Tensor, youngest: float) -> Tensor:
    """Take away from draws of log(1 + count), (S, N, K), what the videos do not have yet.

    Args:
        samples: of the videos as they will be at the age of `youngest` days, if they are younger.
        age: (N,) days, NaN where unknown.
        youngest: days; videos of this age or an unknown one stay as they are.
    """
    young = (age < youngest).nonzero().flatten()
    if len(young) == 0:
        return samples
    noise = torch.randn(len(samples), len(young), dtype=samples.dtype, device=samples.device)
    half = math.log(HALF) + SPREAD * noise
    share = (softplus(POWER * (half - math.log(youngest))) - softplus(POWER * (half - age[young].to(samples).log()))).exp()
    share = share.clamp(max=1.0)[..., None]
    # log(1 + share * count), which overflows for huge counts and has no logarithm for counts that round to -1
    shrunken = torch.logaddexp(torch.log1p(-share), samples[:, young] + share.log())
    return samples.index_copy(1, young, shrunken)
