"""Counts are whole numbers, the likelihood is of continuous ones: each stands for all that round to it (Theis et al. 2016, Sec. 3.1).

    P(n | z) = the integral of p(y | z) over log(n + 1/2) < y < log(n + 3/2)

Learning from y = log(1 + n + u) with u uniform in (-1/2, 1/2) maximises a lower bound on the likelihood of n; a forecast's draws are
rounded. Without this a density grows without bound at 0, where many counts lie, and forecasts fall below it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from features.scale import Scale
from features.videos import Videos

MOST = 1000  # a greater count moves log(1 + n) by less than 0.001
BOUND = float(np.log1p(MOST))
LOGARITHMS = torch.from_numpy(np.log1p(np.arange(MOST + 1)).astype(np.float32))  # as the truth is written, to the last bit


def whole_targets(popularity: np.ndarray | Tensor | None, scale: str) -> np.ndarray:
    """(K,) bool: which columns of popularity (N, K), NaN where unknown, are whole counts, as far as their small numbers show."""
    values = np.asarray(popularity.cpu() if isinstance(popularity, Tensor) else popularity)
    if not Scale(scale).counts:
        return np.zeros(values.shape[1], bool)
    with np.errstate(invalid="ignore"):
        small = np.where(values < BOUND, np.expm1(np.minimum(values, BOUND).astype(np.float64)), 0.0)
        return (np.abs(small - small.round()) < 1e-3).all(axis=0)


def dequantiser(whole: np.ndarray, device: torch.device) -> Callable[[Videos], Videos]:
    """A function of labelled videos: the same, their whole counts spread over what rounds to them, by torch's generator.

    Args:
        whole: (K,) bool, of `whole_targets`; where none is, videos stay as they are and nothing is drawn.
        device: of the videos.
    """
    return partial(_spread, whole=torch.from_numpy(whole).to(device)) if whole.any() else lambda videos: videos


def _spread(videos: Videos, whole: Tensor) -> Videos:
    popularity = videos.popularity
    assert popularity is not None  # noqa: S101  (labelled by contract)
    spread = (popularity.clamp(max=BOUND).exp() + torch.rand_like(popularity) - 0.5).log()
    return replace(videos, popularity=torch.where(whole & (popularity < BOUND), spread, popularity))


def quantised(samples: Tensor, whole: Tensor) -> Tensor:
    """Draws or quantiles (..., K) of log(1 + count) as counts can be: not below 0, and whole where all counts were.

    Args:
        samples: float32 or float64.
        whole: (K,) bool on their device.
    """
    counts = samples.clamp(0.0, BOUND).expm1().round().long()
    rounded = LOGARITHMS.to(samples.device)[counts].to(samples.dtype)
    return torch.where(whole & (samples < BOUND), rounded, samples.clamp_min(0.0))
