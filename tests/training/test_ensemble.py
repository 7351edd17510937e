"""From a dataset to a forecaster."""

from dataclasses import replace

import pytest

from features.simulated.world import simulate
from features.tables.dataset import Dataset
from machine.errors import InputError
from tests.training.test_extremes import TINY
from training import train


def test_of_few_authors_there_are_fewer_folds_unless_they_were_asked_for():
    """One of the authors tests; each fold holds out one of the others, and one must be in no fold."""
    dataset = simulate(120, seed=0)[0]
    settings = replace(TINY, split="author", members=4, width=4)
    for authors, folds in ((3, 1), (4, 2)):
        videos = dataset.videos.assign(username=[f"author_{row % authors}" for row in range(120)])
        found = train(Dataset(videos, name="few"), settings)
        assert (found.configuration.members, found.configuration.folds) == (4, folds)
        with pytest.raises(InputError, match="few"):
            train(Dataset(videos, name="few"), replace(settings, folds=4))
