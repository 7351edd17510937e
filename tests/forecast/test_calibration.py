import math

import numpy as np
import pytest
import torch
from scipy import stats

from forecast.calibration import FEWEST, Calibration, stretch


def rows_of(median: np.ndarray, below: np.ndarray, above: np.ndarray) -> dict[str, np.ndarray]:
    return {"median": median, "lower_95": median - below, "upper_95": median + above}


def test_stretch_by_hand() -> None:
    # 99 rows at distances 0.01, 0.02, ..., 0.99 on both sides; the rank is ceil(0.95 * 100) = 95
    distance = np.arange(1, 100) / 100
    truth = np.where(np.arange(99) % 2, 1.0, -1.0) * distance
    rows = rows_of(np.zeros((99, 1)), np.full((99, 1), 0.5), np.full((99, 1), 0.5))
    assert stretch(rows, truth[:, None]) == pytest.approx([0.95 / 0.5])


def test_each_side_is_measured_by_its_own_half() -> None:
    truth = np.concatenate([np.full(50, 2.0), np.full(49, -1.0)])[:, None]
    rows = rows_of(np.zeros((99, 1)), np.full((99, 1), 0.25), np.full((99, 1), 1.0))
    # above: 2 / 1; below: 1 / 0.25 is more
    assert stretch(rows, truth) == pytest.approx([4.0])


def test_unknown_truth_takes_no_part_and_too_few_rows_change_nothing() -> None:
    rows = rows_of(*(np.full((200, 2), value) for value in (0.0, 1.0, 1.0)))
    truth = np.full((200, 2), np.nan)
    truth[:99, 0] = np.arange(1, 100) / 10
    truth[: FEWEST - 1, 1] = 7.0
    assert stretch(rows, truth) == pytest.approx([9.5, 1.0])


def test_samples_move_about_their_median_and_targets_stay_together() -> None:
    torch.manual_seed(0)
    samples = torch.randn(101, 3, 2)
    calibration = Calibration(np.array([2.0, 1.0]), np.array([1.0, 3.0]), {"visual": np.array([1.5, 1.5])})
    absent = {"visual": np.array([False, False, True])}
    found = calibration.apply(samples, np.array([False, True, True]), absent)
    median = samples.median(0).values
    factor = torch.tensor([[2.0, 1.0], [1.0, 3.0], [1.5, 3.0]])  # what is lacking only ever widens
    torch.testing.assert_close(found, median + factor * (samples - median))
    assert torch.equal(found.argsort(0), samples.argsort(0))


def test_no_calibration_changes_nothing() -> None:
    samples = torch.randn(11, 3, 2)
    assert torch.equal(Calibration.none(2).apply(samples, np.zeros(3, bool), {}), samples)


def test_the_guarantee_holds_for_a_forecast_that_is_wrong() -> None:
    """Over 400 worlds of 79 validation rows, stretched intervals hold a new truth with probability ceil(0.95 * 80) / 80 = 0.95.

    The forecast believes in a scale that is wrong and skewed; the bound has a failure rate of 2e-5.
    """
    random = np.random.default_rng(0)
    held, new = 0, 500
    shares = []
    for _ in range(400):
        truth = random.standard_t(3, size=(79 + new, 1))
        rows = rows_of(*(np.full((79 + new, 1), value) for value in (0.1, 0.8, 1.4)))
        factor = stretch({name: values[:79] for name, values in rows.items()}, truth[:79])[0]
        held = (truth[79:] >= 0.1 - 0.8 * factor) & (truth[79:] <= 0.1 + 1.4 * factor)
        shares.append(held.mean())
    assert math.ceil(0.95 * 80) / 80 == 0.95
    error = np.std(shares, ddof=1) / 400**0.5
    assert abs(np.mean(shares) - 0.95) < stats.t.isf(1e-5, 399) * error
