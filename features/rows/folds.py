"""The rows that a run learns from, in files that are mapped into memory: those that always train, then one fold after another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from features.featurizer import CHUNK, Featurizer
from features.followed.looks import looks_to_learn
from features.missing import HISTORY, OF_THE_AUTHOR
from features.rows import mapped
from features.rows.few_known import few_known
from features.rows.splits import Rows
from features.tables.dataset import Dataset
from features.targets import truth
from features.videos import EARLY, Videos
from machine.errors import InputError


@dataclass(frozen=True)
class Folds:
    """Labelled rows and where the folds lie among them. A fold validates what is trained on all other rows.

    Attributes:
        videos: N rows.
        starts: where each fold begins, in order, and N at last; rows before the first fold are in none.
        strangers: whether validation rows stand for authors never seen, so that nothing of the author is known of them.
        looks: how many rows there are, on average, of each video that nothing had been read of, see `features.followed.looks`.
        newest: numbers of the newest rows, which the last member holds out in place of a fold; None: no member does.
        newcomers: for each network beside the members, numbers of the rows that it never sees, of some authors all.
    """

    videos: Videos
    starts: tuple[int, ...]
    strangers: bool = False
    looks: float = 1.0
    newest: np.ndarray | None = None
    newcomers: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def about(self) -> tuple[Any, ...]:
        """All but the rows, in the order of the fields."""
        return self.starts, self.strangers, self.looks, self.newest, self.newcomers

    def networks(self, members: int) -> int:
        """How many are trained: so many members, and those beside them that are to tell of authors whom they never saw."""
        return members + len(self.newcomers)

    def of_member(self, member: int, members: int) -> tuple[Videos, Videos]:
        """The rows that one of so many members learns from, and those that it holds out; from `members` on come those beside them."""
        held = self.newcomers[member - members] if member >= members else self.newest if member == members - 1 else None
        if held is not None:
            return self._some(np.setdiff1d(np.arange(len(self.videos)), held)), replace(self._some(held), few_known=None)
        fold = member % len(self)
        return self.train(fold), self.validation(fold)

    def train(self, fold: int) -> Videos:
        """All rows but those of the fold; a view, not a copy, for the last fold."""
        start, stop = self.starts[fold], self.starts[fold + 1]
        if stop == len(self.videos):
            return self.videos.rows(slice(0, start))
        return self.videos.rows(torch.cat([torch.arange(start), torch.arange(stop, len(self.videos))]).to(self.videos.device))

    def validation(self, fold: int) -> Videos:
        """The rows of the fold."""
        videos = self.known(fold)
        return videos.without(*OF_THE_AUTHOR) if self.strangers else videos

    def known(self, fold: int) -> Videos:
        """The rows of the fold with all that is known of their authors."""
        return replace(self.videos.rows(slice(self.starts[fold], self.starts[fold + 1])), few_known=None)

    def hardly_known(self, fold: int) -> Videos | None:
        """The rows of the fold as if only a few earlier videos of their authors were known; None where that is not told apart."""
        return _hardly_known(self.videos.rows(slice(self.starts[fold], self.starts[fold + 1])))

    def met(self, number: int) -> tuple[Videos, Videos | None]:
        """The rows that network `number` beside the members never sees: with all, and with only a few, of their authors' videos known."""
        videos = self._some(self.newcomers[number])
        return replace(videos, few_known=None), _hardly_known(videos)

    def _some(self, rows: np.ndarray) -> Videos:
        return self.videos.rows(torch.from_numpy(rows).to(self.videos.device))

    def to(self, device: torch.device | str) -> "Folds":
        """The same on another device."""
        return Folds(self.videos.to(device), *self.about)


def map_folds(
    path: Path,
    featurizer: Featurizer,
    dataset: Dataset,
    splits: Sequence[Rows],
    *,
    strangers: bool,
    newest: np.ndarray | None = None,
    newcomers: Sequence[np.ndarray] = (),
) -> Folds:
    """Write the labelled rows of all folds below `path`, unless they are there, and map them.

    Args:
        path: a directory that exists only if it is whole.
        featurizer: fitted on these rows.
        dataset: the table that `splits` divides.
        splits: by fold, with the same test rows and disjoint validation rows.
        strangers: see `Folds`.
        newest: row numbers of the videos that the last member holds out; None or empty: none does.
        newcomers: row numbers of the videos that each network beside the members never sees.

    Raises:
        InputError: no training or no validation row has a known target, or the rows cannot be written.
    """
    learned, owner = rows_to_learn(featurizer, dataset)
    held = held_rows(featurizer, learned, owner, splits)
    always = np.setdiff1d(np.concatenate(splits[0][:2]), np.concatenate([rows.validation for rows in splits]))
    shares = [_learned(featurizer, learned, owner, always), *held]
    for share, name in zip(shares, ["training", *["validation"] * len(held)], strict=True):
        if len(share) == 0:
            raise InputError(f"{dataset.name}: no {name} row has a known target")
    if not path.exists():
        mapped.write(path, _chunks(featurizer, learned, shares))
    starts, videos, looks = np.cumsum([len(share) for share in shares]), mapped.read(path), 1.0
    owner = owner[np.concatenate(shares)]
    if featurizer.growth is not None:
        unread = owner[~videos[EARLY].present.numpy()]
        looks = len(unread) / max(len(np.unique(unread)), 1)
    last, *new = (np.flatnonzero(np.isin(owner, [] if some is None else some)) for some in (newest, *newcomers))
    return Folds(videos, tuple(starts.tolist()), strangers, looks, last if len(last) else None, tuple(new))


def _hardly_known(videos: Videos) -> Videos | None:
    few = videos.few_known
    return None if few is None else replace(videos, parts=videos.parts | {HISTORY: few}, few_known=None)


def rows_to_learn(featurizer: Featurizer, dataset: Dataset) -> tuple[Dataset, np.ndarray]:
    """The rows that networks are trained and calibrated on, which are videos, or looks at followed ones; and of which video each is."""
    if featurizer.growth is None:
        return dataset, np.arange(len(dataset))
    return looks_to_learn(dataset, featurizer.seed)


def held_rows(featurizer: Featurizer, learned: Dataset, owner: np.ndarray, splits: Sequence[Rows]) -> list[np.ndarray]:
    """Numbers, in what `rows_to_learn` returned, of the rows of each fold, as `Folds.validation` has them."""
    return [_learned(featurizer, learned, owner, rows.validation) for rows in splits]


def _learned(featurizer: Featurizer, learned: Dataset, owner: np.ndarray, videos: np.ndarray) -> np.ndarray:
    """Numbers of the rows of these videos that have a target."""
    known = ~np.isnan(truth(learned.videos, featurizer.targets.names, featurizer.targets.scale)).all(1)
    return np.flatnonzero(known & np.isin(owner, videos))


def _chunks(featurizer: Featurizer, dataset: Dataset, shares: Sequence[np.ndarray]) -> Iterator[Videos]:
    for number, share in enumerate(shares):
        # fold 0 holds the newest rows; like test rows, they know only what was published before all of them
        until = float(dataset.videos["create_time"].iloc[share].min()) if number == 1 and featurizer.past_only else np.inf
        for start in range(0, len(share), CHUNK):
            rows = dataset.take(share[start : start + CHUNK])
            yield replace(featurizer.transform(rows, until), few_known=few_known(featurizer, rows, featurizer.seed + number))
