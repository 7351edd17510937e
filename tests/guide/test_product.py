import itertools

import pytest
import torch

from guide import product_of_experts

ONE = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, 2.0]])
TWO = torch.tensor([[4.0, 3.0]]), torch.tensor([[1.0, 1.0]])
HERE, GONE = torch.tensor([True]), torch.tensor([False])


def test_two_experts_by_hand() -> None:
    # precisions (4, 1/4) and (1, 1); first dimension (4 * 1 + 1 * 4) / 5, second (-0.5 + 3) / 1.25
    loc, scale = product_of_experts({"a": ONE, "b": TWO}, {"a": HERE, "b": HERE}, prior_expert=False)
    torch.testing.assert_close(loc, torch.tensor([[1.6, 2.0]]))
    torch.testing.assert_close(scale, torch.tensor([[5**-0.5, 1.25**-0.5]]))


def test_two_experts_and_the_prior_by_hand() -> None:
    loc, scale = product_of_experts({"a": ONE, "b": TWO}, {"a": HERE, "b": HERE}, prior_expert=True)
    torch.testing.assert_close(loc, torch.tensor([[8 / 6, 2.5 / 2.25]]))
    torch.testing.assert_close(scale, torch.tensor([[6**-0.5, 2.25**-0.5]]))


def test_one_expert_alone_keeps_its_opinion() -> None:
    loc, scale = product_of_experts({"a": ONE}, {"a": HERE}, prior_expert=False)
    torch.testing.assert_close(loc, ONE[0])
    torch.testing.assert_close(scale, ONE[1])


def test_order_does_not_matter() -> None:
    torch.manual_seed(0)
    opinions = {name: (torch.randn(7, 3), torch.rand(7, 3) + 0.1) for name in "abcd"}
    present = {name: torch.rand(7) < 0.7 for name in "abcd"}
    wanted = product_of_experts(opinions, present)
    for names in itertools.permutations("abcd"):
        found = product_of_experts({name: opinions[name] for name in names}, {name: present[name] for name in names})
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("prior_expert", [False, True])
def test_a_missing_expert_is_an_absent_one(prior_expert: bool) -> None:
    missing = product_of_experts({"a": ONE, "b": TWO}, {"a": HERE, "b": GONE}, prior_expert=prior_expert)
    absent = product_of_experts({"a": ONE}, {"a": HERE}, prior_expert=prior_expert)
    assert torch.equal(missing[0], absent[0])
    assert torch.equal(missing[1], absent[1])


@pytest.mark.parametrize("prior_expert", [False, True])
def test_all_missing_gives_exactly_the_prior(prior_expert: bool) -> None:
    loc, scale = product_of_experts({"a": ONE, "b": TWO}, {"a": GONE, "b": GONE}, prior_expert=prior_expert)
    assert torch.equal(loc, torch.zeros(1, 2))
    assert torch.equal(scale, torch.ones(1, 2))


@pytest.mark.parametrize("prior_expert", [False, True])
def test_a_missing_expert_gets_exactly_no_gradient_and_its_nan_stays_out(prior_expert: bool) -> None:
    a = [tensor.repeat(2, 1).requires_grad_() for tensor in ONE]
    b = [tensor.repeat(2, 1) for tensor in TWO]
    for tensor in b:
        tensor[1] = torch.nan
        tensor.requires_grad_()
    present = {"a": torch.tensor([True, True]), "b": torch.tensor([True, False])}
    loc, scale = product_of_experts({"a": (a[0], a[1]), "b": (b[0], b[1])}, present, prior_expert=prior_expert)
    assert loc.isfinite().all()
    assert scale.isfinite().all()
    (loc.sum() + scale.log().sum()).backward()
    for tensor in b:
        assert torch.equal(tensor.grad[1], torch.zeros(2))
        assert (tensor.grad[0] != 0).all()
    for tensor in a:
        assert (tensor.grad != 0).all()
        assert tensor.grad.isfinite().all()


@pytest.mark.parametrize("scales", [(1e-6, 1e-6), (1e6, 1e6), (1e-6, 1e6)])
@pytest.mark.parametrize("prior_expert", [False, True])
def test_extreme_scales_stay_finite(scales: tuple[float, float], prior_expert: bool) -> None:
    leaves = [(torch.tensor([[2.0]], requires_grad=True), torch.tensor([[scale]], requires_grad=True)) for scale in scales]
    loc, scale = product_of_experts(dict(zip("ab", leaves, strict=True)), {"a": HERE, "b": HERE}, prior_expert=prior_expert)
    experts = sum(one**-2 for one in scales)
    precision = experts + prior_expert
    torch.testing.assert_close(scale, torch.tensor([[precision**-0.5]]), rtol=1e-5, atol=0)
    torch.testing.assert_close(loc, torch.tensor([[2.0 * experts / precision]]), rtol=1e-5, atol=0)
    (loc + scale).sum().backward()
    assert all(leaf.grad.isfinite().all() for pair in leaves for leaf in pair)
