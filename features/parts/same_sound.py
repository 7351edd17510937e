"""How much more than their authors usually do other authors' videos with the same sound reached. A video never sees itself."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.parts import social
from features.parts.same_author import History, moments


def fit(
    videos: pd.DataFrame, salt: str, time: np.ndarray, video: np.ndarray, reached: np.ndarray, usual: np.ndarray, known: np.ndarray
) -> dict[str, History]:
    """Histories by sound, of what was reached beyond what is usual; and by sound and author, of that and of what was reached, (N, 2 K).

    Args:
        videos: N training rows.
        salt: see `features.parts.social.keys`.
        time: (N,) seconds.
        video: (N,) int64 `features.parts.social.video_keys`.
        reached: (N, K) standardised targets.
        usual: (N, K) what the author's other videos reached.
        known: (N,) bool, whether there is any target.
    """
    more = reached - usual
    groups = {"sound": (social.keys(videos["music_title"], salt), more), "own_sound": (_own(videos, salt), np.hstack([more, reached]))}
    return {name: History.fit(np.where(known, group, -1), time, video, values) for name, (group, values) in groups.items()}


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
    """(N, 2 K + 1) numbers and (N,) presence; and (N, K + 2) of the author's own other videos with the sound: known, count and sum.

    That sum is not of what they reached beyond the usual: this video is part of what is usual for them, so the sum would tell its outcome.
    Arguments as of `features.parts.same_words.numbers`.
    """
    sound = social.keys(videos["music_title"], salt) if "music_title" in videos else np.full(len(videos), -1)
    skip_fold = few | histories["sound"].skip_fold(sound)
    totals = histories["sound"].totals(sound, time, video, before, skip_fold)
    own_known, own_count, own_total, own_square = histories["own_sound"].totals(_own(videos, salt), time, video, before, skip_fold)
    targets = totals[2].shape[1]
    own = own_known, own_count, own_total[:, :targets], own_square[:, :targets]
    known, count, total, square = (whole - mine for whole, mine in zip(totals, own, strict=True))
    return moments(known, count, total, square), count[:, 0] > 0, np.hstack([own_known, own_count, own_total[:, targets:]])


def _own(videos: pd.DataFrame, salt: str) -> np.ndarray:
    """(N,) keys of author and sound together, -1 where one of them is missing."""
    if not {"username", "music_title"} <= set(videos):
        return np.full(len(videos), -1)
    return social.keys(videos["username"] + "\n" + videos["music_title"], salt)
