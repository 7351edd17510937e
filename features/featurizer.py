"""From a dataset to `Videos`: every fitted thing in one place, fitted on training rows only."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from features.followed import early
from features.followed.growth import Growth
from features.followed.looks import last_told, learned_from_looks, looks_to_learn
from features.parts import histories, social
from features.parts.optional import optional
from features.parts.same_author import History
from features.parts.same_author_followed import readings_of
from features.parts.text import Text, captions, textual
from features.parts.wording import MOST, Wording
from features.past import check_past, known_at, outcomes
from features.scaler import Scaler
from features.tables.columns import COUNTS
from features.tables.dataset import Dataset
from features.targets import Targets, truth
from features.videos import EARLY, Gap, Part, PartShape, Videos, concatenated
from machine.errors import InputError, NothingToLearnError

CATEGORIES = ("username", "region_code", "language")
SELDOM = 3  # a category seen in fewer training rows is as good as unseen
Raw = dict[str, tuple[np.ndarray, list[str], np.ndarray]]  # by part: continuous features (N, F), their names, presence (N,)

CHUNK = 65_536  # rows transformed at a time, so that memory stays flat


@dataclass(frozen=True)
class Featurizer:
    """Everything fitted: scalers, vocabularies, text encoder, histories.

    Attributes:
        targets: what is to be forecast.
        salt: hexadecimal key of the hashes that stand for names.
        past_only: history counts earlier videos only (time split, forecasts).
        ages_seen: days, a range that holds the ages of nearly all training rows, see `features.parts.social.ages_seen`.
        scalers: one for each part with continuous features.
        columns: names of each part's raw continuous features.
        categories: for each categorical column the keys of its categories, in code order from 1.
        text: the textual part, None without captions.
        wording: further numbers of the textual part, or a part of a run that was moved, see `features.parts.wording`.
        growth: what forecasts of videos that were read before are relative to; None where training had no readings.
        seed: of the text encoder, the looks at followed videos, and whatever else was drawn in fitting.
        trained: keys of the authors that training had, where others have been met since; None: none has.
        histories: `history` (by author), `sound` and `words`; and `own_sound` and `own_words`, by sound (or word) and author together: what
            an author reached with a sound is subtracted from what all reached with it, and told in the author's history instead.
    """

    targets: Targets
    salt: str
    past_only: bool
    ages_seen: tuple[float, float] = (0.0, 0.0)
    scalers: dict[str, Scaler] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    categories: dict[str, np.ndarray] = field(default_factory=dict)
    text: Text | None = None
    wording: dict[str, Wording] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    growth: Growth | None = None
    seed: int = 0
    trained: np.ndarray | None = None

    @property
    def youngest(self) -> float:
        """Days; a younger video looks as if it were that old, see `forecast.adjustments.young`. 0 for what is no count."""
        return self.ages_seen[0] if self.targets.scale.counts else 0.0

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        *,
        targets: tuple[str, ...] = COUNTS,
        target_scale: str = "log1p",
        past_only: bool = False,
        without: tuple[str, ...] = (),
        author_code: bool = False,
        seed: int = 0,
    ) -> "Featurizer":
        """Fit to a dataset that holds training rows and nothing else.

        Args:
            dataset: the training rows.
            targets: columns to forecast; those without any number, in what is learned from, are dropped.
            target_scale: `log1p` or `identity`.
            past_only: see the class.
            without: parts to leave out.
            author_code: the social part carries the author's identity as a category.
            seed: as in the class; the salt depends on it too.

        Raises:
            InputError: no target column, or no training row with a known target.
        """
        videos = dataset.videos
        followed = learned_from_looks(dataset, without, target_scale)
        looks = looks_to_learn(dataset, seed)[0] if followed else dataset
        names = tuple(name for name in targets if name in looks.videos and looks.videos[name].notna().any())
        if not names:
            raise InputError(f"{dataset.name}: no usable target ({', '.join(targets)})")
        fitted_targets = Targets.fit(last_told(dataset), names, target_scale)
        fitted = cls(fitted_targets, _salt(videos, seed), past_only, social.ages_seen(looks.videos), seed=seed)
        for column in CATEGORIES:
            if column in videos and "social" not in without and (author_code or column != "username"):
                keys, counts = np.unique(social.keys(videos[column], fitted.salt), return_counts=True)
                fitted.categories[column] = keys[(counts >= SELDOM) & (keys >= 0)]
        reached = (truth(videos, names, target_scale) - fitted.targets.loc) / fitted.targets.spread
        every = readings_of(dataset, videos, fitted.targets) if followed else None
        since = known_at(videos) if followed else None
        fitted.histories.update(
            histories.fit(videos, fitted.salt, reached, past_only=past_only, without=without, known_at=since, readings=every)
        )
        if followed:
            object.__setattr__(fitted, "growth", Growth.fit(*early.known(looks, names), truth(looks.videos, names, target_scale)))
        texts = captions(videos)
        if any(text.strip() for text in texts) and "textual" not in (*without, *dataset.ready):
            object.__setattr__(fitted, "text", Text.fit(texts, seed=seed))
            wording = Wording.fit(videos, fitted.salt, seed) if len(videos) <= MOST else None
            fitted.wording.update({} if wording is None else {"textual": wording})
        for part, (raw, features, present) in fitted.raw(looks).items():
            if part not in without and present.any():
                fitted.columns[part] = features
                may_lack = [place for group in optional(part, features) for place in group]
                fitted.scalers[part] = Scaler.fit(raw, may_lack, social.cyclic(part, features))
        if not fitted.scalers:
            raise NothingToLearnError(f"{dataset.name}: no part has any feature")
        return fitted

    def for_drafts(self) -> "Featurizer":
        """The same for videos that are not published yet: only what came before counts as history, whatever the run was trained with."""
        return replace(self, past_only=True)

    def with_past(self, dataset: Dataset) -> "Featurizer":
        """The same, its histories joined by outcomes of other videos, standardised and hashed like those of training.

        Rows that training had, or without an outcome, do not join; further readings of videos that were followed do. Where only the
        past counts, a row does from when it was read.

        Raises:
            InputError: see `features.past.check_past`.
        """
        check_past(dataset, self.targets, self.histories)
        return self.knowing(dataset)

    def knowing(self, dataset: Dataset) -> "Featurizer":
        """`with_past` of a dataset that may have nothing to tell."""
        trained = self.histories["history"].group if self.trained is None and "history" in self.histories else self.trained
        found = self.joined(dataset, when_read=self.past_only)
        marked = {name: replace(one, since=~np.isin(one.pairs, self.histories[name].of_training)) for name, one in found.histories.items()}
        return replace(found, trained=trained, histories=marked)

    def joined(self, dataset: Dataset, *, when_read: bool) -> "Featurizer":
        """The same, with rows in its histories that had not been there; they count since they were read, or since they were published."""
        videos, reached = outcomes(dataset.videos, self.targets)
        if len(videos) == 0 or not self.histories:
            return self
        since = known_at(videos) if when_read or self.growth is not None else None
        every = readings_of(dataset, videos, self.targets) if self.growth is not None else None
        without = {"history", "sound", "words"} - self.histories.keys()
        found = histories.fit(
            videos, self.salt, reached, past_only=self.past_only, without=without, beside=self.histories, known_at=since, readings=every
        )
        both = {name: history.joined(found[name]) if name in found else history for name, history in self.histories.items()}
        return replace(self, histories=both)

    def transform(self, dataset: Dataset, until: float = np.inf) -> Videos:
        """Turn a dataset into tensors on the CPU; popularity is NaN where unknown.

        Args:
            dataset: any rows, with the columns there are.
            until: seconds since 1970; where only the past counts, nothing published from then on does.
        """
        chunks = [self.standardised(some, self.raw(some, until)) for some in dataset.split(CHUNK)]
        return chunks[0] if len(chunks) == 1 else concatenated(chunks)

    @property
    def shapes(self) -> dict[str, PartShape]:
        """What the experts need to know of each part."""
        shapes = {}
        for part, scaler in self.scalers.items():
            # after the features come the flags, one for each feature with gaps
            flag = len(scaler.gaps) + np.cumsum(scaler.gaps) - 1
            groups = (Gap(tuple(group), tuple(flag[group].tolist())) for group in optional(part, self.columns[part]))
            shapes[part] = PartShape(scaler.width, gaps=tuple(groups))
        sizes = [len(keys) + 1 for keys in self.categories.values()]
        if "social" in shapes and sizes:
            shapes["social"] = replace(shapes["social"], codes=len(sizes), vocabulary=sum(sizes))
        return shapes

    def standardised(self, dataset: Dataset, raw: Raw) -> Videos:
        """`transform` of a dataset whose raw features are at hand."""
        parts = {}
        for part in self.scalers:
            nothing = np.full((len(dataset), len(self.columns[part])), np.nan)
            values, _, present = raw.get(part) or (nothing, [], np.zeros(len(dataset), bool))
            codes = self._codes(dataset.videos) if part == "social" and self.categories else np.zeros((len(dataset), 0), np.int64)
            parts[part] = Part(torch.from_numpy(self.scalers[part].transform(values)), torch.from_numpy(codes), torch.from_numpy(present))
        beside = [truth(dataset.videos, self.targets.names, self.targets.scale), social.age(dataset.videos)]
        if self.growth is not None:
            counts, age_read, lead = early.known(dataset, self.targets.names)
            beside += self.growth.relative_to(counts, age_read, lead, self.targets.loc, self.targets.spread)
            beside += [self.growth.floor(counts), self.growth.ceiling(counts), self.growth.where_unread(age_read + lead)]
        tensors: list[Any] = [torch.from_numpy(one.astype(np.float32)) for one in beside]
        met = None
        if self.trained is not None and "username" in dataset.videos:
            met = torch.from_numpy(~np.isin(social.keys(dataset.videos["username"], self.salt), self.trained))
        return replace(Videos(parts, *tensors), met=met)

    @property
    def follows(self) -> bool:
        """Whether it learned from readings, so that what was read of a video tells it something."""
        return self.growth is not None

    @property
    def rises(self) -> np.ndarray:
        """(K,) bool: targets that hardly ever fall as a video ages: counts, unless training saw them fall."""
        return np.full(len(self.targets.names), self.targets.scale.counts) if self.growth is None else ~self.growth.falls

    def raw(self, dataset: Dataset, until: float = np.inf) -> Raw:
        """Raw continuous features, their names and presence, by part; `until` as in `transform`."""
        videos, raw = dataset.videos, Raw()
        numbers = social.numbers(self.targets.taken_from(videos), self.youngest)
        known = self.columns.get("social") or list(numbers)
        if known:
            table = np.stack([numbers.get(name, np.full(len(videos), np.nan)) for name in known], axis=1)
            raw["social"] = (table, known, ~np.isnan(table).all(1))
        if social.FURTHER in self.columns and social.FURTHER not in dataset.ready:
            table = social.further_numbers(self.targets.taken_from(videos), self.columns[social.FURTHER], self.youngest)
            raw[social.FURTHER] = (table, self.columns[social.FURTHER], ~np.isnan(table).all(1))
        if self.growth is not None and dataset.so_far is not None:
            named, present = early.numbers(videos, dataset.so_far, self.targets.names, self.growth)
            raw[EARLY] = (np.column_stack(list(named.values())), list(named), present)
        for part, (values, present) in self._reached(dataset, until).items():
            raw[part] = (np.where(present[:, None], values, np.nan), [f"{part}_{i}" for i in range(values.shape[1])], present)
        if self.text is not None:
            raw["textual"] = textual(self.text, videos, self.columns.get("textual"))
        for part, wording in self.wording.items():
            values, present = wording.numbers(videos, self.salt)
            table, names, told = raw.get(part, (np.zeros((len(videos), 0)), [], present))
            raw[part] = (np.where(told[:, None], np.hstack([table, values]), np.nan), [*names, *wording.names], told)
        for part, table in dataset.ready.items():
            if part in self.wording or (part == "textual" and self.text is not None):
                continue  # trained on captions: ready-made numbers mean something else
            names = self.columns.get(part) or list(table.columns)
            values = table.reindex(columns=names).to_numpy(np.float64)
            raw[part] = (values, names, ~np.isnan(values).all(1))
        return raw

    def _reached(self, dataset: Dataset, until: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """What the author's other videos, and others' with the sound or the words, reached: numbers (N, F) and presence (N,)."""
        videos, before = dataset.videos, self.known_before(dataset, until)
        age = np.maximum(social.age(videos), self.youngest)
        return histories.numbers(videos, self.salt, self.histories, age, before, len(self.targets.names))

    def usual(self, dataset: Dataset, until: float = np.inf) -> np.ndarray:
        """(N, K) median, in the training scale, of what the author's other videos reached; NaN where too few are known, and of scores."""
        videos, history = dataset.videos, self.histories.get("history")
        if history is None or "username" not in videos or not self.targets.scale.counts:
            return np.full((len(videos), len(self.targets.names)), np.nan)
        age = np.maximum(social.age(videos), self.youngest)
        usual = histories.usual(history, videos, self.salt, age, self.known_before(dataset, until))
        return self.targets.loc + self.targets.spread * usual

    def known_before(self, dataset: Dataset, until: float | np.ndarray = np.inf) -> np.ndarray | None:
        """(N,) seconds: what was known of other videos before then counts; None where all that is known does."""
        if not self.past_only:
            return None
        now = social.published_at(dataset.videos)
        return np.minimum(now if dataset.so_far is None else early.moments(dataset.so_far, now), until)

    def _codes(self, videos: pd.DataFrame) -> np.ndarray:
        """(N, C) codes; each column has its own range, whose first code means unseen or missing."""
        codes, start = [], 0
        for column, keys in self.categories.items():
            code = np.zeros(len(videos), np.int64)
            if column in videos and len(keys):
                key = social.keys(videos[column], self.salt)
                place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
                code = np.where(keys[place] == key, place + 1, 0)
            codes.append(start + code)
            start += len(keys) + 1
        return np.stack(codes, axis=1)


def _salt(videos: pd.DataFrame, seed: int) -> str:
    """A key that depends on nothing but the seed and which rows train."""
    return hashlib.blake2b("\n".join(videos["id"]).encode("utf-8", "surrogatepass"), digest_size=16, key=str(seed).encode()).hexdigest()
