"""What the Python API says of what it is given."""

import warnings

import numpy as np
import pytest

from features.scale import Scale
from features.simulated.world import simulate
from features.tables.dataset import read_dataset
from forecast import load
from forecast.forecaster import Forecasts
from machine.errors import InputError, InputWarning


def test_a_quantile_is_that_of_the_draws_and_its_level_from_0_to_1():
    samples = np.log1p(np.arange(5, dtype=np.float32))[:, None, None]
    forecasts = Forecasts(np.array(["a"]), ("view_count",), Scale.COUNTS, samples)
    assert forecasts.quantile(np.float32(0.5)).loc["a", "view_count"] == 2
    for level in (1.5, -0.1, float("nan"), [0.1, 0.9], "a", None):
        with pytest.raises(InputError, match=r"level: .* is no number from 0 to 1"):
            forecasts.quantile(level)


def test_what_training_had_and_no_row_has_is_told_as_evaluate_tells_it(run_directory, dataset_directory):
    forecaster, dataset = load(run_directory), read_dataset(dataset_directory).take(np.arange(30))
    with warnings.catch_warnings():
        warnings.simplefilter("error", InputWarning)
        forecaster.forecast(dataset, 10)
    fewer = dataset.videos.drop(columns=["follower_count", "username"])
    said = []
    for told in (forecaster.forecast, forecaster.evaluate):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InputWarning)
            told(fewer, 10)
        said.append({str(one.message) for one in caught})
    assert said[0] <= said[1]
    for words in ("no row has follower_count (part social)", "no row has the part history", "no row has the part visual"):
        assert any(words in sentence for sentence in said[0])


def test_draws_do_not_depend_on_what_is_said_of_targets(run_directory):
    forecaster, videos = load(run_directory), simulate(30)[0].videos
    with pytest.warns(InputWarning):
        one, other = (forecaster.forecast(videos.assign(view_count=count), 10).samples for count in (3, None))
    assert np.array_equal(one, other)
