"""Which of two plans reaches more together, and how surely."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.scale import Scale
from forecast.draft.outlook import fields_of
from forecast.notation import duration, title
from forecast.plan.written import VERSION, percent, told
from machine.errors import InputError
from machine.files import regular_file


@dataclass(frozen=True)
class Total:
    """The total of a plan, as `predict.py --data --json` wrote it.

    Attributes:
        run: checksum of the run directory's files.
        seed: of the draws.
        targets: names of the K targets.
        scale: `log1p` or `identity`.
        horizon: seconds after publication.
        videos: how many drafts.
        draws: (S, K), in counts (or scores).
    """

    run: str
    seed: int
    targets: tuple[str, ...]
    scale: Scale
    horizon: float
    videos: int
    draws: np.ndarray


def is_plan(path: Path) -> bool:
    """Whether a file begins like a plan's JSON, not like that of one draft."""
    with regular_file(path).open("rb") as file:
        return b'"plan":' in file.read(64)


def read_total(path: Path) -> Total:
    """Read the total of what `predict.py --data --json` printed.

    Raises:
        InputError: it is not such a file, or too large.
    """
    with fields_of(path, VERSION, "a plan as predict.py --data --json writes it") as found:
        draws, targets = np.array(found["total_samples"], dtype=np.float64), tuple(map(str, found["targets"]))
        if draws.ndim != 2 or draws.shape[1] != len(targets) or len(draws) < 2 or not np.isfinite(draws).all():
            raise InputError(f"{path}: its samples are damaged")
        scale, horizon = Scale(found["scale"]), float(found["horizon_seconds"])
        return Total(str(found["run"]), int(found["seed"]), targets, scale, horizon, int(found["plan"]), draws)


def compare_totals(first: Total, second: Total) -> list[dict]:
    """By target, the probability that the first plan reaches more together, and the ratio (or difference) of the medians.

    Draw s of one meets draw s of the other: what is not known of an author is the same in both plans, everything else is not.

    Raises:
        InputError: they are of different runs, targets, horizons, seeds or numbers of draws.
    """
    if (first.run, first.targets, first.scale) != (second.run, second.targets, second.scale):
        raise InputError("--compare: the two plans come from different runs, so their difference would mean nothing")
    if (first.seed, len(first.draws)) != (second.seed, len(second.draws)):
        raise InputError("--compare: the two plans have other seeds or numbers of draws; make both with the same --seed and --samples")
    if first.horizon != second.horizon:
        raise InputError(f"--compare: one plan is for {duration(first.horizon)}, the other for {duration(second.horizon)}")
    rows = []
    for k, name in enumerate(first.targets):
        one, two = first.draws[:, k], second.draws[:, k]
        medians = float(np.median(one)), float(np.median(two))
        more = float((one > two).mean() + 0.5 * (one == two).mean())
        rows.append({"target": name, "probability": more, "median_first": medians[0], "median_second": medians[1]})
    return rows


def comparison(rows: list[dict], first: Total, second: Total) -> str:
    """One line a target."""
    heads = f"{'first plan reaches more':26s}{'probability':>12s}{'first':>10s}{'second':>10s}"
    lines = [
        f"{title(row['target']):26s}{percent(row['probability']):>12s}"
        f"{told(row['median_first'], first.scale):>10s}{told(row['median_second'], first.scale):>10s}"
        for row in rows
    ]
    return "\n".join([heads, *lines, f"(medians of the totals of {first.videos:,} and {second.videos:,} videos)"])
