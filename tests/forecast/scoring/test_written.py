"""What evaluate.py writes, recomputed from the draws it keeps and the rows it was trained on, by computations of their own."""

import json
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

import evaluate
from features.rows.splits import split
from features.tables.columns import COUNTS
from features.tables.dataset import Dataset
from forecast.saved import load
from forecast.scoring.subsets.usual import ABOVE
from tests.conftest import write_dataset

pytestmark = pytest.mark.filterwarnings("ignore:.*videos that the run was trained on")
SHOWN = ("view_count", "like_count", "comment_count", "share_count")


class Written(NamedTuple):
    """What lies in the directory of an evaluation, and what it was made from."""

    metrics: dict
    table: pd.DataFrame
    samples: np.ndarray  # (50, 600, 4), in log(1 + count)
    truth: np.ndarray  # (600, 4)
    dataset: Dataset
    learned: np.ndarray  # (540, 4): truths of the training and validation rows, in log(1 + count)


@pytest.fixture(scope="module")
def written(world: Dataset, run_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Of 600 videos; one has no likes, and the shares of another are not known."""
    rows = split(world.videos, "random", seed=0)
    learned = np.log1p(world.videos[list(COUNTS)].to_numpy(float)[np.concatenate([rows.train, rows.validation])])
    videos, folder = world.videos.copy(), tmp_path_factory.mktemp("written")
    videos.loc[rows.test[0], "like_count"] = 0.0
    videos.loc[rows.test[1], "share_count"] = np.nan
    data = write_dataset(Dataset(videos, world.ready), folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecast.report.page.write_report", lambda *arguments, **options: None)
        evaluate.main(["--run", str(run_directory), "--data", str(data), "--samples", "50", "--out", str(folder / "out"), "--save-samples"])
    with np.load(folder / "out" / "samples.npz", allow_pickle=False) as saved:
        assert tuple(saved["targets"]) == SHOWN
        assert list(saved["ids"]) == list(videos["id"])
        samples, truth = saved["samples"].astype(float), saved["truth"].astype(float)
    metrics, table = json.loads((folder / "out" / "metrics.json").read_text()), pd.read_csv(folder / "out" / "forecasts.csv")
    return Written(metrics, table, samples, truth, Dataset(videos, world.ready), learned)


def test_the_table_of_forecasts(written: Written, run_directory: Path) -> None:
    table, samples = written.table, written.samples
    assert list(table["id"]) == list(np.repeat(written.dataset.videos["id"], 4))
    assert list(table["target"]) == list(SHOWN) * 600
    lower, median, upper = np.quantile(samples, [0.025, 0.5, 0.975], axis=0)
    truth = np.log1p(written.dataset.videos[list(SHOWN)].to_numpy(float))
    for name, values in (("truth", truth), ("mean", samples.mean(0)), ("median", median), ("lower_95", lower), ("upper_95", upper)):
        np.testing.assert_allclose(table[name], values.ravel(), rtol=2e-5, err_msg=name)  # six digits are written
    for name, values in (("count_median", median), ("count_lower_95", lower), ("count_upper_95", upper)):
        assert np.abs(table[name] - np.expm1(np.maximum(values, 0.0)).ravel()).max() < 0.51, name  # whole numbers
    usual = load(run_directory).featurizer.usual(written.dataset)
    for name, times in ABOVE.items():
        chance = (np.expm1(samples) > times * np.expm1(usual)).mean(0).ravel()
        np.testing.assert_allclose(table[name], np.where(np.isnan(usual.ravel()), np.nan, chance), atol=1e-5, err_msg=name)


def test_the_baseline_is_the_training_rows_whatever_the_video(written: Written, scoringrules: ModuleType) -> None:
    metrics = written.metrics
    for k, name in enumerate(SHOWN):
        truth = written.truth[~np.isnan(written.truth[:, k]), k]
        quantiles = np.quantile(written.learned[:, k], (np.arange(1000) + 0.5) / 1000)
        lower, upper = np.quantile(written.learned[:, k], [0.025, 0.975])
        found = metrics["baseline_targets"][name]
        crps = scoringrules.crps_ensemble(truth, np.tile(quantiles, (len(truth), 1)), estimator="pwm")
        assert found["crps"] == pytest.approx(crps.mean(), rel=2e-3)
        assert found["rmse"] == pytest.approx(np.sqrt(np.mean((truth - quantiles.mean()) ** 2)), rel=1e-5)
        assert found["mae"] == pytest.approx(np.mean(np.abs(truth - np.median(quantiles))), rel=1e-5)
        assert found["coverage_95"] == pytest.approx(np.mean((truth >= lower) & (truth <= upper)))
        assert found["width_95"] == pytest.approx(upper - lower, rel=2e-3)
        assert found["spearman"] is None
    for metric in ("crps", "rmse", "mae", "r2", "coverage_95", "width_95", "interval_score_95"):
        for mean, by_target in (("mean", "targets"), ("baseline", "baseline_targets")):
            assert metrics[mean][metric] == pytest.approx(np.mean([metrics[by_target][name][metric] for name in SHOWN])), (mean, metric)


def test_mape_is_that_of_the_best_point_among_the_draws(written: Written) -> None:
    counts, lowest = np.expm1(np.maximum(written.samples, 0.0)), np.expm1(np.quantile(written.learned, 0.0005, axis=0))
    truth = written.dataset.videos[list(SHOWN)].to_numpy(float)
    weight = 1 / np.maximum(np.maximum(counts, lowest), 1.0)
    for k, name in enumerate(SHOWN):
        loss = np.stack([(weight[..., k] * np.abs(counts[..., k] - point)).sum(0) for point in counts[..., k]])
        point = np.take_along_axis(counts[..., k], loss.argmin(0)[None], 0)[0]
        known = truth[:, k] > 0  # not NaN either
        assert known.sum() == 600 - (name in ("like_count", "share_count"))
        wanted = np.mean(np.abs(truth[known, k] - point[known]) / truth[known, k])
        assert written.metrics["mape"][name] == pytest.approx(wanted, rel=1e-4)


def test_the_totals_of_authors(written: Written, scoringrules: ModuleType) -> None:
    """Of the first 5 and the first 10 videos of each author; what independent draws say is compared where totals are tested."""
    videos, counts = written.dataset.videos, np.expm1(np.maximum(written.samples, 0.0))
    expected = {}
    for size in (5, 10):
        firsts = [
            rows.sort_values(["create_time", "id"]).index[:size] for _, rows in videos.groupby("username", sort=False) if len(rows) >= size
        ]
        for k, name in enumerate(SHOWN):
            reached = np.array([videos[name].loc[first].sum(skipna=False) for first in firsts])
            known = ~np.isnan(reached)
            draws = np.stack([counts[:, first, k].sum(1) for first in firsts])
            lower, upper = np.quantile(draws, [0.025, 0.975], axis=1)
            held = ((reached >= lower) & (reached <= upper))[known].mean()
            crps = scoringrules.crps_ensemble(np.log1p(reached[known]), np.log1p(draws[known])).mean()
            expected[size, name] = (known.sum(), held, (np.log1p(upper) - np.log1p(lower))[known].mean(), crps)
    totals = written.metrics["totals"]
    assert {(one["videos"], one["target"]) for one in totals} == expected.keys()
    assert len(totals) == len(expected)
    for one in totals:
        authors, held, width, crps = expected[one["videos"], one["target"]]
        assert one["authors"] == authors
        assert one["coverage_95"] == pytest.approx(held)
        assert one["width_log_95"] == pytest.approx(width, rel=1e-2)  # quantiles of logarithms are between the same two draws
        assert one["crps_log"] == pytest.approx(crps, rel=1e-3)
        assert one.keys() - {"independent"} > one["independent"].keys()
        assert one["independent"] != {key: one[key] for key in one["independent"]}
