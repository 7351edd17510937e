"""What is known of an unpublished video, as a dataset of one row an horizon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.featurizer import Featurizer
from features.pair import FeaturizerPair
from features.parts.social import FURTHER
from features.tables.columns import COLUMNS
from features.tables.dataset import Dataset
from features.videos import Videos
from forecast.draft.so_far import Reading, table
from forecast.joint.authors import told_later
from forecast.shift import shift_of, tally
from machine.errors import InputError


@dataclass(frozen=True)
class Draft:
    """One video, not published yet or read since.

    Attributes:
        publish: when, in seconds since 1970, UTC.
        known: column to value, of the columns in `features.tables.columns.GIVEN`; what is not there is missing.
        clip: part to features, float32 (F,), of the media file; a part that is not there is missing.
        read: what was read of it since it was published, in order of age; nothing for a video that is not published.
    """

    publish: float
    known: Mapping[str, str | float] = field(default_factory=dict)
    clip: Mapping[str, np.ndarray] = field(default_factory=dict)
    read: tuple[Reading, ...] = ()


def featurize(draft: Draft, horizons: Sequence[float], featurizer: Featurizer) -> tuple[Videos, np.ndarray, list[str]]:
    """The draft as it will be, `horizons` seconds after publication.

    Args:
        draft: what is known of it.
        horizons: H seconds.
        featurizer: for drafts.

    Returns:
        `Videos` of H rows; (H, K) what is usual for the author, NaN where that is not known; and sentences that name what the run was
        trained with and the draft lacks, what is unseen, and what lies far outside.
    """
    rows = rows_of(draft, horizons, featurizer)
    raw = featurizer.raw(rows)
    unlike = shift_of(featurizer, [tally(featurizer, rows, raw)]).of_one_video
    if told_later(featurizer, rows).any():
        unlike.append("its author's other videos were all read (collected_at) after the forecast's moment, so that none counts")
    return featurizer.standardised(rows, raw).unlabelled(), featurizer.usual(rows), unlike


def rows_of(draft: Draft, horizons: Sequence[float], featurizer: Featurizer) -> Dataset:
    """The draft as a dataset, one row a horizon.

    Raises:
        InputError: the clip's features are not those that the run was trained on.
    """
    count = len(horizons)
    columns: dict[str, np.ndarray] = {
        "id": np.array(["draft"] * count, dtype=object),
        "create_time": np.full(count, float(draft.publish)),
        "collected_at": float(draft.publish) + np.asarray(horizons, dtype=np.float64),
    }
    for name, value in draft.known.items():
        if COLUMNS[name].kind == "text":  # half characters (surrogates) are replaced, as in tables
            columns[name] = np.array([str(value).encode("utf-8", "replace").decode()] * count, dtype=object)
        else:
            columns[name] = np.full(count, float(value))
    ready = {}
    for part, values in draft.clip.items():
        names = featurizer.columns.get(part)
        if names is None:
            continue
        if len(names) != len(values):
            raise InputError(f"--video: gives {len(values)} {part} features, but the run was trained on {len(names)} others")
        ready[part] = pd.DataFrame(np.tile(np.asarray(values, dtype=np.float64), (count, 1)), columns=names)
    known = table(draft.read, draft.publish, featurizer.targets.names, count)
    return Dataset(pd.DataFrame(columns), ready, "the draft", so_far=known)


def fan_horizons(horizons: Sequence[float], count: int = 14) -> list[float]:
    """Ages for a smooth chart: `count` of them, evenly spaced on a log axis from the first horizon (or a tenth of the only one)."""
    first = min(horizons) if len(set(horizons)) > 1 else min(horizons) / 10
    return [float(age) for age in np.geomspace(first, max(horizons), count)[:-1]]


def knows_time(featurizer: Featurizer) -> bool:
    """Whether the run has learned how counts grow with the age of a video."""
    runs = (featurizer.first, featurizer.second) if isinstance(featurizer, FeaturizerPair) else (featurizer,)
    return any("log_age" in run.columns.get(part, ()) for run in runs for part in ("social", FURTHER))
