"""Rows of the kind that a run was trained on move nothing but the widths of its intervals."""

from dataclasses import replace

import numpy as np
import pytest

from features.simulated.world import simulate
from features.tables.dataset import Dataset
from forecast.forecaster import Forecaster
from forecast.saved import load
from training import go_on
from training.further import own, unmoved


@pytest.fixture(scope="module")
def alike():
    """240 more videos of the same world, by others."""
    videos = simulate(240, seed=8)[0].videos
    return Dataset(videos.assign(username="new_" + videos["username"]), name="alike")


@pytest.mark.filterwarnings("ignore:.*no row has")
def test_rows_of_the_same_kind_leave_forecasts_where_they_were(run_directory, alike, tmp_path, monkeypatch, capsys):
    old = load(run_directory)
    monkeypatch.setattr(own.Judged, "moves", False)
    settings = replace(old.configuration, split="random", test_share=0.0)
    moved = go_on(run_directory, alike.take(np.arange(200)), settings, run=tmp_path / "run")
    assert "nothing shows that alike is unlike what" in capsys.readouterr().out
    assert type(moved) is Forecaster
    assert not (tmp_path / "run" / "own").exists()
    known = old.with_past(alike.take(np.arange(200)))
    table = alike.take(np.arange(200, 240))
    np.testing.assert_allclose(moved.forecast(table, 200).quantile(0.5), known.forecast(table, 200).quantile(0.5), rtol=0.02, atol=1.0)


def test_widths_are_drawn_towards_what_the_rows_ask_for(run_directory, alike, monkeypatch):
    old = load(run_directory)
    monkeypatch.setattr(own.Judged, "moves", True)
    moved = go_on(run_directory, alike, replace(old.configuration, split="random", test_share=0.0)).first
    reached = unmoved.truth(alike.videos, old.targets, old.featurizer.targets.scale)
    off = np.array([3.0] * 24 + [0.5] * 216)[:, None]  # a tenth lie three times as far out as the end of their interval
    normal = np.linspace(-1, 1, 401)[:, None, None]  # with the median 0 and ends at 0.95
    monkeypatch.setattr(unmoved, "draws_of", lambda *arguments: reached - 0.95 * off + normal)
    found = unmoved.where_it_was(old, moved, alike)
    assert found.moved.factor == pytest.approx(3.0 ** (240 / 270), rel=1e-6)
    assert not found.moved.weights.any()
    assert not found.moved.share.any()
    assert found.calibration.known is old.calibration.known
