"""Forecasts of followed videos: they begin at what was read last, and nothing read after their moment changes them."""

import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import app
import evaluate
import predict
import train as command
from features.followed.early import counts
from features.followed.looks import looks_at
from features.scale import Scale
from features.simulated.growth import simulate_followed, write
from features.tables.dataset import read_dataset
from forecast import load
from forecast.draft.outlook import Outlook, outlook, parts_table
from forecast.draft.page import READ
from forecast.draft.so_far import in_order, parse_reading
from forecast.draft.video import Draft
from forecast.plan.plan import plan
from forecast.run.configuration import Configuration
from forecast.scoring.subsets.lead import asked
from machine.errors import InputError
from training import train

pytestmark = pytest.mark.filterwarnings("ignore:.*no row has the part history")  # other authors
SETTINGS = ["--members", "1", "--epochs", "2", "--width", "8", "--latent", "4", "--depth", "1", "--batch-size", "256", "--device", "cpu"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """300 followed videos as a directory."""
    path = tmp_path_factory.mktemp("followed") / "data"
    write(simulate_followed(300, seed=3)[0], path)
    return path


@pytest.fixture(scope="module")
def run(data):
    """A tiny run on them, by time: only what was read before the moment of a forecast counts."""
    path = data.parent / "run"
    command.main(["--data", str(data), "--run", str(path), "--split", "time", *SETTINGS])
    return path


@pytest.fixture(scope="module")
def forecaster(run):
    return load(run)


def draws(forecaster, dataset):
    return forecaster.forecast(dataset, 50).samples


def test_draws_are_never_below_the_last_reading(forecaster):
    dataset = simulate_followed(200, seed=4)[0]
    look = looks_at(dataset, seen="first")
    floor = counts(look.so_far, forecaster.targets).astype(np.float32)
    assert (draws(forecaster, look) >= floor - 1e-4).all()
    unread = looks_at(dataset)
    assert (draws(forecaster, unread) >= 0).all()
    # a table that says nothing of readings is one that nothing was read of
    np.testing.assert_array_equal(draws(forecaster, unread), draws(forecaster, dataclasses.replace(unread, so_far=None)))


def test_no_draw_grows_more_than_twice_as_much_as_any_video_was_seen_to(forecaster):
    look = looks_at(simulate_followed(50, seed=4)[0], seen="first")
    videos = forecaster.featurizer.transform(look)
    far = videos.absolute(torch.full((1, 50, 4), 1e3))
    most = 2 * forecaster.featurizer.growth.most
    np.testing.assert_allclose(far[0].numpy() - counts(look.so_far, forecaster.targets), np.broadcast_to(most, (50, 4)), rtol=1e-4)
    assert (most > 1).all()


def test_without_what_was_read_popularity_is_relative_to_what_it_was_before(forecaster):
    dataset = simulate_followed(50, seed=4)[0]
    read, unread = (forecaster.featurizer.transform(looks_at(dataset, seen, horizon=7.0)) for seen in ("first", 0.0))
    assert not torch.equal(read.origin, unread.origin)
    for name in ("origin", "unit", "floor", "ceiling"):
        assert torch.equal(getattr(read.without("early"), name), getattr(unread, name))


def test_nothing_read_after_the_moment_of_the_forecast_changes_it(forecaster):
    dataset = simulate_followed(200, seed=5)[0]
    moved = scattered(dataset, seen=1.5)
    assert not moved.readings.equals(dataset.readings)
    for seen in (0.0, 1.5):
        one, other = (draws(forecaster, looks_at(each, seen=seen)) for each in (dataset, scattered(dataset, seen=seen)))
        assert one.tobytes() == other.tobytes()
    # what is seen does
    assert (draws(forecaster, looks_at(dataset, seen=1.5)) != draws(forecaster, looks_at(dataset, seen=0.6))).any()


def scattered(dataset, seen):
    """The same videos with random counts in all readings older than `seen` days, and all of them but the last at random moments."""
    random = np.random.default_rng(0)
    readings = dataset.readings.copy()
    published = readings["id"].map(dataset.videos.set_index("id")["create_time"])
    later = (readings["collected_at"] - published).to_numpy() > seen * 86_400
    last = ~readings["id"].duplicated(keep="last").to_numpy()
    for name in forecaster_targets(readings):
        readings[name] = np.where(later, random.integers(0, 10**6, len(readings)), readings[name])
    start = (published + seen * 86_400 + 1).to_numpy()
    end = readings.groupby("id")["collected_at"].transform("max").to_numpy()
    anywhere = np.round(random.uniform(start, end - 1))
    readings["collected_at"] = np.where(later & ~last, anywhere, readings["collected_at"])
    order = np.lexsort((readings["collected_at"], readings["id"].map({name: row for row, name in enumerate(dataset.videos["id"])})))
    return dataclasses.replace(dataset, readings=readings.iloc[order].reset_index(drop=True))


def forecaster_targets(readings):
    return [name for name in readings if name not in ("id", "collected_at")]


def test_the_past_of_others_counts_only_as_far_as_it_was_read(forecaster):
    whole = simulate_followed(400, seed=6)[0]
    mine, others = whole.take(np.arange(0, 400, 2)), whole.take(np.arange(1, 400, 2))
    look = looks_at(mine, seen="first")
    latest = look.so_far["collected_at"].max()
    changed = others.readings.copy()
    after = (changed["collected_at"] >= latest).to_numpy()
    assert 0.02 < after.mean() < 0.9
    changed.loc[after, "view_count"] = 7.0
    one = draws(forecaster.with_past(others), look)
    assert one.tobytes() == draws(forecaster.with_past(dataclasses.replace(others, readings=changed)), look).tobytes()
    assert one.tobytes() != draws(forecaster, look).tobytes()


def test_evaluate_looks_at_an_age_and_scores_by_lead(run, tmp_path):
    evaluate.main(["--run", str(run), "--samples", "50", "--seen", "1d", "--horizon", "7d", "--out", str(tmp_path)])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert (metrics["seen"], metrics["horizon"], metrics["rows"]) == ("1d", "7d", 30)
    [group] = metrics["by_horizon"]
    assert (group["seen"], group["horizon"], group["rows"]) == (1.0, 7.0, 30)
    assert group["crps"] == pytest.approx(metrics["mean"]["crps"])
    # 30 test videos were read at 1, 3, 7 and 30 days, and some before 6 hours
    assert {(1.0, 7.0, 30), (3.0, 30.0, 30), (0.0, 1.0, 30)} <= {(look["seen"], look["horizon"], look["rows"]) for look in metrics["looks"]}
    assert "How much do readings tell?" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("seen", "horizon", "sentence"),
    [
        ("1d", "1d", "no video has a reading within a fifth of 1 days, later than what is seen"),
        ("soon", "last", "^--seen 'soon': expected hours"),
        ("0", "first", "horizon 'first'"),
    ],
)
def test_what_cannot_be_asked_is_refused(forecaster, data, seen, horizon, sentence):
    with pytest.raises(InputError, match=sentence):
        asked(simulate_followed(20, seed=1)[0], forecaster.featurizer, seen, horizon)


