"""Distributions of K popularity numbers given z, in which NaN means unknown."""

import contextlib
import math
from functools import cached_property
from typing import ClassVar

import pyro.distributions as dist
import torch
from torch import Tensor
from torch.distributions import constraints


class _RealOrUnknown(constraints.Constraint):
    """Real numbers, or NaN for an unknown one."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return ~value.isinf().any(-1)


class NanMasked(dist.TorchDistribution):
    """K independent univariate distributions (Wang and Li: p(y | z) = N(mu, diag sigma^2)); unknown numbers add nothing.

    Args:
        base: any univariate distribution of batch shape (..., K).
    """

    arg_constraints: ClassVar[dict] = {}
    support = _RealOrUnknown()

    def __init__(self, base: dist.TorchDistribution, validate_args: bool | None = None) -> None:
        self.base, self.has_rsample = base, base.has_rsample
        super().__init__(base.batch_shape[:-1], base.batch_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None) -> "NanMasked":
        """The same over a larger batch."""
        return NanMasked(self.base.expand(torch.Size(batch_shape) + self.event_shape), validate_args=False)

    def rsample(self, sample_shape=torch.Size()) -> Tensor:  # noqa: B008  (torch's own signature)
        """(*sample_shape, ..., K)."""
        return self.base.rsample(sample_shape)

    def sample(self, sample_shape=torch.Size()) -> Tensor:  # noqa: B008
        """(*sample_shape, ..., K)."""
        with torch.no_grad():
            return self.base.rsample(sample_shape) if self.has_rsample else self.base.sample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """(..., K) to (...)."""
        known = ~value.isnan()
        density = self.base.log_prob(torch.where(known, value, self._somewhere()))
        return torch.where(known, density, 0.0).sum(-1)

    def _somewhere(self) -> Tensor:
        """(..., K) where the density and its gradient are finite; a draw, where the mean may lie outside of the support or is not known."""
        if self.base.support is constraints.real:
            with contextlib.suppress(NotImplementedError):
                mean = self.base.mean.detach()
                return torch.where(mean.isfinite(), mean, 0.0)
        return self.base.sample()

    @property
    def mean(self) -> Tensor:
        """(..., K)."""
        return self.base.mean

    @property
    def variance(self) -> Tensor:
        """(..., K)."""
        return self.base.variance

    def cdf(self, value: Tensor) -> Tensor:
        """Marginal distribution functions, (..., K)."""
        return self.base.cdf(value)


class NormalMixture(dist.TorchDistribution):
    """A mixture of C multivariate Normals over K numbers that move together.

    Args:
        logits: (..., C) unnormalised log weights.
        loc: (..., C, K).
        scale_tril: (..., C, K, K) lower triangular Cholesky factors of the covariances.
    """

    arg_constraints: ClassVar[dict] = {"logits": constraints.real_vector, "loc": constraints.independent(constraints.real, 2)}
    support = _RealOrUnknown()
    has_rsample = False

    def __init__(self, logits: Tensor, loc: Tensor, scale_tril: Tensor, validate_args: bool | None = None) -> None:
        self.logits, self.loc, self.scale_tril = logits, loc, scale_tril
        super().__init__(loc.shape[:-2], loc.shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None) -> "NormalMixture":
        """The same over a larger batch."""
        shape, tail = torch.Size(batch_shape), self.loc.shape[-2:]
        return NormalMixture(
            self.logits.expand(shape + tail[:1]),
            self.loc.expand(shape + tail),
            self.scale_tril.expand(shape + tail + tail[1:]),
            validate_args=False,  # the arguments were looked at when this was made
        )

    def sample(self, sample_shape=torch.Size()) -> Tensor:  # noqa: B008
        """(*sample_shape, ..., K)."""
        shape = torch.Size(sample_shape) + self.batch_shape
        with torch.no_grad():
            uniform = torch.rand(shape, device=self.loc.device, dtype=self.loc.dtype)
            bounds = self.logits.softmax(-1).cumsum(-1)[..., :-1]
            component = (uniform[..., None] > bounds).sum(-1)[..., None, None]
            loc = self.loc.expand(shape + self.loc.shape[-2:]).gather(-2, component.expand(*shape, 1, self.event_shape[0])).squeeze(-2)
            square = self.scale_tril.shape[-2:]
            factor = self.scale_tril.expand(*shape, self.loc.shape[-2], *square)
            factor = factor.gather(-3, component[..., None].expand(*shape, 1, *square)).squeeze(-3)
            noise = torch.randn(loc.shape, device=loc.device, dtype=loc.dtype)
            return loc + (factor * noise[..., None, :]).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """(..., K) to (...); unknown numbers are integrated out."""
        known = ~value.isnan()
        factor, difference = self.scale_tril, torch.where(known, value, 0.0)[..., None, :] - self.loc
        # whether all are known would have to be waited for anywhere but on the processor
        if value.device.type != "cpu" or not bool(known.all()):
            factor, difference = _marginal(factor, difference, known[..., None, :])
        whitened = torch.linalg.solve_triangular(factor, difference[..., None], upper=False).squeeze(-1)
        half_log_det = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        constant = 0.5 * known.sum(-1, keepdim=True) * math.log(2 * math.pi)
        density = -0.5 * whitened.square().sum(-1) - half_log_det - constant
        return (self.logits.log_softmax(-1) + density).logsumexp(-1)

    @property
    def mean(self) -> Tensor:
        """(..., K)."""
        return (self._weights * self.loc).sum(-2)

    @property
    def variance(self) -> Tensor:
        """(..., K)."""
        return (self._weights * (self._scale.square() + (self.loc - self.mean[..., None, :]).square())).sum(-2)

    def cdf(self, value: Tensor) -> Tensor:
        """Marginal distribution functions, (..., K)."""
        terms = (weight * torch.erf((value - loc) * steepness) for weight, loc, steepness in self._apart)
        return 0.5 + 0.5 * sum(terms, start=torch.zeros((), device=value.device))

    @cached_property  # a search for quantiles asks many times
    def _weights(self) -> Tensor:
        """(..., C, 1)."""
        return self.logits.softmax(-1)[..., None]

    @cached_property
    def _scale(self) -> Tensor:
        """(..., C, K) marginal standard deviations."""
        return self.scale_tril.square().sum(-1).sqrt()

    @cached_property
    def _apart(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Weight, loc and 1 / (scale sqrt 2) of each component, (..., K) each: sums over a short axis are slow."""
        whole = (self._weights.expand_as(self.loc), self.loc, 0.5**0.5 / self._scale)
        weights, locs, steepness = ([one.contiguous() for one in numbers.unbind(-2)] for numbers in whole)
        return list(zip(weights, locs, steepness, strict=True))


def _marginal(factor: Tensor, difference: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Cholesky factor and difference with the unknown numbers replaced by independent standard Normals at their means."""
    both = known[..., :, None] & known[..., None, :]
    identity = torch.eye(factor.shape[-1], device=factor.device, dtype=factor.dtype)
    covariance = torch.where(both, factor @ factor.mT, identity)
    return torch.linalg.cholesky_ex(covariance).L, torch.where(known, difference, 0.0)
