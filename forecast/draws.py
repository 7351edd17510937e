"""Draws of popularity: z ~ q(z | x), y ~ p(y | z) (Wang and Li), with Pyro's Predictive."""

import ctypes
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from pyro.infer import Predictive
from torch import Tensor

from features.videos import Videos
from forecast.exact_quantiles import FEWEST, POINTS, with_exact_quantiles
from forecast.latent import ENCODED, Sampler, Values, drawn, likelihood, of_rows, shares_of
from forecast.member import TARGET, Member, by_kind, in_order

DECODED = 16384  # draws decoded at a time: their hidden layers stay in cache, and the cost of a call of Predictive is small


def draw(members: Sequence[Member], videos: Videos, samples: int = 1000) -> Tensor:
    """Draw popularity, equally often from each program, in the training scale: (S, N, K).

    The truth, if `videos` carry it, is taken away first: the forecast cannot see it. Use `torch.manual_seed` for the same draws.
    """
    return torch.cat(list(draw_chunks(members, videos, samples)), dim=1)


def draw_chunks(
    members: Sequence[Member], videos: Videos, samples: int = 1000, *, seed: int | None = None, first: int = 0, exact: bool = False
) -> Iterator[Tensor]:
    """`draw` for a few videos at a time: (S, n, K) each, so that memory does not grow with N. Each video is encoded once.

    Args:
        members: the members.
        videos: N videos.
        samples: S.
        seed: gives every `ENCODED` videos random numbers of their own, so that a table may be forecast in pieces of that many, in any
            order and by any process, with the same draws; None goes on with torch's generator.
        first: number in that table of the first of `videos`.
        exact: draws are moved to the exact quantiles of the mixture, see `forecast.exact_quantiles`.
    """
    _keep_freed_memory()
    for number, block in enumerate(videos.unlabelled().split(ENCODED), first // ENCODED):
        if seed is not None:
            torch.manual_seed(int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]))
        kinds = by_kind(members, block)
        if len(kinds) == 1:
            yield from _chunks(kinds[0][1], block, samples, exact)
        else:
            found = [torch.cat([*_chunks(of_kind, block.rows(rows), samples, exact)], dim=1) for rows, of_kind in kinds]
            yield in_order(found, kinds, dim=1)


def _chunks(members: Sequence[Member], videos: Videos, samples: int, exact: bool) -> Iterator[Tensor]:
    """Draws (S, n, K) of at most `ENCODED` videos, a few at a time."""
    shares = shares_of(samples, members)
    wanted: list[list[tuple[int, Sampler]]] = [[(share, "random")] for share in shares]
    if exact and samples >= FEWEST:
        for one, points in zip(wanted, shares_of(POINTS, members), strict=False):
            one.append((points, "sobol"))
    chunk = max(1, DECODED // shares[0])
    with torch.no_grad():
        found = [drawn(member, videos, *kinds) for member, kinds in zip(members, wanted, strict=False)]
        for start in range(0, len(videos), chunk):
            rows = slice(start, start + chunk)
            yield _popularity(members[: len(shares)], videos.rows(rows), [[of_rows(one, rows) for one in of_member] for of_member in found])


def _popularity(members: Sequence[Member], videos: Videos, values: Sequence[Sequence[Values]]) -> Tensor:
    """Draws (S, n, K) of a few videos, given draws of each member's latent sites, and where exact quantiles are wanted, a few more."""
    samples = torch.cat(
        [
            Predictive(member.model, first, return_sites=(TARGET,), parallel=True)(videos)[TARGET]
            for member, (first, *_) in zip(members, values, strict=True)
        ]
    )
    given = [likelihood(member, videos, points) for member, of_member in zip(members, values, strict=True) for points in of_member[1:]]
    return with_exact_quantiles(samples, given) if given else samples


def _keep_freed_memory() -> None:
    """Let glibc keep the buffers of one chunk for the next: giving them back and clearing them anew takes system time."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return  # another C library
    trim_threshold, mmap_threshold = -1, -3  # of malloc.h
    mallopt(mmap_threshold, 64 << 20)
    mallopt(trim_threshold, 256 << 20)
