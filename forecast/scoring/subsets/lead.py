"""What is asked of an evaluation of followed videos, and scores by how far ahead it looked."""

from typing import Any

import numpy as np

from features.featurizer import Featurizer
from features.followed.early import ages, why_unread
from features.followed.looks import looks_at
from features.tables.columns import DAY
from features.tables.dataset import Dataset
from forecast.forecaster import Forecaster, truth_of
from forecast.notation import parse_horizon
from forecast.scoring.scores import mean_scores, row_summary
from forecast.scoring.scores import scores as scored
from machine.errors import InputError

SEEN = (0.0, 0.25, 1.0, 3.0, 7.0)  # days
HORIZONS = (0.25, 1.0, 2.0, 4.0, 7.0, 14.0, 30.0)
SOME, FEWEST, DRAWS = 128, 20, 200
SCORES = ("crps", "coverage_95", "width_95")
LEADS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)  # days, where one group ends and the next one begins


def asked(dataset: Dataset, featurizer: Featurizer, seen: str = "0", horizon: str = "last") -> Dataset:
    """The rows to forecast: each with what is known of it by the age `seen`, and the reading at the age `horizon`.

    Raises:
        InputError: not such an age, nothing in `dataset` was followed, the run has learned from no readings, or no row has such a reading.
    """
    known, wanted = days(seen, "first", option="--seen"), days(horizon, "last")
    if dataset.readings is None:
        if (known, wanted) != (0.0, "last"):
            raise InputError(f"{dataset.name}: holds one reading of each video, so --seen 0 and --horizon last are all that can be asked")
        return dataset
    if not featurizer.follows and known != 0.0:
        raise InputError(f"--seen {seen}: {why_unread(featurizer.targets.scale)}")
    return looks_at(dataset, known, wanted)


def looks(forecaster: Forecaster, dataset: Dataset, *, seed: int = 0) -> list[dict[str, Any]]:
    """Scores of looks at each of the ages `SEEN`, ahead to each of `HORIZONS`: entries as of `by_lead`, for ages that enough videos have.

    Args:
        forecaster: a run that has learned from readings.
        dataset: videos with readings; `SOME` of each kind of look are forecast.
        seed: of the draws.
    """
    found: list[dict[str, Any]] = []
    if dataset.readings is None or not forecaster.featurizer.follows:
        return found
    for seen in SEEN:
        for horizon in HORIZONS:
            try:
                rows = looks_at(dataset, seen, horizon) if horizon > seen else None
            except InputError:  # no video was read then
                continue
            if rows is None or rows.so_far is None:
                continue
            known = np.flatnonzero((rows.so_far["readings"] > 0).to_numpy() == (seen > 0))
            if len(known) >= FEWEST:
                some = rows.take(known).spread(SOME)
                videos = forecaster.featurizer.transform(some).to(forecaster.device)
                truth = truth_of(videos, len(forecaster.targets))
                draws = np.concatenate(list(forecaster.draws(videos.unlabelled(), DRAWS, seed=seed)), axis=1)
                scores = mean_scores(scored(row_summary(draws, truth), truth, forecaster.targets))
                found.append({"seen": seen, "horizon": horizon, "rows": len(some)} | {name: scores[name] for name in SCORES})
    return found


def by_lead(dataset: Dataset, rows: dict[str, np.ndarray], truth: np.ndarray) -> list[dict[str, Any]]:
    """One entry for each group of rows that look equally far ahead: median ages in days, CRPS and coverage as means over targets."""
    if dataset.so_far is None or not {"create_time", "collected_at"} <= set(dataset.videos):
        return []
    horizon = (dataset.videos["collected_at"] - dataset.videos["create_time"]).to_numpy() / DAY
    age = np.nan_to_num(ages(dataset.videos, dataset.so_far)[0] / 24.0)
    inside = np.where(np.isnan(truth), np.nan, (truth >= rows["lower_95"]) & (truth <= rows["upper_95"]))
    group, found = np.searchsorted(LEADS, horizon - age), []
    for number in np.unique(group[~np.isnan(horizon)]):
        here = (group == number) & ~np.isnan(horizon)
        scored = ~np.isnan(truth[here]).all(0)
        if scored.any():
            found.append(
                {
                    "seen": float(np.median(age[here])),
                    "horizon": float(np.median(horizon[here])),
                    "rows": int(here.sum()),
                    "crps": float(np.nanmean(rows["crps"][here][:, scored], axis=0).mean()),
                    "coverage_95": float(np.nanmean(inside[here][:, scored], axis=0).mean()),
                    "width_95": float((rows["upper_95"] - rows["lower_95"])[here].mean()),
                }
            )
    return found


def days(text: str, *words: str, option: str = "horizon") -> float | str:
    """An age in days, from text such as 6h or 7d; one of `words` stays as it is; `option` is where it stands.

    Raises:
        InputError: neither.
    """
    if text in words:
        return text
    return 0.0 if text.strip() == "0" else parse_horizon(text, option) / DAY
