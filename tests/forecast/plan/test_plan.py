import io
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.scale import Scale
from features.simulated.world import simulate
from features.tables.columns import DAY
from features.tables.dataset import Dataset
from forecast.plan.compare import compare_totals, is_plan, read_total
from forecast.plan.drafts import at_horizon, own_numbers, passed
from forecast.plan.figure import plan_figure
from forecast.plan.plan import Plan, plan
from forecast.plan.written import rows_of_plan, table, to_json, total_written, write_plan
from forecast.saved import load
from machine.errors import InputError

MOMENT = {"publish": 1_700_000_000.0, "horizon": 7 * 86_400.0, "samples": 60}


@pytest.fixture(scope="module")
def forecaster(small_run):
    return load(small_run)


@pytest.fixture(scope="module")
def drafts():
    return simulate(40, seed=9)[0]


@pytest.fixture(scope="module")
def found(forecaster, drafts):
    return plan(forecaster, drafts, **MOMENT, goals={"like_count": 5000.0}, keep=True)


def by_hand(total, goals=None):
    rows = {name: np.log1p([[1_234_567.0], [20.0]]) for name in ("lower_95", "lower_50", "median", "upper_50", "upper_95")}
    reach = {"view_count": np.array([0.9, 0.0])} if goals else {}
    draws = np.array(total, float)[:, None]
    return Plan(np.array(["b", "a"]), ("view_count",), Scale("log1p"), 86_400.0, rows, reach, draws, goals or {})


def test_the_total_is_the_sum_of_the_joint_draws(found):
    counts = np.expm1(found.samples.astype(np.float64))
    assert found.total == pytest.approx(counts.sum(axis=1), rel=1e-4)  # draws are float32
    assert found.rows["median"] == pytest.approx(np.median(found.samples, axis=0), abs=1e-5)
    assert found.reach["like_count"] == pytest.approx((np.rint(counts[:, :, 1]) >= 5000).mean(axis=0))
    told = found.of_total()["like_count"]
    assert told["probability"] == pytest.approx((found.total[:, 1] >= 5000).mean())
    assert "goal" not in found.of_total()["view_count"]


def test_a_past_that_was_read_too_late_is_told(forecaster, drafts, found):
    def told(days):
        past = drafts.videos.assign(id=[f"past-{one}" for one in drafts.videos["id"]], collected_at=MOMENT["publish"] + days * 86_400.0)
        knowing = forecaster.with_past(Dataset(past.assign(create_time=past["collected_at"] - 86_400.0, username="somebody new")))
        of_one = drafts.take(np.arange(3))
        return plan(knowing, Dataset(of_one.videos.assign(username="somebody new", create_time=np.nan)), **MOMENT).warnings

    late = "3 of the drafts: the author's other videos were all read (collected_at) after publication, so none counts"
    assert late in told(1.0)
    assert late not in told(-1.0)


def test_the_order_of_the_table_changes_nothing(forecaster, drafts, found):
    other = plan(forecaster, drafts.take(np.random.default_rng(0).permutation(len(drafts))), **MOMENT, keep=True)
    assert np.array_equal(other.ids, found.ids)
    assert np.array_equal(other.samples, found.samples)
    assert np.array_equal(other.total, found.total)


def test_what_drafts_reached_is_not_looked_at(forecaster, drafts, found):
    videos = drafts.videos.assign(view_count=7.0).drop(columns="like_count")
    other = plan(forecaster, Dataset(videos, drafts.ready), **MOMENT)
    assert np.array_equal(other.rows["median"], found.rows["median"])
    assert other.samples is None


def test_drafts_without_a_time_are_published_when_said():
    videos = pd.DataFrame({"id": ["b", "a"], "create_time": [np.nan, 100.0], "view_count": [1.0, 2.0]})
    rows = at_horizon(Dataset(videos), 1000.0, 50.0).videos
    assert rows["id"].tolist() == ["a", "b"]
    assert rows["create_time"].tolist() == [100.0, 1000.0]
    assert rows["collected_at"].tolist() == [150.0, 1050.0]
    assert "view_count" not in rows
    assert at_horizon(Dataset(videos[["id"]]), 1000.0, 50.0).videos["create_time"].tolist() == [1000.0] * 2


READ = pd.DataFrame(
    {
        "id": ["b", "b", "b", "a", "c"],
        "collected_at": [1.0 * DAY, 3.0 * DAY, 9.0 * DAY, 2.0 * DAY, 5.0 * DAY],
        "view_count": [10.0, 30.0, 90.0, 2.0, 5.0],
    }
)


