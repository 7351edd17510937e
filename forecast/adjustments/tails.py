"""No draw lies further out than twice the end of its interval.

A Normal has one in 23,000 there. Averages of mixtures have more, some of them six times as far out, while truths hardly have any. No
score of a single video shows that, but the total of many videos is what its largest draws are.
"""

import torch
from torch import Tensor

LEVEL = 0.95  # of the intervals
REACH = 2.0  # times the distance from the median to the end of the interval
MANY = 10_000_000  # draws from which interpolated quantiles cannot be had at once


def ends(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of samples (S, N, K), the lower end of the 95 % interval, the median and the upper end, (N, K) each."""
    levels = [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2]
    if samples.numel() < MANY:
        lower, median, upper = samples.quantile(samples.new_tensor(levels), dim=0)
    else:
        last = samples.shape[0] - 1
        lower, median, upper = (samples.kthvalue(1 + round(level * last), dim=0).values for level in levels)
    return lower, median, upper


def within_reach(samples: Tensor, lower: Tensor, median: Tensor, upper: Tensor) -> Tensor:
    """Samples (S, N, K), none of them more than twice as far from `median` (N, K) as the end on its side."""
    return torch.clamp(samples, median - REACH * (median - lower), median + REACH * (upper - median))
