"""Whatever table comes in: a forecast of finite numbers, or one sentence that names the file."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from features.featurizer import Featurizer
from features.rows.splits import split
from features.simulated.world import simulate
from features.tables.dataset import read_dataset
from features.targets import truth
from forecast.adjustments.calibration import Calibration
from forecast.forecaster import Forecaster
from forecast.member import Member
from forecast.run.configuration import Configuration
from forecast.scoring.baseline import marginal_quantiles
from forecast.scoring.evaluation import evaluate
from guide import guide
from machine.errors import InputError, InputWarning
from model import model
from program import Program, build
from tests.features.wild import WILD, columns, features, write, write_csv
from training.fit import fit

SMALL = Configuration(width=8, latent=4, depth=1, members=1, epochs=1, batch_size=16)


def forecaster(featurizer, networks, marginal) -> Forecaster:
    networks.experts.eval(), networks.decoder.eval()
    calibration = Calibration.none(len(featurizer.targets.names))
    return Forecaster(SMALL, featurizer, (Member(Program(model, guide), networks),), calibration, marginal, {})


@pytest.fixture(scope="module")
def simulated() -> Forecaster:
    """A forecaster of the simulated world, as it is before training."""
    dataset, _ = simulate(400)
    featurizer = Featurizer.fit(dataset)
    torch.manual_seed(0)
    names = featurizer.targets.names
    return forecaster(
        featurizer, build(featurizer.shapes, featurizer.targets, SMALL), marginal_quantiles(truth(dataset.videos, names, "log1p"))
    )


def one_sentence(error: InputError, directory: Path) -> None:
    text = str(error)
    assert str(directory) in text or "--split" in text or text.startswith(("no training row", "no validation row")), text
    assert "Traceback" not in text


def finite(evaluation, rows: int) -> None:
    assert len(evaluation.ids) == rows
    for name in ("mean", "median", "lower_95", "upper_95"):
        assert np.isfinite(evaluation.rows[name]).all(), name


@pytest.mark.slow
@WILD
@given(st.data())
def test_a_wild_table_ends_in_a_forecast_or_in_one_sentence(simulated, data):
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        directory = Path(name)
        write(directory, data.draw(columns()), data.draw)
        try:
            dataset = read_dataset(directory)
            finite(evaluate(simulated, dataset, samples=20), len(dataset))
        except InputError as error:
            one_sentence(error, directory)


@pytest.mark.slow
@settings(WILD, max_examples=max(WILD.max_examples // 5, 1))
@given(st.data())
def test_training_on_a_wild_table_ends_in_a_forecast_or_in_one_sentence(data):
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        directory = Path(name)
        table = data.draw(columns())
        write(directory, table, data.draw)
        if data.draw(st.booleans()):
            kept = [one for one in table["id"] if data.draw(st.booleans())] or table["id"][:1]
            write_csv(directory / "faces.csv.gz", {"id": kept, "a": [data.draw(features) for _ in kept]}, "\n", False, False)
        try:
            dataset = read_dataset(directory)
            rows = split(dataset.videos, data.draw(st.sampled_from(["random", "author", "time"])))
            featurizer = Featurizer.fit(dataset.take(rows.train), seed=data.draw(st.integers(0, 3)))
            train, validation = (featurizer.transform(dataset.take(share)).labelled() for share in rows[:2])
            for part in train.values():
                assert part.numbers.isfinite().all()
            torch.manual_seed(0)
            networks = fit(model, guide, build(featurizer.shapes, featurizer.targets, SMALL), train, validation, SMALL)
            marginal = marginal_quantiles(truth(dataset.videos.iloc[rows.train], featurizer.targets.names, "log1p"))
            finite(evaluate(forecaster(featurizer, networks, marginal), dataset, samples=20), len(dataset))
        except InputError as error:
            one_sentence(error, directory)
