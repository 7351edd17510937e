"""The followed world: readings that only grow, by the law that its oracle knows."""

import numpy as np
import pytest

from features.followed.looks import Followed, looks_at
from features.simulated.growth import AGES, SCALE, SHAPE, grown, simulate_followed, write
from features.tables.columns import COUNTS
from features.tables.dataset import read_dataset


def test_five_readings_a_video_that_never_fall():
    dataset = simulate_followed(400, seed=2)[0]
    followed = Followed.of(dataset)
    assert (np.diff(followed.start) == 5).all()
    age = followed.age.reshape(400, 5)
    assert ((age[:, 0] > 1 / 24 - 1e-3) & (age[:, 0] < 0.5 + 1e-3)).all()
    np.testing.assert_allclose(age[:, 1:], np.tile(AGES, (400, 1)), atol=1e-4)
    assert (np.diff(dataset.readings[list(COUNTS)].to_numpy().reshape(400, 5, 4), axis=1) >= 0).all()


def test_the_oracle_is_right_about_growth():
    dataset = simulate_followed(4000, seed=7)[0]
    later = looks_at(dataset, seen=1.0, horizon=7.0)
    names = list(COUNTS)
    read, reached = np.log1p(later.so_far[names].to_numpy()), np.log1p(later.videos[names].to_numpy())
    # by hand: SHAPE * (7 / 12 - 1 / 6) = 5/3 on the average, times SCALE
    assert (reached - read).mean() == pytest.approx(SHAPE * (7 / 12 - 1 / 6) * SCALE, abs=4.3 * SCALE * (5 / 3) ** 0.5 / 16_000**0.5)
    draws = read[None] + grown(np.full(4000, 1.0), np.full(4000, 7.0), 400, 4, np.random.default_rng(0))
    place = (draws < reached[None]).mean(axis=0)
    assert np.abs(np.histogram(place, bins=10, range=(0, 1))[0] / 16_000 - 0.1).max() < 4.3 * (0.09 / 16_000) ** 0.5 + 0.003


def test_written_and_read_again(tmp_path):
    dataset = simulate_followed(50, seed=1)[0]
    write(dataset, tmp_path)
    again = read_dataset(tmp_path)
    assert again.readings.to_numpy().tolist() == dataset.readings.to_numpy().tolist()
    assert again.videos["view_count"].tolist() == dataset.videos["view_count"].tolist()
