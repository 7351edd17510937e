"""The networks that the shipped model and guide are given."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from torch import nn

from features.targets import Targets
from features.videos import PartShape
from guide import Expert, Experts
from guide.experts import layers
from model import Decoder
from model.decoder import Likelihood


class Networks(NamedTuple):
    """The modules (torch.nn) that a guide and a model are given."""

    experts: Any
    decoder: Any


def build(shapes: Mapping[str, PartShape], targets: Targets, configuration: Any) -> Networks:
    """Experts and decoder as configured; random weights from torch's global generator.

    A width or depth that is left to the number of rows, of which nothing is known here, is that for few.
    """
    c = configuration.for_rows(1)
    width = c.width
    experts = {
        part: Expert(
            shape,
            c.latent,
            width=width,
            depth=c.depth,
            dropout=c.dropout,
            residual=c.residual,
            periodic=c.periodic,
            forget=c.columns_left_out,
        )
        for part, shape in shapes.items()
    }
    hidden = nn.Sequential(nn.Linear(c.latent, width), *layers(width, c.decoder_depth, 0.0, c.residual))
    decoder = Decoder(
        c.latent,
        targets.loc,
        targets.spread,
        likelihood=cast("Likelihood", c.likelihood),
        hidden=hidden,
        width=width,
        components=c.components,
    )
    return Networks(Experts(experts, prior_expert=c.prior_expert), decoder)
