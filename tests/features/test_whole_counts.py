"""Whole counts: what stands for one in training, and what a forecast rounds to."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from features.videos import Part, Videos
from features.whole_counts import dequantiser, quantised, whole_targets


def labelled(popularity: torch.Tensor) -> Videos:
    count = len(popularity)
    return Videos({"visual": Part(torch.zeros(count, 1), torch.zeros(count, 0).long(), torch.ones(count).bool())}, popularity)


def test_small_numbers_tell_which_targets_are_whole():
    counts = np.array([[0.0, 0.5, 2.0e6], [7.0, 1.0, np.nan], [np.nan, 3.0, 31.0], [1.0e6 + 0.25, 2.0, 5.0]])
    for kind in (np.float32, np.float64):
        assert whole_targets(np.log1p(counts).astype(kind), "log1p").tolist() == [True, False, True]
    assert not whole_targets(np.log1p(counts), "identity").any()


def test_a_count_is_spread_evenly_over_what_rounds_to_it():
    torch.manual_seed(0)
    counts = torch.tensor([0.0, 3.0, 250.0]).repeat(2000, 1)
    spread = dequantiser(np.full(3, True), torch.device("cpu"))(labelled(counts.log1p().double())).popularity.expm1()
    for column, count in enumerate((0.0, 3.0, 250.0)):
        assert kstest(spread[:, column].numpy(), "uniform", (count - 0.5, 1.0)).pvalue > 2e-5
    assert torch.equal(spread.round(), counts.double())


def test_what_is_no_whole_count_is_not_spread():
    torch.manual_seed(0)
    popularity = torch.tensor([[math.log1p(2), 0.3, math.log1p(5000), math.nan]])
    found = dequantiser(np.array([False, False, True, True]), torch.device("cpu"))(labelled(popularity)).popularity
    torch.testing.assert_close(found, popularity, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(("count", "shown"), [(-0.9, 0), (-0.3, 0), (0.49, 0), (0.51, 1), (1.4, 1), (41.6, 42), (998.7, 999)])
def test_draws_are_rounded_to_the_truth_as_it_is_written(count, shown):
    found = quantised(torch.tensor([[math.log1p(count)] * 2]), torch.tensor([True, False]))[0]
    assert found[0].item() == np.float32(np.log1p(shown))
    assert found[1].item() == pytest.approx(max(math.log1p(count), 0.0))


def test_great_counts_stay_as_they_are_and_nothing_is_below_zero():
    samples = torch.tensor([[-3.0, math.log1p(1.2e6), 60.0, float("inf")]]).T
    assert quantised(samples, torch.tensor([True])).flatten().tolist() == [0.0, *samples.flatten().tolist()[1:]]


def test_the_density_integrates_to_the_probability_of_the_count():
    """Rounding draws of a Normal in log(1 + count) gives each count the integral of the density over what rounds to it."""
    torch.manual_seed(1)
    normal = torch.distributions.Normal(0.8, 0.7)
    rounded = quantised(normal.sample((200_000, 1)), torch.tensor([True])).expm1().round().flatten()
    for count in range(4):
        low = normal.cdf(torch.tensor(math.log(count + 0.5))) if count else torch.tensor(0.0)
        probability = float(normal.cdf(torch.tensor(math.log(count + 1.5))) - low)
        error = (probability * (1 - probability) / 200_000) ** 0.5
        assert abs(float((rounded == count).double().mean()) - probability) < 4.3 * error
