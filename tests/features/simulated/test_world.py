"""The oracle is exact: its CRPS agrees with its own draws, and its forecasts hold what they say."""

from types import ModuleType

import numpy as np
from scipy import stats

from features.simulated import world as simulated_world
from features.simulated.world import oracle_crps, simulate
from features.tables.columns import COUNTS
from features.tables.dataset import read_dataset


def test_same_seed_same_world_and_another_seed_another() -> None:
    one, two, three = simulate(50, seed=1)[0], simulate(50, seed=1)[0], simulate(50, seed=2)[0]
    assert one.videos.equals(two.videos)
    assert one.ready["visual"].equals(two.ready["visual"])
    assert not one.videos["view_count"].equals(three.videos["view_count"])


def test_exact_crps_agrees_with_its_own_draws(scoringrules: ModuleType) -> None:
    dataset, oracle = simulate(40, seed=3)
    truth = np.log1p(dataset.videos[list(COUNTS)].to_numpy())
    exact = oracle.crps(truth)
    # 40 independent sets of draws give the error of the unbiased estimate
    estimates = np.stack(
        [scoringrules.crps_ensemble(truth, np.moveaxis(oracle.sample(500, seed), 0, -1), estimator="pwm").mean() for seed in range(40)]
    )
    error = estimates.std(ddof=1) / len(estimates) ** 0.5
    assert abs(estimates.mean() - exact.mean()) < stats.t.isf(1e-5, 39) * error


def test_the_oracle_is_calibrated() -> None:
    dataset, oracle = simulate(3000, seed=4)
    truth = np.log1p(dataset.videos[list(COUNTS)].to_numpy())
    draws = oracle.sample(999)
    level = ((draws < truth).sum(0) + np.random.default_rng(0).random(truth.shape)) / 1000
    assert min(stats.kstest(column, "uniform").pvalue for column in level.T) > 2e-5 / 4
    inside = ((level > 0.025) & (level < 0.975)).mean(0)
    assert np.abs(inside - 0.95).max() < stats.norm.isf(1e-5 / 4) * (0.95 * 0.05 / 3000) ** 0.5


def test_no_part_can_be_left_out_without_loss(scoringrules: ModuleType) -> None:
    """The oracle beats one that does not know the topic, and one that knows nothing."""
    dataset, oracle = simulate(2000, seed=5)
    truth = np.log1p(dataset.videos[list(COUNTS)].to_numpy())
    blind = type(oracle)(np.full_like(oracle.weight, 1 / 12), oracle.loc, oracle.covariance)
    marginal = scoringrules.crps_ensemble(truth, np.broadcast_to(truth.T[None, :, ::10], (2000, 4, 200))).mean()
    assert oracle.crps(truth).mean() < 0.98 * blind.crps(truth).mean() < marginal


def test_oracle_of_some_rows() -> None:
    whole, oracle = simulate(seed=0)
    rows = np.arange(5, 200, 7)
    truth = np.log1p(whole.videos[list(COUNTS)].to_numpy())
    assert oracle_crps(whole.take(rows)) == oracle.crps(truth)[rows].mean()


def test_pieces_written_to_disk_read_as_one_dataset(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(simulated_world, "PIECE", 40)
    simulated_world.main(["--rows", "100", "--out", str(tmp_path / "data"), "--seed", "3"])
    found = read_dataset(tmp_path / "data")
    pieces = [simulate(count, seed)[0] for count, seed in ((40, 3), (40, 4), (20, 5))]
    assert list(found.videos["id"]) == [name for piece in pieces for name in piece.videos["id"]]
    for column in ("view_count", "follower_count", "create_time"):
        np.testing.assert_array_equal(found.videos[column], np.concatenate([piece.videos[column] for piece in pieces]))
    for part in ("visual", "acoustic"):
        wanted = np.concatenate([piece.ready[part].to_numpy() for piece in pieces])
        np.testing.assert_array_equal(found.ready[part].to_numpy(), wanted.astype(np.float32))
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["acoustic.parquet", "videos.parquet", "visual.parquet"]
