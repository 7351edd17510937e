import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.peers.__main__ import main
from benchmarks.peers.columns import make_task
from benchmarks.peers.forecasts import LEVELS, Normal, Quantiles, score
from benchmarks.peers.runner import Question, scores
from benchmarks.peers.tables import markdown, put, short, table
from features.rows.splits import split
from features.tables.dataset import Dataset, read_dataset
from machine import command
from machine.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
NORMAL_AT_ITS_MEAN = (np.sqrt(2) - 1) / np.sqrt(np.pi)  # CRPS of N(0, 1) at 0


def videos(count: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    author = random.integers(0, 30, count)
    level = random.normal(6, 2, 30)[author]
    return pd.DataFrame(
        {
            "id": [f"v{row}" for row in range(count)],
            "username": [f"author {code}" for code in author],
            "music_title": [f"sound {code % 7}" for code in author],
            "create_time": 1.6e9 + random.integers(0, 10**7, count),
            "collected_at": 1.61e9 + np.zeros(count),
            "follower_count": np.round(np.exp(level + random.normal(0, 1, count))),
            "view_count": np.round(np.exp(level + random.normal(0, 0.5, count))),
            "like_count": np.round(np.exp(level - 2 + random.normal(0, 0.5, count))),
            "fold": np.arange(count) % 2,
        }
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    videos().to_csv(tmp_path / "videos.csv", index=False)
    return tmp_path


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "benchmarks.peers", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_crps_of_a_normal_by_value():
    forecast = Normal(np.zeros(2), np.array([1.0, 2.0]))
    assert forecast.crps(np.zeros(2)) == pytest.approx([NORMAL_AT_ITS_MEAN, 2 * NORMAL_AT_ITS_MEAN])


def test_quantiles_score_as_the_normal_they_come_from():
    normal = Normal(np.array([0.0, 3.0, -1.0]), np.array([1.0, 0.5, 2.0]))
    truth = np.array([0.3, 2.0, 5.0])
    exact, near = score(normal, truth, "log1p"), score(Quantiles(normal.quantiles(LEVELS)[:, ::-1]), truth, "log1p")
    assert near == pytest.approx(exact, rel=0.02)


def test_interval_score_by_value():
    half = 1.959964
    result = score(Normal(np.zeros(2), np.ones(2)), np.array([0.0, half + 1]), "identity")
    assert result["width_95"] == pytest.approx(2 * half, abs=1e-4)
    assert result["coverage_95"] == 0.5
    assert result["interval_score_95"] == pytest.approx(2 * half + 40 * 1 / 2, abs=1e-4)


def test_no_count_is_forecast_below_zero():
    half = 1.959964
    result = score(Normal(np.zeros(2), np.ones(2)), np.array([0.0, half + 1]), "log1p")
    assert result["width_95"] == pytest.approx(half, abs=1e-4)
    assert result["interval_score_95"] == pytest.approx(half + 40 * 1 / 2, abs=1e-4)
    # E|Y| - E|Y - Y'| / 2 at 0, of Normals cut at 0
    draws = np.maximum(np.random.default_rng(0).normal(size=(2, 400_000)), 0)
    expected = draws.mean() - np.abs(draws[0] - draws[1]).mean() / 2
    assert score(Normal(np.zeros(1), np.ones(1)), np.zeros(1), "log1p")["crps"] == pytest.approx(expected, abs=0.003)


def test_unknown_truths_do_not_count():
    forecast = Normal(np.zeros(3), np.ones(3))
    assert score(forecast, np.array([0.5, np.nan, -1.0]), "identity") == pytest.approx(
        score(Normal(np.zeros(2), np.ones(2)), np.array([0.5, -1.0]), "identity")
    )


def test_a_point_below_the_median_minimises_percentage_errors():
    draws = Quantiles(np.tile(np.exp(Normal(np.zeros(1), np.ones(1)).quantiles(LEVELS)), (1, 1)))
    truth = np.exp(np.random.default_rng(1).normal(size=4000))
    same = Quantiles(np.tile(draws.quantiles(LEVELS), (4000, 1)))
    at_median = np.mean(np.abs(1 - truth) / truth)
    assert score(same, truth, "identity")["mape"] < at_median


def test_own_target_is_not_in_a_training_rows_encoding():
    table = videos()
    rows = split(table, "random", seed=0)
    before = make_task(Dataset(table), rows, ("view_count",), "log1p").train.encodings
    changed = table.copy()
    first = rows.train[0]
    changed.loc[first, "view_count"] = 1e9
    after = make_task(Dataset(changed), rows, ("view_count",), "log1p").train.encodings
    same_author = (table["username"].iloc[rows.train] == table["username"].iloc[first]).to_numpy()
    moved = (after["view_count of username"] - before["view_count of username"]).abs()
    assert moved[same_author].max() > 0.01
    # its own fold does not see it, so its distance to the mean of the others hardly moves
    assert moved[0] < 1e-9


def test_test_targets_change_nothing():
    table = videos()
    rows = split(table, "random", seed=0)
    hidden = table.copy()
    hidden.loc[rows.test, ["view_count", "like_count"]] = np.nan
    seen, blind = (make_task(Dataset(one), rows, ("view_count", "like_count"), "log1p") for one in (table, hidden))
    for share in ("train", "validation", "test"):
        pd.testing.assert_frame_equal(getattr(seen, share).encoded, getattr(blind, share).encoded)


def test_a_table_without_a_category_has_no_encodings():
    table = videos().drop(columns=["username", "music_title"])
    task = make_task(Dataset(table), split(table, "random", seed=0), ("view_count",), "log1p")
    assert task.train.encodings.shape == (len(task.train.numbers), 0)


def test_new_authors_have_no_author_columns():
    table = videos()
    task = make_task(Dataset(table), split(table, "author", seed=0), ("view_count",), "log1p", new_authors=True)
    assert not [name for name in task.train.encoded if "username" in name]
    assert "view_count of music_title" in task.train.encoded
    assert task.train.categories.shape[1] == 0


@pytest.mark.parametrize("name", ["catboost", "catboost-quantiles", "lightgbm", "ngboost", "ridge"])
def test_a_peer_learns(name: str, data: Path):
    library = {"ridge": "sklearn", "catboost-quantiles": "catboost"}.get(name, name)
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed (pip install '.[peers]')")
    dataset = read_dataset(data, targets=("view_count",))
    rows = np.random.default_rng(0).permutation(len(dataset))
    assert scores(name, Question(dataset, rows[30:], rows[:30], ("view_count",), "log1p")).mean["r2"] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("name", "library"), [("tabm", "tabm"), ("realmlp", "pytabkit")])
def test_a_network_learns(name: str, library: str, data: Path):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed (pip install '.[peers]')")
    # as a command: these libraries warn when imported
    results = data / "results.json"
    done = run("--data", str(data), "--targets", "view_count", "--peers", name, "--json", str(results))
    assert done.returncode == 0, done.stderr
    assert json.loads(results.read_text())["runs"][0]["mean"]["r2"] > 0.3


def test_command_with_ridge(data: Path, capfd: pytest.CaptureFixture[str]):
    results = data / "results.json"
    arguments = ("--data", str(data), "--targets", "view_count,like_count", "--peers", "ridge", "--json", str(results))
    assert command.run(main, [*arguments, "--seeds", "0,1"]) == 0
    assert "| random | ridge | 0,1 | 60 |" in capfd.readouterr().out
    held = json.loads(results.read_text())
    assert [one["seed"] for one in held["runs"]] == [0, 1]
    assert held["runs"][0]["rows"] == {"learned": 270, "test": 30}
    assert held["runs"][0]["peak_mb"] > 10
    assert command.run(main, arguments) == 0
    assert capfd.readouterr().err == "", "what the file holds is not run again"
    assert command.run(main, ["--data", str(data), "--targets", "view_count", "--peers", "ridge", "--json", str(results)]) == 2


def test_folds(data: Path, capfd: pytest.CaptureFixture[str]):
    arguments = ["--data", str(data), "--targets", "view_count", "--target-scale", "identity", "--peers", "ridge", "--folds", "fold"]
    assert command.run(main, arguments) == 0
    printed = capfd.readouterr().out
    assert "| fold | ridge | 0 | 300 |" in printed
    assert "mape" in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ["--peers", "magic"],
        ["--split", "sideways"],
        ["--data", "/nowhere"],
        ["--folds", "colour"],
        ["--seeds", "-1"],
        ["--targets", "dance_count"],
    ],
)
def test_bad_arguments_are_one_sentence(data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]):
    try:
        code = command.run(main, ["--data", str(data), "--targets", "view_count", "--peers", "ridge", *arguments])
    except SystemExit as end:  # argparse
        code = end.code
    assert code == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("error: ")


