"""Draws of popularity: z ~ q(z | x), y ~ p(y | z) (Wang and Li), with Pyro's Predictive."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from pyro.infer import Predictive
from torch import Tensor

from features.videos import Videos

CHUNK = 16  # videos a chunk: 16 x 1000 draws stay in cache, hundreds cost up to twice as much


class Program(NamedTuple):
    """A model and a guide that belong together, as functions of videos alone (their networks are bound).

    The model has the sites z and popularity, the guide z, all in one plate of dimension -1.
    """

    model: Callable[[Videos], None]
    guide: Callable[[Videos], None]


def draw(programs: Sequence[Program], videos: Videos, samples: int = 1000, *, chunk: int = CHUNK) -> Tensor:
    """Draw popularity, equally often from each program, in the training scale: (S, N, K).

    The truth, if `videos` carry it, is taken away first: the forecast cannot see it. Use `torch.manual_seed` for the same draws.
    """
    return torch.cat(list(draw_chunks(programs, videos, samples, chunk=chunk)), dim=1)


def draw_chunks(programs: Sequence[Program], videos: Videos, samples: int = 1000, *, chunk: int = CHUNK) -> Iterator[Tensor]:
    """`draw` for a few videos at a time: (S, chunk, K) each, so that memory does not grow with N."""
    shares = [samples // len(programs) + (member < samples % len(programs)) for member in range(len(programs))]
    videos = videos.unlabelled()
    with torch.no_grad():
        for start in range(0, len(videos), chunk):
            part = videos.rows(slice(start, start + chunk))
            draws = [
                Predictive(program.model, guide=program.guide, num_samples=share, return_sites=("popularity",), parallel=True)(part)[
                    "popularity"
                ]
                for program, share in zip(programs, shares, strict=True)
                if share
            ]
            yield torch.cat(draws)
