import pytest
import torch

from features.videos import Gap, Part, PartShape, Videos
from guide import Expert, Experts, posterior
from guide.experts import Forget, Periodic, layers


def test_periodic_by_hand() -> None:
    torch.manual_seed(0)
    module = Periodic(features=2, frequencies=3, width=4)
    numbers = torch.randn(5, 2)
    found = module(numbers)
    assert found.shape == (5, 8)
    for row, feature, out in ((0, 0, 0), (3, 1, 2), (4, 1, 3)):
        angles = [2 * torch.pi * module.frequency[feature, i] * numbers[row, feature] for i in range(3)]
        waves = torch.stack([angle.sin() for angle in angles] + [angle.cos() for angle in angles])
        wanted = (waves @ module.weight[feature, :, out] + module.bias[feature, out]).clamp(min=0)
        torch.testing.assert_close(found[row, 4 * feature + out], wanted)


def test_residual_layers_begin_with_the_sum_of_input_and_branch() -> None:
    torch.manual_seed(0)
    stack = layers(4, 1, 0.0, residual=True)
    hidden = torch.randn(3, 4)
    torch.testing.assert_close(stack[0](hidden), hidden + stack[0].network(hidden))


@pytest.mark.parametrize("depth", [1, 7])
def test_published_layers_have_as_many_activations_as_depth(depth: int) -> None:
    torch.manual_seed(0)
    stack = layers(4, depth, 0.0, residual=False)
    assert sum(isinstance(layer, torch.nn.LeakyReLU) for layer in stack) == depth
    assert sum(isinstance(layer, torch.nn.Linear) for layer in stack) == depth - 1  # the first is the expert's own


def test_expert_reads_numbers_and_codes() -> None:
    torch.manual_seed(0)
    expert = Expert(PartShape(numbers=3, codes=2, vocabulary=9), latent=4, width=8).eval()
    numbers, codes = torch.randn(6, 3), torch.randint(1, 9, (6, 2))
    loc, scale = expert(Part(numbers, codes, torch.ones(6, dtype=torch.bool)))
    assert loc.shape == scale.shape == (6, 4)
    assert (scale > 0).all()
    other = codes.clone()
    other[2, 1] = other[2, 1] % 8 + 1
    moved = expert(Part(numbers, other, torch.ones(6, dtype=torch.bool)))[0]
    changed = (moved != loc).any(1)
    assert changed.tolist() == [False, False, True, False, False, False]


def test_what_a_missing_row_holds_does_not_matter() -> None:
    torch.manual_seed(0)
    experts = Experts({"visual": Expert(PartShape(3), 4, width=8), "acoustic": Expert(PartShape(2), 4, width=8)}).eval()
    present = torch.tensor([True, False])

    def videos(value: float) -> Videos:
        visual = torch.tensor([[0.1, 0.2, 0.3], [value] * 3])
        codes = torch.zeros(2, 0, dtype=torch.int64)
        return Videos({"visual": Part(visual, codes, present), "acoustic": Part(torch.ones(2, 2), codes, ~present)})

    for other in (5.0, torch.nan, torch.inf):
        for one, two in zip(posterior(videos(0.0), experts), posterior(videos(other), experts), strict=True):
            assert torch.equal(one, two)


def test_a_part_that_every_row_lacks_leaves_its_expert_without_gradient() -> None:
    torch.manual_seed(0)
    experts = Experts({"visual": Expert(PartShape(3), 4, width=8), "acoustic": Expert(PartShape(2), 4, width=8)})
    codes, here = torch.zeros(5, 0, dtype=torch.int64), torch.ones(5, dtype=torch.bool)
    videos = Videos({"visual": Part(torch.randn(5, 3), codes, here), "acoustic": Part(torch.full((5, 2), torch.nan), codes, ~here)})
    loc, scale = posterior(videos, experts)
    (loc.square().sum() + scale.sum()).backward()
    assert all(torch.equal(p.grad, torch.zeros_like(p)) for p in experts["acoustic"].parameters())
    assert any((p.grad != 0).any() for p in experts["visual"].parameters())


GAPS = PartShape(numbers=5, gaps=(Gap((0, 2), (3, 4)), Gap((1, 2), (4,))))


def test_forgetting_is_for_training_only() -> None:
    torch.manual_seed(0)
    numbers = torch.randn(7, 5)
    assert torch.equal(Forget(GAPS, 0.5).eval()(numbers), numbers)
    assert torch.equal(Forget(GAPS, 0.0).train()(numbers), numbers)
    assert torch.equal(Forget(PartShape(5), 0.5).train()(numbers), numbers)
    assert not Forget(GAPS, 0.5).state_dict()


def test_what_is_forgotten_is_zero_and_flagged_in_the_right_share_of_rows() -> None:
    torch.manual_seed(0)
    rows, share = 90_000, 0.3
    found = Forget(GAPS, share).train()(torch.full((rows, 5), 7.0))
    kinds, counts = found.unique(dim=0, return_counts=True)
    # nothing, the first gap, the second, both: with a probability drawn evenly, each number of gaps is as likely
    expected = {
        (7.0, 7.0, 7.0, 7.0, 7.0): 1 - share + share / 3,
        (0.0, 7.0, 0.0, 1.0, 1.0): share / 6,
        (7.0, 0.0, 0.0, 7.0, 1.0): share / 6,
        (0.0, 0.0, 0.0, 1.0, 1.0): share / 3,
    }
    seen = {tuple(kind): count / rows for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True)}
    assert seen.keys() == expected.keys()
    for kind, probability in expected.items():
        # 4.3 standard errors: missed once in 50,000
        assert abs(seen[kind] - probability) < 4.3 * (probability * (1 - probability) / rows) ** 0.5


def test_rows_that_lack_something_have_a_network_of_their_own() -> None:
    torch.manual_seed(0)
    shape = PartShape(numbers=5, codes=1, vocabulary=4, gaps=GAPS.gaps)
    expert = Expert(shape, latent=3, width=8, forget=0.5).eval()
    numbers, codes = torch.randn(4, 5), torch.randint(1, 4, (4, 1))
    numbers[:, 3:] = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    found = torch.cat(expert(Part(numbers, codes, torch.ones(4, dtype=torch.bool))), dim=1)
    for row, network in enumerate((expert.whole, expert.lacking, expert.lacking, expert.whole)):
        loc, log_scale = network(numbers[[row]], codes[[row]]).chunk(2, dim=-1)
        torch.testing.assert_close(found[[row]], torch.cat([loc, log_scale.exp()], dim=1))
    # in training, of rows that lack nothing none reaches it, and it still has a gradient, of zeros
    expert.forget.share = 0.0
    loc, scale = expert.train()(Part(numbers[[0, 3]], codes[[0, 3]], torch.ones(2, dtype=torch.bool)))
    (loc.sum() + scale.sum()).backward()
    assert all(torch.equal(one.grad, torch.zeros_like(one)) for one in expert.lacking.parameters())
    assert Expert(GAPS, latent=3, width=8).lacking is None
