"""Rows as if only few of their authors' videos were known."""

from dataclasses import replace

import numpy as np
import torch

from features.featurizer import Featurizer
from features.missing import HISTORY, leave_out
from features.parts.same_author import MOST_EARLIER, History
from features.rows.few_known import few_known, known_videos
from features.rows.folds import map_folds
from features.rows.splits import split


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
    _, count, total, _ = history.totals(group, time, np.arange(80), window=(low, high))
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


def test_rows_to_learn_tell_both(world, tmp_path):
    featurizer, splits = Featurizer.fit(world), [split(world.videos, "random", seed=0)]
    folds = map_folds(tmp_path / "rows", featurizer, world, splits, strangers=False)
    few, all_known = folds.hardly_known(0), folds.known(0)
    assert folds.train(0).few_known is not None
    assert all_known.few_known is few.few_known is None
    assert known_videos(featurizer, few).mean() < 0.7 * known_videos(featurizer, all_known).mean()


def test_a_share_of_training_rows_knows_few(world, tmp_path):
    featurizer, splits = Featurizer.fit(world), [split(world.videos, "random", seed=0)]
    train = map_folds(tmp_path / "rows", featurizer, world, splits, strangers=False).train(0)
    assert leave_out(train, 0.0, 0.0).few_known is None
    np.testing.assert_array_equal(leave_out(train, 0.0, 0.0)[HISTORY].numbers, train[HISTORY].numbers)
    torch.manual_seed(0)
    mixed = leave_out(train, 0.0, 0.0, few_share=0.3)[HISTORY].numbers
    of_few, of_all = ((mixed == part.numbers).all(1) for part in (train.few_known, train[HISTORY]))
    assert (of_few | of_all).all()
    told_apart = ~(of_few & of_all)
    assert abs(float(of_few[told_apart].double().mean()) - 0.3) < 4.3 * (0.21 / int(told_apart.sum())) ** 0.5
