"""No draw lies further out than twice the end of its interval.

A Normal has one in 23,000 there. Averages of mixtures have more, some of them six times as far out, while truths hardly have any. No
score of a single video shows that, but the total of many videos is what its largest draws are.
"""

import torch
from torch import Tensor

LEVEL = 0.95  # of the intervals
REACH = 2.0  # times the distance from the median to the end of the interval


def within_reach(samples: Tensor, median: Tensor) -> Tensor:
    """Samples (S, N, K), none of them more than twice as far from `median` (N, K) as the 2.5 % or 97.5 % quantile on its side."""
    outside = int(samples.shape[0] * (1 - LEVEL) / 2)
    lower, upper = (samples.kthvalue(place, dim=0).values for place in (1 + outside, samples.shape[0] - outside))
    return torch.clamp(samples, median - REACH * (median - lower), median + REACH * (upper - median))
