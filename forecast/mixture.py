"""Means and quantiles without noise from y: given S draws of z, the forecast is a mixture of S known distributions.

    F(y) = mean over draws z_s ~ q(z | x) of  F(y | z_s)

Its quantiles are the roots of F(y) = level. Where y varies much given z, far fewer draws of z than of y give the same error.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from features.videos import Videos
from forecast.latent import ENCODED, Sampler, drawn, likelihood, of_rows, shares_of
from forecast.member import Member, by_kind, in_order
from machine.errors import InputWarning

LEVELS = {"lower_95": 0.025, "lower_50": 0.25, "median": 0.5, "upper_50": 0.75, "upper_95": 0.975}
TOLERANCE = 1e-5  # of a level
FALLBACK = 1000  # draws of y where a likelihood has no distribution function


def mixture_summary(
    members: Sequence[Member],
    videos: Videos,
    draws: int = 100,
    *,
    sampler: Sampler = "random",
    levels: Mapping[str, float] = LEVELS,
) -> dict[str, np.ndarray]:
    """Mean and quantiles of every video.

    Args:
        members: the members.
        videos: N videos; their popularity is not looked at.
        draws: of z, shared by the members.
        sampler: independent draws, or scrambled Sobol points, which cover a Normal z more evenly, see `forecast.latent.drawn`.
        levels: of the quantiles, by name.

    Returns:
        mean and the quantiles by name, all (N, K) float64, in the training scale.
    """
    found = []
    with torch.no_grad():
        for block in videos.unlabelled().split(ENCODED):
            kinds = by_kind(members, block)
            of_kind = [_summary(likelihoods_given_z(some, block.rows(rows), draws, sampler), draws, levels) for rows, some in kinds]
            found.append({name: in_order([one[name] for one in of_kind], kinds) for name in of_kind[0]})
    return {name: torch.cat([one[name] for one in found]).double().cpu().numpy() for name in found[0]}


def likelihoods_given_z(members: Sequence[Member], videos: Videos, draws: int, sampler: Sampler) -> list[Any]:
    """`forecast.latent.likelihood` of each member, which share the draws of z."""
    found = []
    for member, share in zip(members, shares_of(draws, members), strict=False):
        [sites] = drawn(member, videos, (share, sampler))
        found.append(likelihood(member, videos, of_rows(sites)))
    return found


def _summary(likelihoods: list, draws: int, levels: Mapping[str, float]) -> dict[str, Tensor]:
    """Mean and quantiles, (N, K) each."""
    try:
        quantiles = mixture_quantiles(likelihoods, levels)
        return {"mean": _moments(likelihoods)[0]} | dict(zip(levels, quantiles, strict=True))
    except NotImplementedError:
        warnings.warn("this likelihood has no distribution function: quantiles come from draws", InputWarning, stacklevel=2)
    samples = torch.cat([likelihood.sample((-(-FALLBACK // draws),)).flatten(0, 1) for likelihood in likelihoods])
    try:
        mean, _ = _moments(likelihoods)
    except NotImplementedError:
        mean = samples.mean(0)
    return {"mean": mean} | dict(zip(levels, samples.quantile(samples.new_tensor(list(levels.values())), dim=0), strict=True))


def mixture_quantiles(likelihoods: Sequence[Any], levels: Mapping[str, float] = LEVELS) -> Tensor:
    """(L, N, K) quantiles of the mixture of what `likelihoods_given_z` returns.

    Raises:
        NotImplementedError: a likelihood has no distribution function.
    """
    mean, spread = _moments(likelihoods)
    wanted = mean.new_tensor(list(levels.values()))[:, None, None]
    if not bool(spread.isfinite().all()):  # as of Cauchy distributions: begin somewhere near
        near = torch.cat([likelihood.sample() for likelihood in likelihoods]).median(dim=0).values
        mean, spread = torch.where(spread.isfinite(), mean, near), torch.where(spread.isfinite(), spread, 1.0)
    return solve(partial(_cdf, likelihoods), wanted, mean + spread * torch.special.ndtri(wanted), 0.3 * spread)


def _cdf(likelihoods: Sequence[Any], value: Tensor) -> Tensor:
    """(L, N, K) to the mixture's distribution function there."""
    try:
        each = [likelihood.cdf(value[:, None]) for likelihood in likelihoods]
    except ValueError as error:  # the search went beyond the support of a distribution that minds
        raise NotImplementedError from error
    return torch.stack([one.sum(1) for one in each]).sum(0) / sum(one.shape[1] for one in each)


def _moments(likelihoods: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the mixture, (N, K) each."""
    means = torch.cat([likelihood.mean for likelihood in likelihoods])
    variance = means.var(0, correction=0) + torch.cat([_variance(likelihood) for likelihood in likelihoods]).mean(0)
    return means.mean(0), variance.sqrt().clamp_min(1e-6)


def _variance(likelihood: Any) -> Tensor:
    """(S, N, K), 1 where it is not known: only the search for quantiles begins with it."""
    try:
        variance = likelihood.variance
    except NotImplementedError:
        return torch.ones_like(likelihood.mean)
    return torch.where(variance.isfinite(), variance, 1.0)


def solve(cdf: Callable[[Tensor], Tensor], levels: Tensor, start: Tensor, width: Tensor) -> Tensor:
    """Where an increasing function reaches `levels`: bracketed, then by regula falsi with the Illinois step (Dowell and Jarratt 1971).

    Args:
        cdf: elementwise, from and to the shape of `start`.
        levels: in (0, 1), broadcast against `start`.
        start: anywhere.
        width: a first guess of how far the roots may lie from it.
    """
    low, high = start - width, start + width
    below, above = cdf(low) - levels, cdf(high) - levels
    while bool((below > 0).any() | (above < 0).any()):
        width = 2 * width
        low, high = torch.where(below > 0, low - width, low), torch.where(above < 0, high + width, high)
        below, above = cdf(low) - levels, cdf(high) - levels
    for step in range(60):
        # every third step halves, so that a flat side cannot hold the others up
        middle = (low + high) / 2 if step % 3 == 2 else low - below * (high - low) / (above - below).clamp_min(1e-30)
        value = cdf(middle) - levels
        if bool((value.abs() < TOLERANCE).all()):
            break
        left = value < 0
        low, high = torch.where(left, middle, low), torch.where(left, high, middle)
        below, above = torch.where(left, value, below / 2), torch.where(left, above / 2, value)
    return middle
