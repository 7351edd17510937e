"""A run's featurizer for further training rows: they join its histories, and what they have beyond its parts and columns gets scalers."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from features.featurizer import Featurizer
from features.parts import social
from features.parts.wording import Wording
from features.scaler import Scaler
from features.tables.dataset import Dataset


def extended(featurizer: Featurizer, dataset: Dataset, without: Collection[str] = ()) -> Featurizer:
    """The same featurizer with parts that are new; all else stays as fitted, but for the range of ages, which spans both.

    Args:
        featurizer: of the run that is gone on from.
        dataset: the further training rows.
        without: parts to leave out.
    """
    tables = {
        part: table.to_numpy(np.float64)
        for part, table in dataset.ready.items()
        if part not in (*without, *featurizer.scalers) and table.notna().any(axis=None)
    }
    columns = {part: list(dataset.ready[part].columns) for part in tables}
    videos = featurizer.targets.taken_from(dataset.videos)
    further = social.further(videos, featurizer.columns.get("social", ()))
    if further and social.FURTHER not in (*without, *featurizer.scalers, *tables):
        columns[social.FURTHER] = further
        tables[social.FURTHER] = social.further_numbers(videos, further)
    wording = dict(featurizer.wording)
    if "wording" not in featurizer.scalers and "textual" not in (*without, *dataset.ready):
        fitted = Wording.fit(dataset.videos, featurizer.salt, featurizer.seed)
        if fitted is not None:
            wording["wording"], columns["wording"] = fitted, fitted.names
            values, present = fitted.numbers(dataset.videos, featurizer.salt)
            tables["wording"] = np.where(present[:, None], values, np.nan)
    ranges = [one for one in (featurizer.ages_seen, social.ages_seen(dataset.videos)) if one != (0.0, 0.0)]  # none where no age is known
    return replace(
        featurizer.joined(dataset, when_read=False),
        wording=wording,
        columns=featurizer.columns | columns,
        scalers=featurizer.scalers | {part: Scaler.fit(table, cyclic=social.cyclic(part, columns[part])) for part, table in tables.items()},
        ages_seen=(min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else (0.0, 0.0),
    )
