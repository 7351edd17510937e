import json

import numpy as np
import pytest

from forecast.draft.outlook import Outlook, outlook, parts_table, rising, table
from forecast.draft.video import Draft
from forecast.saved import load
from guide import guide
from machine.errors import InputError
from model import model
from program import build

HOUR, DAY = 3600.0, 86_400.0
DRAFT = Draft(1.7e9, {"video_description": "word1 word2", "follower_count": 12_000.0})


@pytest.fixture(scope="module")
def forecaster(run_directory):
    return load(run_directory, build=build, model=model, guide=guide)


@pytest.fixture(scope="module")
def found(forecaster):
    return outlook(forecaster, DRAFT, [DAY, HOUR, DAY], samples=100)


def test_horizons_rise_and_are_each_there_once(found):
    assert found.horizons == (HOUR, DAY)
    assert found.samples.shape == (100, 2, 4)
    assert [len(line.split()) > 3 for line in table(found).splitlines()] == [True] * 9


def test_every_horizon_and_draft_meets_the_same_random_numbers(forecaster, found):
    alone = outlook(forecaster, DRAFT, [DAY], samples=100)
    np.testing.assert_allclose(alone.samples[:, 0], found.samples[:, 1], rtol=1e-4, atol=1e-5)
    other = outlook(forecaster, DRAFT, [DAY], samples=100, seed=1)
    assert np.abs(other.samples - alone.samples).max() > 0.1


def test_what_a_chart_needs_besides_changes_no_forecast_that_is_asked_for(forecaster, found):
    fan = outlook(forecaster, DRAFT, [HOUR, DAY], fan=[HOUR / 2, 2 * HOUR, 9 * HOUR], samples=100)
    assert fan.horizons == (HOUR / 2, HOUR, 2 * HOUR, 9 * HOUR, DAY)
    np.testing.assert_array_equal(fan.at([HOUR, DAY]).samples, found.samples)
    assert (np.diff(fan.samples, axis=1) >= 0).all()


def test_draws_never_fall_and_those_of_a_chart_stay_between_those_that_are_asked_for():
    drawn = np.array([4.0, 3.0, 9.0, 1.0, 5.0, 2.0])[None, :, None]
    asked = np.array([False, True, False, False, True, True])
    assert rising(drawn, asked)[0, :, 0].tolist() == [3.0, 3.0, 5.0, 5.0, 5.0, 5.0]


def test_shares_add_up_and_missing_parts_have_none(found):
    assert sum(part["precision_share"] for part in found.parts.values()) == pytest.approx(1.0, abs=1e-5)
    assert not found.parts["visual"]["given"]
    assert "unknown" in next(line for line in parts_table(found).splitlines() if line.startswith("visual"))
    assert set(found.parts["textual"]["width_without"]) == set(found.targets)


def test_json_comes_back(found, tmp_path):
    (tmp_path / "a.json").write_text(found.to_json())
    again = Outlook.from_json(tmp_path / "a.json")
    np.testing.assert_allclose(again.samples, found.samples, atol=1e-4)
    assert (again.targets, again.horizons, again.run, again.seed) == (found.targets, found.horizons, found.run, found.seed)
    assert (again.notes, again.warnings) == (found.notes, found.warnings)
    assert "part visual is not given, which the run was trained with" in json.loads(found.to_json())["warnings"]
    row = json.loads(found.to_json())["forecast"][1]
    assert (row["target"], row["horizon_seconds"]) == ("view_count", DAY)
    assert row["median"] == pytest.approx(np.median(found.samples[:, 1, 0]), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "why"),
    [("{}", "not a forecast"), ("[1]", "not a forecast"), ('{"version": 9}', "another version"), ("no", "not a forecast")],
)
def test_other_files_are_refused(tmp_path, text, why):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=why):
        Outlook.from_json(tmp_path / "a.json")


def test_a_seed_without_end_is_refused(found, tmp_path):
    (tmp_path / "a.json").write_text(found.to_json().replace('"seed": 0', '"seed": 1e400'))
    with pytest.raises(InputError, match="not a forecast"):
        Outlook.from_json(tmp_path / "a.json")


def test_damaged_samples_are_refused(found, tmp_path):
    document = json.loads(found.to_json())
    document["samples"] = [sample[:1] for sample in document["samples"]]
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="samples are damaged"):
        Outlook.from_json(tmp_path / "a.json")
