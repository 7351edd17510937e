"""What is forecast is never told: a target is no input, whatever its name."""

import numpy as np

from features.featurizer import Featurizer
from features.simulated.world import simulate


def test_an_author_count_that_is_a_target_is_no_feature():
    dataset, _ = simulate(200)
    usual = Featurizer.fit(dataset).columns["social"]
    assert {"log_likes_count", "log_likes_per_video", "log_follower_count"} <= set(usual)
    fitted = Featurizer.fit(dataset, targets=("view_count", "likes_count"))
    assert [name for name in fitted.columns["social"] if "likes" in name] == []
    assert "log_follower_count" in fitted.columns["social"]
    videos = dataset.videos.assign(likes_count=np.roll(dataset.videos["likes_count"], 1))
    other = type(dataset)(videos, dataset.ready)
    assert np.array_equal(fitted.transform(dataset)["social"].numbers, fitted.transform(other)["social"].numbers)
