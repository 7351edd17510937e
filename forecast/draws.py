"""Draws of popularity: z ~ q(z | x), y ~ p(y | z) (Wang and Li), with Pyro's Predictive."""

import ctypes
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from pyro.infer import Predictive
from torch import Tensor

from features.videos import Videos
from forecast.member import TARGET, Member, drawn, of_rows

ENCODED = 256  # videos whose z are drawn at a time
DECODED = 16384  # draws decoded at a time: their hidden layers stay in cache, and the cost of a call of Predictive is small


def draw(members: Sequence[Member], videos: Videos, samples: int = 1000) -> Tensor:
    """Draw popularity, equally often from each program, in the training scale: (S, N, K).

    The truth, if `videos` carry it, is taken away first: the forecast cannot see it. Use `torch.manual_seed` for the same draws.
    """
    return torch.cat(list(draw_chunks(members, videos, samples)), dim=1)


def draw_chunks(
    members: Sequence[Member], videos: Videos, samples: int = 1000, *, seed: int | None = None, first: int = 0
) -> Iterator[Tensor]:
    """`draw` for a few videos at a time: (S, n, K) each, so that memory does not grow with N. Each video is encoded once.

    Args:
        members: the members.
        videos: N videos.
        samples: S.
        seed: gives every `ENCODED` videos random numbers of their own, so that a table may be forecast in pieces of that many, in any
            order and by any process, with the same draws; None goes on with torch's generator.
        first: number in that table of the first of `videos`.
    """
    _keep_freed_memory()
    members = members[:samples]
    shares = [len(range(member, samples, len(members))) for member in range(len(members))]
    chunk = max(1, DECODED // shares[0])
    with torch.no_grad():
        for number, block in enumerate(videos.unlabelled().split(ENCODED), first // ENCODED):
            if seed is not None:
                torch.manual_seed(int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]))
            found = [drawn(member, block, share) for member, share in zip(members, shares, strict=True)]
            for start in range(0, len(block), chunk):
                rows = slice(start, start + chunk)
                few = block.rows(rows)
                yield torch.cat(
                    [
                        Predictive(member.model, of_rows(sites, rows), return_sites=(TARGET,), parallel=True)(few)[TARGET]
                        for member, sites in zip(members, found, strict=True)
                    ]
                )


def _keep_freed_memory() -> None:
    """Let glibc keep the buffers of one chunk for the next: giving them back and clearing them anew takes system time."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return  # another C library
    trim_threshold, mmap_threshold = -1, -3  # of malloc.h
    mallopt(mmap_threshold, 64 << 20)
    mallopt(trim_threshold, 256 << 20)
