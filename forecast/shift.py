"""Is a dataset like the one that the run was trained on? What is lacking, unseen or far outside, by name and share of rows."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from features.featurizer import Featurizer, Raw
from features.pair import FeaturizerPair
from features.parts import histories, social
from features.parts.text import LENGTH
from features.scaler import CLIP
from features.tables.columns import COLUMNS
from features.tables.dataset import Dataset
from features.videos import EARLY
from machine.errors import InputWarning

UNSEEN = 0.5  # share of unseen names, and
OUTSIDE = 0.01  # share of rows outside, and
FAR = 1.0  # training standard deviations between means, beyond what chance may explain, and
MOST_NAMED = 3  # columns in one sentence
YOUNGER = 0.05  # share of rows younger than what was learned from, above which a dataset deserves a warning
CHANCE = 3.0  # standard errors of a mean that chance explains
# columns of the videos table that a feature of another name is made from
SOURCES = {"age_days": "collected_at", "log_age": "collected_at", "log_duration": "video_duration", "hour_sine": "create_time"}


@dataclass(frozen=True)
class Shift:
    """How a dataset differs from the training rows.

    Attributes:
        present: for each part of the run, the share of rows that have it.
        lacking: for each part that some row has, and for `further`, the columns that the run was trained with and no row has.
        unseen: for each column of names, the share of rows, among those that have a name, whose name was not seen in training.
        outside: for each part, the share of its rows with a feature more than 8 training standard deviations from the training mean;
            of parts whose numbers stand in a table, since no user can look for those that a run computes.
        far: for each part with such a row, the columns that lie as far, where they have names that a user knows.
        younger: share of the rows that are younger than nearly all training rows.
        learned: share of the rows that are training rows.
        distance: for the age and each count or length of the table, the mean of its logarithm less that of the training rows, in their
            standard deviations.
        independent: how many authors they are by, since videos of one are alike; how many rows there are, if nobody is named.
    """

    present: dict[str, float]
    lacking: dict[str, list[str]]
    unseen: dict[str, float]
    outside: dict[str, float]
    far: dict[str, list[str]] = field(default_factory=dict)
    younger: float = 0.0
    learned: float = 0.0
    distance: dict[str, float] = field(default_factory=dict)
    independent: int = 0

    @property
    def absences(self) -> list[str]:
        """One sentence for each part, and for the columns of each part, that no row has."""
        found = [f"no row has the part {part}, which the run was trained with" for part in self._absent]
        return found + [
            f"no row has {' or '.join(names)} (part {part}), which the run was trained with" for part, names in self.lacking.items()
        ]

    @property
    def warnings(self) -> list[str]:
        """One sentence for each thing that deserves a warning."""
        found = self.absences
        found += [
            f"{share:.0%} of the rows that name a {column} name one that training has not, or hardly, seen"
            for column, share in self.unseen.items()
            if share > UNSEEN
        ]
        found += [f"part {part}: {share:.1%} of its rows lie {self._far(part)}" for part, share in self._outside.items()]
        found += [
            f"the {name} lies {abs(amount):.1f} standard deviations {'above' if amount > 0 else 'below'} the training rows' (logarithms)"
            for name, amount in self.distance.items()
            if abs(amount) > FAR + CHANCE / max(self.independent, 1) ** 0.5
        ]
        if self.learned > OUTSIDE:
            found.append(f"{self.learned:.0%} of the rows are videos that the run was trained on, which it forecasts better than others")
        if self.younger > YOUNGER:
            found.append(
                f"{self.younger:.0%} of the rows are younger than what was learned from: how their counts grow is assumed, not learned"
            )
        return found

    @property
    def of_one_video(self) -> list[str]:
        """The same, said of one video (or one draft at several ages)."""
        found = [f"part {part} is not given, which the run was trained with" for part in self._absent]
        found += [f"{' and '.join(names)} not given, which the run was trained with (part {part})" for part, names in self.lacking.items()]
        found += [f"its {column} is one that training has not, or hardly, seen" for column, share in self.unseen.items() if share > UNSEEN]
        found += [
            f"part {part} lies {self._far(part)}"
            for part in self._outside
            if self.far.get(part) != ["collected_at"]  # a far horizon has a note of its own
        ]
        return found

    @property
    def _outside(self) -> dict[str, float]:
        """What deserves a warning of `outside`."""
        return {part: share for part, share in self.outside.items() if share > OUTSIDE}

    def or_like(self, other: "Shift") -> "Shift":
        """How the rows differ from two tables at once: each number is that of the nearer table; parts and columns are this one's."""
        near = {name: min(self.distance[name], far, key=abs) for name, far in other.distance.items() if name in self.distance}
        return replace(
            self,
            unseen={name: min(share, other.unseen.get(name, share)) for name, share in self.unseen.items()},
            outside={part: min(share, other.outside.get(part, share)) for part, share in self.outside.items()},
            younger=min(self.younger, other.younger),
            learned=max(self.learned, other.learned),
            distance=self.distance | near,
        )

    @property
    def _absent(self) -> list[str]:
        """Parts that no row has, but for those whose columns are named one by one; before the first reading there is no `early`."""
        return [part for part, share in self.present.items() if share == 0 and part != EARLY and part not in self.lacking]

    def _far(self, part: str) -> str:
        names = self.far.get(part, [])
        where = f", in {', '.join(names[:MOST_NAMED])}{' and others' if len(names) > MOST_NAMED else ''}" if names else ""
        return f"more than {CLIP:.0f} standard deviations from the training rows' mean{where}"

    def to_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return asdict(self)

    def warn(self, name: str) -> None:
        """Give each warning, naming the dataset."""
        warn(name, self.warnings)


