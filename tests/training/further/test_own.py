"""A run of the new rows' own, its share in the forecast, and how both are kept."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import train
from features.parts import histories
from features.simulated.world import simulate
from features.tables.columns import COUNTS
from features.tables.dataset import Dataset, read_dataset
from forecast.adjustments.calibration import Calibration
from forecast.forecaster import Forecaster
from forecast.pair import ForecasterPair
from forecast.run.configuration import Configuration
from forecast.run.directory import RunDirectory
from forecast.saved import load
from machine.errors import InputError, InputWarning
from program import SHIPPED, Program
from tests.training.further.test_go_on import checksums
from training import go_on
from training import train as train_run
from training.further import own

pytestmark = pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")


@pytest.fixture(scope="module")
def pair(run_directory, other_file, tmp_path_factory):
    """A run directory of a moved run and one of the rows' own, and what the command said."""
    path = tmp_path_factory.mktemp("moved") / "pair"
    with pytest.MonkeyPatch.context() as small:
        small.setattr(own, "AUTOMATIC", {})
        train.main(["--from", str(run_directory), "--data", str(other_file), "--workers", "1", "--run", str(path)])
    return path


def test_it_is_kept_inside_of_the_moved_one(pair, run_directory):
    found = load(pair)
    assert isinstance(found, ForecasterPair)
    assert found.targets == load(run_directory).targets
    assert found.second.targets == ("view_count", "like_count", "comment_count")  # what no row knows cannot be learned
    assert 0 < found.share < 1
    assert {"share.json", "own/run.json", "moved.safetensors"} <= {*json.loads((pair / "run.json").read_text())["files"]}
    assert not (pair / "own" / "rows").exists()


def test_a_target_that_the_parent_lacks_is_not_forecast_and_one_that_was_asked_for_may_be_missing(other, tmp_path):
    world = simulate(300, seed=3)[0]
    settings = Configuration(targets=("view_count", "share_count"), members=1, epochs=1, width=16)
    named, lacking = tmp_path / "named", tmp_path / "lacking"
    train_run(world, settings, run=named)
    train_run(Dataset(world.videos.drop(columns="share_count"), name="world"), replace(settings, targets=COUNTS), run=lacking)
    assert go_on(named, other).targets == ("view_count", "share_count")
    more = Dataset(other.videos.assign(share_count=other.videos["like_count"]), name="more")
    with pytest.warns(InputWarning, match="more: share_count will not be forecast, because .*lacking was trained without"):
        found = go_on(lacking, more)
    assert isinstance(found, ForecasterPair)
    assert found.targets == found.second.targets == ("view_count", "like_count", "comment_count")


@pytest.mark.parametrize("file", ["share.json", "own/run.json", "own/member-0.safetensors"])
def test_damage_is_one_sentence(pair, tmp_path, file):
    path = shutil.copytree(pair, tmp_path / "copy")
    (path / file).write_bytes(b"{}")
    with pytest.raises(InputError, match="damaged"):
        load(path)


NO_SHARES = {
    '{"own": 2, "read": 1}': "own",
    '{"own": null, "read": 1}': "own",
    '{"own": 0.5, "read": "much"}': "read",
    "{}": "own",
}


