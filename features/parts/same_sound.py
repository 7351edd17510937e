"""How much more than their authors usually do other authors' videos with the same sound reached. A video never sees itself."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.parts import social
from features.parts.same_author import History, moments


def fit(videos: pd.DataFrame, salt: str, time: np.ndarray, more: np.ndarray, known: np.ndarray) -> dict[str, History]:
    """Histories by sound, and by sound and author.

    Args:
        videos: N training rows.
        salt: see `features.parts.social.keys`.
        time: (N,) seconds.
        more: (N, K) standardised targets, less what the author's other videos reached.
        known: (N,) bool, whether there is any target.
    """
    sound = social.keys(videos["music_title"], salt)
    video, groups = social.keys(videos["id"], salt), {"sound": sound, "own_sound": _own(videos, salt)}
    return {name: History.fit(np.where(known, group, -1), time, video, more) for name, group in groups.items()}


def numbers(
    videos: pd.DataFrame, salt: str, histories: Mapping[str, History], time: np.ndarray, before: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 2 K + 1) numbers and (N,) presence; and (N, K + 1) count and sum for the author's own other videos with the sound.

    Arguments as of `features.parts.same_words.numbers`.
    """
    video = social.keys(videos["id"], salt)
    sound = social.keys(videos["music_title"], salt) if "music_title" in videos else np.full(len(videos), -1)
    folds = histories["sound"].folds
    totals = histories["sound"].totals(sound, time, video, before, folds)
    of_author = histories["own_sound"].totals(_own(videos, salt), time, video, before, folds)
    count, total, square = (everyone - author for everyone, author in zip(totals, of_author, strict=True))
    return moments(count, total, square), count[:, 0] > 0, np.concatenate(of_author[:2], axis=1)


def _own(videos: pd.DataFrame, salt: str) -> np.ndarray:
    """(N,) keys of author and sound together, -1 where one of them is missing."""
    if not {"username", "music_title"} <= set(videos):
        return np.full(len(videos), -1)
    return social.keys(videos["username"] + "\n" + videos["music_title"], salt)
