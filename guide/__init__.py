"""The guide: what the parts of a video say about z.

(loc_j, scale_j) = expert_j(x_j)               # every part that is present has an opinion        (Eq. 2)
z ~ Normal(product of the experts)             # opinions are weighed by their precision          (Eq. 3)
"""

import pyro
import pyro.distributions as dist
from pyro import poutine
from torch import Tensor

from features.videos import Videos
from guide.experts import Expert, Experts
from guide.product import product_of_experts

__all__ = ["Expert", "Experts", "guide", "posterior", "product_of_experts"]


def posterior(videos: Videos, experts: Experts) -> tuple[Tensor, Tensor]:
    """The loc and scale, both (N, D), of z given the parts that each video has; it never looks at popularity."""
    opinions = {part: expert(videos[part]) for part, expert in experts.items()}
    present = {part: videos[part].present for part in experts}
    return product_of_experts(opinions, present, prior_expert=experts.prior_expert)


def guide(videos: Videos, experts: Experts, kl_weight: float = 1.0) -> None:
    """q(z | x): z ~ Normal(loc, scale) of the product of experts; N videos, z (N, D)."""
    with pyro.plate("videos", len(videos), dim=-1):
        loc, scale = posterior(videos, experts)
        with poutine.scale(scale=kl_weight):
            pyro.sample("z", dist.Normal(loc, scale).to_event(1))
