"""Other data for a run to move to."""

import numpy as np
import pytest

from features.simulated.world import simulate
from features.tables.dataset import Dataset
from training.further import own


@pytest.fixture(scope="module")
def other():
    """240 videos of the same world, seen by others: every count is a sixth, and nobody knows the hearts."""
    dataset = simulate(240, seed=7)[0]
    videos = dataset.videos.drop(columns=["likes_count", "share_count"])
    for name in ("view_count", "like_count", "comment_count"):
        videos[name] = np.floor(videos[name] / 6)
    videos["username"] = "other_" + videos["username"]
    return Dataset(videos, name="other")


@pytest.fixture(scope="module")
def other_file(other, tmp_path_factory):
    path = tmp_path_factory.mktemp("other") / "videos.csv"
    other.videos.to_csv(path, index=False)
    return path


@pytest.fixture(autouse=True)
def small_own_runs(monkeypatch):
    """A run of their own is as small as its parent."""
    monkeypatch.setattr(own, "AUTOMATIC", {})
