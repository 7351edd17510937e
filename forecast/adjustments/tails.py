"""Beyond the ends of an interval, draws have Normal tails.

Averages of mixtures have heavier ones than truths do: of a thousand held-out TikTok videos one lies 1.6 to 1.8 times as far from the
median as the upper end of its interval, as a Normal has it, where a thousandth of the draws lies 2.0 to 2.3 times as far, and some six
times. No score of a single video shows that, but the total of many videos is what its largest draws are.
"""

import torch
from torch import Tensor

LEVEL = 0.95  # of the intervals


def normal_tails(samples: Tensor, median: Tensor) -> Tensor:
    """Samples (S, N, K) whose outermost 2.5 % on either side of `median` (N, K) lie where those of a half Normal with the same end do.

    The ranks stay. 50 of 2,000 draws lie above the interval; the least of them stays where it is, and the greatest, at a level of 0.99975,
    goes to 3.48 / 1.96 times its distance from the median.
    """
    beyond = int(samples.shape[0] * (1 - LEVEL) / 2)
    if beyond < 2:
        return samples
    level = (torch.arange(beyond, dtype=torch.float64, device=samples.device) + 0.5) / samples.shape[0]
    distance = torch.special.ndtri(level)
    times = (distance / distance[-1]).to(samples.dtype)[:, None, None]
    for largest in (True, False):
        ends, place = samples.topk(beyond, dim=0, largest=largest)
        samples = samples.scatter(0, place, median + times * (ends[-1] - median))
    return samples