def test_a_snapshot_has_nothing_to_see(forecaster, world):
    assert asked(world, forecaster.featurizer) is world
    with pytest.raises(InputError, match="holds one reading of each video"):
        asked(world, forecaster.featurizer, "6h")


def test_readings_of_views_alone_make_a_run_that_forecasts_all(tmp_path):
    dataset = simulate_followed(120, seed=5)[0]
    views = dataclasses.replace(dataset, readings=dataset.readings[["id", "collected_at", "view_count"]])
    settings = {"members": 1, "epochs": 1, "width": 8, "latent": 4, "depth": 1}
    run = train(views, Configuration(**settings), run=tmp_path / "run")  # reads what it wrote
    look = looks_at(views, seen="first")
    found = draws(run, look)
    assert np.isfinite(found).all()
    assert np.corrcoef(np.median(found, axis=0)[:, 1], look.videos["like_count"].map(np.log1p))[0, 1] > 0.5


def test_a_run_whose_intervals_are_left_as_they_are_can_be_read(tmp_path):
    settings = {"members": 1, "epochs": 1, "width": 8, "latent": 4, "depth": 1, "calibrate": False}
    dataset = simulate_followed(120, seed=5)[0]
    run = train(dataset, Configuration(**settings), run=tmp_path / "run")  # reads what it wrote
    assert run.calibration.read is None
    assert np.isfinite(draws(run, looks_at(dataset, seen="first"))).all()


def test_a_count_that_nobody_read_is_told_by_those_that_were(forecaster):
    look = looks_at(simulate_followed(200, seed=4)[0], seen="first")
    first = forecaster.targets[0]
    others = [name for name in forecaster.targets if name != first]
    alone = dataclasses.replace(look, so_far=look.so_far.assign(**{f"{way}{name}": np.nan for name in others for way in ("", "before_")}))
    whole, told = (np.median(draws(forecaster, one), axis=0) for one in (look, alone))
    unread = np.median(draws(forecaster, dataclasses.replace(look, so_far=None)), axis=0)
    for target in range(1, len(forecaster.targets)):  # nearer to what all counts say than to what is usual
        off, usual = (np.abs(one[:, target] - whole[:, target]).mean() for one in (told, unread))
        assert off < 0.7 * usual


