"""What videos with the same words reached: words of the caption, hashtags and suggestions, known by salted hashes.

Chinese and Japanese are read by pairs of characters, as text search does. For each word of a video: the shrunken mean of the targets
of other authors' videos that have it. The part is the mean, greatest and least over the words, the mean over the rarest of them, and how
many are known. What the author's own other videos with these words reached belongs to the author's history. A video never sees itself.
"""

import functools
import re
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from features.parts import social
from features.parts.same_author import History
from features.parts.text import captions
from features.tables.dataset import evenly

UNSPACED = r"\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and Han, written without blanks
WORD = re.compile(rf"([{UNSPACED}]+)|[^\s#{UNSPACED}]+")
MOST = 32  # different words read of one video
COMMON = 0.1  # a word in a larger share of the rows learned from says nothing
RAREST = 5
SHRINKAGE = 4.0  # a mean of n videos is shrunken towards 0 by n / (n + SHRINKAGE)
LEARNED = 100_000  # training rows from which words are learned, evenly spread, so that memory stays bounded


def fit(
    videos: pd.DataFrame,
    salt: str,
    time: np.ndarray,
    video: np.ndarray,
    reached: np.ndarray,
    known: np.ndarray,
    heard: np.ndarray | None = None,
) -> dict[str, History]:
    """Histories by word, and by word and author; a word that stands in one video only is left out, unless the rows join others.

    Args:
        videos: N training rows.
        salt: see `features.parts.social.keys`.
        time: (N,) seconds.
        video: (N,) int64 `features.parts.social.video_keys`.
        reached: (N, K) standardised targets.
        known: (N,) bool, whether there is any target.
        heard: keys of the words of a run that these rows join, which are kept however seldom they are here; None: they join none.
    """
    rows, word = words_of(videos, salt)
    learned = np.zeros(len(videos), bool)
    learned[evenly(len(videos), LEARNED)] = True
    kept = (known & learned)[rows]
    rows, word = rows[kept], word[kept]
    used, counts = np.unique(word, return_counts=True)
    # of rows that join, one other is enough: as many as a row of training sees of a word that two have
    some, kept_anyway = (counts > 1, ()) if heard is None else (counts > 0, heard)
    told = used[(some & (counts <= max(COMMON * learned.sum(), 20))) | np.isin(used, kept_anyway)]
    kept = np.isin(word, told)
    rows, word = rows[kept], word[kept]
    own = _own(videos, salt, video, rows, word)
    return {name: History.fit(group, time[rows], video[rows], reached[rows]) for name, group in (("words", word), ("own_words", own))}


def numbers(
    videos: pd.DataFrame,
    salt: str,
    histories: Mapping[str, History],
    time: np.ndarray,
    video: np.ndarray,
    before: np.ndarray | None,
    *,
    few: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 4 K + 1) numbers and (N,) presence; and (N, K + 2) of the author's own other videos, over the words: known, count and sum.

    Args:
        videos: any rows.
        salt: as in `fit`.
        histories: what `fit` returned.
        time: (N,) seconds.
        video: (N,) int64 keys, to leave each video itself out.
        before: (N,) seconds; only videos published before count. None: all do.
        few: whether authors are so few that training rows of one fold must not see each other.
    """
    rows, word = words_of(videos, salt)
    until = None if before is None else before[rows]
    skip_fold = few | histories["words"].large(word)
    (_, count, total, _), (known, mine, own_total, _) = (
        histories[name].totals(group, time[rows], video[rows], until, skip_fold)
        for name, group in (("words", word), ("own_words", _own(videos, salt, video, rows, word)))
    )
    own = np.zeros((len(videos), 2 + own_total.shape[1]))
    np.add.at(own, rows, np.concatenate([known, mine, own_total], axis=1))
    count, total = count - mine, total - own_total
    heard = count[:, 0] > 0
    rows, count, mean = rows[heard], count[heard, 0], (total / (count + SHRINKAGE))[heard]
    width = mean.shape[1]
    found = np.full((len(videos), 4 * width + 1), np.nan)
    if len(rows) == 0:
        return found, np.zeros(len(videos), bool), own
    order = np.lexsort((count, rows))  # within a video, the rarest first
    rows, mean = rows[order], mean[order]
    here, start, many = np.unique(rows, return_index=True, return_counts=True)
    rare = (np.arange(len(rows)) - np.repeat(start, many)) < RAREST
    found[here] = np.concatenate(
        [
            np.add.reduceat(mean, start) / many[:, None],
            np.maximum.reduceat(mean, start),
            np.minimum.reduceat(mean, start),
            np.add.reduceat(mean * rare[:, None], start) / np.minimum(many, RAREST)[:, None],
            np.log1p(many)[:, None],
        ],
        axis=1,
    )
    present = np.zeros(len(videos), bool)
    present[here] = True
    return found, present, own


def words_of(videos: pd.DataFrame, salt: str) -> tuple[np.ndarray, np.ndarray]:
    """(Q,) row numbers, rising, and (Q,) keys of the different words of each row."""
    each = list(map(functools.cache(split), captions(videos)))  # a followed video comes many times
    flat = pd.Series([word for one in each for word in one], dtype=object)
    code, different = pd.factorize(flat)
    rows = np.repeat(np.arange(len(videos)), [len(one) for one in each])
    return rows, social.keys(pd.Series(different, dtype=object), salt)[code] if len(flat) else np.zeros(0, np.int64)


def split(text: str) -> list[str]:
    """Different words of a caption, as they come, in small letters; of a run without blanks every two neighbouring characters."""
    words: dict[str, None] = {}
    for found in WORD.finditer(text.lower()):
        run = found[1] or ""
        words |= dict.fromkeys(map("".join, pairwise(run)) if len(run) > 1 else [found[0]])
    return list(words)[:MOST]


def _own(videos: pd.DataFrame, salt: str, video: np.ndarray, rows: np.ndarray, word: np.ndarray) -> np.ndarray:
    """(Q,) keys of word and author together; a video without an author is by an author of its own."""
    author = social.author_keys(videos, salt)
    whose = np.where(author >= 0, author, video)[rows]
    return np.abs(social.together(word, whose))  # a negative key is that of no group
