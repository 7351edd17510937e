"""Draws of popularity: z ~ q(z | x), y ~ p(y | z) (Wang and Li), with Pyro's Predictive."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from pyro import poutine
from pyro.infer import Predictive
from torch import Tensor

from features.videos import Videos
from forecast.exact_quantiles import FEWEST, POINTS, with_exact_quantiles
from forecast.latent import ENCODED, Sampler, Values, drawn, likelihood, of_rows, shares_of
from forecast.member import TARGET, Member, by_kind, in_order, latent_sites, shared, trace
from machine.errors import InputError

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
        exact: draws are moved to the exact quantiles of the mixture where Sobol points of z tell them, see `forecast.exact_quantiles`.
    """
    for number, block in enumerate(videos.unlabelled().split(ENCODED), first // ENCODED):
        if seed is not None:
            torch.manual_seed(int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]))
        kinds = by_kind(members, block)
        if len(kinds) == 1:
            yield from _chunks(kinds[0][1], block, samples, exact)
        else:
            found = [torch.cat([*_chunks(of_kind, block.rows(rows), samples, exact)], dim=1) for rows, of_kind in kinds]
            yield in_order(found, kinds, dim=1)


def try_draws(member: Member, videos: Videos) -> None:
    """Forecast a few of the videos, so that what cannot be forecast is refused before it is trained.

    Raises:
        InputError: with the reason.
    """
    some = videos.rows(slice(0, 3)).unlabelled()
    with member.tried(some, f"on {len(some)} videos of unknown popularity"):
        for function in (member.guide, member.model):
            trace(function, some)
    with member.tried(some, f"on {len(some)} videos with {FEWEST} draws at a time"):
        for few in (some, some.rows(slice(0, 1))):
            shape = torch.cat([*draw_chunks([member], few, FEWEST, exact=True)], dim=1).shape
            if videos.popularity is not None and shape != (FEWEST, len(few), videos.popularity.shape[1]):
                raise InputError(f"{FEWEST} draws of {len(few)} videos have the shape {tuple(shape)}, not (draws, videos, targets)")
        if not _same_beside_others(member, some):
            raise InputError(
                "z is forecast otherwise beside other draws, which lie in its first dimension: count from the last, as in z[..., :1]"
            )
        if name := _reads_others(member, some):
            raise InputError(
                f"the site {name!r} of a video changes with the videos that are forecast beside it, as in loc - loc.mean(0): "
                "use what is the video's own"
            )


def _same_beside_others(member: Member, videos: Videos) -> bool:
    """Whether p(y | z) at a draw of z is the same alone and among several; taken to be where it is random itself."""
    [sites] = drawn(member, videos, (2, "random"))
    together, guided = _moments(likelihood(member, videos, of_rows(sites))), trace(member.guide, videos)
    for number in range(2):
        one = {name: site.value[number].reshape(guided.nodes[name]["value"].shape) for name, site in sites.items()}
        alone = poutine.condition(member.model, data=one | {TARGET: torch.zeros((), device=videos.device)})
        wanted, again = (_moments(trace(alone, videos).nodes[TARGET]["fn"]) for _ in range(2))
        if torch.equal(wanted, again) and not torch.allclose(together[number], wanted, rtol=1e-3, atol=1e-3):
            return False
    return True


def _reads_others(member: Member, videos: Videos) -> str | None:
    """A site of the guide, or the model's target, that is another one beside other videos than beside copies of its own video."""
    sites = latent_sites(trace(member.guide, videos))
    of_its_own = {name: -1 - site["fn"].event_dim for name, site in sites.items() if not shared(site, member.plates)}
    values = {name: site["value"] for name, site in sites.items()}
    together = _told(member, videos, values, of_its_own)
    for row in range(len(videos)):
        copies = torch.full((len(videos),), row, device=videos.device)
        same = values | {name: values[name].index_select(dim, copies) for name, dim in of_its_own.items()}
        for name, told in _told(member, videos.rows(copies), same, of_its_own).items():
            if not torch.allclose(told[row], together[name][row], rtol=1e-3, atol=1e-3, equal_nan=True):
                return name
    return None


def _told(member: Member, videos: Videos, values: Values, of_its_own: Mapping[str, int]) -> dict[str, Tensor]:
    """(N, ...) what the guide says of each site that a video has of its own, and the model of its target, given all latent values."""
    torch.manual_seed(0)  # networks that are random themselves say the same of as many videos
    guided, modelled = (trace(poutine.condition(function, data=values), videos) for function in (member.guide, member.model))
    found = {name: _known(guided.nodes[name]["fn"], values[name], dim) for name, dim in of_its_own.items()}
    return found | {TARGET: _moments(modelled.nodes[TARGET]["fn"]).movedim(-3, 0)}


def _known(posterior: Any, value: Tensor, dim: int) -> Tensor:
    """(N, ...) moments of a site, or its density where it has none; the videos lie in the dimension `dim` of its values."""
    moments = _moments(posterior).movedim(dim - 1, 0)
    if not bool(moments.any()):
        with contextlib.suppress(Exception):  # of a flow that cannot be inverted nothing is known
            return posterior.log_prob(value).movedim(-1, 0)
    return moments


def _moments(popularity: Any) -> Tensor:
    """(..., N, K, 2) mean and standard deviation, 0 where these are not known."""
    try:
        return torch.stack([popularity.mean, popularity.variance.sqrt()], -1).nan_to_num()
    except NotImplementedError:
        return torch.zeros(*popularity.batch_shape, *popularity.event_shape, 2, device=popularity.sample().device)


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
        if not all(site.even for of_member in found for sites in of_member[1:] for site in sites.values()):
            found = [of_member[:1] for of_member in found]  # so few independent points know less than the draws themselves
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
