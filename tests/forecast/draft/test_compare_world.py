"""The probability that one of two videos reaches more, as a trained forecaster says it, against what is exactly true."""

import numpy as np
import pytest

from features.tables.columns import COUNTS
from forecast.draft.compare import probability_of_more

PAIRS = 2000


def probabilities(samples: np.ndarray) -> np.ndarray:
    """(2,000, K) of disjoint pairs of videos; `samples` are (S, 4,000, K)."""
    pairs = range(0, 2 * PAIRS, 2)
    return np.array([[probability_of_more(samples[:, i, k], samples[:, i + 1, k]) for k in range(samples.shape[2])] for i in pairs])


@pytest.mark.slow
def test_reliability_in_ten_bins_over_two_thousand_pairs(world_forecaster):
    """Within 0.05 of the exact probability, which has no luck in it; and of what happened, as far as luck allows.

    (Outcomes alone could not tell: the best possible forecast itself is off by up to 0.05 in a bin of 400 outcomes.)
    """
    forecaster, dataset, oracle = world_forecaster
    videos = forecaster.featurizer.transform(dataset)
    said = probabilities(np.concatenate(list(forecaster.draws(videos, 200)), axis=1))
    exact = probabilities(oracle.sample(200, seed=1))
    truth = dataset.videos[list(COUNTS)].to_numpy()
    happened = (truth[::2] > truth[1::2]) + 0.5 * (truth[::2] == truth[1::2])
    place = np.minimum((said * 10).astype(int), 9)
    for bin in range(10):
        pairs = (place == bin).any(axis=1)
        inside = place == bin
        assert abs(exact[inside].mean() - said[inside].mean()) < 0.05
        # the four targets of a pair share their luck: as many outcomes as pairs; 4.3 standard errors
        luck = 4.3 * np.sqrt((said[inside] * (1 - said[inside])).mean() / pairs.sum())
        assert abs(happened[inside].mean() - said[inside].mean()) < 0.05 + luck
