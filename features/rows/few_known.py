"""How many of an author's videos are known, and rows as if only few were: an author met at forecast time is not one of training."""

import numpy as np
import torch

from features.featurizer import Featurizer
from features.missing import HISTORY
from features.parts import social
from features.parts.same_author import History, summary
from features.parts.social import published_at
from features.tables.dataset import Dataset
from features.videos import Part, Videos


def few_known(featurizer: Featurizer, dataset: Dataset, seed: int) -> Part | None:
    """The part `history` of every row, as if only a few earlier videos of its author were known; None where that is not told apart.

    Of an early video little is known as it is where only the past counts, and where videos were followed.
    """
    videos, histories = dataset.videos, featurizer.histories
    if HISTORY not in featurizer.scalers or "username" not in videos or featurizer.past_only or featurizer.growth is not None:
        return None
    author, own = (social.keys(videos[name], featurizer.salt) for name in ("username", "id"))
    age = np.maximum(social.age(videos), featurizer.youngest)
    values, present = few_numbers(histories[HISTORY], author, published_at(videos), own, age, seed)
    # that one of the few has the sound or the words of this one is seldom, and not told
    values = np.pad(values, ((0, 0), (0, len(featurizer.columns[HISTORY]) - values.shape[1])))
    numbers = featurizer.scalers[HISTORY].transform(np.where(present[:, None], values, np.nan))
    codes = torch.zeros(len(dataset), 0, dtype=torch.int64)
    return Part(torch.from_numpy(numbers), codes, torch.from_numpy(present))


def few_numbers(
    history: History, group: np.ndarray, time: np.ndarray, video: np.ndarray, age: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """`author_numbers` as if only a few earlier videos of each author were known, see `History.a_few_earlier`."""
    window = history.a_few_earlier(group, time, seed)
    totals = history.totals(group, time, video, window=window)
    return summary(*totals, *history.neighbours(group, time, video, window=window), age)


def known_videos(featurizer: Featurizer, videos: Videos) -> np.ndarray:
    """(N,) how many other videos of the author are known; infinitely many where the run does not look."""
    if HISTORY not in featurizer.scalers:
        return np.full(len(videos), np.inf)
    scaler, place, part = featurizer.scalers[HISTORY], 2 * len(featurizer.targets.names), videos[HISTORY]
    count = np.expm1(part.numbers[:, place].double().cpu().numpy() * scaler.scale[place] + scaler.loc[place])
    return np.where(part.present.cpu().numpy(), count, 0.0)
