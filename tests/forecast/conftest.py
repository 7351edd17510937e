"""Fixtures of the forecast room."""

import pytest

from tests.forecast.small import train_small, write_dataset


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A dataset directory of 240 simulated videos."""
    return write_dataset(tmp_path_factory.mktemp("data") / "videos-here")


@pytest.fixture(scope="session")
def small_run(tmp_path_factory, small_data):
    """A finished run of two tiny members; copy it before changing anything."""
    return train_small(small_data, tmp_path_factory.mktemp("runs") / "small")
