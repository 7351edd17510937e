"""What a table of drafts may reach: each draft, and the total of joint draws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from features.followed.early import why_unread
from features.scale import Scale
from features.tables.dataset import Dataset
from forecast.forecaster import Forecaster
from forecast.joint.authors import authors_of, told_later
from forecast.mixture import LEVELS
from forecast.plan.drafts import at_horizon, own_numbers, passed
from forecast.scoring.forecast_rows import ROWS
from forecast.scoring.subsets.usual import ABOVE, above
from forecast.shift import shift_of, tally
from machine.errors import InputError


@dataclass(frozen=True)
class Plan:
    """The forecast of N drafts, sorted by id.

    Attributes:
        ids: (N,) names of the drafts.
        targets: names of the K targets.
        scale: `log1p` or `identity`.
        horizon: seconds after publication.
        rows: (N, K) by name of the level, in the training scale.
        reach: by target with a goal, (N,) probability that a draft alone reaches it.
        total: (S, K) draws of the sum over all drafts, in counts (or scores).
        goals: by target, what the total is to reach.
        run: checksum of the run directory's files.
        seed: of the draws.
        warnings: how the drafts differ from what the run was trained on, and whose past came too late.
        samples: (S, N, K) float32 joint draws in the training scale, where they were kept.
        chances: (N, K) by name of `forecast.scoring.subsets.usual.ABOVE`, NaN without other videos of the author; empty if for none.
    """

    ids: np.ndarray
    targets: tuple[str, ...]
    scale: Scale
    horizon: float
    rows: dict[str, np.ndarray]
    reach: dict[str, np.ndarray]
    total: np.ndarray
    goals: Mapping[str, float] = field(default_factory=dict)
    run: str = ""
    seed: int = 0
    warnings: tuple[str, ...] = ()
    samples: np.ndarray | None = None
    chances: dict[str, np.ndarray] = field(default_factory=dict)

    def of_total(self) -> dict[str, dict[str, float]]:
        """By target: quantiles of the total and, with a goal, the probability that the total reaches it."""
        found: dict[str, dict[str, float]] = {}
        for k, name in enumerate(self.targets):
            levels = np.quantile(self.total[:, k], list(LEVELS.values()))
            found[name] = {
                level: float(np.round(value) if self.scale.counts else value) for level, value in zip(LEVELS, levels, strict=True)
            }
            if name in self.goals:
                found[name] |= {"goal": self.goals[name], "probability": float((self.total[:, k] >= self.goals[name]).mean())}
        return found


def plan(
    forecaster: Forecaster,
    drafts: Dataset,
    *,
    publish: float,
    horizon: float,
    seen: float | str = 0.0,
    goals: Mapping[str, float] | None = None,
    samples: int = 1000,
    seed: int = 0,
    keep: bool = False,
    report: Callable[[int], Any] = lambda count: None,
) -> Plan:
    """Forecast every draft, and their total, some at a time: memory grows with N only where the draws are kept.

    Args:
        forecaster: a loaded run.
        drafts: any rows, see `forecast.plan.drafts.at_horizon`.
        publish: for rows without a time.
        horizon: seconds after publication.
        seen: what was read of the drafts that counts, see `forecast.plan.drafts.at_horizon`.
        goals: by target, in counts (or scores).
        samples: draws.
        seed: of the draws.
        keep: whether to keep the draws.
        report: called with the number of drafts that were forecast, again and again.

    Raises:
        InputError: a goal for something that is not forecast, or below 0; or readings for a run that has learned from none.
    """
    goals = dict(goals or {})
    for name in goals:
        if name not in forecaster.targets:
            raise InputError(f"--goal {name}: the run forecasts {', '.join(forecaster.targets)}")
        if goals[name] < 0 and forecaster.featurizer.targets.scale.counts:
            raise InputError(f"--goal {name}={goals[name]:g}: a count is never below 0")
    if seen != 0.0 and not forecaster.featurizer.follows:
        raise InputError(f"--seen {seen}: {why_unread(forecaster.featurizer.targets.scale)}")
    forecaster = forecaster.for_drafts()
    dataset, scale = at_horizon(drafts, publish, horizon, seen, forecaster.targets), forecaster.featurizer.targets.scale
    first, tallies, found, kept, late = own_numbers(drafts, horizon, forecaster.targets), [], [], [], 0
    reach: dict[str, list[np.ndarray]] = {name: [] for name in goals}
    chances: dict[str, list[np.ndarray]] = {name: [] for name in ABOVE}
    total = np.zeros((samples, len(forecaster.targets)))
    for number, piece in enumerate(dataset.split(ROWS)):
        raw = forecaster.featurizer.raw(piece)
        tallies.append(tally(forecaster.featurizer, piece, raw))
        late += int(told_later(forecaster.featurizer, piece).sum())
        usual = forecaster.featurizer.usual(piece)
        videos, authors = forecaster.featurizer.standardised(piece, raw).unlabelled(), authors_of(forecaster.featurizer, piece)
        for rows, block in forecaster.blocks(
            videos.to(forecaster.device), samples, seed=seed, first=first + number * ROWS, authors=authors
        ):
            found.append(np.quantile(block, list(LEVELS.values()), axis=0))
            for name, times in ABOVE.items():
                chances[name].append(above(block, usual[rows], times))
            counts = scale.told(block.astype(np.float64))
            total += counts.sum(axis=1)
            for name, goal in goals.items():
                reach[name].append((counts[:, :, forecaster.targets.index(name)] >= goal).mean(axis=0))
            if keep:
                kept.append(block)
            report(block.shape[1])
    levels = dict(zip(LEVELS, np.concatenate(found, axis=1), strict=True))
    told = {name: np.concatenate(shares) for name, shares in chances.items()}
    unlike = shift_of(forecaster.featurizer, tallies).warnings
    if late:
        unlike.append(f"{late:,} of the drafts: the author's other videos were all read (collected_at) after publication, so none counts")
    if seen == "last" and (missed := passed(drafts, dataset, forecaster.targets)):
        unlike.append(f"{missed:,} of the drafts: the horizon has passed, and what was read later does not count: choose a later --horizon")
    if dataset.so_far is not None and (unread := int((dataset.so_far["readings"] == 0).sum())):
        unlike.append(
            f"{unread:,} of the drafts: nothing was read up to the horizon and the age of --seen, so the forecast begins at publication"
        )
    return Plan(
        dataset.videos["id"].to_numpy(dtype=str),
        forecaster.targets,
        scale,
        horizon,
        levels,
        {name: np.concatenate(shares) for name, shares in reach.items()},
        total,
        goals,
        forecaster.checksum,
        seed,
        tuple(unlike),
        np.concatenate(kept, axis=1) if keep else None,
        {name: shares for name, shares in told.items() if not np.isnan(shares).all()},
    )
