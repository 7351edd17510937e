"""A linear forecast beside a network's: popularity = x W + error, and the pool of two forecasts.

    p(y | x) = (1 - share) p_network(y | x) + share p_linear(y | x)

Errors have the shape of those of the training rows, a mixture of Normals: counts are seldom Normal around a line. Errors of growth are
Normal. How wide they are is another line, of the logarithm (Harvey 1976, multiplicative heteroscedasticity).

On few rows a linear regression whose weights are shrunken part by part is hard to beat; on many it is far behind. `training.linear` fits
both the regression and the share.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import pyro.distributions as dist
import torch
from pyro.poutine.messenger import Messenger
from torch import Tensor, nn

from features.videos import Part, PartShape, Videos
from model.likelihood import NormalMixture

COMPONENTS = 3  # of the errors' mixture
WIDE = 2.0  # greatest logarithm of a width, and the least is as far from 0
WIDEST = 512  # numbers of a part that takes part; wider ones, such as those of images, are left to the networks


class Linear(nn.Module):
    """Forecasts whose loc is linear in the parts' numbers, in whether a part is present, and in its categories.

    Args:
        shapes: of the parts.
        targets: K.

    Attributes:
        weight: (P, K).
        loc: (K,), where all P columns are 0.
        logits: (C,) unnormalised log weights of the errors' C components.
        shift: (C, K) where these lie; their mean is 0.
        factor: (C, K, K) lower triangular Cholesky factors of their covariances.
        width_weight: (P,), with `width_loc` () the logarithm of how much wider than these a video's errors are.
        share: () in [0, 1], of the linear forecast in the pool.
    """

    weight: Tensor
    loc: Tensor
    logits: Tensor
    shift: Tensor
    factor: Tensor
    width_weight: Tensor
    width_loc: Tensor
    share: Tensor

    def __init__(self, shapes: Mapping[str, PartShape], targets: int) -> None:
        super().__init__()
        self.shapes = {part: shape for part, shape in shapes.items() if shape.numbers <= WIDEST}
        self.register_buffer("weight", torch.zeros(len(self.groups), targets))
        self.register_buffer("loc", torch.zeros(targets))
        self.register_buffer("logits", torch.zeros(COMPONENTS))
        self.register_buffer("shift", torch.zeros(COMPONENTS, targets))
        self.register_buffer("factor", torch.eye(targets).repeat(COMPONENTS, 1, 1))
        self.register_buffer("width_weight", torch.zeros(len(self.groups)))
        self.register_buffer("width_loc", torch.zeros(()))
        self.register_buffer("share", torch.zeros(()))

    def extended(self, shapes: Mapping[str, PartShape]) -> "Linear":
        """The same forecast where there are further parts, of which it knows nothing; these here keep their shapes."""
        wider = Linear(shapes, self.loc.shape[-1]).to(self.weight.device)
        for name in ("loc", "logits", "shift", "factor", "width_loc", "share"):
            getattr(wider, name).copy_(getattr(self, name))
        for group in dict.fromkeys(self.groups):
            place, own = ([column for column, one in enumerate(of.groups) if one == group] for of in (wider, self))
            wider.weight[place], wider.width_weight[place] = self.weight[own], self.width_weight[own]
        return wider

    @property
    def groups(self) -> list[str]:
        """For each of the P columns, the group whose weights are shrunken alike."""
        found = []
        for part, shape in self.shapes.items():
            found += [part] * (shape.numbers + 1) + [f"codes of {part}"] * shape.vocabulary
        return found

    def columns(self, videos: Videos) -> Tensor:
        """(N, P) float32; what is not there is 0."""
        return torch.cat([_columns(videos[part], shape) for part, shape in self.shapes.items()], dim=-1)

    def forward(self, videos: Videos) -> NormalMixture:
        """The forecast of N videos: batch shape (N,), K numbers."""
        columns = self.columns(videos)
        loc, log_width = self.loc + columns @ self.weight, self.width_loc + columns @ self.width_weight
        loc, width = loc[:, None], log_width.clamp(-WIDE, WIDE).exp()[:, None, None]
        return NormalMixture(self.logits.expand(len(videos), -1), loc + width * self.shift, width[..., None] * self.factor)


def _columns(part: Part, shape: PartShape) -> Tensor:
    here = part.present[:, None]
    found = [torch.where(here, part.numbers, 0.0), here.to(part.numbers.dtype)]
    if shape.vocabulary:
        counts = torch.zeros(len(here), shape.vocabulary, dtype=part.numbers.dtype, device=part.numbers.device)
        found.append(counts.scatter_(1, torch.where(here, part.codes, 0).long(), 1.0) * here)
    return torch.cat(found, dim=-1)


class Pooled(dist.TorchDistribution):
    """A mixture of two distributions over the same K numbers.

    Args:
        first: any distribution of batch shape (..., N).
        second: another, of a batch shape that broadcasts to it.
        share: () in [0, 1], of the second.
    """

    arg_constraints: ClassVar[dict] = {}

    def __init__(self, first: Any, second: Any, share: Tensor) -> None:
        self.first, self.second, self.share = first, second, share
        super().__init__(first.batch_shape, first.event_shape, validate_args=False)

    @property
    def support(self) -> Any:
        """That of the first."""
        return self.first.support

    def expand(self, batch_shape, _instance=None) -> "Pooled":
        """The same over a larger batch."""
        return Pooled(self.first.expand(batch_shape), self.second.expand(batch_shape), self.share)

    def sample(self, sample_shape=torch.Size()) -> Tensor:  # noqa: B008  (torch's own signature)
        """(*sample_shape, ..., K)."""
        first = self.first.sample(sample_shape)
        second = self.second.expand(self.batch_shape).sample(sample_shape)
        chosen = torch.rand(first.shape[:-1], device=first.device) < self.share
        return torch.where(chosen[..., None], second, first)

    def log_prob(self, value: Tensor) -> Tensor:
        """(..., K) to (...)."""
        return torch.logaddexp((1 - self.share).log() + self.first.log_prob(value), self.share.log() + self.second.log_prob(value))

    @property
    def mean(self) -> Tensor:
        """(..., K)."""
        return self.first.mean + self.share * (self.second.mean - self.first.mean)

    @property
    def variance(self) -> Tensor:
        """(..., K)."""
        share, apart = self.share, (self.first.mean - self.second.mean).square()
        return (1 - share) * self.first.variance + share * self.second.variance + share * (1 - share) * apart

    def cdf(self, value: Tensor) -> Tensor:
        """Marginal distribution functions, (..., K)."""
        return self.first.cdf(value) + self.share * (self.second.cdf(value) - self.first.cdf(value))


class Beside(Messenger):
    """Pools the distribution at one site of a model with a linear forecast of the same N videos.

    Args:
        site: its name.
        linear: the forecast.
        videos: N videos.
    """

    def __init__(self, site: str, linear: Linear, videos: Videos) -> None:
        super().__init__()
        self.site, self.linear, self.videos = site, linear, videos

    def _pyro_sample(self, message: Any) -> None:
        if message["name"] == self.site:
            message["fn"] = Pooled(message["fn"], self.linear(self.videos), self.linear.share)
