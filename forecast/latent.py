"""Draws of what a guide infers of some videos, and what the model says of popularity given them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import pyro
import torch
from pyro import poutine
from torch import Tensor

from features.videos import Videos
from forecast.member import TARGET, Member, latent_sites, shared, trace

ENCODED = 256  # videos whose latent sites are drawn at a time
Sampler = Literal["random", "sobol"]
Values = dict[str, Tensor]  # of each latent site


class Drawn(NamedTuple):
    """Draws of one latent site: (draws, N, ...), or (draws, 1, ...) where all N videos share it; `even` if they are Sobol points."""

    value: Tensor
    shared: bool
    even: bool = False


def drawn(member: Member, videos: Videos, *wanted: tuple[int, Sampler]) -> list[dict[str, Drawn]]:
    """Draws of every latent site of the guide, by name, for each number and kind of draws that is wanted; networks read the videos once.

    Args:
        member: of an ensemble.
        videos: N videos.
        wanted: how many draws, and whether they are independent (`random`) or scrambled Sobol points, which cover a Normal more evenly;
            these are made where the guide has one site, a Normal of each video's own. Elsewhere all draws are independent.
    """
    sites = latent_sites(trace(member.guide, videos))
    if len(sites) == 1 and not any(shared(site, member.plates) for site in sites.values()):
        [(name, site)] = sites.items()
        even = [sampler == "sobol" and _is_normal(site["fn"]) for _, sampler in wanted]
        return [
            {name: Drawn(_sobol(site["fn"], draws) if evenly else site["fn"].sample((draws,)), False, evenly)}
            for (draws, _), evenly in zip(wanted, even, strict=True)
        ]
    found = []
    for draws, _ in wanted:  # one site may depend on another: they are drawn together
        with pyro.plate("draws", draws, dim=-2):
            sites = latent_sites(trace(member.guide, videos))
        found.append({name: Drawn(site["value"], shared(site, member.plates)) for name, site in sites.items()})
    return found


def of_rows(sites: Mapping[str, Drawn], rows: slice = slice(None)) -> Values:
    """The values of `drawn` that these rows need."""
    return {name: site.value if site.shared else site.value[:, rows] for name, site in sites.items()}


def shares_of(draws: int, members: Sequence[Member]) -> list[int]:
    """How many of so many draws each member makes; with fewer draws than members, the first ones make one each."""
    first = members[:draws]
    return [len(range(member, draws, len(first))) for member in range(len(first))]


def likelihood(member: Member, videos: Videos, values: Values) -> Any:
    """p(y | z) at each of the D draws of the latent sites of N videos: a distribution of batch shape (D, N) over K numbers."""
    # an observed popularity is not drawn, and only its distribution is looked at
    known = poutine.condition(member.model, data=values | {TARGET: torch.zeros((), device=videos.device)})
    with pyro.validation_enabled(False), pyro.plate("draws", len(next(iter(values.values()))), dim=-2):
        return poutine.trace(known).get_trace(videos).nodes[TARGET]["fn"]


def _is_normal(posterior: Any) -> bool:
    """Whether each number has a Normal of its own; a transformed one is none."""
    while isinstance(posterior, torch.distributions.Independent):
        posterior = posterior.base_dist
    return isinstance(posterior, torch.distributions.Normal)


def _sobol(posterior: Any, draws: int) -> Tensor:
    """(draws, N, ...): the same scrambled Sobol points, moved to each video's Normal."""
    width = posterior.event_shape.numel()
    seed = int(torch.randint(2**31, ()))
    points = torch.quasirandom.SobolEngine(width, scramble=True, seed=seed).draw(draws).clamp(1e-6, 1 - 1e-6)
    return posterior.mean + posterior.stddev * torch.special.ndtri(points).to(posterior.mean).reshape(draws, 1, *posterior.event_shape)
