"""Targets that were not read, though others were: by value, and where the answer is known."""

import numpy as np
import pytest

from forecast.partly_read import together

SAMPLES = 20_000


def test_what_was_read_moves_what_was_not_as_far_as_the_two_go_together():
    random = np.random.default_rng(0)
    # before publication both have variance 4 and correlation 0.75, so that the other given the read one is Normal(0.75 read, 1.75)
    unread = random.multivariate_normal([7.0, 5.0], [[4.0, 3.0], [3.0, 4.0]], size=(SAMPLES, 1))
    read = np.stack([random.normal(10.0, 0.5, (SAMPLES, 1)), random.normal(99.0, 50.0, (SAMPLES, 1))], axis=-1)
    found = together(read, unread, np.array([[True, False]]))
    np.testing.assert_array_equal(found[..., 0], read[..., 0])
    assert found[..., 1].mean() == pytest.approx(5.0 + 0.75 * 3.0, abs=0.05)
    assert found[..., 1].var() == pytest.approx(1.75 + 0.75**2 * 0.25, rel=0.05)
    assert np.cov(found[:, 0].T)[0, 1] == pytest.approx(0.75 * 0.25, rel=0.1)


def test_what_goes_with_nothing_stays_and_each_video_is_on_its_own():
    random = np.random.default_rng(1)
    unread = random.normal(size=(SAMPLES, 2, 3))
    unread[:, 1, 2] = 2 * unread[:, 1, 0] - unread[:, 1, 1]
    read = np.zeros((SAMPLES, 2, 3)) + np.array([5.0, 1.0, 0.0])
    found = together(read, unread, np.array([[False, True, False], [True, True, False]]))
    np.testing.assert_allclose(found[:, 0, [0, 2]], unread[:, 0, [0, 2]], atol=0.2)
    np.testing.assert_allclose(found[:, 1, 2], 9.0, atol=0.05)


def test_a_constant_forecast_can_be_moved_by():
    found = together(np.ones((10, 1, 2)), np.zeros((10, 1, 2)), np.array([[True, False]]))
    np.testing.assert_array_equal(found[:, 0], [[1.0, 0.0]] * 10)


def test_one_draw_stays_as_it_is():
    found = together(np.full((1, 1, 2), 3.0), np.zeros((1, 1, 2)), np.array([[True, False]]))
    np.testing.assert_array_equal(found[:, 0], [[3.0, 0.0]])
