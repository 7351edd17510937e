"""Score a forecaster on a dataset and write what the contract names: metrics.json, forecasts.csv, samples.npz."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.dataset import Dataset
from features.files import write_text, writing
from forecast.forecaster import Forecaster, strangers, truth_of
from forecast.scoring.baseline import marginal_rows
from forecast.scoring.points import mape_point, mean_percentage_error
from forecast.scoring.scores import energy_score, mean_scores, row_summary, scores
from forecast.shift import shift


@dataclass(frozen=True)
class Evaluation:
    """Everything that a table, a figure or a report needs.

    Attributes:
        ids: (N,) names of the videos.
        targets: names of the K targets.
        scale: `log1p` or `identity`.
        truth: (N, K), NaN where unknown.
        rows: (N, K) arrays by name, see `forecast.scoring.scores.row_summary`, and `point`.
        stranger: (N,) bool, authors without history.
        metrics: what metrics.json holds.
    """

    ids: np.ndarray
    targets: tuple[str, ...]
    scale: str
    truth: np.ndarray
    rows: dict[str, np.ndarray]
    stranger: np.ndarray
    metrics: dict[str, Any]


def evaluate(
    forecaster: Forecaster,
    dataset: Dataset,
    *,
    samples: int = 1000,
    seed: int = 0,
    point: str = "auto",
    device: Any = "cpu",
    keep: Path | None = None,
) -> Evaluation:
    """Forecast every row of `dataset` and score the forecasts.

    Args:
        forecaster: a loaded run.
        dataset: rows to forecast; targets that are unknown are forecast but not scored.
        samples: draws a video.
        seed: of the draws.
        point: `mean`, `median`, `mape`, or `auto`: the mean for squared, the median for absolute errors.
        device: where to compute.
        keep: file for all draws (samples.npz).
    """
    videos = forecaster.featurizer.transform(dataset).to(device)
    truth = truth_of(videos, len(forecaster.targets))
    found: list[dict[str, np.ndarray]] = []
    kept, start = [], 0
    for block in _progress(forecaster.blocks(videos, samples, seed=seed), len(videos)):
        part = truth[start : start + block.shape[1]]
        summary = row_summary(block, part)
        summary["mape"] = mape_point(block, forecaster.featurizer.targets.scale, forecaster.marginal[0])
        summary["energy"], summary["energy_independent"] = joint_scores(block, part, seed=start)
        found.append(summary)
        if keep is not None:
            kept.append(block)
        start += block.shape[1]
    rows = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    ids = dataset.videos["id"].to_numpy(dtype=str)
    if keep is not None:
        _write_samples(keep, ids, forecaster.targets, np.concatenate(kept, axis=1), truth)
    rows["point"] = rows["mean"] if point == "auto" else rows[point]
    stranger = strangers(videos)
    metrics = _metrics(forecaster, rows, truth, samples, point)
    moved = shift(forecaster.featurizer, dataset)
    moved.warn(dataset.name)
    metrics |= {"warnings": moved.warnings, "shift": moved.to_dict()}
    return Evaluation(ids, forecaster.targets, forecaster.featurizer.targets.scale, truth, rows, stranger, metrics)


def joint_scores(samples: np.ndarray, truth: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(N,) energy scores of samples (S, N, K): as they are, and with the targets made independent by shuffling each one's draws."""
    random = np.random.default_rng(seed)
    joint = energy_score(samples, truth)
    apart = np.stack([samples[random.permutation(len(samples)), :, k] for k in range(samples.shape[2])], axis=2)
    return joint, energy_score(apart, truth)


def write_evaluation(evaluation: Evaluation, out: Path) -> None:
    """Write metrics.json and forecasts.csv into `out`."""
    write_text(out / "metrics.json", json.dumps(evaluation.metrics, indent=2) + "\n")
    with writing(out / "forecasts.csv") as temporary:
        forecasts_table(evaluation).to_csv(temporary, index=False, float_format="%.6g")


def forecasts_table(evaluation: Evaluation) -> pd.DataFrame:
    """One row a video and target: truth, point forecasts and interval in the training scale, then in counts."""
    count, targets = evaluation.truth.shape
    columns: dict[str, Any] = {"id": np.repeat(evaluation.ids, targets), "target": np.tile(np.array(evaluation.targets), count)}
    columns["truth"] = evaluation.truth.ravel()
    for name in ("mean", "median", "lower_95", "upper_95"):
        columns[name] = evaluation.rows[name].ravel()
    for name in ("median", "lower_95", "upper_95"):
        columns[f"count_{name}"] = to_counts(evaluation.rows[name].ravel(), evaluation.scale)
    return pd.DataFrame(columns)


def to_counts(values: np.ndarray, scale: str) -> np.ndarray:
    """From the training scale to counts (whole numbers, not below 0); ready-made scores stay as they are."""
    if scale == "identity":
        return values
    return np.round(np.expm1(np.clip(values, 0.0, 60.0)))


def table(metrics: dict[str, Any]) -> str:
    """The scores as a short table, the baseline in brackets beside each."""
    shown = ("crps", "rmse", "mae", "r2", "spearman", "coverage_95", "width_95", "interval_score_95")
    heads = ("CRPS", "RMSE", "MAE", "R2", "Spearman", "95 % held", "width", "interval score")
    lines = [f"{'':16s}" + "".join(f"{head:>17s}" for head in heads)]
    named = [*metrics["targets"], "mean"]
    for name in named:
        ours = metrics["mean"] if name == "mean" else metrics["targets"][name]
        base = metrics["baseline"] if name == "mean" else metrics["baseline_targets"][name]
        cells = [f"{_shown(ours[metric])} ({_shown(base[metric])})" for metric in shown]
        lines.append(f"{name:16s}" + "".join(f"{cell:>17s}" for cell in cells))
    return "\n".join(lines)


def _metrics(forecaster: Forecaster, rows: dict[str, np.ndarray], truth: np.ndarray, samples: int, point: str) -> dict[str, Any]:
    names = forecaster.targets
    by_target = scores(rows, truth, names, point=None if point == "auto" else rows["point"])
    base_by_target = scores(marginal_rows(forecaster.marginal, truth), truth, names)
    metrics: dict[str, Any] = {
        "rows": len(truth),
        "samples": samples,
        "targets": by_target,
        "mean": mean_scores(by_target),
        "baseline": mean_scores(base_by_target),
        "baseline_targets": base_by_target,
        "point": "mean for squared errors, median for absolute errors" if point == "auto" else point,
        "mape": dict(zip(names, mean_percentage_error(rows["mape"], truth, forecaster.featurizer.targets.scale), strict=True)),
    }
    if len(names) > 1 and np.isfinite(rows["energy"]).any():
        metrics["joint"] = {
            "energy_score": float(np.nanmean(rows["energy"])),
            "energy_score_independent": float(np.nanmean(rows["energy_independent"])),
        }
    return metrics


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _progress(blocks: Iterator[np.ndarray], total: int) -> Iterator[np.ndarray]:
    from tqdm import tqdm

    with tqdm(total=total, unit="video", desc="forecasting", disable=None) as bar:
        for block in blocks:
            yield block
            bar.update(block.shape[1])


def _write_samples(path: Path, ids: np.ndarray, targets: tuple[str, ...], samples: np.ndarray, truth: np.ndarray) -> None:
    with writing(path) as temporary:
        np.savez(temporary, ids=ids, targets=np.array(targets), samples=samples.astype(np.float32), truth=truth.astype(np.float32))
