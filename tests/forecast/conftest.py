"""Fixtures of the forecast room."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from features.featurizer import Featurizer
from features.simulated.world import simulate
from forecast.adjustments.calibration import Calibration
from forecast.forecaster import Forecaster
from forecast.member import Member
from forecast.run.configuration import Configuration
from guide import guide
from model import model
from program import Program, build
from tests.forecast.small import train_small, write_small
from training.fit import fit


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A dataset directory of 240 simulated videos."""
    return write_small(tmp_path_factory.mktemp("data") / "videos-here")


@pytest.fixture(scope="session")
def small_run(tmp_path_factory, small_data):
    """A finished run of two tiny members; copy it before changing anything."""
    return train_small(small_data, tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="session")
def world_forecaster():
    """A small forecaster of the simulated world with a useless part `noise`, 4,000 further videos and what the oracle says of them."""
    settings = Configuration(
        width=64, latent=16, members=1, epochs=14, batch_size=64, learning_rate=3e-3, without=("history", "sound", "words"), patience=14
    )
    learned = with_noise(simulate(3600, seed=5)[0])
    train, validation = learned.take(np.arange(3000)), learned.take(np.arange(3000, 3600))
    featurizer = Featurizer.fit(train, without=settings.without)
    torch.manual_seed(0)
    networks = build(featurizer.shapes, featurizer.targets, settings)
    fit(model, guide, networks, featurizer.transform(train), featurizer.transform(validation), settings)
    forecaster = Forecaster(settings, featurizer, (Member(Program(model, guide), networks),), Calibration.none(4), np.zeros((1, 4)), {})
    further, oracle = simulate(4000, seed=6)
    return forecaster, with_noise(further), oracle


def with_noise(dataset):
    """The same videos with eight random numbers as a further part."""
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(len(dataset), 8)), columns=[f"noise_{i}" for i in range(8)])
    return dataclasses.replace(dataset, ready=dataset.ready | {"noise": noise})
