"""Is a run at home on labelled rows? Whether it beats their own marginal distribution, and whether it is always too low or too high."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from features.scale import Scale
from forecast.scoring.baseline import marginal_rows

SURE = 4.0  # standard errors, beyond which a bias is no accident
WORSE = 2.0  # likewise, a lead of the distribution of the rows
FEW = 5  # authors; fewer do not tell how far authors stray, so that errors are over videos
MATTERS = 0.2  # of the standard deviation of what is left, below which it does not matter


def level(rows: dict[str, np.ndarray], truth: np.ndarray, targets: Sequence[str], scale: Scale, authors: np.ndarray) -> dict[str, Any]:
    """What metrics.json says of it.

    Args:
        rows: `mean` and `crps` of the forecasts, (N, K) each.
        truth: (N, K), NaN where unknown.
        targets: names of the K targets.
        scale: of the targets.
        authors: (N,) who made each video, any keys: videos of one author are off together.

    Returns:
        By target, `bias` (truth less the forecast's mean, averaged, in the training scale), its `standard_error` over authors (over
        videos, if there are few authors), `crps`, and `crps_marginal`, that of the distribution of these rows without the one that is
        forecast; and `sentences`, one for each target that is off. Medians would not do: truths lie above the median of a right, skewed
        forecast on average.
    """
    found: dict[str, Any] = {}
    sentences = []
    for k, name in enumerate(targets):
        known = ~np.isnan(truth[:, k])
        if known.sum() < 2:
            continue
        off, reached, count = (truth - rows["mean"])[known, k], truth[known][:, [k]], int(known.sum())
        # n rows forecast by all n have (n - 1)^2 / n^2 of the CRPS that they have when forecast by the others
        others = marginal_rows(np.sort(reached, axis=0), reached)["crps"][:, 0] * (count / (count - 1)) ** 2
        lead = rows["crps"][known, k] - others
        bias, error = float(off.mean()), _standard_error(off, authors[known])
        crps, marginal = float(rows["crps"][known, k].mean()), float(others.mean())
        found[name] = {"bias": bias, "standard_error": error, "crps": crps, "crps_marginal": marginal}
        if lead.mean() > WORSE * _standard_error(lead, authors[known]):
            sentences.append(f"{name}: its CRPS, {crps:.3f}, is worse than that of the distribution of these very rows, {marginal:.3f}")
        if abs(bias) > max(SURE * error, MATTERS * float(off.std())):
            amount = f"a factor of {math.exp(abs(bias)):.2f}" if scale.counts else f"{abs(bias):.3g}"
            sentences.append(f"{name} is forecast too {'low' if bias > 0 else 'high'}, by {amount} on average")
    return {"targets": found, "sentences": sentences}


def _standard_error(off: np.ndarray, authors: np.ndarray) -> float:
    """Of a mean over videos, those of one author taken together; of fewer than `FEW` authors each video by itself."""
    _, group = np.unique(authors, return_inverse=True)
    group = group if group.max() >= FEW - 1 else np.arange(len(off))
    totals = np.bincount(group, weights=off - off.mean())
    return float(np.sqrt((totals**2).sum() * len(totals) / (len(totals) - 1)) / len(off))
