"""Settings that are left to the number of rows."""

import copy
import dataclasses
import math

import numpy as np
import pytest

from features.followed.looks import looks_each
from forecast.run.configuration import GROWTH_STEPS, STEPS, Configuration
from machine.errors import InputError


@pytest.mark.parametrize("rows", [40, 100, 300, 1000, 5000])
@pytest.mark.parametrize("followed", [False, True])
def test_few_rows_take_300_steps_and_not_many_more_however_often_they_are_looked_at(rows: int, followed: bool) -> None:
    looks = looks_each(rows) // 2 if followed else 1
    found = Configuration().for_rows(rows, looks)
    steps = math.ceil(rows * looks / found.batch_size)
    assert STEPS <= found.epochs * steps <= 3 * STEPS
    assert 32 <= found.batch_size <= 256
    if followed:
        assert GROWTH_STEPS <= found.growth_epochs * steps <= 2 * GROWTH_STEPS


def test_few_videos_among_many_were_followed() -> None:
    found = Configuration().for_rows(20_000, 4, followed=1000)
    assert found.epochs == 5
    assert found.growth_epochs * math.ceil(1000 * 4 / found.batch_size) >= GROWTH_STEPS
    assert found.others_left_out == 0.5
    assert Configuration().for_rows(20_000, 4, followed=2).growth_epochs == 300


@pytest.mark.parametrize(("rows", "looks", "expected"), [(300, 8, 0.5), (4999, 4, 0.5), (5000, 4, 0.0), (300, 1, 0.0)])
def test_of_few_followed_videos_networks_mostly_see_what_was_read(rows: int, looks: int, expected: float) -> None:
    assert Configuration().for_rows(rows, looks).others_left_out == expected
    assert Configuration(others_left_out=0.0).for_rows(rows, looks).others_left_out == 0.0


def test_a_negative_share_is_refused() -> None:
    with pytest.raises(InputError, match=r"others_left_out: -0.5 is neither -1 nor a share"):
        Configuration(others_left_out=-0.5)


def test_an_unknown_setting_is_a_sentence():
    for name, said in (("epoch", r"^setting epoch: there is none \(is it epochs\?\)$"), ("zzz", "^setting zzz: there is none$")):
        with pytest.raises(InputError, match=said):
            Configuration(**{name: 1})
    assert copy.deepcopy(Configuration(epochs=3)) == dataclasses.replace(Configuration(), epochs=3) == Configuration(epochs=3)


def test_a_video_is_one_video_however_often_it_is_looked_at() -> None:
    assert Configuration().for_rows(4000, 8).folds == Configuration().for_rows(4000).folds == 4
    assert Configuration().for_rows(10_000, 8).members == 4


def test_many_rows_have_wider_deeper_and_more_networks() -> None:
    few, many = Configuration().for_rows(19_999), Configuration().for_rows(20_000)
    assert (few.width, few.depth, few.members) == (128, 1, 4)
    assert (many.width, many.depth, many.members) == (256, 2, 6)


@pytest.mark.parametrize(("rows", "expected"), [(300, 32), (1500, 50), (3000, 64), (9000, 75), (40_000, 256)])
def test_a_step_takes_a_thirtieth_of_few_rows_and_a_120th_of_many(rows: int, expected: int) -> None:
    assert Configuration().for_rows(rows).batch_size == expected


def test_what_is_given_stays() -> None:
    found = Configuration(epochs=7, batch_size=32, members=3, folds=2, patience=4, width=24, depth=3).for_rows(500, 16)
    assert (found.epochs, found.batch_size, found.members, found.folds, found.patience, found.width, found.depth) == (7, 32, 3, 2, 4, 24, 3)


def test_no_more_folds_than_members():
    with pytest.raises(InputError, match="folds: 3 is more than there are members \\(2\\)"):
        Configuration(folds=3, members=2)
    assert Configuration(folds=3).for_rows(500).folds == 3  # of four members
    with pytest.raises(InputError, match="folds: 5 is more than there are members \\(4\\)"):
        Configuration(folds=5).for_rows(500)


def test_numbers_of_numpy_are_settings() -> None:
    found = Configuration(seed=np.int64(3), epochs=np.int32(2), learning_rate=np.float32(0.5), dropout=np.float64(0.25))
    assert Configuration.from_json(found.to_json(), "here") == found
    with pytest.raises(InputError, match="setting seed"):
        Configuration(seed=np.float64(3.0))
    with pytest.raises(InputError, match="setting seed"):
        Configuration(seed=np.bool_(True))