def warn(name: str, sentences: Sequence[str]) -> None:
    """Give each warning, naming the dataset."""
    for sentence in sentences:
        warnings.warn(f"{name}: {sentence}", InputWarning, stacklevel=3)


@dataclass(frozen=True)
class Tally:
    """What a `Shift` is made from, counted over some rows of a dataset.

    Attributes:
        rows: how many.
        younger: rows that are younger than nearly all training rows.
        learned: training rows; 0 where outcomes have joined since, which cannot be told from them.
        present: for each part of the run, the rows that have it.
        outside: for each part, the rows with a feature more than 8 training standard deviations from the training mean.
        far: (F,) bool for each part, the features in which some row lies that far from the mean.
        given: (F,) bool for each part, the features that some row has.
        told: (2, F) for the social part, over the rows that have each feature, how many they are and their sum.
        named: for each column of names, the rows that have a name.
        unseen: for each column of names, the rows whose name was not seen in training.
        authors: keys of those who are named.
        second: the same for the second run of a pair; None where there is one run.
    """

    rows: int
    younger: int
    learned: int
    present: dict[str, int]
    outside: dict[str, int]
    far: dict[str, np.ndarray]
    given: dict[str, np.ndarray]
    named: dict[str, int]
    unseen: dict[str, int]
    told: np.ndarray
    authors: np.ndarray
    second: "Tally | None" = None


def tally(featurizer: Featurizer, dataset: Dataset, raw: Raw) -> Tally:
    """Count over a dataset, whose raw features (`Featurizer.raw`) are `raw`; those of a pair are of its first run."""
    second = None
    if isinstance(featurizer, FeaturizerPair):
        second = tally(featurizer.second, dataset, featurizer.second.raw(dataset))
    present, outside, far, given, named, unseen = {}, {}, {}, {}, {}, {}
    for part, scaler in featurizer.scalers.items():
        values, _, there = raw.get(part) or (np.zeros((0, scaler.loc.size)), [], np.zeros(0, bool))
        present[part] = int(there.sum())
        beyond = scaler.outside(values[there])
        outside[part], far[part] = int(beyond.any(1).sum()), np.asarray(beyond.any(0))
        given[part] = np.asarray(~np.isnan(values[there]).all(0))
    for column, seen in _seen(featurizer).items():
        if column in dataset.videos:
            keys = social.keys(dataset.videos[column], featurizer.salt)
            keys = keys[keys >= 0]
            named[column], unseen[column] = len(keys), int((~np.isin(keys, seen)).sum())
    younger = int((social.age(dataset.videos) < featurizer.youngest).sum())
    values = raw["social"][0] if "social" in raw and "social" in featurizer.scalers else np.zeros((0, 0))
    told = np.stack([(~np.isnan(values)).sum(0), np.nansum(values, axis=0)])
    authors = social.author_keys(dataset.videos, featurizer.salt)
    authors = np.unique(authors[authors >= 0])
    return Tally(len(dataset), younger, _learned(featurizer, dataset), present, outside, far, given, named, unseen, told, authors, second)


