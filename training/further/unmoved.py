"""Where nothing shows that the rows are of another kind: the old run's forecasts, of which only histories and widths know them."""

from dataclasses import replace

import numpy as np

from features.tables.dataset import Dataset
from features.targets import truth
from forecast.adjustments.calibration import ENDS, conformal, needed
from forecast.forecaster import Forecaster
from training.further.own import draws_of

EVEN = 30  # rows' worth of belief in the old run's widths
MOST = 1000  # rows that are looked at, evenly spread


def where_it_was(old: Forecaster, moved: Forecaster, table: Dataset) -> Forecaster:
    """The moved run, moved by nothing: medians are the old run's, and intervals as much wider or narrower as these rows ask for.

    Args:
        old: the run as it is, whose histories know the rows.
        moved: the run that was moved to them, whose forecasts of videos that were read before stay.
        table: the rows; what they ask for is drawn towards the old run's widths as by 30 rows more.
    """
    some = table.spread(MOST)
    reached = truth(some.videos, old.targets, old.featurizer.targets.scale)
    ends = dict(zip(ENDS, np.quantile(draws_of(old, some, old.targets), list(ENDS.values()), axis=0), strict=True))
    asked, rows = conformal(needed(ends, reached)).mean(0), (~np.isnan(reached)).sum(0)
    assert moved.moved is not None  # noqa: S101  (it was moved)
    factor = asked ** (rows / (rows + EVEN))
    weights, power, share = np.zeros_like(moved.moved.weights), np.ones_like(factor), np.zeros_like(factor)
    stays = replace(moved.moved, weights=weights, factor=factor, power=power, share=share)
    return replace(moved, moved=stays, calibration=replace(old.calibration, read=moved.calibration.read))
