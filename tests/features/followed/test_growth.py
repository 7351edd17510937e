"""The law of growth, by value: it finds coefficients that are known, and nothing read is no change."""

from dataclasses import replace

import numpy as np
import pytest

from features.followed.growth import Growth


def test_the_law_is_found_and_relative_numbers_are_those_of_the_targets():
    random = np.random.default_rng(0)
    counts, age, lead = random.uniform(2, 12, (5000, 1)), random.uniform(1, 200, 5000), random.uniform(1, 500, 5000)
    later = np.log1p(age + lead) - np.log1p(age)
    scatter = 0.1 + 0.2 * later
    expected = 1.5 * later - 0.05 * counts[:, 0] + 1.0
    reached = counts[:, 0] + expected + scatter * random.normal(size=5000)
    growth = Growth.fit(counts, age, lead, reached[:, None])
    loc, spread = np.array([9.0]), np.array([2.0])
    origin, unit = growth.relative_to(counts, age, lead, loc, spread)
    # origin + unit * loc is what the law expects, unit * spread how far growth strays
    assert np.sqrt(np.mean((origin + unit * loc - (counts + expected[:, None])) ** 2)) < 0.07
    assert np.abs(unit[:, 0] * spread / scatter - 1).mean() < 0.15
    relative = (reached - origin[:, 0]) / unit[:, 0]
    assert relative.mean() == pytest.approx(9.0, abs=0.1)
    assert relative.std() == pytest.approx(2.0, abs=0.15)


def test_where_nothing_was_read_nothing_is_relative():
    growth = Growth.fit(np.full((3, 2), 5.0), np.full(3, 1.0), np.full(3, 2.0), np.full((3, 2), 6.0))
    origin, unit = growth.relative_to(
        np.array([[np.nan, np.nan], [5.0, np.nan]]), np.array([np.nan, 1.0]), np.array([np.nan, 2.0]), np.array([9.0, 8.0]), np.full(2, 0.5)
    )
    assert origin[0].tolist() == [0, 0]
    assert unit[0].tolist() == [1, 1]
    # three looks that grew by 1 beside three that did not; integrals of 1 - x / 2 and x / 2 from log 2 to log 4
    second = 0.75 * np.log(2) ** 2
    terms = 1 + (np.log(2) - second) ** 2 + second**2
    assert origin[1, 1] + unit[1, 1] * 8.0 == pytest.approx(5 + terms / (terms + 1))  # as much above the usual as the count that was read
    assert origin[1, 0] + unit[1, 0] * 9.0 == pytest.approx(5 + terms / (terms + 1))


def test_where_nothing_was_read_usual_growth_to_the_horizon_is_expected():
    random = np.random.default_rng(6)
    age, lead = random.uniform(20, 200, 4000), random.uniform(50, 2000, 4000)
    age[:1000] = 0.0
    level = random.normal(6, 2, (4000, 2))
    counts = level + 0.5 * np.log1p(age)[:, None]  # half a unit of growth for each unit of log age
    counts[:1000] = np.nan
    growth = Growth.fit(counts, age, lead, level + 0.5 * np.log1p(age + lead)[:, None])
    origin, unit = growth.relative_to(counts[:1000], age[:1000], lead[:1000], np.full(2, 9.0), np.full(2, 2.0))
    assert (unit == 1).all()
    expected = 0.5 * np.log1p(lead[:1000, None])
    np.testing.assert_allclose(origin, np.repeat(expected - expected.mean(), 2, axis=1), atol=0.05)
    np.testing.assert_allclose(origin.mean(0), 0.0, atol=1e-9)
    assert (growth.where_unread(np.array([np.nan])) == 0).all()
    # nothing tells of growth before the first reading
    np.testing.assert_allclose(growth.youngest, 20.0, atol=0.5)
    np.testing.assert_allclose(*growth.where_unread(np.array([1.0, growth.youngest[0]])), atol=1e-9)


def test_growth_that_is_expected_is_never_negative_where_counts_hardly_ever_fall():
    random = np.random.default_rng(1)
    counts, age, lead = random.uniform(2, 12, (500, 1)), random.uniform(1, 200, 500), random.uniform(1, 500, 500)
    growth = replace(Growth.fit(counts, age, lead, counts - 1.0), fell=np.array([0.01]))
    loc, spread = np.array([9.0]), np.array([2.0])
    origin, unit = growth.relative_to(counts, age, lead, loc, spread)
    np.testing.assert_allclose(origin + unit * loc, counts)


def test_counts_that_fall_may_be_forecast_below_what_was_read_and_others_may_not():
    random = np.random.default_rng(6)
    counts = random.normal(6, 2, size=(2000, 3))
    age, lead = np.full(2000, 10.0), np.full(2000, 50.0)
    fallen = np.where(random.random(2000) < 0.02, -0.1, 0.1)  # of one in fifty
    reached = counts + np.stack([np.full(2000, -0.3), fallen, np.full(2000, 0.0)], axis=1)
    growth = Growth.fit(counts, age, lead, reached)
    np.testing.assert_allclose(growth.fell, [1.0, (fallen < 0).mean(), 0.0])
    assert growth.falls.tolist() == [True, False, False]
    look = np.array([[7.0, 7.0, np.nan]])
    assert growth.floor(look).tolist() == [[0.0, 7.0, -np.inf]]
    # at most twice 0.1 above what was read; the others never grew, so that nobody knows how far they may
    np.testing.assert_allclose(growth.ceiling(look), [[np.inf, 7.2, np.inf]])
    loc = np.full(3, 6.0)
    origin, unit = growth.relative_to(counts, age, lead, loc, np.full(3, 2.0))
    np.testing.assert_allclose((origin + unit * loc - counts)[:, 0], -0.3, atol=0.01)


