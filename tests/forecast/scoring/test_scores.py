"""Scores by hand-worked cases, and against scipy, scikit-learn and scoringrules."""

from types import ModuleType

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from forecast.scoring.baseline import marginal_quantiles, marginal_rows
from forecast.scoring.scores import METRICS, energy_score, error_scale, mean_scores, row_summary, scores, target_scores


def forecast(samples: int = 200, rows: int = 50, targets: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centre = random.normal(size=(rows, targets))
    return (centre + random.normal(size=(samples, rows, targets))).astype(np.float32), centre + random.normal(size=(rows, targets))


def test_one_row_by_hand() -> None:
    # five draws 0, 1, 2, 3, 10 and the truth 4
    rows = row_summary(np.array([3.0, 0.0, 10.0, 1.0, 2.0]).reshape(5, 1, 1), np.array([[4.0]]))
    assert {name: float(values[0, 0]) for name, values in rows.items()} == pytest.approx(
        {
            "mean": 3.2,
            "median": 2.0,
            "lower_95": 0.1,  # a tenth of the way from the first to the second
            "upper_95": 9.3,
            "lower_50": 1.0,
            "upper_50": 3.0,
            # E|Y - 4| = (4 + 3 + 2 + 1 + 6) / 5 = 3.2; E|Y - Y'| = 2 * (1 + 2 + 3 + 10 + 1 + 2 + 9 + 1 + 8 + 7) / 25 = 3.52
            "crps": 3.2 - 1.76,
            "pit": 0.8,
        }
    )


def test_rows_agree_with_numpy_and_scoringrules(scoringrules: ModuleType) -> None:
    samples, truth = forecast()
    rows = row_summary(samples, truth)
    for name, level in (("lower_95", 0.025), ("lower_50", 0.25), ("median", 0.5), ("upper_50", 0.75), ("upper_95", 0.975)):
        np.testing.assert_allclose(rows[name], np.quantile(samples.astype(float), level, axis=0), atol=1e-6)
    np.testing.assert_allclose(rows["mean"], samples.mean(0, dtype=float), atol=1e-6)
    np.testing.assert_allclose(rows["crps"], scoringrules.crps_ensemble(truth, np.moveaxis(samples, 0, -1), estimator="nrg"), atol=1e-5)


def test_target_scores_by_hand() -> None:
    rows = {
        "mean": np.array([1.0, 2.0, 3.0]),
        "median": np.array([1.0, 2.0, 4.0]),
        "lower_95": np.array([0.0, 1.0, 2.0]),
        "upper_95": np.array([2.0, 3.0, 4.0]),
        "crps": np.array([0.1, 0.2, 0.6]),
    }
    found = target_scores(rows, np.array([1.0, 4.0, 1.0]))
    # squares 0, 4, 4; the truth has mean 2 and variance 2; outside by 0, 1, 1
    wanted = {"rmse": (8 / 3) ** 0.5, "mae": 5 / 3, "r2": -1 / 3, "nmse": 4 / 3, "crps": 0.3, "coverage_95": 1 / 3, "width_95": 2.0}
    wanted |= {"interval_score_95": 2 + 40 * 2 / 3, "spearman": stats.spearmanr([1, 2, 4], [1, 4, 1]).statistic}
    assert found == pytest.approx(wanted)
    assert tuple(found) == METRICS


def test_target_scores_agree_with_libraries(scoringrules: ModuleType) -> None:
    samples, truth = forecast()
    rows = row_summary(samples, truth)
    found = target_scores({name: values[:, 0] for name, values in rows.items()}, truth[:, 0])
    mean, median = rows["mean"][:, 0], rows["median"][:, 0]
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth[:, 0], mean))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth[:, 0], median))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth[:, 0], mean))
    assert found["nmse"] == pytest.approx(1 - found["r2"])
    assert found["spearman"] == pytest.approx(stats.spearmanr(median, truth[:, 0]).statistic)
    lower, upper = rows["lower_95"][:, 0], rows["upper_95"][:, 0]
    assert found["interval_score_95"] == pytest.approx(scoringrules.interval_score(truth[:, 0], lower, upper, 0.05).mean())
    pinball = metrics.mean_pinball_loss(truth[:, 0], lower, alpha=0.025) + metrics.mean_pinball_loss(truth[:, 0], upper, alpha=0.975)
    assert found["interval_score_95"] == pytest.approx(40 * pinball)


