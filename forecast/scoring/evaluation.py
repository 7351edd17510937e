"""Score a forecaster on a dataset and write what the contract names: metrics.json, forecasts.csv, samples.npz."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.scale import Scale
from features.tables.dataset import Dataset
from features.videos import Videos, concatenated
from forecast.forecaster import Forecaster
from forecast.notation import written_out
from forecast.scoring.archive import archive
from forecast.scoring.baseline import marginal_rows
from forecast.scoring.forecast_rows import Piece, Runner, forecast_pieces
from forecast.scoring.level import level
from forecast.scoring.percentage_error import mean_percentage_error
from forecast.scoring.scores import mean_scores, scores
from forecast.scoring.subsets.usual import ABOVE, reliability
from forecast.scoring.totals import Sums
from forecast.shift import shift_of
from machine.files import write_text, writing


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
        examined: some of the videos, whose parts are to be left out one by one.
        metrics: what metrics.json holds.
    """

    ids: np.ndarray
    targets: tuple[str, ...]
    scale: Scale
    truth: np.ndarray
    rows: dict[str, np.ndarray]
    stranger: np.ndarray
    examined: Videos
    metrics: dict[str, Any]

    @property
    def known(self) -> bool:
        """Whether any truth is known."""
        return bool(np.isfinite(self.truth).any())


def evaluate(
    forecaster: Forecaster,
    dataset: Dataset,
    *,
    samples: int = 1000,
    seed: int = 0,
    point: str = "auto",
    keep: Path | None = None,
    run: Runner = map,
) -> Evaluation:
    """Forecast every row of `dataset` and score the forecasts.

    Args:
        forecaster: a loaded run.
        dataset: rows to forecast; targets that are unknown are forecast but not scored.
        samples: draws a video.
        seed: of the draws.
        point: `mean`, `median`, `mape`, or `auto`: the mean for squared, the median for absolute errors.
        keep: file for all draws (samples.npz).
        run: where to forecast, see `forecast.scoring.forecast_rows.forecast_pieces`.
    """
    ids = dataset.videos["id"].to_numpy(dtype=str)
    pieces: list[Piece] = []
    sums = Sums()
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(archive(keep, (samples, len(ids), len(forecaster.targets)))) if keep is not None else None
        for piece in _progress(forecast_pieces(forecaster, dataset, samples, seed, keep=keep is not None, run=run), len(ids)):
            if kept is not None and piece.draws is not None:
                kept.put(piece.first, piece.draws)
            sums.merge(piece.sums)
            pieces.append(dataclasses.replace(piece, draws=None, sums=Sums()))
        truth = np.concatenate([piece.truth for piece in pieces])
        if kept is not None:
            kept.beside |= {"ids": ids, "targets": np.array(forecaster.targets), "truth": truth.astype(np.float32)}
    rows = {name: np.concatenate([piece.rows[name] for piece in pieces]) for name in pieces[0].rows}
    rows["point"] = rows["mean"] if point == "auto" else rows[point]
    stranger = np.concatenate([piece.stranger for piece in pieces])
    metrics = _metrics(forecaster, rows, truth, samples, point) | {"totals": sums.scores(forecaster.targets)}
    if not np.isnan(truth).all():
        videos = dataset.videos
        authors = videos["username"].fillna(videos["id"]) if "username" in videos else videos["id"]
        targets = forecaster.featurizer.targets
        metrics["level"] = level(rows, truth, targets.names, targets.scale, authors.to_numpy(dtype=str))
    moved = shift_of(forecaster.featurizer, [piece.tally for piece in pieces])
    moved.warn(dataset.name)
    metrics |= {"warnings": moved.warnings, "shift": moved.to_dict()}
    examined = concatenated([piece.examined for piece in pieces])
    return Evaluation(ids, forecaster.targets, forecaster.featurizer.targets.scale, truth, rows, stranger, examined, metrics)


def write_evaluation(evaluation: Evaluation, out: Path) -> None:
    """Write metrics.json and forecasts.csv into `out`."""
    write_text(out / "metrics.json", json.dumps(evaluation.metrics, indent=2) + "\n")
    with writing(out / "forecasts.csv") as temporary:
        forecasts_table(evaluation).to_csv(temporary, index=False, float_format="%.6g")


def forecasts_table(evaluation: Evaluation) -> pd.DataFrame:
    """One row a video and target: truth, point forecasts and interval in the training scale, then in counts; and the chances of `ABOVE`."""
    count, targets = evaluation.truth.shape
    columns: dict[str, Any] = {"id": np.repeat(evaluation.ids, targets), "target": np.tile(np.array(evaluation.targets), count)}
    columns["truth"] = evaluation.truth.ravel()
    for name in ("mean", "median", "lower_95", "upper_95"):
        columns[name] = evaluation.rows[name].ravel()
    for name in ("median", "lower_95", "upper_95"):
        columns[f"count_{name}"] = written_out(evaluation.scale.told(evaluation.rows[name].ravel()), evaluation.scale)
    for name in ABOVE:
        if not np.isnan(evaluation.rows[name]).all():
            columns[name] = evaluation.rows[name].ravel()
    return pd.DataFrame(columns)


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
    bins = {name: reliability(rows[name], truth, rows["usual"], times) for name, times in ABOVE.items()}
    metrics["above"] = {name: found for name, found in bins.items() if found}
    if len(names) > 1 and np.isfinite(rows["energy"]).any():
        metrics["joint"] = {
            "energy_score": float(np.nanmean(rows["energy"])),
            "energy_score_independent": float(np.nanmean(rows["energy_independent"])),
        }
    return metrics


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _progress(pieces: Iterator[Piece], total: int) -> Iterator[Piece]:
    from tqdm import tqdm

    with tqdm(total=total, unit="video", desc="forecasting", disable=None) as bar:
        for piece in pieces:
            yield piece
            bar.update(len(piece.truth))
