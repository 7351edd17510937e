"""The same scores for groups of videos: an interval that holds on average may fail the new, the small or the young."""

from typing import Any

import numpy as np
import pandas as pd

from features.parts.social import age

FOLLOWERS = (0.0, 1e3, 1e4, 1e5, 1e6, np.inf)
FOLLOWER_NAMES = ("below 1K", "1K to 10K", "10K to 100K", "100K to 1M", "1M and more")
AGES = (0.0, 1.0, 7.0, 30.0, 365.0, np.inf)
AGE_NAMES = ("below 1 day", "1 to 7 days", "7 to 30 days", "30 days to 1 year", "1 year and more")


def members(videos: pd.DataFrame, stranger: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """(N,) bool by group, by kind of grouping: `authors`, and where the columns exist `followers` and `age`.

    Args:
        videos: the table, N rows.
        stranger: (N,) bool, authors without history.
    """
    found = {"authors": {"known": ~stranger, "new": stranger}}
    if "follower_count" in videos:
        found["followers"] = _tiers(videos["follower_count"].to_numpy(np.float64), FOLLOWERS, FOLLOWER_NAMES)
    elapsed = age(videos)
    if not np.isnan(elapsed).all():
        found["age"] = _tiers(elapsed, AGES, AGE_NAMES)
    return found


def group_scores(videos: pd.DataFrame, stranger: np.ndarray, rows: dict[str, np.ndarray], truth: np.ndarray) -> dict[str, Any]:
    """Rows, CRPS, factor and coverage of each group that has a row, averaged over the targets that are known.

    Args:
        videos: the table, N rows.
        stranger: (N,) bool.
        rows: `forecast.scoring.scores.row_summary`, (N, K) each.
        truth: (N, K), NaN where unknown.

    Returns:
        `{"authors": {"known": {"rows", "crps", "typical_error", "coverage_95"}}}`; typical_error is the median of |truth - median|.
    """
    scored: dict[str, Any] = {}
    for kind, groups in members(videos, stranger).items():
        scored[kind] = {}
        for name, inside in groups.items():
            known = ~np.isnan(truth) & inside[:, None]
            if not known.any():
                continue
            held = (truth >= rows["lower_95"]) & (truth <= rows["upper_95"])
            scored[kind][name] = {
                "rows": int(inside.sum()),
                "crps": _by_target(rows["crps"], known, np.mean),
                "typical_error": _by_target(np.abs(truth - rows["median"]), known, np.median),
                "coverage_95": _by_target(held, known, np.mean),
            }
    return scored


def _tiers(values: np.ndarray, edges: tuple[float, ...], names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {name: (values >= edges[i]) & (values < edges[i + 1]) for i, name in enumerate(names)}


def _by_target(values: np.ndarray, known: np.ndarray, average: Any) -> float:
    columns = [average(values[known[:, k], k]) for k in range(values.shape[1]) if known[:, k].any()]
    return float(np.mean(columns))
