"""What a run directory holds from its first moment."""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import train
from features.simulated.world import simulate
from features.tables.dataset import Dataset
from forecast.run.configuration import Configuration
from forecast.run.directory import RunDirectory
from machine.errors import InputError
from program import SHIPPED
from tests.conftest import write_dataset
from training import go_on
from training import train as train_run
from training.start import begin, nobody_else, nothing_left_if_refused, open_run

ROOT = Path(__file__).resolve().parents[2]
DATASET = Dataset(pd.DataFrame({"id": ["a", "b"], "view_count": np.ones(2)}), fingerprint="1" * 64)


def test_how_clips_were_measured_travels_with_the_run(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "extraction.json").write_text('{"visual": {"backbone": "resnet50"}}')
    begin(RunDirectory(tmp_path / "run"), Configuration(), str(tmp_path / "data"), DATASET, SHIPPED)
    assert json.loads((tmp_path / "run" / "extraction.json").read_text()) == {"visual": {"backbone": "resnet50"}}


def test_data_that_extract_did_not_make_leaves_no_record(tmp_path):
    (tmp_path / "data").mkdir()
    for source in (str(tmp_path / "data"), None):
        begin(RunDirectory(tmp_path / "run"), Configuration(), source, DATASET, SHIPPED)
        assert not (tmp_path / "run" / "extraction.json").exists()


def test_two_never_train_into_one_directory(dataset_directory, run_directory, small, tmp_path):
    run, data = tmp_path / "runs" / "run", ["--data", str(dataset_directory)]
    mine = write_dataset(simulate(60, seed=9)[0], tmp_path / "mine")
    with nobody_else(RunDirectory(run)):
        for typed in ([*data, *small], [*data, *small, "--resume"], ["--data", str(mine), "--from", str(run_directory)]):
            with pytest.raises(InputError, match=f"^{run}: another process is training there$"):
                train.main([*typed, "--run", str(run)])
        assert list(run.iterdir()) == []
    with nobody_else(RunDirectory(run)), nobody_else(RunDirectory(run / "own")):
        pass


def test_one_that_was_killed_keeps_nobody_out(tmp_path):
    held = "import pathlib, sys, time; from training.start import RunDirectory, nobody_else\n"
    held += "with nobody_else(RunDirectory(pathlib.Path(sys.argv[1]))): print('held', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", held, str(tmp_path / "run")], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="another process is training there"), nobody_else(RunDirectory(tmp_path / "run")):
            pass
        process.kill()
    with nobody_else(RunDirectory(tmp_path / "run")):
        assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize("keep", [False, True])
def test_names_are_kept_only_when_asked(tmp_path, keep):
    begin(RunDirectory(tmp_path / "run"), Configuration(), None, DATASET, SHIPPED, keep_names=keep)
    assert RunDirectory(tmp_path / "run").read_json("source.json")["keep_names"] is keep


def test_a_part_that_does_not_exist_cannot_be_left_out(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(InputError, match="--without socail: the data has no such part"):
        begin(run, Configuration(without=("textual", "socail")), None, DATASET, SHIPPED)
    assert not run.path.exists()


def test_data_that_changed_is_refused_on_resuming(tmp_path):
    run = RunDirectory(tmp_path / "run")
    begin(run, Configuration(), "data", DATASET, SHIPPED)
    with pytest.raises(InputError, match="has changed since the run"):
        begin(run, Configuration(), "data", Dataset(DATASET.videos, fingerprint="2" * 64), SHIPPED)


def other(videos, decoder, kl_weight=1.0):
    """A model that is not the shipped one."""


def test_another_run_in_the_same_place_is_refused(tmp_path):
    run = RunDirectory(tmp_path / "run")
    begin(run, Configuration(), "data", DATASET, SHIPPED)
    begin(run, Configuration(), "data", DATASET, SHIPPED)  # the same goes on
    with pytest.raises(InputError, match=r"another setting, kl_weight = 0\.001 and not 1\.0"):
        begin(run, Configuration(kl_weight=1.0), "data", DATASET, SHIPPED)
    with pytest.raises(InputError, match="was started with another model or guide"):
        begin(run, Configuration(), "data", DATASET, replace(SHIPPED, model=other))


def test_a_program_that_was_begun_with_linear_is_resumed_by_the_same_command(tmp_path):
    begin(RunDirectory(tmp_path), Configuration(linear=False), None, DATASET, SHIPPED)
    options = {"run": tmp_path, "resume": True, "data": None, "parent": None, "preset": "default", "linear": True}
    assert not open_run(argparse.Namespace(**options, program=Path("mine.py"))).configuration.linear
    with pytest.raises(InputError, match="--linear: the run was started with False"):
        open_run(argparse.Namespace(**options, program=None))


def test_nothing_is_resumed_where_nothing_was_begun(tmp_path):
    options = argparse.Namespace(run=tmp_path / "frist", resume=True, data=None, parent=None, preset="default")
    with pytest.raises(InputError, match="frist: no run was begun there"):
        open_run(options)
    options.data = "data"
    assert open_run(options).source == "data"


@pytest.mark.parametrize("trained", [False, True])
def test_what_is_refused_leaves_nothing_behind(tmp_path, trained):
    run = RunDirectory(tmp_path / "run")

    def refused():
        with nothing_left_if_refused(run):
            begin(run, Configuration(), "data", DATASET, SHIPPED)
            if trained:
                run.append("log.jsonl", {"epoch": 1})
            raise InputError("no site")

    with pytest.raises(InputError, match="no site"):
        refused()
    assert run.path.exists() is trained
    begin(run, Configuration(), "data", DATASET, SHIPPED)
    with pytest.raises(InputError, match="no site"):
        refused()
    assert (run.path / "configuration.json").exists()  # what is gone on with stays


def test_a_target_that_only_earlier_readings_say_may_be_asked_for_where_they_are_learned_from(tmp_path):
    readings = pd.DataFrame({"id": ["a", "a"], "collected_at": [1.0, 2.0], "view_count": [1.0, 2.0], "saves": [1.0, np.nan]})
    videos = DATASET.videos.assign(create_time=0.0, saves=np.nan)
    dataset, asked = replace(DATASET, videos=videos, readings=readings), Configuration(targets=("view_count", "saves"))
    begin(RunDirectory(tmp_path / "run"), asked, None, dataset, SHIPPED)
    with pytest.raises(InputError, match="--targets saves: dataset has the column, but no number in it"):
        begin(RunDirectory(tmp_path / "other"), replace(asked, without=("early",)), None, dataset, SHIPPED)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"configuration": {"members": 2}}, "configuration: a dict is no Configuration"),
        ({"program": "p.py"}, "program: a str is no Program"),
        ({"model": None}, "model: a NoneType is no function"),
        ({"device": "gpu"}, "device: 'gpu' is none that torch knows"),
    ],
)
def test_arguments_of_another_kind_are_a_sentence(given, said, tmp_path):
    for call in (train_run, partial(go_on, tmp_path)):
        with pytest.raises(InputError, match=said):
            call(DATASET, **given)
