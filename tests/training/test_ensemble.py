"""From a dataset to a forecaster."""

import json
from dataclasses import replace

import numpy as np
import pytest

from features.rows.splits import split
from features.simulated.world import simulate
from features.tables.dataset import Dataset
from forecast.run.configuration import Configuration
from forecast.saved import load
from machine.errors import InputError
from tests.training.test_extremes import TINY
from training import ensemble, train


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


def test_split_at_random_one_member_holds_out_the_newest_and_calibrates_drafts(monkeypatch, tmp_path):
    dataset = simulate(300, seed=0)[0]
    settings = replace(TINY, members=3, folds=0, calibrate=True)
    assert train(dataset, settings).calibration.coming is None  # too few rows
    monkeypatch.setattr(ensemble, "ENOUGH", 100)
    for other in (replace(settings, split="author"), replace(settings, folds=3), replace(settings, calibrate=False)):
        assert train(dataset, other).calibration.coming is None
    found = train(dataset, settings, run=tmp_path / "run")
    assert (found.configuration.members, found.configuration.folds) == (3, 2)
    again = load(tmp_path / "run")
    np.testing.assert_array_equal(again.calibration.coming, found.calibration.coming)
    some = dataset.take(split(dataset.videos, **settings.division).test)
    wide = replace(found, calibration=replace(found.calibration, coming=found.calibration.known * 2))
    as_known = replace(found, calibration=replace(found.calibration, coming=None))
    drawn, drafts, plainly = (one.forecast(some).samples for one in (wide, wide.for_drafts(), as_known.for_drafts()))
    np.testing.assert_array_equal(drawn, found.forecast(some).samples)
    assert np.ptp(drafts, axis=0).sum() > 1.5 * np.ptp(plainly, axis=0).sum()


def test_of_few_authors_networks_beside_the_members_calibrate_new_ones(monkeypatch, tmp_path):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    dataset = simulate(240, seed=0)[0]
    dataset = replace(dataset, videos=dataset.videos.assign(username=[f"author_{row % 8}" for row in range(240)]))
    settings = replace(TINY, members=0, folds=0, calibrate=True)
    found = train(dataset, settings, run=tmp_path / "run")
    assert found.configuration.members == len(found.members) == 4
    assert sorted(path.name for path in (tmp_path / "run").glob("member-*")) == [f"member-{number}.safetensors" for number in range(4)]
    assert found.calibration.met is not None
    learned = {line["member"] for line in map(json.loads, (tmp_path / "run" / "log.jsonl").read_text().splitlines())}
    assert learned == set(range(4 + ensemble.GROUPS))
    with monkeypatch.context() as patch:
        patch.setattr(ensemble, "save_calibration", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(dataset, settings, run=tmp_path / "resumed")
    stored = Configuration.from_json((tmp_path / "resumed" / "configuration.json").read_text(), "here")
    train(dataset, stored, run=tmp_path / "resumed")
    whole, resumed = (json.loads((tmp_path / name / "run.json").read_text())["files"] for name in ("run", "resumed"))
    assert resumed == whole
    few = dataset.videos.assign(username=[f"author_{row // 3}" for row in range(240)])
    for other in (replace(settings, members=2), replace(settings, split="author"), replace(settings, calibrate=False)):
        assert train(dataset, other).calibration.met is None
    assert train(replace(dataset, videos=few), settings).calibration.met is None
