"""Whole runs: nothing fitted sees test rows, the same seed gives the same bytes, stopping and resuming changes nothing."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import evaluate
import train
from features.rows.splits import split
from features.tables.columns import COUNTS
from features.tables.dataset import Dataset
from tests.conftest import write_dataset
from training.checkpoint import Checkpoint

FITTED = ("features.json", "features.safetensors", "member-0.safetensors", "calibration.json", "dependence.json")


def fitted(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in FITTED}


def test_nothing_fitted_sees_the_test_rows(world: Dataset, run_directory: Path, small: list[str], tmp_path: Path) -> None:
    """Other test rows, the same bytes: so the same seed trained twice gives them, too."""
    test = split(world.videos, "random", seed=0).test
    videos, ready = world.videos.copy(), {part: table.copy() for part, table in world.ready.items()}
    for column in COUNTS:
        videos.loc[test, column] = 10.0 * videos.loc[test, column] + 7
    for column in ("follower_count", "likes_count", "video_duration"):
        videos.loc[test, column] = 3 * videos.loc[test, column] + 1
    videos.loc[test, "create_time"] -= 86_400 * 100
    videos.loc[test, "username"] = videos["username"].iloc[0]
    videos.loc[test, "video_description"] = "words that no training row has seen"
    for table in ready.values():
        table.iloc[test] = 5.0
    data = write_dataset(Dataset(videos, ready), tmp_path / "data")
    train.main(["--data", str(data), "--run", str(tmp_path / "run"), *small])
    assert fitted(tmp_path / "run") == fitted(run_directory)


def test_training_rows_do_matter(world: Dataset, run_directory: Path, small: list[str], tmp_path: Path) -> None:
    """The test above can fail: one changed training row changes everything that is fitted to popularity."""
    first = split(world.videos, "random", seed=0).train[0]
    videos = world.videos.copy()
    videos.loc[first, "view_count"] = 10.0 * videos.loc[first, "view_count"] + 7
    data = write_dataset(Dataset(videos, world.ready), tmp_path / "data")
    train.main(["--data", str(data), "--run", str(tmp_path / "run"), *small])
    changed, before = fitted(tmp_path / "run"), fitted(run_directory)
    assert changed["features.safetensors"] != before["features.safetensors"]
    assert changed["member-0.safetensors"] != before["member-0.safetensors"]


def test_another_seed_gives_other_bytes(dataset_directory: Path, run_directory: Path, small: list[str], tmp_path: Path) -> None:
    train.main(["--data", str(dataset_directory), "--run", str(tmp_path / "other"), *small, "--seed", "1"])
    assert fitted(tmp_path / "other")["member-0.safetensors"] != fitted(run_directory)["member-0.safetensors"]


def test_stopped_after_every_epoch_and_resumed_is_as_if_never_stopped(
    dataset_directory: Path, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--data", str(dataset_directory), *small, "--epochs", "3"]
    train.main([*options, "--run", str(tmp_path / "whole")])
    begin, save = [*options, "--run", str(tmp_path / "stopped")], Checkpoint.save
    go_on = ["--run", str(tmp_path / "stopped"), "--resume"]
    for done, line in enumerate((begin, go_on, go_on)):

        def stop(self: Checkpoint, epoch: int, *rest, done: int = done) -> None:
            if epoch > done:
                raise KeyboardInterrupt
            save(self, epoch, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(Checkpoint, "save", stop)
            with pytest.raises(KeyboardInterrupt):
                train.main(line)
        assert not (tmp_path / "stopped" / "run.json").exists()
    train.main(go_on)
    assert fitted(tmp_path / "stopped") == fitted(tmp_path / "whole")


def test_evaluation_writes_the_contract(run_directory: Path, tmp_path: Path, scoringrules: ModuleType, unrendered: None) -> None:
    """metrics.json agrees with samples.npz, by a computation of its own."""
    import json

    import pandas as pd

    evaluate.main(["--run", str(run_directory), "--samples", "50", "--out", str(tmp_path), "--save-samples"])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    saved = np.load(tmp_path / "samples.npz", allow_pickle=False)
    samples, truth = saved["samples"].astype(np.float64), saved["truth"].astype(np.float64)
    assert samples.shape == (50, 60, 4)
    assert samples.shape == (metrics["samples"], metrics["rows"], len(metrics["targets"]))
    for k, name in enumerate(saved["targets"]):
        lower, upper = np.quantile(samples[:, :, k], [0.025, 0.975], axis=0)
        found = metrics["targets"][name]
        assert found["rmse"] == pytest.approx(np.sqrt(np.mean((samples[:, :, k].mean(0) - truth[:, k]) ** 2)), rel=1e-4)
        assert found["crps"] == pytest.approx(scoringrules.crps_ensemble(truth[:, k], samples[:, :, k].T).mean(), rel=1e-3)
        assert found["coverage_95"] == pytest.approx(np.mean((truth[:, k] >= lower) & (truth[:, k] <= upper)))
    table = pd.read_csv(tmp_path / "forecasts.csv")
    assert list(table)[:7] == ["id", "target", "truth", "mean", "median", "lower_95", "upper_95"]
    np.testing.assert_allclose(table["truth"].to_numpy().reshape(60, 4), truth, rtol=1e-4)
    assert metrics["mean"]["crps"] == pytest.approx(np.mean([one["crps"] for one in metrics["targets"].values()]))
