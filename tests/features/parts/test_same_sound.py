"""A sound that many have, by a slow loop."""

import numpy as np
import pandas as pd

from features.parts import same_sound, social
from features.parts.same_author import FOLDS, SHRINKAGE

SALT = "00" * 16


def test_rows_of_a_frequent_sound_see_neither_their_author_nor_their_fold() -> None:
    count, often = 440, 40
    random = np.random.default_rng(0)
    videos = pd.DataFrame(
        {
            "id": [f"v{row}" for row in range(count)],
            "username": [f"author{row // 2 % 200}" for row in range(count)],
            "music_title": ["often" if row < often else f"sound{row // 2}" for row in range(count)],
        }
    )
    reached, video = random.normal(size=(count, 1)), social.video_keys(videos, SALT)
    histories = same_sound.fit(videos, SALT, np.zeros(count), video, reached, np.zeros_like(reached), np.ones(count, bool))
    assert not histories["sound"].few
    numbers, _, of_author = same_sound.numbers(videos, SALT, histories, np.zeros(count), video, None)
    author, fold = videos["username"].to_numpy(), video % FOLDS
    for row in range(often):
        others = [other for other in range(often) if author[other] != author[row] and fold[other] != fold[row]]
        np.testing.assert_allclose(numbers[row, 0], reached[others].sum() / (len(others) + SHRINKAGE))
        np.testing.assert_allclose(numbers[row, -1], np.log1p((author[:often] != author[row]).sum()))
        own = [other for other in range(often) if other != row and author[other] == author[row] and fold[other] != fold[row]]
        np.testing.assert_allclose(of_author[row, 1:], [len(own), reached[own].sum()], atol=1e-12)