@pytest.mark.parametrize(
    ("seen", "views"), [(2.5, [2, 10, np.nan]), ("first", [2, 10, np.nan]), ("last", [2, 30, np.nan]), (30.0, [2, 30, np.nan])]
)
def test_what_was_read_up_to_the_horizon_is_known_where_asked(seen, views):
    videos = pd.DataFrame({"id": ["b", "a", "c"], "create_time": [0.0, 0.0, np.nan], "collected_at": [9 * DAY, 2 * DAY, 5 * DAY]})
    drafts = Dataset(videos.assign(view_count=[90.0, 2.0, 5.0]), readings=READ)
    found = at_horizon(drafts, publish=4 * DAY, horizon=7 * DAY, seen=seen)
    assert found.videos["id"].tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(found.so_far["view_count"], views)  # nobody knows how old c was when it was read
    assert "view_count" not in found.videos
    assert at_horizon(drafts, publish=4 * DAY, horizon=7 * DAY).so_far is None


@pytest.mark.parametrize(
    ("ages", "horizon", "known", "missed"),
    [
        ([1.0, 7.5], 7.0, (2.0, 7.0), 0),  # what was read soon after the horizon stands for it
        ([1.0, 8.5], 7.0, (1.0, 1.0), 1),
        ([6.9, 7.5], 7.0, (1.0, 6.9), 1),  # the reading before is nearer
        ([7.5, 8.0], 7.0, (1.0, 7.0), 0),
        ([20.0], 7.0, (0.0, np.nan), 1),
        ([1.0, 6.0], 7.0, (2.0, 6.0), 0),
    ],
)
def test_what_was_read_soon_after_the_horizon_stands_for_it(ages, horizon, known, missed):
    readings = pd.DataFrame({"id": "a", "collected_at": np.array(ages) * DAY, "view_count": np.arange(len(ages)) + 5.0})
    drafts = Dataset(pd.DataFrame({"id": ["a"], "create_time": [0.0]}), readings=readings)
    found = at_horizon(drafts, publish=0.0, horizon=horizon * DAY, seen="last")
    np.testing.assert_allclose(found.so_far[["readings", "collected_at"]].iloc[0] / [1.0, DAY], known)
    assert passed(drafts, found, ("view_count",)) == missed
    if missed == 0 and horizon in found.so_far["collected_at"].to_numpy() / DAY:
        assert found.so_far["view_count"][0] == 5.0 + ages.index(7.5)


def test_a_table_with_a_row_a_video_was_read_once():
    videos = pd.DataFrame({"id": ["b", "a"], "create_time": [DAY, DAY], "collected_at": [2 * DAY, np.nan], "view_count": [8.0, 3.0]})
    found = at_horizon(Dataset(videos), publish=0.0, horizon=7 * DAY, seen="last").so_far
    np.testing.assert_array_equal(found["view_count"], [np.nan, 8.0])
    assert found["readings"].tolist() == [0.0, 1.0]
    bare = at_horizon(Dataset(videos[["id", "create_time"]]), publish=0.0, horizon=7 * DAY, seen="last").so_far
    assert bare["readings"].tolist() == [0.0, 0.0]


def test_readings_are_of_the_runs_own_targets():
    videos = pd.DataFrame({"id": ["a"], "create_time": [0.0], "collected_at": [DAY], "view_count": [8.0], "saves": [3.0]})
    found = at_horizon(Dataset(videos), publish=0.0, horizon=7 * DAY, seen="last", targets=("saves",))
    assert found.so_far["saves"].tolist() == [3.0]
    assert "view_count" not in found.so_far
    assert not {"saves", "view_count"} & {*found.videos}


def test_a_run_without_readings_cannot_know_what_was_read(forecaster, drafts):
    with pytest.raises(InputError, match="--seen last: the run was trained without readings"):
        plan(forecaster, drafts, **MOMENT, seen="last")


def test_a_goal_of_something_else_is_refused(forecaster, drafts):
    with pytest.raises(InputError, match="--goal saves: the run forecasts view_count"):
        plan(forecaster, drafts, **MOMENT, goals={"saves": 1.0})
    with pytest.raises(InputError, match="--goal view_count=-5: a count is never below 0"):
        plan(forecaster, drafts, **MOMENT, goals={"view_count": -5.0})


