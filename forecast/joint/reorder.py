"""Draws in another order, so that draw s of two videos of one author belong together. No draw is changed.

The rank of a draw is a Normal score e. With a factor f of the author, its own for each of K targets and correlated like them,

    g = sqrt(r) f + sqrt(1 - r) e

has correlation r between two videos, and keeps the order that e gives to the targets of one video among each other. The draws take
the order of g.
"""

import numpy as np
import torch
from torch import Tensor

from forecast.joint.authors import Authors
from forecast.joint.dependence import Dependence


def reorder(samples: Tensor, authors: Authors, dependence: Dependence, seed: int) -> Tensor:
    """The draws (S, N, K) of N videos, each video and target in the order that its author's factor asks for.

    Args:
        samples: draws that know nothing of other videos.
        authors: of the videos.
        dependence: of the run.
        seed: with the author's key, of the factors: whoever forecasts which of the author's videos, where and in what order, finds
            the same ones.
    """
    shares = dependence.shares(authors)
    some = np.flatnonzero((shares > 0).any(1))
    if len(some) == 0:
        return samples
    place = torch.from_numpy(some).to(samples.device)
    few = samples[:, place].permute(1, 2, 0).contiguous()
    ordered, order = few.sort(dim=-1)
    count = len(samples)
    score = torch.special.ndtri((torch.arange(count, dtype=torch.float64, device=samples.device) + 0.5) / count)
    own = torch.empty_like(few, dtype=torch.float64).scatter_(-1, order, score.expand(few.shape).contiguous())
    keys, author = np.unique(authors.key[some], return_inverse=True)
    factors = torch.from_numpy(np.stack([factor(seed, int(key), count, dependence.targets) for key in keys])).to(samples.device)
    share = torch.from_numpy(shares[some]).to(samples.device)[..., None]
    joint = share.sqrt() * factors[torch.from_numpy(author).to(samples.device)] + (1.0 - share).sqrt() * own
    reordered = torch.empty_like(few).scatter_(-1, joint.argsort(dim=-1), ordered)
    return samples.index_copy(1, place, reordered.permute(2, 0, 1))


def factor(seed: int, key: int, samples: int, targets: np.ndarray) -> np.ndarray:
    """(K, S) draws of an author's factors: standard Normal, correlated between targets as `targets` (K, K) says."""
    random = np.random.default_rng(np.random.SeedSequence([seed, key]))
    return np.linalg.cholesky(targets) @ random.standard_normal((len(targets), samples))
