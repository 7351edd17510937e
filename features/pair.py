"""The features of two runs at once: one that was moved to other data, and one of those data's own."""

from dataclasses import dataclass, fields, replace

import numpy as np

from features.featurizer import Featurizer, Raw
from features.tables.dataset import Dataset
from features.videos import Videos


@dataclass(frozen=True, kw_only=True)
class FeaturizerPair(Featurizer):
    """A featurizer whose `Videos` carry what a second one makes of the same rows.

    Attributes:
        second: the other one.
    """

    second: Featurizer

    @classmethod
    def of(cls, first: Featurizer, second: Featurizer) -> "FeaturizerPair":
        """The two together."""
        return cls(**{item.name: getattr(first, item.name) for item in fields(Featurizer)}, second=second)

    @property
    def first(self) -> Featurizer:
        """The first one alone."""
        return Featurizer(**{item.name: getattr(self, item.name) for item in fields(Featurizer)})

    @property
    def follows(self) -> bool:
        """See `Featurizer`; one of the two is enough."""
        return self.growth is not None or self.second.follows

    @property
    def rises(self) -> np.ndarray:
        """See `Featurizer`; a target that one of the two saw fall may fall."""
        found = super().rises
        for place, name in enumerate(self.second.targets.names):
            found[self.targets.names.index(name)] &= self.second.rises[place]
        return found

    def for_drafts(self) -> "FeaturizerPair":
        """See `Featurizer`."""
        return replace(self, past_only=True, second=self.second.for_drafts())

    def with_past(self, dataset: Dataset) -> "FeaturizerPair":
        """See `Featurizer`; the second one takes what it can."""
        return self.of(self.first.with_past(dataset), self.second.knowing(dataset))

    def standardised(self, dataset: Dataset, raw: Raw) -> Videos:
        """See `Featurizer`; `raw` is of the first one."""
        return replace(super().standardised(dataset, raw), second=self.second.transform(dataset).unlabelled())
