"""What other videos reached: the author's, and others' with the sound or the words. Fitted on training rows; further rows may join them."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from features.parts import same_sound, same_words, social
from features.parts.same_author import History, author_numbers, excess, moments
from features.parts.same_author_followed import FollowedHistory, Readings
from features.parts.text import captions
from features.tables.columns import DAY
from features.targets import filled

USUAL = 3  # other videos of an author from which one can say what is usual
ALIKE = 4.0  # times as old: a reading of a video that was followed tells what is usual at an age as far as that from its own


def fit(
    videos: pd.DataFrame,
    salt: str,
    reached: np.ndarray,
    *,
    past_only: bool,
    without: Collection[str] = (),
    beside: Mapping[str, History] | None = None,
    known_at: np.ndarray | None = None,
    readings: Readings | None = None,
) -> dict[str, History]:
    """Histories by author, sound and words, see `features.featurizer.Featurizer`; a part without its column has none.

    Args:
        videos: N rows.
        salt: see `features.parts.social.keys`.
        reached: (N, K) standardised targets, NaN where unknown; histories hold them `filled`.
        past_only: what is usual for an author is told from earlier videos only.
        without: parts to leave out.
        beside: all histories that these rows will join: they too say what is usual for an author, and which words are known.
        known_at: (N,) seconds from which on a row counts where only the past does; None: since it was published.
        readings: all readings of videos that were followed: the author's history then holds each one.
    """
    read, reached = ~np.isnan(reached), filled(reached)
    known = read.any(1)
    published, own = social.published_at(videos), social.keys(videos["id"], salt)
    time = published if known_at is None else known_at
    video = video_keys(videos, salt, beside or {}, by_author=True)  # a row that is there already does not join a second time
    found: dict[str, History] = {}
    author = social.author_keys(videos, salt)
    if "username" in videos and "history" not in without:
        group = np.where(known, author, -1)
        if readings is not None:
            found["history"] = FollowedHistory.fit_readings(group, published, own, *readings)
        else:
            found["history"] = History.fit(
                group, time, own, reached, None if known_at is None else published, None if read[known].all() else read
            )
    if "music_title" in videos and "sound" not in without:
        usual = np.zeros_like(reached)
        if "history" in found:
            authors = found["history"] if beside is None else beside["history"].joined(found["history"])
            totals = authors.totals(author, time, own, time if past_only else None, authors.skip_fold(author))
            usual = moments(*totals)[:, : reached.shape[1]]
        found |= same_sound.fit(videos, salt, time, video, reached, usual, known)
    if any(text.strip() for text in captions(videos)) and "words" not in without:
        found |= same_words.fit(videos, salt, time, video, reached, known, None if beside is None else beside["words"].group)
    return found


def numbers(
    videos: pd.DataFrame, salt: str, histories: Mapping[str, History], age: np.ndarray, before: np.ndarray | None, targets: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By part, numbers (N, F) and presence (N,).

    Args:
        videos: N rows of any kind.
        salt: as in `fit`.
        histories: what `fit` returned.
        age: (N,) days since publication.
        before: (N,) seconds; only what was known before counts. None: all does.
        targets: K.
    """
    found = {}
    own, time, video = social.keys(videos["id"], salt), social.published_at(videos), video_keys(videos, salt, histories)
    if "history" in histories and "username" in videos:
        author = social.author_keys(videos, salt)
        found["history"] = author_numbers(histories["history"], author, time, own, age, before)
    usual = found["history"][0][:, :targets] if "history" in found else 0.0
    few = "history" in histories and histories["history"].few
    alike = []  # those of the author's videos that have the sound, or words, of this one
    for part, read in (("sound", same_sound), ("words", same_words)):
        if part in histories:
            values, present, of_author = read.numbers(videos, salt, histories, time, video, before, few=few)
            found[part] = values, present
            alike.append(excess(of_author[:, :1], of_author[:, 1:2], of_author[:, 2:], usual))
    if "history" in found:
        values, present = found["history"]
        found["history"] = np.concatenate([values, *alike], axis=1), present
    return found


def video_keys(videos: pd.DataFrame, salt: str, histories: Mapping[str, History], *, by_author: bool = False) -> np.ndarray:
    """(N,) int64 `social.video_keys`; of a video that the author's history holds, the one of the row there, whose second may differ.

    Such a row has its id, and its author too; or, unless `by_author`, was published within a day of it, or one does not know when.
    """
    key = social.video_keys(videos, salt)
    if "history" not in histories:
        return key
    history, own = histories["history"], social.keys(videos["id"], salt)
    asked = pd.DataFrame(
        {"id": own, "row": range(len(own)), "author": social.author_keys(videos, salt), "time": social.published_at(videos)}
    )
    pairs = asked.merge(pd.DataFrame({"id": history.video, "whose": history.group, "then": history.publication}), on="id")
    off = (pairs["time"] - pairs["then"]).abs().where((pairs["time"] > 0) & (pairs["then"] > 0), 0.0)
    off = off.where(pairs["author"] != pairs["whose"], -1.0)
    pairs = pairs.assign(off=off)[off < 0 if by_author else off <= DAY]
    pairs = pairs.sort_values(["off", "then"], ascending=[True, False]).drop_duplicates("row")  # the nearest, or newest, of several
    key[pairs["row"]] = social.together(pairs["then"].to_numpy().astype(np.int64), pairs["id"].to_numpy())
    return key


def usual(history: History, videos: pd.DataFrame, salt: str, age: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """(N, K) median of what the author's other videos reached, standardised; NaN where fewer than `USUAL` are known. See `numbers`.

    Of videos that were followed, the readings nearest to the age count, unless more than `ALIKE` times as old or as young.
    """
    author, own = social.author_keys(videos, salt), social.keys(videos["id"], salt)
    reached, days = history.each(author, social.published_at(videos), own, age, before, within=ALIKE)
    known = np.where(np.isnan(days)[:, :, None], np.nan, reached)
    enough = (~np.isnan(known)).sum(1) >= USUAL
    median = np.nanmedian(np.where(enough[:, None, :], known, 0.0), axis=1)
    return np.where(enough, median, np.nan)


def learned(videos: pd.DataFrame, salt: str, histories: Mapping[str, History]) -> np.ndarray:
    """(N,) bool: videos that a history holds, by the same author with the same id within a day; else with the same id and second."""
    author, own, published = social.author_keys(videos, salt), social.keys(videos["id"], salt), social.published_at(videos)
    found = np.zeros(len(videos), bool)
    if "history" in histories:
        found |= histories["history"].has(author, own, published)
    for part in {"sound", "words"} & histories.keys():
        found |= (published > 0) & np.isin(social.video_keys(videos, salt), histories[part].video)
    return found