@pytest.mark.parametrize(("shares", "which"), NO_SHARES.items())
def test_a_share_that_is_none_is_refused(pair, tmp_path, shares, which):
    path = shutil.copytree(pair, tmp_path / "copy")
    (path / "share.json").write_text(shares)
    about = json.loads((path / "run.json").read_text())
    about["files"]["share.json"] = checksums(path)["share.json"]
    (path / "run.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match=rf"share.json: {which} is no number from 0 to 1"):
        load(path)


def test_one_that_was_interrupted_goes_on_to_the_same_bytes(pair, run_directory, other_file, tmp_path, monkeypatch):
    options = ["--from", str(run_directory), "--data", str(other_file), "--workers", "1"]
    with monkeypatch.context() as broken:
        broken.setattr("training.further.own.judge", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train.main([*options, "--run", str(tmp_path / "broken")])
    assert (tmp_path / "broken" / "own" / "run.json").exists()
    assert not (tmp_path / "broken" / "run.json").exists()
    train.main(["--run", str(tmp_path / "broken"), "--resume", "--workers", "1"])
    assert checksums(tmp_path / "broken") == checksums(pair)


def test_going_on_from_it_goes_on_from_the_moved_one_and_says_so(pair, other):
    with pytest.warns(InputWarning, match="was moved to other data itself"):
        again = go_on(pair, other)
    assert isinstance(again, ForecasterPair)
    assert not isinstance(again.first, ForecasterPair)
    assert again.featurizer.shapes.keys() == load(pair).featurizer.shapes.keys()


def test_rows_that_its_networks_were_trained_on_tell_nothing_either(pair, other, dataset_directory, run_directory):
    old, dataset = load(run_directory), read_dataset(dataset_directory)
    trained = dataset.take(np.flatnonzero(histories.learned(dataset.videos, old.featurizer.salt, old.featurizer.histories))[:40])
    both = Dataset(pd.concat([trained.videos, other.videos[:40]], ignore_index=True), name="both")
    with pytest.warns(InputWarning, match="both: 40 rows are videos that"):
        go_on(pair, both)


def test_shares_and_gain_are_those_of_rows_which_nothing_learned_from(run_directory, other, monkeypatch):
    configuration = replace(load(run_directory).configuration, split="random", test_share=0.1)
    found, held = {}, []

    def judged(alone, dataset, learning, moved, old):
        def far_off(rows):
            held.append(len(learning) - len(rows))
            forecaster = moved(rows)
            forecaster.moved.weights[0] -= 50.0  # of the constant
            return forecaster

        found["moved far off"] = judge(alone, dataset, learning, far_off, old).share
        wide = np.full((2, 3), 30.0)
        far = replace(alone, calibration=Calibration(wide, wide))
        found["own far off"] = judge(far, dataset, learning, lambda rows: alone, old).share
        found["old far off"] = judge(alone, dataset, learning, lambda rows: alone, far)
        found["old alike"] = judge(alone, dataset, learning, lambda rows: alone, alone)
        return judge(alone, dataset, learning, moved, old)

    judge = own.judge
    monkeypatch.setattr(own, "judge", judged)
    go_on(run_directory, other, configuration)
    assert min(held) > 0
    assert found["own far off"] < 0.01
    assert found["moved far off"] > 0.99
    assert found["old far off"].moves
    assert not found["old alike"].moves


def test_a_network_that_held_out_the_newest_forecasts_no_fold(pair, other, monkeypatch):
    alone, asked = load(pair).second, []
    settings = replace(alone.configuration, split="random", members=3, folds=2)
    alone = replace(alone, configuration=settings, members=alone.members[:1] * 3)

    def drawn(forecaster, table, targets):
        asked.append(len(forecaster.members))
        return np.zeros((own.DRAWS, len(table), len(targets)))

    monkeypatch.setattr(own, "draws_of", drawn)
    for coming, members in ((None, [2, 1]), (alone.calibration.known, [1, 1])):
        asked.clear()
        held_out = replace(alone, calibration=replace(alone.calibration, coming=coming))
        own.judge(held_out, other, np.arange(len(other)), lambda rows: alone, alone)
        assert asked[::3] == members  # the others are of the moved run and of the old one


def test_rows_that_cannot_make_a_run_are_moved_to_all_the_same(run_directory, other, tmp_path, capsys):
    bare = replace(other, videos=other.videos[["id", "view_count"]])
    moved = go_on(run_directory, bare, run=tmp_path / "bare")
    assert "no run of these rows alone: other: no part has any feature" in capsys.readouterr().out
    assert not isinstance(moved, ForecasterPair)
    assert not (tmp_path / "bare" / "own").exists()


def test_a_run_of_their_own_that_fails_otherwise_is_no_reason_to_do_without(run_directory, other, monkeypatch):
    def fail(*arguments, **settings):
        raise InputError("own: a training process was killed")

    monkeypatch.setattr(own, "train", fail)
    with pytest.raises(InputError, match="was killed"):
        go_on(run_directory, other)


@pytest.mark.parametrize(
    ("rows", "program", "linear", "epochs"),
    [
        (99, SHIPPED, True, (1, 1)),
        (100, SHIPPED, True, (0, 8)),
        (99, Program(SHIPPED.model, SHIPPED.guide, dict), True, (0, 8)),
        (99, SHIPPED, False, (0, 8)),
    ],
)
def test_networks_of_few_rows_learn_for_an_epoch_beside_linear_forecasts(rows, program, linear, epochs, other, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(own, "AUTOMATIC", dict.fromkeys(("epochs", "growth_epochs"), 0))
    monkeypatch.setattr(own, "train", lambda dataset, configuration, **settings: asked.append(configuration))
    own.own_run(RunDirectory(tmp_path), other.take(np.arange(rows)), Configuration(epochs=7, linear=linear), program)
    assert (asked[0].epochs, asked[0].growth_epochs) == epochs


def test_thirty_rows_have_a_run_of_their_own(run_directory, other, monkeypatch):
    trained = []
    monkeypatch.setattr(own, "judge", lambda alone, *rest: trained.append(alone) or own.Judged(0.5, 0.0, np.ones(2)))
    go_on(run_directory, other.take(np.arange(30)), replace(load(run_directory).configuration, split="random", test_share=0.0))
    assert isinstance(trained[0], Forecaster)


@pytest.mark.parametrize(("gain", "moves"), [([0.9, 1.1], True), ([-0.9, -1.1], False), ([1.0, -0.9], False), ([], True)])
def test_a_run_is_moved_where_it_is_behind_by_two_standard_errors(gain, moves):
    assert own.Judged(0.5, 0.0, np.array(gain)).moves == moves


def test_the_gain_is_the_crps_of_the_old_run_less_that_of_the_pool_in_standard_deviations():
    reached = np.array([[0.0, np.nan], [4.0, np.nan], [np.nan, np.nan]])  # standard deviation 2
    drawn = {"own": 2.0, "moved": 0.0, "old": 6.0}
    draws = {name: np.full((own.DRAWS, 3, 2), value) for name, value in drawn.items()}
    gain = own._gain([own._Forecasts(**draws, truth=reached, videos=3)], share=0.25)
    # a pool with 2 in a quarter and 0 in three quarters: E|y - truth| - E|y - y'| / 2, where |y - y'| is 2 in 6 of 16 cases
    assert gain == pytest.approx([6 / 2 - (0.5 - 0.375) / 2, 2 / 2 - (3.5 - 0.375) / 2], abs=1e-6)


def test_a_target_that_never_changes_has_no_part_in_gain_and_share():
    reached = np.array([[0.0, 7.0], [4.0, 7.0], [2.0, 7.0]])
    about = reached + np.random.default_rng(0).normal(scale=0.1, size=(own.DRAWS, 3, 2))
    found = own._Forecasts(own=about, moved=about + np.array([9.0, 0.0]), old=about + np.array([0.0, 9.0]), truth=reached, videos=3)
    assert own._share([found], seed=0) > 0.95
    assert own._gain([found], share=1.0) == pytest.approx([0.0] * 3, abs=0.1)