def test_written_by_hand(tmp_path):
    made = by_hand([1_500_000, 2_500_000, 500, 3_000_000], {"view_count": 2_000_000.0})
    write_plan(made, tmp_path)
    lines = (tmp_path / "forecasts.csv").read_text().splitlines()
    assert lines[0] == "id,horizon,target,median,lower_50,upper_50,lower_95,upper_95,probability"
    assert lines[1] == "b,1d,view_count,1234567,1234567,1234567,1234567,1234567,0.9"
    assert lines[2] == "a,1d,view_count,20,20,20,20,20,0"
    total = json.loads((tmp_path / "total.json").read_text())
    assert total["videos"] == 2
    assert total["targets"]["view_count"]["median"] == 2_000_000
    assert total["targets"]["view_count"]["probability"] == 0.5
    assert total["targets"]["view_count"]["goal"] == 2_000_000
    lines = table(made).splitlines()
    assert [line.split()[0] for line in lines] == ["views", "b", "a", "total"]
    assert lines[1].split()[1:] == ["1.2M", *["1.2M", "to", "1.2M"] * 2, "90", "%"]
    assert lines[2].endswith("< 1 %")
    assert lines[3].endswith("50 %")


def test_many_drafts_are_told_by_the_best(found):
    lines = table(found).splitlines()
    assert len(lines) == 1 + 20 + 1 + 1
    assert lines[-2] == "... and 20 more"
    assert lines[-1].startswith("total")
    best = found.ids[np.argmax(found.rows["median"][:, 1])]  # likes have the goal
    assert lines[1].split()[0] == best
    assert len(rows_of_plan(found)) == 40 * 4


def test_scores_are_summed_as_they_are():
    made = by_hand([1.25, 2.5])
    made = Plan(
        made.ids, ("popularity",), Scale("identity"), 1.0, {name: np.full((2, 1), 1.23456789) for name in made.rows}, {}, made.total
    )
    assert total_written(made)["popularity"]["median"] == pytest.approx(1.875)
    assert rows_of_plan(made)["median"].tolist() == [1.23457] * 2
    assert table(made).splitlines()[-1].split()[1] == "1.88"


def test_plans_compared(tmp_path, found):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text("".join(to_json(found)))
    assert is_plan(first)
    whole = json.loads(first.read_text())
    assert np.array(whole["drafts"][0]["samples"]).shape == (60, 4)
    assert [draft["id"] for draft in whole["drafts"]] == found.ids.tolist()
    total = read_total(first)
    assert total.draws == pytest.approx(found.total)
    assert {row["probability"] for row in compare_totals(total, total)} == {0.5}
    better = Plan(**{**vars(found), "total": found.total * 2 + 1, "samples": None})
    second.write_text("".join(to_json(better)))
    assert {row["probability"] for row in compare_totals(total, read_total(second))} == {0.0}
    other = Plan(**{**vars(found), "horizon": 1.0})
    second.write_text("".join(to_json(other)))
    with pytest.raises(InputError, match="one plan is for 7 d"):
        compare_totals(total, read_total(second))
    second.write_text(first.read_text()[:-20])
    with pytest.raises(InputError, match="not a plan"):
        read_total(second)


def test_the_picture_has_every_draft_and_the_total(found):
    figure = plan_figure(found)
    drafts, together = figure.axes
    assert len(drafts.get_xticklabels()) == 40
    assert together.get_xticklabels()[0].get_text() == "total of 40"
    heights = drafts.lines[0].get_ydata()
    assert heights == pytest.approx(np.sort(found.rows["median"][:, 1])[::-1])
    assert together.lines[0].get_ydata()[0] == pytest.approx(math.log1p(found.of_total()["like_count"]["median"]))
    assert together.lines[1].get_ydata()[0] == pytest.approx(math.log1p(5000))


def test_names_with_dollars_are_drawn_as_they_are():
    name = r"$\frac{1$"
    figure = plan_figure(replace(by_hand([1.0, 2.0]), ids=np.array([name, "$x$"]), targets=(name,)))
    figure.savefig(io.BytesIO())
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [name, "$x$"]


def test_random_numbers_belong_to_the_plan_and_not_to_when_it_is_forecast():
    videos = pd.DataFrame({"id": ["b", "a"], "video_description": ["x", "y"], "view_count": [1.0, 2.0]})
    numbers = own_numbers(Dataset(videos), 3600.0)
    assert numbers == own_numbers(Dataset(videos.iloc[::-1].reset_index(drop=True).assign(view_count=5.0)), 3600.0)
    assert numbers == own_numbers(Dataset(videos.assign(music_title=None)[["music_title", *reversed(videos.columns)]]), 3600.0)
    assert numbers != own_numbers(Dataset(videos), 7200.0)
    assert numbers != own_numbers(Dataset(videos.assign(video_description="z")), 3600.0)
