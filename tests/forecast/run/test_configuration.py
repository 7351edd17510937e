"""Settings that are left to the number of rows."""

import math

import pytest

from features.followed.looks import looks_each
from forecast.run.configuration import STEPS, Configuration


@pytest.mark.parametrize("rows", [40, 100, 300, 1000, 5000])
@pytest.mark.parametrize("followed", [False, True])
def test_few_rows_take_300_steps_and_not_many_more_however_often_they_are_looked_at(rows: int, followed: bool) -> None:
    looks = looks_each(rows) if followed else 1
    found = Configuration().for_rows(rows, looks)
    steps = found.epochs * math.ceil(rows * looks / found.batch_size)
    assert STEPS <= steps <= 3 * STEPS
    assert 64 <= found.batch_size <= 256


def test_a_video_is_one_video_however_often_it_is_looked_at() -> None:
    assert Configuration().for_rows(4000, 8).folds == Configuration().for_rows(4000).folds == 4
    assert Configuration().for_rows(10_000, 8).members == 4


def test_many_rows_have_wider_and_more_networks() -> None:
    few, many = Configuration().for_rows(19_999), Configuration().for_rows(20_000)
    assert (few.width, few.members, many.width, many.members) == (128, 4, 256, 6)


def test_what_is_given_stays() -> None:
    found = Configuration(epochs=7, batch_size=32, members=3, folds=2, patience=4, width=24).for_rows(500, 16)
    assert (found.epochs, found.batch_size, found.members, found.folds, found.patience, found.width) == (7, 32, 3, 2, 4, 24)