def test_a_video_that_was_read_strays_no_further_than_one_that_was_not():
    random = np.random.default_rng(2)
    counts, age, lead = random.uniform(2, 12, (300, 1)), random.uniform(1, 20, 300), random.uniform(1, 50, 300)
    later = np.log1p(age + lead) - np.log1p(age)
    growth = Growth.fit(counts, age, lead, counts[:, 0:1] + np.exp(3 * later[:, None] - counts) * random.normal(size=(300, 1)))
    # the corner of what was seen, where no look was: few counts early, forecast far ahead
    _, unit = growth.relative_to(np.array([[2.0]]), np.array([1.0]), np.array([500.0]), np.array([9.0]), np.array([2.0]))
    assert unit[0, 0] == 1.0


def test_growth_that_ends_is_found_and_its_scatter_with_it():
    random = np.random.default_rng(3)
    counts, age, lead = random.uniform(2, 12, (6000, 1)), np.full(6000, 19.0), np.exp(random.uniform(0, 7, 6000))
    later = np.log1p(age + lead) - np.log1p(age)
    expected, scatter = (2.0 - 0.1 * counts[:, 0]) * (1 - np.exp(-later)), 0.4 * (1 - np.exp(-later))
    growth = Growth.fit(counts, age, lead, (counts[:, 0] + expected + scatter * random.normal(size=6000))[:, None])
    loc, spread = np.array([9.0]), np.array([2.0])
    origin, unit = growth.relative_to(counts, age, lead, loc, spread)
    for low, high in ((0.3, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 5.0)):  # a law of powers alone misses it by up to 0.11
        rows = (later >= low) & (later < high)
        assert np.median(unit[rows, 0] * spread / scatter[rows]) == pytest.approx(1.0, abs=0.15)
        assert np.abs((origin + unit * loc)[rows, 0] - counts[rows, 0] - expected[rows]).mean() < 0.08


def test_a_count_that_was_not_read_is_told_by_the_others():
    random = np.random.default_rng(4)
    level = random.normal(6, 2, size=4000)
    counts = np.stack([level + 3, level + 0.5 * random.normal(size=4000), level - 1], axis=1)
    age, lead = random.uniform(1, 50, 4000), random.uniform(1, 200, 4000)
    growth = Growth.fit(counts, age, lead, counts + 0.2)
    np.testing.assert_allclose(growth.usual, counts.mean(0))
    look = np.array([[9.0, np.nan, 5.0], [9.0, np.nan, np.nan], [np.nan, np.nan, np.nan]])
    filled = growth.filled(look)
    np.testing.assert_allclose(filled[:2], [[9.0, 6.0, 5.0], [9.0, 6.0, 5.0]], atol=0.1)
    assert np.isnan(filled[2]).all()
    loc, spread = np.full(3, 5.0), np.full(3, 2.0)
    origin, unit = growth.relative_to(look, np.full(3, 10.0), np.full(3, 50.0), loc, spread)
    np.testing.assert_allclose((origin + unit * loc)[:2], filled[:2] + 0.2, atol=0.02)
    assert (unit[0] < 0.08).all()
    assert unit[2].tolist() == [1.0] * 3
    np.testing.assert_allclose(origin[2], 0.2, atol=0.02)
    np.testing.assert_array_equal(growth.floor(look), [[9.0, -np.inf, 5.0], [9.0, -np.inf, -np.inf], [0.0, 0.0, 0.0]])


def test_a_count_that_is_in_no_reading_is_as_far_above_the_usual_end_as_the_others_are():
    random = np.random.default_rng(5)
    level = random.normal(6, 2, size=2000)
    counts = np.stack([level, np.full(2000, np.nan)], axis=1)
    growth = Growth.fit(counts, np.full(2000, 10.0), np.full(2000, 50.0), np.stack([level + 0.2, level - 2], axis=1))
    loc, spread = np.array([6.2, 4.0]), np.full(2, 2.0)
    origin, unit = growth.relative_to(counts, np.full(2000, 10.0), np.full(2000, 50.0), loc, spread)
    np.testing.assert_allclose((origin + unit * loc)[:, 1], level - 2, atol=0.01)
    assert (unit <= 1).all()


@pytest.mark.parametrize(("looks", "least"), [(50, 0.1), (6000, 0.05), (60_000, 0.02)])
def test_few_looks_do_not_tell_a_small_scatter(looks, least):
    counts = np.random.default_rng(4).uniform(2, 12, (looks, 1))
    growth = Growth.fit(counts, np.full(looks, 5.0), np.full(looks, 20.0), counts + 1.0)  # all grow alike
    np.testing.assert_allclose(growth.least, [least])
    _, unit = growth.relative_to(counts[:1], np.array([5.0]), np.array([20.0]), np.array([9.0]), np.array([2.0]))
    np.testing.assert_allclose(unit, [[least]])
