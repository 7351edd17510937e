"""Looks at followed videos, by value: what is known at each, and which reading is to be forecast."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.featurizer import Featurizer
from features.followed import early
from features.followed.looks import HOUR, Followed, last_told, learned_from_looks, looks_at, looks_to_learn, read_again
from features.simulated.growth import simulate_followed
from features.tables.dataset import Dataset
from machine.errors import InputError

DAY = 24 * HOUR


@pytest.fixture(scope="module")
def followed():
    """Three videos: read at 6 h, 1 d, 7.5 d; at 2 d alone; never."""
    readings = pd.DataFrame(
        {
            "id": ["a", "a", "a", "b"],
            "collected_at": [0.25 * DAY, DAY, 7.5 * DAY, 102 * DAY],
            "view_count": [10.0, 30.0, 20.0, 5.0],
            "like_count": [1.0, np.nan, 4.0, 0.0],
        }
    )
    videos = pd.DataFrame({"id": ["a", "b", "c"], "create_time": [0.0, 100 * DAY, 0.0], "username": ["x", "x", "y"]})
    return Dataset(videos, readings=readings)


def asked(dataset, **options):
    found = looks_at(dataset, **options)
    age = (found.videos["collected_at"] - found.videos["create_time"]) / DAY
    return {
        name: (row["readings"], row["view_count"], later, count)
        for name, (_, row), later, count in zip(found.videos["id"], found.so_far.iterrows(), age, found.videos["view_count"], strict=True)
    }


def test_before_anything_was_read_the_last_reading_is_forecast(followed):
    found = asked(followed)
    assert found.keys() == {"a", "b"}
    assert found["a"][0] == 0
    assert np.isnan(found["a"][1])
    assert found["a"][2:] == (7.5, 20.0)
    assert found["b"][2:] == (2.0, 5.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"seen": "first"}, {"a": (1, 10.0, 7.5, 20.0)}),
        ({"seen": 1.0}, {"a": (2, 30.0, 7.5, 20.0), "b": (0, None, 2.0, 5.0)}),
        ({"seen": 0.9, "horizon": 1.0}, {"a": (1, 10.0, 1.0, 30.0)}),
        ({"seen": "first", "horizon": 7.0}, {"a": (1, 10.0, 7.5, 20.0)}),
        ({"seen": 0.0, "horizon": 2.2}, {"b": (0, None, 2.0, 5.0)}),
    ],
)
def test_the_readings_known_and_the_one_nearest_to_the_horizon(followed, options, expected):
    found = asked(followed, **options)
    assert {name: tuple(None if value != value else value for value in row) for name, row in found.items()} == expected


@pytest.mark.parametrize("options", [{"horizon": 30.0}, {"seen": 8.0}, {"seen": "first", "horizon": 0.25}])
def test_rows_without_such_a_reading_are_refused_if_there_is_no_other(followed, options):
    with pytest.raises(InputError, match="no video has a reading"):
        looks_at(followed, **options)


def test_a_video_that_was_never_read_is_looked_at_once_its_row_says_what_it_reached(followed):
    told = replace(followed, videos=followed.videos.assign(view_count=[np.nan, np.nan, 70.0], like_count=np.nan))
    found = asked(told)
    assert found["c"][0] == 0
    assert found["c"][3] == 70.0
    assert np.isnan(found["c"][2])
    assert "c" not in asked(told, seen="first")
    looks, owner = looks_to_learn(told, 0)
    own = looks.videos[owner == 2]
    assert (own["view_count"] == 70.0).all()
    assert (looks.so_far["readings"][owner == 2] == 0).all()
    assert len(own) == (owner == 1).sum()  # as often as a video that was read once
    alone = told.take(np.array([2]))
    assert asked(alone).keys() == {"c"}
    with pytest.raises(InputError, match="no video has a reading within a fifth of 7 days"):
        looks_at(alone, horizon=7.0)


def test_numbers_of_the_part_early_by_value(followed):
    found = looks_at(followed, seen=1.0)
    numbers, present = early.numbers(found.videos, found.so_far, ("view_count", "like_count"))
    assert present.tolist() == [True, False]
    first = {name: values[0] for name, values in numbers.items()}
    assert first["so_far_view_count"] == pytest.approx(np.log1p(30))
    assert first["so_far_like_count"] == pytest.approx(np.log1p(1))  # as it was read before, since this reading lacks it
    assert first["log_age_read"] == pytest.approx(np.log1p(24))
    assert first["log_lead"] == pytest.approx(np.log1p(6.5 * 24))
    assert first["grown_view_count"] == pytest.approx(np.log1p(30) - np.log1p(10))
    assert first["log_hours_between"] == pytest.approx(np.log1p(18))
    assert first["log_readings"] == pytest.approx(np.log1p(2))
    assert all(np.isnan(values[1]) for values in numbers.values())
    assert early.moments(found.so_far, found.videos["create_time"].to_numpy()).tolist() == [DAY, 100 * DAY]


def test_looks_to_learn_are_of_later_readings_and_the_same_for_the_same_seed():
    dataset = simulate_followed(300, seed=1)[0]
    looks, owner = looks_to_learn(dataset, 0)
    assert (np.diff(owner) >= 0).all()
    assert set(owner) == set(range(300))
    assert looks.videos["id"].tolist() == dataset.videos["id"].iloc[owner].tolist()
    read = looks.so_far["collected_at"].to_numpy()
    later = looks.videos["collected_at"].to_numpy()
    assert (later[~np.isnan(read)] > read[~np.isnan(read)]).all()
    nothing = looks.so_far["readings"].to_numpy() == 0
    assert np.isnan(read[nothing]).all()
    assert 0.4 < nothing.mean() <= 0.5
    # every video's last reading is forecast from nothing once
    last = nothing & (later == dataset.videos["collected_at"].to_numpy()[owner])
    assert set(owner[last]) == set(range(300))
    again, _ = looks_to_learn(dataset, 0)
    pd.testing.assert_frame_equal(again.so_far, looks.so_far)
    assert not looks_to_learn(dataset, 1)[0].so_far.equals(looks.so_far)


def test_readings_before_the_last_are_forecast_only_at_ages_where_last_ones_are_rare():
    random, count = np.random.default_rng(0), 200
    read_on = Followed.of(two_readings(count, ends_early=0))
    chosen = read_on.start[:-1]
    np.testing.assert_array_equal(read_on.or_last(chosen, random), chosen)
    as_many_end = Followed.of(two_readings(count, ends_early=count))
    chosen = np.where(np.diff(as_many_end.start) > 1, as_many_end.start[:-1], -1)
    np.testing.assert_array_equal(as_many_end.or_last(chosen, random), as_many_end.last)
    half_as_many = Followed.of(two_readings(count, ends_early=count // 2))
    chosen = np.where(np.diff(half_as_many.start) > 1, half_as_many.start[:-1], -1)
    kept = (half_as_many.or_last(chosen, random) == chosen)[:count]
    # Binomial(200, 1 / 2): further than 4.3 standard deviations from the middle once in 60,000 seeds
    assert abs(kept.sum() - count / 2) < 4.3 * (count / 4) ** 0.5


def two_readings(count, ends_early):
    """`count` videos that are read after one day and after ten, and some that are read after one day alone."""
    every = [f"{number:05d}" for number in range(count + ends_early)]
    readings = pd.DataFrame({"id": every[:count] * 2 + every[count:], "collected_at": DAY})
    readings.loc[count : 2 * count - 1, "collected_at"] = 10 * DAY
    readings = readings.sort_values(["id", "collected_at"], ignore_index=True).assign(view_count=1.0)
    return Dataset(pd.DataFrame({"id": every, "create_time": 0.0}), readings=readings)


def test_readings_are_drawn_evenly_in_the_logarithm_of_time_however_they_are_spaced():
    # two videos, read after 1, 3 and 7 hours and after 0 and 1: log2(1 + hours) is 1, 2, 3 and 0, 1
    video, hours = np.array([0, 0, 0, 1, 1]), np.array([1.0, 3.0, 7.0, 0.0, 1.0])
    followed = Followed(np.array([0, 3, 5]), video, 3600 * hours, hours / 24)
    np.testing.assert_allclose(followed.evenly(hours) / np.log(2), [1.0, 1.0, 0.5, 0.5, 0.5])
    # read every hour, readings weigh 1 / time; their sum is the logarithm of how long
    hourly = Followed(np.array([0, 500]), np.zeros(500, int), 3600 * np.arange(500.0), np.arange(500.0) / 24)
    weight = hourly.evenly(np.arange(500.0))
    np.testing.assert_allclose(weight[10:-1], 1 / np.arange(11.0, 500.0), rtol=0.01)
    assert weight.sum() == pytest.approx(np.log(500))


def test_what_was_read_once_or_has_no_age_is_a_snapshot():
    dataset = simulate_followed(20, seed=1)[0]
    assert read_again(dataset) == 20
    assert read_again(dataset.take(np.arange(7))) == 7
    once = replace(dataset, readings=dataset.readings.drop_duplicates("id").reset_index(drop=True))
    ageless = replace(dataset, videos=dataset.videos.drop(columns="create_time"))
    half = replace(dataset, videos=dataset.videos.assign(create_time=dataset.videos["create_time"].where(np.arange(20) < 10)))
    assert [read_again(one) for one in (once, ageless, half)] == [0, 0, 10]
    for one in (once, ageless):
        assert not learned_from_looks(one, (), "log1p")
        assert Featurizer.fit(one, targets=("view_count",)).growth is None


def test_no_video_was_read(followed):
    """The newest videos, for example, whose counts have no date."""
    videos = followed.videos.assign(view_count=[7.0, 8.0, 9.0])
    none = replace(followed, videos=videos, readings=followed.readings[:0])
    looks, owner = looks_to_learn(none, 0)
    assert sorted(set(owner)) == [0, 1, 2]
    assert looks.videos["view_count"].isin([7.0, 8.0, 9.0]).all()


def test_a_target_that_not_one_last_reading_says_is_learned_at_the_readings_that_do():
    dataset = simulate_followed(60, seed=1)[0]
    ended = ~dataset.readings.duplicated("id", keep="last")
    readings = dataset.readings.assign(like_count=dataset.readings["like_count"].mask(ended))
    blank = replace(dataset, readings=readings, videos=dataset.videos.assign(like_count=np.nan))
    before = readings[~ended].drop_duplicates("id", keep="last")["like_count"].to_numpy()
    assert last_told(blank)["like_count"].tolist() == before.tolist()
    assert last_told(dataset).equals(dataset.videos)
    looks, owner = looks_to_learn(blank, 0)
    # a count read earlier is not what was reached: at the last reading it stays unknown
    last = looks.videos["collected_at"].to_numpy() == dataset.videos["collected_at"].to_numpy()[owner]
    np.testing.assert_array_equal(looks.videos["like_count"].isna(), last)
    assert 0 < last.mean() < 1
    fitted = Featurizer.fit(blank)
    assert "like_count" in fitted.targets.names
    assert fitted.targets.loc[fitted.targets.names.index("like_count")] == pytest.approx(np.log1p(before).mean())
    with pytest.raises(InputError, match="no usable target"):  # snapshots are learned from last readings alone
        Featurizer.fit(blank, targets=("like_count",), without=("early",))


def test_readings_at_the_very_borders_count():
    """A fifth of 7 and of 14 days, and 7 hours, are no exact numbers of days."""
    ages = [7 / 24, 0.8 * 7, 1.2 * 14]
    ids = [str(number) for number in range(len(ages))]
    readings = pd.DataFrame({"id": ids, "collected_at": [round(age * DAY) for age in ages], "view_count": [1.0, 2.0, 3.0]})
    dataset = Dataset(pd.DataFrame({"id": ids, "create_time": 0.0}), readings=readings)
    assert asked(dataset, horizon=7.0)["1"][3] == 2.0
    assert asked(dataset, horizon=14.0)["2"][3] == 3.0
    assert "0" not in asked(dataset, seen=25200 / DAY)
