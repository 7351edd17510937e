"""Draws of popularity: z ~ q(z | x), y ~ p(y | z) (Wang and Li), with Pyro's Predictive."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from pyro.infer import Predictive
from torch import Tensor

from features.videos import Videos

ENCODED = 256  # videos whose z are drawn at a time
DECODED = 8192  # draws decoded at a time: their hidden layers stay in cache


class Program(NamedTuple):
    """A model and a guide that belong together, as functions of videos alone (their networks are bound).

    The model has the sites z and popularity, the guide z, all in one plate of dimension -1.
    """

    model: Callable[[Videos], None]
    guide: Callable[[Videos], None]


def draw(programs: Sequence[Program], videos: Videos, samples: int = 1000) -> Tensor:
    """Draw popularity, equally often from each program, in the training scale: (S, N, K).

    The truth, if `videos` carry it, is taken away first: the forecast cannot see it. Use `torch.manual_seed` for the same draws.
    """
    return torch.cat(list(draw_chunks(programs, videos, samples)), dim=1)


def draw_chunks(programs: Sequence[Program], videos: Videos, samples: int = 1000) -> Iterator[Tensor]:
    """`draw` for a few videos at a time: (S, n, K) each, so that memory does not grow with N. Each video is encoded once."""
    _keep_freed_memory()
    programs = programs[:samples]
    shares = [len(range(member, samples, len(programs))) for member in range(len(programs))]
    chunk = max(1, DECODED // shares[0])
    with torch.no_grad():
        for block in videos.unlabelled().split(ENCODED):
            drawn = [_predict(program.guide, block, "z", num_samples=share) for program, share in zip(programs, shares, strict=True)]
            for start in range(0, len(block), chunk):
                rows = slice(start, start + chunk)
                few = block.rows(rows)
                yield torch.cat(
                    [
                        _predict(program.model, few, "popularity", posterior_samples={"z": z[:, rows]})
                        for program, z in zip(programs, drawn, strict=True)
                    ]
                )


def _predict(program: Callable[[Videos], None], videos: Videos, site: str, **options) -> Tensor:
    """(S, n, ...) draws of one site."""
    return Predictive(program, return_sites=(site,), parallel=True, **options)(videos)[site]


def _keep_freed_memory() -> None:
    """Let glibc keep the buffers of one chunk for the next: giving them back and clearing them anew takes system time."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return  # another C library
    trim_threshold, mmap_threshold = -1, -3  # of malloc.h
    mallopt(mmap_threshold, 64 << 20)
    mallopt(trim_threshold, 256 << 20)
