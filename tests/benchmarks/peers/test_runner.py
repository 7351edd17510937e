"""Which rows a peer learns from, which it stops on, and what it must not see."""

import importlib.util

import numpy as np
import pandas as pd
import pytest

from benchmarks.peers import models, runner
from benchmarks.peers.names import CLOSED, KNOWN
from benchmarks.peers.runner import HELD, Question, forecasts
from features.tables.dataset import Dataset
from machine.errors import InputError

LEARNED, TESTED = np.arange(50, 300), np.arange(50)


def question(how: str = "random", *, blind: bool = False) -> Question:
    random = np.random.default_rng(0)
    author = random.integers(0, 30, 300)
    level = random.normal(6, 2, 30)[author]
    videos = pd.DataFrame(
        {
            "id": [f"v{row}" for row in range(300)],
            "username": [f"author {code}" for code in author],
            "create_time": 1.6e9 + random.integers(0, 10**7, 300),
            "follower_count": np.round(np.exp(level + random.normal(0, 1, 300))),
            "view_count": np.round(np.exp(level + random.normal(0, 0.5, 300))),
        }
    )
    if blind:
        videos.loc[TESTED, "view_count"] = np.nan
    return Question(Dataset(videos), LEARNED, TESTED, ("view_count",), "log1p", how)


@pytest.mark.parametrize("how", ["random", "author", "time", "fold=1"])
def test_held_rows_are_of_the_kind_that_is_tested(how: str):
    asked = question(how)
    rows, videos = asked.held(), asked.dataset.videos
    assert sorted([*rows.train, *rows.validation]) == LEARNED.tolist()
    assert rows.test.tolist() == TESTED.tolist()
    assert len(rows.validation) == pytest.approx(HELD * len(LEARNED), abs=10)
    trained, held = (videos.iloc[share] for share in rows[:2])
    assert set(trained["username"]).isdisjoint(held["username"]) == (how == "author")
    assert (trained["create_time"].max() <= held["create_time"].min()) == (how == "time")


@pytest.mark.parametrize("name", ["catboost", "catboost-quantiles", "lightgbm", "ngboost"])
def test_a_tree_stops_on_held_rows_and_learns_again_from_all_of_them(name: str, monkeypatch: pytest.MonkeyPatch):
    peer, calls = getattr(models, name.replace("-", "_")), []

    def watched(task, target, rounds=None):
        forecast, found = peer(task, target, rounds)
        calls.append((task, rounds, found))
        return forecast, found

    if importlib.util.find_spec(name.partition("-")[0]) is None:
        pytest.skip(f"{name} is not installed (pip install '.[peers]')")
    monkeypatch.setattr(runner.models, name.replace("-", "_"), watched)
    asked = question()
    forecasts(name, asked)
    (first, untold, found), (last, told, _) = calls
    rows = asked.held()
    views = np.log1p(asked.dataset.videos["view_count"])
    assert untold is None
    assert told == found
    assert [len(share.targets) for share in (first.train, first.held)] == [len(rows.train), len(rows.validation)]
    assert last.validation is None
    assert last.train.targets["view_count"].tolist() == views.iloc[LEARNED].tolist()
    # encodings of the test rows come from all rows to learn from
    count = asked.dataset.videos["username"].iloc[TESTED].map(asked.dataset.videos["username"].iloc[LEARNED].value_counts()).fillna(0)
    assert last.test.encodings["rows of username"].tolist() == np.log1p(count).tolist()


@pytest.mark.parametrize("name", CLOSED)
def test_what_need_not_stop_learns_from_all_rows(name: str):
    assert len(forecasts(name, question())[1].train.targets) == len(LEARNED)


@pytest.mark.parametrize("name", ["catboost", "lightgbm", "ridge", "last-value", "log-linear"])
def test_no_forecast_knows_what_the_test_rows_reached(name: str):
    if name in ("catboost", "lightgbm") and importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed (pip install '.[peers]')")
    seen, blind = (forecasts(name, question("author", blind=blind))[0]["view_count"].quantiles((0.1, 0.5, 0.9)) for blind in (False, True))
    np.testing.assert_array_equal(seen, blind)


def test_an_unknown_peer_is_one_sentence():
    with pytest.raises(InputError, match=f"no peer magic .there are {KNOWN[0]}, "):
        forecasts("magic", question())
