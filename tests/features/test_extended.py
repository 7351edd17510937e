"""A run's featurizer for further rows, against values worked by hand."""

import numpy as np
import pytest
import torch

from features.extended import extended
from features.featurizer import Featurizer
from features.saved import from_state, to_state
from features.simulated.world import simulate
from features.tables.dataset import Dataset


@pytest.fixture(scope="module")
def world() -> Dataset:
    return Dataset(simulate(200, seed=0)[0].videos)


@pytest.fixture(scope="module")
def others() -> Dataset:
    return Dataset(simulate(60, seed=1)[0].videos)


def test_what_is_forecast_is_no_feature_of_further_rows(world, others):
    moved = extended(Featurizer.fit(world, targets=("likes_count",)), others)
    for part, names in moved.columns.items():
        assert not [name for name in names if "like" in name], part
    raw = moved.raw(others)
    changed = moved.raw(Dataset(others.videos.assign(likes_count=7.0)))
    np.testing.assert_array_equal(raw["social"][0], changed["social"][0])


@pytest.mark.parametrize("lacking", ["parent", "further rows"])
def test_the_range_of_ages_is_that_of_rows_that_have_one(world, others, lacking):
    ages = Featurizer.fit(world if lacking == "further rows" else others).ages_seen
    assert ages[0] > 0
    ageless = Dataset((others if lacking == "further rows" else world).videos.drop(columns="collected_at"))
    moved = extended(*((Featurizer.fit(ageless), others) if lacking == "parent" else (Featurizer.fit(world), ageless)))
    assert moved.ages_seen == ages


def test_no_age_at_all(world, others):
    ageless, further = (Dataset(one.videos.drop(columns="collected_at")) for one in (world, others))
    assert extended(Featurizer.fit(ageless), further).ages_seen == (0.0, 0.0)


def test_the_seed_comes_back(world):
    torch.manual_seed(0)
    assert from_state(*to_state(Featurizer.fit(world, seed=5)), "run").seed == 5