def test_an_outlook_begins_at_the_last_reading_and_never_falls(forecaster):
    read = (parse_reading("1d: view_count=30K, like_count=900"), parse_reading("6h: view_count=12000"))
    known = {"username": "author-3-1", "follower_count": 5000.0}
    draft = Draft(1_700_000_000.0, known, read=read)
    found = outlook(forecaster, draft, [3600.0, 90_000.0, 7 * 86_400.0, 30 * 86_400.0], samples=60)
    assert found.horizons == (90_000.0, 7 * 86_400.0, 30 * 86_400.0)
    assert [one.age for one in found.read] == [6 * 3600.0, 86_400.0]
    views, likes = found.targets.index("view_count"), found.targets.index("like_count")
    assert (found.samples[:, :, views] >= np.float32(np.log1p(30_000)) - 1e-4).all()
    assert (found.samples[:, :, likes] >= np.float32(np.log1p(900)) - 1e-4).all()
    assert (np.diff(found.samples, axis=1) >= 0).all()
    assert found.parts["early"]["given"]
    assert not outlook(forecaster, Draft(1_700_000_000.0, known), [86_400.0], samples=60).parts["early"]["given"]
    with pytest.raises(InputError, match="no horizon is later than the last reading, at the age of 1 d"):
        outlook(forecaster, draft, [3600.0], samples=60)
    again = Outlook.from_json(written(found))
    assert again.read == found.read
    np.testing.assert_allclose(again.above(3.0), found.above(3.0), atol=0.05)
    assert "early" in parts_table(found)


def written(found):
    path = Path(tempfile.mkdtemp()) / "outlook.json"
    path.write_text(found.to_json())
    return path


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["6h"], "expected an age and counts"),
        (["6h: 12"], "expected an age and counts"),
        (["6h: view_count=-1"], "'-1' is not a count"),
        (["6h: view_count=few"], "'few' is not a count"),
        (["6h: view_count=1, view_count=2"], "view_count stands there twice"),
        (["soon: view_count=1"], "^--so-far 'soon: view_count=1': age 'soon': expected hours"),
        (["6h: plays=1"], "plays is not a target of the run"),
        (["1d: view_count=1", "24h: view_count=2"], "two readings at the age of 1 d"),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(forecaster, texts, sentence):
    with pytest.raises(InputError, match=sentence):
        outlook(forecaster, Draft(0.0, read=tuple(map(parse_reading, texts))), [90_000.0], samples=40)


def test_a_run_of_scores_says_that_they_do_not_grow(forecaster, data):
    targets = dataclasses.replace(forecaster.featurizer.targets, scale=Scale("identity"))
    scores = dataclasses.replace(forecaster, featurizer=dataclasses.replace(forecaster.featurizer, targets=targets, growth=None))
    dataset, why = (
        read_dataset(data),
        "the run forecasts scores, of which no growth is learned, so what was read of a video tells it nothing",
    )
    with pytest.raises(InputError, match=f"^--so-far: {why}"):
        in_order([parse_reading("6h: view_count=1")], scores.featurizer)
    with pytest.raises(InputError, match=f"^--seen 1d: {why}"):
        asked(dataset, scores.featurizer, "1d")
    with pytest.raises(InputError, match=f"^--seen last: {why}"):
        plan(scores, dataset, publish=0.0, horizon=86_400.0, seen="last")


def test_the_page_says_that_drafts_were_read(run, data):
    desk, videos = app.Desk(run.parent, megabytes=1), str(data)
    with_note, without = (desk.plan(run.name, videos, (), "", "30d", "", read)[1] for read in (False, True))
    assert with_note == [f"300 of them were read since publication; tick “{READ}” to begin their forecasts there"]
    assert without == []


def test_a_table_of_drafts_begins_where_they_were_read(run, data, tmp_path, capsys):
    options = ["--run", str(run), "--data", str(data), "--horizon", "30d", "--samples", "60"]
    predict.main([*options, "--out", str(tmp_path / "drafts")])
    assert "note: 300 of them were read since publication; --seen last begins their forecasts there" in capsys.readouterr().err
    predict.main([*options, "--seen", "1d", "--out", str(tmp_path / "read")])
    said = capsys.readouterr().err
    assert "were read since publication" not in said
    assert "nothing was read up to the age of --seen" not in said
    predict.main([*options, "--seen", "1h", "--out", str(tmp_path / "early")])
    assert "300 of the drafts: nothing was read up to the horizon and the age of --seen, so the forecast begins" in capsys.readouterr().err
    readings = simulate_followed(300, seed=3)[0].readings
    day = readings[readings["collected_at"] <= readings["id"].map(readings.groupby("id")["collected_at"].min()) + 86_400]
    least = day.groupby("id")["view_count"].min()
    tables = (pd.read_csv(tmp_path / name / "forecasts.csv") for name in ("drafts", "read"))
    before, after = (one[one["target"] == "view_count"].set_index("id") for one in tables)
    assert (after["lower_95"] >= least.reindex(after.index) - 1).all()
    assert (before["lower_95"] < least.reindex(before.index)).mean() > 0.3
    widths = [np.log((1 + one["upper_95"]) / (1 + one["lower_95"])).mean() for one in (before, after)]
    assert widths[1] < 0.85 * widths[0]  # 0.76: the run is tiny
