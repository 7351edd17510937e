"""The product of experts (Wang and Li, Eq. 3)."""

from collections.abc import Mapping

import torch
from torch import Tensor


def product_of_experts(
    opinions: Mapping[str, tuple[Tensor, Tensor]], present: Mapping[str, Tensor], *, prior_expert: bool = True
) -> tuple[Tensor, Tensor]:
    """Multiply Normal densities, elementwise: precisions add up, means are weighted by precision.

        1 / scale^2 = sum_j 1 / scale_j^2          loc = scale^2 * sum_j loc_j / scale_j^2

    Args:
        opinions: loc_j and scale_j, both (N, D), by part.
        present: (N,) bool by part; an absent part has precision exactly 0, whatever its numbers are, and gets no gradient.
        prior_expert: multiply by the prior N(0, I) too. Without it, only a video with no part at all gets the prior.

    Returns:
        loc and scale, both (N, D).
    """
    precision, weighted = precisions(opinions, present)
    total = torch.stack(list(precision.values())).sum(0)
    mean = torch.stack(list(weighted.values())).sum(0)
    alone = torch.stack(list(present.values())).logical_not().all(0)[:, None]
    prior = torch.ones_like(total) if prior_expert else alone.to(total.dtype)
    total = total + prior
    return mean / total, total.rsqrt()


def precisions(opinions: Mapping[str, tuple[Tensor, Tensor]], present: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Precision 1 / scale^2 and loc / scale^2, both (N, D), by part; exactly 0 where a part is absent."""
    precision, weighted = {}, {}
    for part, (loc, scale) in opinions.items():
        here = present[part][:, None]
        # replace before dividing: 0 * nan would leak through a masked product, forwards and backwards
        precision[part] = torch.where(here, torch.where(here, scale, 1.0) ** -2, 0.0)
        weighted[part] = torch.where(here, loc, 0.0) * precision[part]
    return precision, weighted
