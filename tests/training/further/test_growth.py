"""What a few followed videos teach of growth: a law of their own where theirs is another, and intervals that hold."""

import dataclasses
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import train as command
from features.followed.early import counts
from features.followed.looks import looks_at, unread
from features.simulated.growth import simulate_followed, write
from features.tables.columns import COUNTS
from features.tables.readings import of_videos
from forecast.adjustments.moved import FILE_OF_GROWTH
from forecast.run.configuration import Configuration
from forecast.saved import load
from machine.errors import InputError
from tests.training.further.test_go_on import checksums
from training import go_on, train
from training.further.growth import FEWEST, with_growth

pytestmark = pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
SMALL = Configuration(members=2, folds=2, epochs=4, growth_epochs=4, width=16, latent=4, depth=1, batch_size=256, split="random")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on followed videos."""
    path = tmp_path_factory.mktemp("followed") / "run"
    train(simulate_followed(400, seed=3)[0], SMALL, run=path)
    return path


def like_it(count, seed):
    return simulate_followed(count, seed=seed)[0]


def unlike_it(count, seed):
    """Followed videos that hardly grow after the first reading: a tenth as much in log counts."""
    dataset = like_it(count, seed)
    readings = dataset.readings.copy()
    first = readings.groupby("id")[list(COUNTS)].transform("first")
    grown = np.log1p(readings[list(COUNTS)]) - np.log1p(first)
    readings[list(COUNTS)] = np.round(np.expm1(np.log1p(first) + grown / 10))
    last = readings.groupby("id").last().loc[dataset.videos["id"]]
    videos = dataset.videos.assign(**{name: last[name].to_numpy() for name in COUNTS})
    return dataclasses.replace(dataset, videos=videos, readings=readings)


def test_a_law_of_their_own_where_theirs_is_another(run):
    old = load(run)
    found = with_growth(old, unlike_it(60, seed=9), "cpu")
    test = looks_at(unlike_it(200, seed=10), "first")
    before, after = (one.evaluate(test, samples=200)["mean"] for one in (old, found))
    assert after["crps"] < 0.5 * before["crps"]
    assert after["coverage_95"] > 0.88  # of 800 truths: 0.95 less the noise of a stretch from 60 videos
    assert found.moved_growth.told.all()


def test_counts_that_no_reading_knows_have_no_say_in_it(run):
    table = unlike_it(60, seed=9)
    last = table.readings["id"].ne(table.readings["id"].shift(-1))
    hidden = table.readings.assign(**{name: table.readings[name].where(last) for name in COUNTS[1:]})
    found = with_growth(load(run), dataclasses.replace(table, readings=hidden), "cpu")
    assert found.moved_growth.told.tolist() == [True, False, False, False]


def test_the_runs_law_where_they_follow_it(run):
    old = load(run)
    found = with_growth(old, like_it(60, seed=9), "cpu")
    assert found.featurizer is old.featurizer
    assert found.moved_growth is None
    assert not np.array_equal(found.calibration.read, old.calibration.read)
    test = looks_at(like_it(200, seed=10), "first")
    before, after = (one.evaluate(test, samples=200)["mean"]["crps"] for one in (old, found))
    assert after < 1.02 * before


def test_a_target_that_no_look_knows_keeps_its_law_and_stretch(run):
    old, other = load(run), unlike_it(60, seed=9)
    blank = {name: other.readings[name] * np.nan if name == "share_count" else other.readings[name] for name in COUNTS}
    lacking = replace(other, readings=other.readings.assign(**blank), videos=other.videos.assign(share_count=np.nan))
    found = with_growth(old, lacking, "cpu")
    place = old.targets.index("share_count")
    np.testing.assert_array_equal(found.featurizer.growth.loc[:, place], old.featurizer.growth.loc[:, place])
    np.testing.assert_array_equal(found.calibration.read[:, place], old.calibration.read[:, place])
    assert (found.calibration.read[:, 0] != old.calibration.read[:, 0]).any()
    assert not found.moved_growth.told[place]
    assert found.moved_growth.told.sum() == 3
    assert (found.featurizer.growth.loc[:, 0] != old.featurizer.growth.loc[:, 0]).any()


def test_nothing_is_learned_of_snapshots_or_from_a_handful(run):
    old, other = load(run), unlike_it(60, seed=9)
    assert with_growth(old, unread(other), "cpu") is old
    assert with_growth(old, other.take(np.arange(FEWEST - 1)), "cpu") is old


def test_most_rows_may_have_been_read_once(run):
    old, other = load(run), unlike_it(60, seed=9)
    once = other.readings.drop_duplicates("id", keep="last")
    again = other.readings["id"].isin(other.videos["id"].iloc[::5])  # 12 of the 60
    readings = pd.concat([other.readings[again], once[~once["id"].isin(other.readings["id"][again])]])
    found = with_growth(old, replace(other, readings=of_videos(readings, other.videos)), "cpu")
    assert found.moved_growth is not None


def test_what_was_learned_is_kept_and_forecasts_begin_at_what_was_read(run, tmp_path):
    write(unlike_it(60, seed=9), tmp_path / "data")
    options = ["--from", str(run), "--data", str(tmp_path / "data")]
    command.main([*options, "--run", str(tmp_path / "one")])
    command.main([*options, "--run", str(tmp_path / "two")])
    assert checksums(tmp_path / "one") == checksums(tmp_path / "two")
    found, look = load(tmp_path / "one"), looks_at(unlike_it(50, seed=10), "first")
    samples = found.forecast(look, 100).samples
    assert (samples >= counts(look.so_far, found.targets).astype(np.float32) - 1e-4).all()
    assert found.moved_growth is not None
    (tmp_path / "one" / FILE_OF_GROWTH).write_bytes(b"")
    with pytest.raises(InputError, match=FILE_OF_GROWTH):
        load(tmp_path / "one")


def test_videos_that_were_read_are_judged_apart_for_the_share_of_a_run_of_their_own(run, monkeypatch):
    monkeypatch.setattr("training.further.own.AUTOMATIC", {})
    other = unlike_it(130, seed=9)
    pair = go_on(run, other, replace(load(run).configuration, test_share=0.0))
    assert pair.share != pair.share_read
    test = looks_at(unlike_it(200, seed=10), "first")
    both, moved, own = (one.evaluate(test, samples=200)["mean"]["crps"] for one in (pair, pair.first, pair.second))
    assert both < 1.1 * min(moved, own)
