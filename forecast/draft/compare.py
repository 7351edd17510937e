"""Which of two drafts reaches more, and how surely."""

from typing import NamedTuple

import numpy as np

from features.scale import Scale
from forecast.draft.outlook import Outlook
from forecast.notation import duration, title
from machine.errors import InputError


class Comparison(NamedTuple):
    """Two drafts, target by target and horizon by horizon.

    Attributes:
        targets: names of the K targets.
        horizons: H ages in seconds that both forecasts have.
        probability: (H, K) that the first reaches more.
        ratio: (H, K) median of the first minus that of the second, in the training scale (log1p: log of a factor).
    """

    targets: tuple[str, ...]
    horizons: tuple[float, ...]
    probability: np.ndarray
    ratio: np.ndarray


def probability_of_more(first: np.ndarray, second: np.ndarray) -> float:
    """P(first > second) + P(equal) / 2 over all pairs of draws (S,) and (T,).

    Every draw of one meets every draw of the other: two videos do not share their luck, so pairing draws one to one, made with the
    same random numbers, would claim too much. The common random numbers still help: the noise of the draws cancels, and two
    identical drafts get exactly 1/2.
    """
    ordered = np.sort(second)
    below, up_to = np.searchsorted(ordered, first, "left"), np.searchsorted(ordered, first, "right")
    return float((below + up_to).mean() / (2 * len(ordered)))


def compare(first: Outlook, second: Outlook) -> Comparison:
    """Compare two forecasts of the same run.

    Raises:
        InputError: they are of different runs or targets, or have no horizon in common.
    """
    if (first.run, first.targets, first.scale) != (second.run, second.targets, second.scale):
        raise InputError("--compare: the two forecasts come from different runs, so their difference would mean nothing")
    if first.seed != second.seed:
        raise InputError(f"--compare: the two forecasts have the seeds {first.seed} and {second.seed}; make both with the same --seed")
    horizons = tuple(horizon for horizon in first.horizons if horizon in second.horizons)
    if not horizons:
        raise InputError("--compare: the two forecasts have no horizon in common")
    one = first.samples[:, [first.horizons.index(horizon) for horizon in horizons]]
    two = second.samples[:, [second.horizons.index(horizon) for horizon in horizons]]
    places = [[probability_of_more(one[:, h, k], two[:, h, k]) for k in range(one.shape[2])] for h in range(len(horizons))]
    return Comparison(first.targets, horizons, np.array(places), np.median(one, axis=0) - np.median(two, axis=0))


def comparison_table(found: Comparison, scale: str) -> str:
    """One line a target, one column a horizon: the probability that the first reaches more, and by how much."""
    lines = [f"{'first reaches more':20s}" + "".join(f"{duration(horizon):>18s}" for horizon in found.horizons)]
    for k, target in enumerate(found.targets):
        cells = []
        for h in range(len(found.horizons)):
            amount = Scale(scale).change(found.ratio[h, k])
            cells.append(f"{found.probability[h, k]:>8.0%} ({amount})")
        lines.append(f"{title(target):20s}" + "".join(f"{cell:>18s}" for cell in cells))
    return "\n".join(lines)
