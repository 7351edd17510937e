"""The model: how z becomes popularity.

z ~ Normal(0, I)                               # what of a video matters for its popularity
popularity ~ decoder(z)                        # log(1 + views, likes, comments, shares)
"""

import pyro
import pyro.distributions as dist
import torch
from pyro import poutine

from features.videos import Videos
from model.decoder import Decoder

__all__ = ["Decoder", "model"]


def model(videos: Videos, decoder: Decoder, kl_weight: float = 1.0) -> None:
    """p(z) p(popularity | z) for N videos: z (N, D), popularity (N, K); unknown popularity (NaN) takes no part."""
    with pyro.plate("videos", len(videos), dim=-1):
        with poutine.scale(scale=kl_weight):
            zeros = torch.zeros(len(videos), decoder.latent, device=videos.device)
            z = pyro.sample("z", dist.Normal(zeros, torch.ones_like(zeros)).to_event(1))
        pyro.sample("popularity", decoder(z), obs=videos.popularity)
