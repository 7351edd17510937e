"""The best amount that few rows tell, by hand."""

import numpy as np
import pytest

from training.further.amount import likely_amount


def test_rows_that_agree_are_taken_at_their_word():
    assert likely_amount(np.full(30, 0.6), np.full(30, 2.0)) == pytest.approx(0.3)
    assert likely_amount(np.full(30, 3.0), np.full(30, 2.0)) == 1.0
    assert likely_amount(np.full(30, -1.0), np.full(30, 2.0)) == 0.0


def test_two_rows_that_contradict_each_other():
    # a row's weight w is uniform, and the amount w - (1 - w) where that is positive: a quarter on average, of standard error 0.32 / 20
    assert likely_amount(np.array([1.0, -1.0]), np.ones(2)) == pytest.approx(0.25, abs=0.07)


def test_the_more_rows_the_bolder():
    random = np.random.default_rng(0)
    few, many = (likely_amount(random.normal(-0.2, 1, size=rows), np.ones(rows)) for rows in (20, 2000))
    assert many < few / 5


def test_rows_that_repeat_each_other_tell_no_more_than_one():
    gain = np.random.default_rng(3).normal(0.1, 1, size=20)
    once = likely_amount(gain, np.ones(20))
    repeated = likely_amount(np.repeat(gain, 25), np.ones(500), repeats=25.0)
    assert repeated == pytest.approx(once, abs=0.06)  # 400 weights, of a standard deviation of 0.2


def test_what_makes_no_difference_and_what_nobody_tells():
    assert likely_amount(np.full(5, 1e-3), np.zeros(5)) == 1.0
    assert likely_amount(np.zeros(5), np.zeros(5)) == 0.0
    assert likely_amount(np.ones(1), np.ones(1)) == likely_amount(np.zeros(0), np.zeros(0)) == 0.5
