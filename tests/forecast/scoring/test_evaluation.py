"""Evaluation in pieces: the same draws whoever forecasts, samples.npz streamed to disk."""

import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from features.featurizer import Featurizer
from features.tables.dataset import read_dataset
from forecast.forecaster import Forecaster
from forecast.report.measures import add_measures
from forecast.saved import load
from forecast.scoring import forecast_rows
from forecast.scoring.archive import archive
from forecast.scoring.evaluation import evaluate
from guide import guide
from machine.errors import InputError
from model import model
from program import build


@pytest.fixture(scope="module")
def forecaster(run_directory: Path) -> Forecaster:
    return load(run_directory, build=build, model=model, guide=guide)


def test_pieces_are_forecast_alike_in_any_order(forecaster, dataset_directory, monkeypatch):
    monkeypatch.setattr(forecast_rows, "ROWS", 256)
    pieces = partial(forecast_rows.forecast_pieces, forecaster, read_dataset(dataset_directory), 20, seed=3, keep=True)

    def backwards(function, jobs):
        return iter([function(job) for job in reversed(list(jobs))][::-1])

    forwards = list(pieces())
    for one, other in zip(forwards, pieces(run=backwards), strict=True):
        assert one.first == other.first
        np.testing.assert_array_equal(one.draws, other.draws)
    assert [piece.first for piece in forwards] == [0, 256, 512]
    # another random number for every video: no two pieces start alike
    first, second = (piece.draws[:, 0] - piece.draws[:, 0].mean(0) for piece in forwards[:2])
    assert not np.allclose(first, second)


@pytest.mark.filterwarnings("ignore:.*videos that the run was trained on")
def test_kept_samples_are_those_that_were_scored(forecaster, dataset_directory, tmp_path):
    found = evaluate(forecaster, read_dataset(dataset_directory), samples=50, keep=tmp_path / "samples.npz")
    with np.load(tmp_path / "samples.npz", allow_pickle=False) as kept:
        assert kept["samples"].shape == (50, 600, 4)
        assert kept["samples"].dtype == kept["truth"].dtype == np.float32
        np.testing.assert_array_equal(kept["ids"], found.ids)
        np.testing.assert_array_equal(kept["targets"], found.targets)
        np.testing.assert_allclose(np.quantile(kept["samples"].astype(float), 0.975, axis=0), found.rows["upper_95"], atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.npz"]


def test_an_archive_takes_no_memory_for_its_samples(tmp_path):
    block = np.ones((100, 64, 4), np.float32)
    peaks = []
    for count in (640, 6400):
        tracemalloc.start()
        with archive(tmp_path / f"{count}.npz", (100, count, 4)) as kept:
            for first in range(0, count, 64):
                kept.put(first, block * first)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] < 4 * block.nbytes + 3_000_000
    with np.load(tmp_path / "6400.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["samples"][7, :, 2], np.repeat(np.arange(0, 6400, 64), 64))


def test_an_archive_is_whole_or_absent(tmp_path):
    def broken():
        with archive(tmp_path / "samples.npz", (2, 3, 1)) as kept:
            kept.put(0, np.ones((2, 1, 1), np.float32))
            raise InputError("row 2 is bad")

    with pytest.raises(InputError, match="row 2"):
        broken()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*videos that the run was trained on")
def test_an_evaluation_reads_the_features_of_every_row_once(forecaster, dataset_directory, monkeypatch):
    dataset, read = read_dataset(dataset_directory), []
    raw = Featurizer.raw

    def counted(self, dataset, *arguments):
        read.extend(dataset.videos["id"])
        return raw(self, dataset, *arguments)

    monkeypatch.setattr(Featurizer, "raw", counted)
    evaluation = evaluate(forecaster, dataset, samples=20)
    add_measures(evaluation, forecaster, dataset)
    assert sorted(read) == sorted(dataset.videos["id"])
    assert len(evaluation.examined) == 256
    assert evaluation.metrics["shift"]["present"]["social"] == 1.0