def test_bad_arguments_as_a_whole_command(data: Path):
    done = run("--data", str(data), "--peers", "magic")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_table_averages_seeds_and_counts_folds_as_one_split():
    def one(split_name: str, seed: int, crps: float) -> dict:
        return {
            "peer": "p",
            "split": split_name,
            "seed": seed,
            "rows": {"test": 10},
            "mean": {"crps": crps, "spearman": None},
            "seconds": 2.0,
            "cpu_seconds": 1.0,
            "peak_mb": 5,
        }

    rows = table([one("fold=0", 0, 1.0), one("fold=1", 0, 3.0), one("fold=0", 1, 3.0), one("fold=1", 1, 5.0)])
    assert len(rows) == 1
    assert rows[0]["crps"] == 3.0
    assert rows[0]["crps_sd"] == pytest.approx(np.sqrt(2))
    assert rows[0]["rows"] == 40
    assert "| fold | p | 0,1 | 40 | 3.0000 |" in markdown(rows)


def test_a_short_table_says_rows_seeds_and_versions_and_replaces_the_old_one(tmp_path):
    runs = [
        {
            "peer": peer, "split": "random", "seed": seed, "rows": {"test": 10}, "seconds": 90.0, "cpu_seconds": 61.0, "peak_mb": 1,
            "mean": {"crps": crps + seed / 10, "rmse": 1.0, "coverage_95": 0.95, "interval_score_95": 5.0}, "versions": {"torch": "2.8"},
        }
        for peer, crps in (("ridge", 0.6), ("clipcast", 0.5))
        for seed in (0, 1)
    ]  # fmt: skip
    text = short(table(runs), runs)
    assert text.splitlines()[2:4] == [
        "| **clipcast** (seeds 0, 1) | 0.550 | 1.000 | 0.950 | 5.000 | 61 |",
        "| ridge (seeds 0, 1) | 0.650 | 1.000 | 0.950 | 5.000 | 61 |",
    ]
    assert text.splitlines()[-1] == "10 test rows a seed; torch 2.8."
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- peers world random -->\nold\n<!-- end -->\nafter\n")
    put(page, "peers world random", text)
    assert page.read_text() == f"before\n<!-- peers world random -->\n{text}\n<!-- end -->\nafter\n"
    with pytest.raises(InputError, match="has no line <!-- peers world author -->"):
        put(page, "peers world author", text)