def shift_of(featurizer: Featurizer, tallies: Sequence[Tally]) -> Shift:
    """The shift of a dataset that was counted in pieces.

    A pair was trained on two tables: rows are unlike both, and lack what the second one has, which is the one it was moved to.
    """
    if isinstance(featurizer, FeaturizerPair):
        seconds = [one.second for one in tallies if one.second is not None]
        return shift_of(featurizer.second, seconds).or_like(shift_of(featurizer.first, tallies))
    rows = sum(one.rows for one in tallies)
    present = {part: sum(one.present[part] for one in tallies) for part in featurizer.scalers}
    there = [part for part, count in present.items() if count]
    lacking = {}
    for part in there:
        empty = ~np.any([one.given[part] for one in tallies], axis=0) & ~_never(featurizer.scalers[part])
        names = _named(featurizer, part, empty)
        if names and part != EARLY:  # before publication, or at the first reading, nothing is missing
            lacking[part] = names
    if present.get(social.FURTHER) == 0:
        lacking[social.FURTHER] = _named(featurizer, social.FURTHER, np.ones(len(featurizer.columns[social.FURTHER]), bool))
    far = {part: _named(featurizer, part, np.any([one.far[part] for one in tallies], axis=0)) for part in there}
    named = {column: sum(one.named[column] for one in tallies) for column in tallies[0].named}
    return Shift(
        {part: count / rows for part, count in present.items()},
        lacking,
        {column: sum(one.unseen[column] for one in tallies) / count for column, count in named.items() if count},
        {part: sum(one.outside[part] for one in tallies) / present[part] for part in there if part not in _computed(featurizer)},
        {part: names for part, names in far.items() if names},
        sum(one.younger for one in tallies) / rows,
        sum(one.learned for one in tallies) / rows,
        _distance(featurizer, np.sum([one.told for one in tallies], axis=0)),
        len(np.unique(np.concatenate([one.authors for one in tallies]))) or rows,
    )


def _computed(featurizer: Featurizer) -> set[str]:
    """Parts whose numbers the run computes."""
    return {"history", "sound", "words", "wording", *(["textual"] if featurizer.text is not None else [])}


def _learned(featurizer: Featurizer, dataset: Dataset) -> int:
    if featurizer.trained is not None:
        return 0
    return int(histories.learned(dataset.videos, featurizer.salt, featurizer.histories).sum())


def _distance(featurizer: Featurizer, told: np.ndarray) -> dict[str, float]:
    """By column, from `Tally.told`; each feature that is the logarithm of a column, and the age."""
    if not told.size:
        return {}
    scaler, (count, total) = featurizer.scalers["social"], told
    names = {f"log_{column}": column for column in COLUMNS} | {"log_age": "age", "log_duration": "video_duration"}
    far = (total / np.maximum(count, 1) - scaler.loc) / scaler.scale
    return {
        names[feature]: float(far[place])
        for place, feature in enumerate(featurizer.columns["social"])
        if feature in names and count[place] and not _never(scaler)[place]
    }


def shift(featurizer: Featurizer, dataset: Dataset) -> Shift:
    """Compare `dataset` with what `featurizer` was fitted to."""
    return shift_of(featurizer, [tally(featurizer, dataset, featurizer.raw(dataset))])


def _never(scaler: Any) -> np.ndarray:
    """(F,) bool: features without any number in training, which nobody misses."""
    return scaler.gaps & (scaler.loc == 0) & (scaler.scale == 1)


def _named(featurizer: Featurizer, part: str, chosen: np.ndarray) -> list[str]:
    """Columns of the user's tables that the features `chosen` (F,) of a part are made from."""
    names = [name for name, here in zip(featurizer.columns[part], chosen, strict=True) if here]
    if part in ("social", "textual", social.FURTHER):
        return [name for name in dict.fromkeys(_source(name) for name in names) if name in COLUMNS]
    return [] if part in featurizer.histories else names


def _source(feature: str) -> str:
    name = feature.partition("=")[0]  # of a category
    return SOURCES.get(name, name.removeprefix(LENGTH).removeprefix("log_"))


def _seen(featurizer: Featurizer) -> dict[str, np.ndarray]:
    """Keys of the names that training has seen, by column."""
    seen = dict(featurizer.categories)
    if "history" in featurizer.histories:
        seen["username"] = featurizer.histories["history"].group
    return seen
