import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from features.missing import Absences
from forecast.adjustments.calibration import FEWEST, HALVES, Calibration, conformal, extrapolate, needed
from forecast.adjustments.tails import ends, within_reach


def rows_of(median: np.ndarray, below: np.ndarray, above: np.ndarray) -> dict[str, np.ndarray]:
    return {"median": median, "lower_95": median - below, "upper_95": median + above}


def stretch(rows: dict[str, np.ndarray], truth: np.ndarray) -> np.ndarray:
    return conformal(needed(rows, truth))


def both(*values: float) -> np.ndarray:
    """The same stretches below and above."""
    return np.array([values, values])


def test_stretch_by_hand() -> None:
    # 99 rows at distances 0.01, 0.02, ..., 0.99 on both sides: too few for halves of their own; the rank is ceil(0.95 * 100) = 95
    distance = np.arange(1, 100) / 100
    truth = np.where(np.arange(99) % 2, 1.0, -1.0) * distance
    rows = rows_of(np.zeros((99, 1)), np.full((99, 1), 0.5), np.full((99, 1), 0.5))
    assert stretch(rows, truth[:, None]) == pytest.approx(both(0.95 / 0.5))


def test_each_side_is_measured_by_its_own_half() -> None:
    truth = np.concatenate([np.full(50, 2.0), np.full(49, -1.0)])[:, None]
    rows = rows_of(np.zeros((99, 1)), np.full((99, 1), 0.25), np.full((99, 1), 1.0))
    # above: 2 / 1; below: 1 / 0.25 is more
    assert stretch(rows, truth) == pytest.approx(both(4.0))


def test_no_half_reaches_below_what_was_read() -> None:
    # median 4, interval 1 to 5: 3 was read, so that the lower half is 1 long; the second video's median lies below what was read
    rows = rows_of(np.array([[4.0], [2.0], [4.0]]), np.full((3, 1), 3.0), np.full((3, 1), 1.0))
    found = needed(rows, np.array([[3.5], [3.0], [4.5]]), np.full((3, 1), 3.0))
    np.testing.assert_allclose(found[:, 0, 0], [0.5, 0.0, -0.5])
    np.testing.assert_allclose(found[:, 1, 0], [-0.5, 1.0, 0.5])


def test_many_rows_stretch_each_half_by_itself() -> None:
    # 799 rows at 0.01, ..., 3.99, 4 times 1 above the median and 2 times 1 below: the rank is ceil(0.975 * 800) = 780 of signed distances
    assert HALVES <= 799
    distance = np.arange(-399, 400) / 100
    truth = np.where(distance > 0, distance, 2 * distance)[:, None]
    rows = rows_of(*(np.full((799, 1), value) for value in (0.0, 1.0, 1.0)))
    # the 780th smallest of -3.99, ..., 3.99 is 3.80
    assert stretch(rows, truth)[:, 0] == pytest.approx([7.6, 3.8])


def test_unknown_truth_takes_no_part_and_too_few_rows_change_nothing() -> None:
    rows = rows_of(*(np.full((200, 2), value) for value in (0.0, 1.0, 1.0)))
    truth = np.full((200, 2), np.nan)
    truth[:99, 0] = np.arange(1, 100) / 10
    truth[: FEWEST - 1, 1] = 7.0
    assert stretch(rows, truth) == pytest.approx(both(9.5, 1.0))


def test_extrapolated_stretch_by_hand() -> None:
    # 0.8 + 0.4 / n: 1.2 alone, 1.0 for two, 0.9 for four
    assert extrapolate(np.array([1.2]), np.array([1.0]), 2, 4) == pytest.approx([0.9])
    assert extrapolate(np.array([1.2]), np.array([1.0]), 2, 2) == pytest.approx([1.0])


def test_samples_move_about_their_median_and_targets_stay_together() -> None:
    torch.manual_seed(0)
    samples = torch.randn(101, 3, 2)
    calibration = Calibration(np.array([[2.0, 1.0], [4.0, 1.0]]), both(1.0, 3.0), {"visual": both(1.5, 1.5)})
    absent = Absences({"visual": np.array([False, False, True])})
    found = calibration.apply(samples, np.array([False, True, True]), absent)
    median = samples.median(0).values
    below = torch.tensor([[2.0, 1.0], [1.0, 3.0], [1.5, 3.0]])  # what is lacking only ever widens
    above = torch.tensor([[4.0, 1.0], [1.0, 3.0], [1.5, 3.0]])
    stretched = median + torch.where(samples < median, below, above) * (samples - median)
    torch.testing.assert_close(found, within_reach(stretched, *ends(stretched)))
    assert torch.equal(found.argsort(0), samples.argsort(0))


