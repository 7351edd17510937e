"""Rows as if only few of their authors' videos were known."""

from dataclasses import replace

import numpy as np

from features.featurizer import Featurizer
from features.parts.same_author import MOST_EARLIER, History
from features.rows.few_known import HISTORY, few_known, known_videos


def test_the_few_are_earlier_ones_in_a_row():
    group, time = np.repeat([3, 7], 40), np.tile(np.arange(40.0), 2)
    history = History.fit(group, time, np.arange(80), np.arange(80.0)[:, None])
    low, high = history.a_few_earlier(group, time, seed=0)
    start = np.repeat([0, 40], 40)
    assert (start <= low).all()
    assert (low <= high).all()
    assert (high <= np.arange(80)).all()  # not the video itself, and none that came later
    assert (high - low).max() <= MOST_EARLIER
    assert ((high - low)[np.arange(80) >= start + 20] >= 1).all()
    count, total, _ = history.totals(group, time, np.arange(80), window=(low, high))
    np.testing.assert_array_equal(count[:, 0], high - low)
    np.testing.assert_allclose(total[:, 0], [sum(range(first, last)) for first, last in zip(low, high, strict=True)])


def test_how_many_are_known(world):
    featurizer = Featurizer.fit(world)
    videos, few = featurizer.transform(world), few_known(featurizer, world, seed=0)
    values, _, _ = featurizer.raw(world)[HISTORY]
    sizes = np.round(np.expm1(values[:, 2 * len(featurizer.targets.names)]))
    np.testing.assert_allclose(known_videos(featurizer, videos), sizes, atol=1e-3)
    hardly = replace(videos, parts=videos.parts | {HISTORY: few})
    assert known_videos(featurizer, hardly).max() <= MOST_EARLIER + 1e-3
    assert 0 < known_videos(featurizer, hardly).mean() < 0.7 * sizes.mean()