def test_unknown_truth_is_left_out_and_undefined_scores_are_none() -> None:
    samples, truth = forecast()
    holes = truth.copy()
    holes[::3, 0], holes[:, 1] = np.nan, np.nan
    found = scores(row_summary(samples, holes), holes, ["views", "likes"])
    kept = np.arange(50) % 3 != 0
    wanted = scores(row_summary(samples[:, kept], truth[kept]), truth[kept], ["views", "likes"])["views"]
    assert found["views"] == pytest.approx(wanted)
    assert found["likes"] == dict.fromkeys(METRICS)
    assert mean_scores(found) == pytest.approx(wanted)
    constant = target_scores({name: values[:, 0] for name, values in row_summary(samples, truth).items()}, np.ones(50))
    assert constant["r2"] is constant["nmse"] is constant["spearman"] is None
    assert constant["rmse"] > 0


def test_a_point_forecast_replaces_mean_and_median_only() -> None:
    samples, truth = forecast()
    rows = {name: values[:, 0] for name, values in row_summary(samples, truth).items()}
    plain, exact = target_scores(rows, truth[:, 0]), target_scores(rows, truth[:, 0], point=truth[:, 0])
    assert exact["rmse"] == exact["mae"] == 0
    assert [exact[name] for name in ("crps", "coverage_95", "width_95")] == [plain[name] for name in ("crps", "coverage_95", "width_95")]


def test_energy_score_of_one_target_is_its_crps() -> None:
    samples, truth = forecast(samples=4000, rows=20, targets=1)
    crps = row_summary(samples, truth)["crps"][:, 0]
    np.testing.assert_allclose(energy_score(samples, truth), crps, atol=0.03)


def test_energy_score_agrees_with_all_pairs_and_prefers_targets_that_move_together(scoringrules: ModuleType) -> None:
    random = np.random.default_rng(0)
    shared = random.normal(size=(2000, 60, 1))
    samples = shared + 0.3 * random.normal(size=(2000, 60, 3))
    truth = random.normal(size=(60, 1)) + 0.3 * random.normal(size=(60, 3))
    wanted = scoringrules.es_ensemble(truth, np.moveaxis(samples[:400], 0, 1), estimator="fair")
    np.testing.assert_allclose(energy_score(samples, truth).mean(), wanted.mean(), rtol=0.03)
    apart = np.stack([random.permutation(samples[..., k], axis=0) for k in range(3)], axis=-1)
    assert energy_score(samples, truth).mean() < energy_score(apart, truth).mean()
    truth[3, 1] = np.nan
    assert np.isnan(energy_score(samples, truth)).tolist() == [row == 3 for row in range(60)]


def test_pit_of_whole_counts_is_uniform_where_forecasts_are_calibrated() -> None:
    random = np.random.default_rng(7)
    samples, truth = random.poisson(0.7, size=(500, 4000, 1)).astype(float), random.poisson(0.7, size=(4000, 1)).astype(float)
    assert stats.kstest(row_summary(samples, truth)["pit"][:, 0], "uniform").pvalue > 2e-5


def test_targets_that_never_change_weigh_nothing_beside_others_that_do() -> None:
    truth = np.array([[0.0, 3.0, np.nan, 1.0], [4.0, 3.0, np.nan, np.nan]])
    assert error_scale(truth).tolist() == [2.0, np.inf, np.inf, np.inf]
    assert error_scale(truth[:, 1:]).tolist() == [1.0, 1.0, 1.0]


def test_ends_of_the_marginal_are_those_of_its_rows() -> None:
    learned = np.arange(481.0)[:, None]  # 0.025 * 480 = 12
    rows = marginal_rows(marginal_quantiles(learned), np.full((2, 1), np.nan))
    for name, expected in {"lower_95": 12.0, "lower_50": 120.0, "median": 240.0, "upper_50": 360.0, "upper_95": 468.0}.items():
        assert rows[name].ravel() == pytest.approx([expected, expected])
