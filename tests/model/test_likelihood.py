import numpy as np
import pyro.distributions as dist
import pytest
import torch
from scipy import stats

from model.likelihood import NanMasked, NormalMixture


def mixture(batch: tuple[int, ...] = (5,), components: int = 3, targets: int = 4, seed: int = 0) -> NormalMixture:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*batch, *shape, generator=generator, dtype=torch.float64)

    factor = torch.tril(normal(components, targets, targets), -1) + torch.diag_embed(normal(components, targets).exp() + 0.2)
    return NormalMixture(normal(components), 2 * normal(components, targets), factor, validate_args=True)


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def reference(one: NormalMixture, kept: list[int]) -> torch.distributions.MixtureSameFamily:
    """The marginal over the targets `kept`, by torch."""
    covariance = (one.scale_tril @ one.scale_tril.mT)[..., kept, :][..., kept]
    component = torch.distributions.MultivariateNormal(one.loc[..., kept], covariance_matrix=covariance)
    return torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=one.logits), component)


def test_mixture_density_is_that_of_torch() -> None:
    one = mixture()
    value = numbers(7, 5, 4)
    torch.testing.assert_close(one.log_prob(value), reference(one, [0, 1, 2, 3]).log_prob(value))


@pytest.mark.parametrize("kept", [[1], [0, 3], [0, 1, 2]])
def test_unknown_numbers_are_integrated_out(kept: list[int]) -> None:
    one = mixture()
    value = numbers(5, 4)
    holes = torch.full_like(value, torch.nan)
    holes[:, kept] = value[:, kept]
    torch.testing.assert_close(one.log_prob(holes), reference(one, kept).log_prob(value[:, kept]))


def test_each_row_may_lack_other_numbers() -> None:
    one = mixture()
    value = numbers(5, 4)
    holes = [[0], [1, 2], [], [0, 1, 2, 3], [3]]
    for row, lacking in enumerate(holes):
        value[row, lacking] = torch.nan
    found = one.log_prob(value)
    for row, lacking in enumerate(holes):
        kept = [k for k in range(4) if k not in lacking]
        wanted = reference(one, kept).log_prob(value[row, kept].expand(5, -1))[row] if kept else torch.zeros((), dtype=torch.float64)
        torch.testing.assert_close(found[row], wanted)


def test_gradients_with_unknown_numbers_are_finite_and_zero_where_nothing_is_known() -> None:
    one = mixture()
    leaves = [tensor.detach().clone().requires_grad_() for tensor in (one.logits, one.loc, one.scale_tril)]
    value = numbers(5, 4)
    value[1], value[2, 0] = torch.nan, torch.nan
    NormalMixture(*leaves).log_prob(value).sum().backward()
    for leaf in leaves:
        assert leaf.grad.isfinite().all()
        assert leaf.grad[1].abs().max() < 1e-15  # rounding of a softmax
        assert (leaf.grad[0] != 0).any()


def test_mixture_mean_and_marginal_distribution_functions() -> None:
    one = mixture()
    torch.testing.assert_close(one.mean, reference(one, [0, 1, 2, 3]).mean)
    value = numbers(5, 4)
    scale = (one.scale_tril @ one.scale_tril.mT).diagonal(dim1=-2, dim2=-1).sqrt()
    weight = one.logits.softmax(-1)
    wanted = (weight[..., None] * torch.distributions.Normal(one.loc, scale).cdf(value[:, None, :])).sum(-2)
    torch.testing.assert_close(one.cdf(value), wanted)


def test_mixture_draws_have_the_right_marginals_and_covariance() -> None:
    torch.manual_seed(0)
    one = mixture(batch=(2,))
    draws = one.sample((20_000,))
    assert draws.shape == (20_000, 2, 4)
    # 8 goodness-of-fit tests, together at a failure rate of 2e-5
    level = one.cdf(draws).reshape(20_000, 8).numpy()
    assert min(stats.kstest(column, "uniform").pvalue for column in level.T) > 2e-5 / 8
    centred = (draws - one.mean).numpy()
    products = np.einsum("sni,snj->snij", centred, centred)
    within = one.scale_tril @ one.scale_tril.mT
    apart = one.loc - one.mean[:, None]
    wanted = (one.logits.softmax(-1)[..., None, None] * (within + apart[..., :, None] * apart[..., None, :])).sum(1).numpy()
    error = products.std(0) / np.sqrt(len(draws))
    assert (np.abs(products.mean(0) - wanted) / error).max() < stats.norm.isf(2e-5 / 2 / wanted.size)


def test_expanding_changes_nothing_but_the_shape() -> None:
    torch.manual_seed(0)
    one, value = mixture(), numbers(5, 4)
    wide = one.expand((3, 5))
    assert wide.batch_shape == (3, 5)
    assert wide.sample((2,)).shape == (2, 3, 5, 4)
    torch.testing.assert_close(wide.log_prob(value), one.log_prob(value).expand(3, 5))


@pytest.mark.parametrize("family", ["normal", "student_t"])
def test_elementwise_is_the_product_of_its_numbers(family: str) -> None:
    torch.manual_seed(0)
    loc, scale = torch.randn(5, 3), torch.rand(5, 3) + 0.5
    base, plain = {
        "normal": (dist.Normal(loc, scale), torch.distributions.Normal(loc, scale)),
        "student_t": (dist.StudentT(4.0, loc, scale), torch.distributions.StudentT(4.0, loc, scale)),
    }[family]
    one, value = NanMasked(base, validate_args=True), torch.randn(5, 3)
    assert (one.batch_shape, one.event_shape) == ((5,), (3,))
    torch.testing.assert_close(one.log_prob(value), plain.log_prob(value).sum(-1))
    value[0, 1], value[2] = torch.nan, torch.nan
    known = torch.where(value.isnan(), 0.0, plain.log_prob(torch.where(value.isnan(), loc, value)))
    torch.testing.assert_close(one.log_prob(value), known.sum(-1))
    assert one.log_prob(value)[2] == 0
    torch.testing.assert_close(one.mean, loc)


def test_elementwise_unknown_numbers_have_exactly_no_gradient() -> None:
    loc, scale = torch.zeros(2, 2, requires_grad=True), torch.ones(2, 2, requires_grad=True)
    NanMasked(dist.Normal(loc, scale)).log_prob(torch.tensor([[2.0, torch.nan], [torch.nan, torch.nan]])).sum().backward()
    assert torch.equal(loc.grad, torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
    assert torch.equal(scale.grad, torch.tensor([[3.0, 0.0], [0.0, 0.0]]))


def test_infinite_values_are_refused_by_validation() -> None:
    one = mixture()
    assert not one.support.check(torch.full((5, 4), torch.inf)).any()
    assert one.support.check(torch.full((5, 4), torch.nan)).all()


def test_variance_of_a_mixture_is_that_of_its_draws():
    torch.manual_seed(0)
    mixture = NormalMixture(torch.tensor([0.3, -0.5]), torch.tensor([[0.0, 1.0], [3.0, -1.0]]), 0.5 * torch.eye(2).expand(2, 2, 2))
    weight = torch.tensor([0.3, -0.5]).softmax(-1)
    # between the components, and within them
    expected = weight[0] * weight[1] * torch.tensor([9.0, 4.0]) + 0.25
    torch.testing.assert_close(mixture.variance, expected)
    torch.testing.assert_close(mixture.sample((100_000,)).var(0), expected, rtol=0.03, atol=0.0)