def test_what_parts_multiply_comes_before_what_they_need_at_least() -> None:
    calibration = Calibration(both(2.0), both(1.0), {"visual": both(3.0)}, widening={"visual": np.array([1.1]), "textual": np.array([1.2])})
    absent = Absences({"visual": np.array([False, False, True, True]), "textual": np.array([True, False, True, False])})
    # 2 x 1.2; 1; 2 x 1.2 x 1.1 = 2.64, but at least 3; 1 x 1.1, but at least 3
    factor = calibration.factor(np.array([False, True, False, True]), absent)
    np.testing.assert_allclose(factor, [[[value]] * 2 for value in (2.4, 1.0, 3.0, 3.0)])


def test_drafts_of_known_authors_and_authors_met_since_have_stretches_of_their_own() -> None:
    calibration = Calibration(both(1.0), both(5.0), met=both(1.1), hardly_known=both(1.5), coming=both(1.2))
    stranger = np.array([False, True, False])
    for drafts, met, expected in (
        (False, None, (1.0, 5.0, 1.0)),
        (True, None, (1.2, 5.0, 1.2)),
        (False, np.array([5, 0, 0]), (1.5, 5.0, 1.0)),  # few of the author's videos are known, none, and training had the author
        (True, np.array([10, 0, 20]), (1.3 * 1.2, 5.0, 1.1 * 1.2)),  # ten are halfway from five to twenty
    ):
        found = calibration.factor(stranger, Absences(), met, drafts=drafts)
        np.testing.assert_allclose(found, [[[value]] * 2 for value in expected])
    few = replace(calibration, hardly_known=None).factor(stranger, Absences(), np.array([2, 0, 0]))
    np.testing.assert_allclose(few, [[[value]] * 2 for value in (1.1, 5.0, 1.0)])
    np.testing.assert_allclose(
        replace(calibration, coming=None).factor(stranger, Absences(), drafts=True), [[[v]] * 2 for v in (1.0, 5.0, 1.0)]
    )


def test_no_calibration_changes_nothing() -> None:
    torch.manual_seed(0)
    samples = torch.rand(11, 3, 2)
    found = Calibration.none(2).apply(samples, np.zeros(3, bool), Absences())
    torch.testing.assert_close(found, samples)


def test_no_draw_is_far_out_whether_it_was_stretched_or_not() -> None:
    samples = torch.linspace(-1, 1, 401)[:, None, None].repeat(1, 2, 1)
    samples[-1] = 50.0
    alone = Calibration.none(1).apply(samples[:, :1], np.zeros(1, bool), Absences())
    beside = Calibration(np.ones((2, 1)), np.full((2, 1), 1.5)).apply(samples, np.array([False, True]), Absences())
    assert float(alone.max()) == pytest.approx(2 * 0.95, abs=0.01)
    torch.testing.assert_close(beside[:, :1], alone)


@pytest.mark.parametrize("count", [79, 799])
def test_the_guarantee_holds_for_a_forecast_that_is_wrong(count: int) -> None:
    """Over 400 worlds of 79 validation rows, stretched intervals hold a new truth with probability ceil(0.95 * 80) / 80 = 0.95.

    Of 799, they miss it below, and above, with probability 1 - ceil(0.975 * 800) / 800 = 0.025.
    The forecast believes in a scale that is wrong and skewed; the bounds have a failure rate of 2e-5.
    """
    random = np.random.default_rng(0)
    new = 500
    sides = []
    for _ in range(400):
        truth = random.standard_t(3, size=(count + new, 1))
        rows = rows_of(*(np.full((count + new, 1), value) for value in (0.1, 0.8, 1.4)))
        below, above = stretch({name: values[:count] for name, values in rows.items()}, truth[:count])[:, 0]
        sides.append([(truth[count:] < 0.1 - 0.8 * below).mean(), (truth[count:] > 0.1 + 1.4 * above).mean()])
    assert math.ceil(0.95 * 80) / 80 == 0.95
    assert math.ceil(0.975 * 800) / 800 == 0.975
    missed = [np.sum(sides, axis=1)] if count < HALVES else list(np.array(sides).T)
    for shares in missed:
        error = np.std(shares, ddof=1) / 400**0.5
        assert abs(np.mean(shares) - 0.05 / len(missed)) < stats.t.isf(1e-5, 399) * error
