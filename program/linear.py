"""A linear forecast beside a network's: popularity = x W + error, and the pool of two forecasts.

    p(y | x) = (1 - share) p_network(y | x) + share p_linear(y | x)

Errors have the shape of those of the training rows, a mixture of Normals: counts are seldom Normal around a line. Errors of growth are
Normal. How wide they are is another line, of the logarithm (Harvey 1976, multiplicative heteroscedasticity).

On few rows a linear regression whose weights are shrunken part by part is hard to beat; on many it is far behind. `training.linear` fits
both the regression and the share. Videos that were read before the forecast grow by other laws than those that were not: they have a
regression and a share of their own.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import pyro.distributions as dist
import torch
from pyro.poutine.messenger import Messenger
from torch import Tensor, nn

from features.videos import EARLY, Part, PartShape, Videos
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
        weight: (R, P, K), where R is 2 if videos may have been read before (0: not read, 1: read), else 1.
        loc: (R, K), where all P columns are 0.
        logits: (R, C) unnormalised log weights of the errors' C components.
        shift: (R, C, K) where these lie; their mean is 0.
        factor: (R, C, K, K) lower triangular Cholesky factors of their covariances.
        width_weight: (R, P), with `width_loc` (R,) the logarithm of how much wider than these a video's errors are.
        share: (R,) in [0, 1], of the linear forecast in the pool.
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
        kinds = 2 if EARLY in shapes else 1
        self.register_buffer("weight", torch.zeros(kinds, len(self.groups), targets))
        self.register_buffer("loc", torch.zeros(kinds, targets))
        self.register_buffer("logits", torch.zeros(kinds, COMPONENTS))
        self.register_buffer("shift", torch.zeros(kinds, COMPONENTS, targets))
        self.register_buffer("factor", torch.eye(targets).repeat(kinds, COMPONENTS, 1, 1))
        self.register_buffer("width_weight", torch.zeros(kinds, len(self.groups)))
        self.register_buffer("width_loc", torch.zeros(kinds))
        self.register_buffer("share", torch.zeros(kinds))

    def extended(self, shapes: Mapping[str, PartShape]) -> "Linear":
        """The same forecast where there are further parts, of which it knows nothing; these here keep their shapes."""
        wider, kinds = Linear(shapes, self.loc.shape[-1]).to(self.weight.device), len(self.share)
        for name in ("loc", "logits", "shift", "factor", "width_loc", "share"):
            getattr(wider, name)[:kinds] = getattr(self, name)
        places = {group: [place for place, one in enumerate(wider.groups) if one == group] for group in dict.fromkeys(self.groups)}
        for group, place in places.items():
            own = [column for column, one in enumerate(self.groups) if one == group]
            wider.weight[:kinds, place], wider.width_weight[:kinds, place] = self.weight[:, own], self.width_weight[:, own]
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

    def kind(self, videos: Videos) -> Tensor:
        """(N,) 1 for a video that was read before, else 0."""
        return videos[EARLY].present.long() if len(self.share) > 1 else torch.zeros(len(videos), dtype=torch.int64, device=videos.device)

    def forward(self, videos: Videos) -> NormalMixture:
        """The forecast of N videos: batch shape (N,), K numbers."""
        kind, columns = self.kind(videos), self.columns(videos)
        loc, log_width = self.loc[0] + columns @ self.weight[0], self.width_loc[0] + columns @ self.width_weight[0]
        if len(self.share) > 1:
            loc = torch.where(kind[:, None] > 0, self.loc[1] + columns @ self.weight[1], loc)
            log_width = torch.where(kind > 0, self.width_loc[1] + columns @ self.width_weight[1], log_width)
        loc, width = loc[:, None], log_width.clamp(-WIDE, WIDE).exp()[:, None, None]
        return NormalMixture(self.logits[kind], loc + width * self.shift[kind], width[..., None] * self.factor[kind])


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
        share: (N,) in [0, 1], of the second.
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
        return self.first.mean + self.share[:, None] * (self.second.mean - self.first.mean)

    @property
    def variance(self) -> Tensor:
        """(..., K)."""
        share, apart = self.share[:, None], (self.first.mean - self.second.mean).square()
        return (1 - share) * self.first.variance + share * self.second.variance + share * (1 - share) * apart

    def cdf(self, value: Tensor) -> Tensor:
        """Marginal distribution functions, (..., K)."""
        return self.first.cdf(value) + self.share[:, None] * (self.second.cdf(value) - self.first.cdf(value))


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
            message["fn"] = Pooled(message["fn"], self.linear(self.videos), self.linear.share[self.linear.kind(self.videos)])
