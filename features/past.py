"""Outcomes of other videos, handed in at forecast time: what of them can join a run's histories."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.parts.same_author import History
from features.parts.social import published_at
from features.tables.dataset import Dataset
from features.targets import Targets, truth
from features.whole_counts import whole_targets
from machine.errors import InputError

FAR = 8.0  # standard deviations from the training mean; numbers that lie beyond it are of another scale


def check_past(dataset: Dataset, targets: Targets, histories: Mapping[str, History]) -> None:
    """Refuse outcomes that would tell nothing, or something wrong.

    Raises:
        InputError: the run has no history, the table names no author or no target, knows no outcome, or is in another scale.
    """
    name, videos = dataset.name, dataset.videos
    if not histories:
        raise InputError(f"{name}: the run was trained without histories, so outcomes of other videos tell it nothing")
    if "username" not in videos or videos["username"].isna().all():
        raise InputError(f"{name}: no column username, so nobody knows whose past it is")
    if not set(targets.names) & set(videos):
        raise InputError(f"{name}: none of the run's targets is a column of it ({', '.join(targets.names)})")
    values = truth(videos, targets.names, targets.scale)
    if np.isnan(values).all():
        raise InputError(f"{name}: no row has an outcome ({', '.join(targets.names)})")
    for target, fractional in zip(targets.names, targets.whole & ~whole_targets(values, targets.scale), strict=True):
        if fractional:
            raise InputError(f"{name}: {target} is not in whole counts, as the run was trained with; is it in another scale?")
    for target, column in zip(targets.names, ((values - targets.loc) / targets.spread).T, strict=True):
        if (~np.isnan(column)).any() and abs(middle := float(np.nanmedian(column))) > FAR:
            raise InputError(f"{name}: {target} lies {abs(middle):.3g} standard deviations from the training rows; is it in another scale?")


def outcomes(videos: pd.DataFrame, targets: Targets) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with an outcome: their table, and what they reached, (N, K), standardised like the training rows; NaN where unknown."""
    reached = (truth(videos, targets.names, targets.scale) - targets.loc) / targets.spread
    known = ~np.isnan(reached).all(1)
    return videos[known].reset_index(drop=True), reached[known]


def known_at(videos: pd.DataFrame) -> np.ndarray:
    """(N,) seconds: when a row had been published and read."""
    published = published_at(videos)
    return np.fmax(published, videos["collected_at"].to_numpy(np.float64)) if "collected_at" in videos else published
