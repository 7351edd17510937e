"""Training killed at random moments, on a full disk and in a directory that cannot be written: nothing is lost, nothing is half a file."""

import contextlib
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import evaluate
import predict
import train
from machine import command, files
from machine.errors import InputError
from tests.conftest import refused
from tests.forecast.small import SETTINGS, train_small
from training import members

NIGHTLY = bool(os.environ.get("NIGHTLY"))
MOMENTS = 50 if NIGHTLY else 2

# the heavy imports are done once; each training is a forked child, killed by its parent after a random time
HARNESS = """
import json, os, random, shutil, signal, sys, time
import pandas, pyarrow.csv, pyarrow.parquet, pyro.infer, tokenizers, torch
import train
from machine import command
from forecast.run.directory import RunDirectory

moments, parent, *options = json.loads(sys.argv[1])

def start(run, *more):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(command.run(train.main, ["--run", run, *options, *more]))
    return child

def finish(run, *more):
    assert os.waitstatus_to_exitcode(os.waitpid(start(run, *more), 0)[1]) == 0, run

began = time.monotonic()
finish(f"{parent}/whole")
whole = time.monotonic() - began
chance = random.Random(0)
for moment in range(moments):
    run = f"{parent}/{moment}"
    while True:
        child = start(run)
        time.sleep(chance.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            break
        assert os.waitstatus_to_exitcode(status) == 0, run
        shutil.rmtree(run)  # it was finished by then: the machine was busier before
        whole /= 2
    if not RunDirectory(__import__("pathlib").Path(run)).finished:
        finish(run, "--resume")
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"] if NIGHTLY else ["1"])
def test_killed_at_random_moments_and_resumed_ends_at_the_same_bytes(small_data, tmp_path, workers):
    options = ["--data", str(small_data), *SETTINGS, "--workers", workers]
    script = [sys.executable, "-c", HARNESS, json.dumps([MOMENTS, str(tmp_path), *options])]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(script, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    whole = json.loads((tmp_path / "whole" / "run.json").read_text())["files"]
    for moment in range(MOMENTS):
        run = tmp_path / str(moment)
        assert json.loads((run / "run.json").read_text())["files"] == whole
        assert {path.name for path in run.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}
        epochs = {(entry["member"], entry["epoch"]) for entry in map(json.loads, (run / "log.jsonl").read_text().splitlines())}
        assert epochs == {(0, 1), (0, 2), (1, 1), (1, 2)}


@pytest.mark.parametrize(
    "lost", [["run.json", "dependence.json"], ["run.json", "dependence.json", "calibration.json", "member-1.safetensors"]]
)
def test_what_is_lost_is_made_again_from_what_is_there(small_data, small_run, tmp_path, lost):
    """As if killed when these files were not written yet: what was fitted is read again, and ends at the same bytes."""
    shutil.copytree(small_run, tmp_path / "run")
    before = {name: (tmp_path / "run" / name).read_bytes() for name in lost}
    for name in lost:
        (tmp_path / "run" / name).unlink()
    train_small(small_data, tmp_path / "run", "--workers", "1", "--resume")
    assert {name: (tmp_path / "run" / name).read_bytes() for name in lost} == before


def test_killed_between_the_last_epoch_and_the_weights_it_ends_at_the_same_bytes(small_data, small_run, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(*arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(members, "save_member", kill)
        with pytest.raises(Killed):
            train_small(small_data, tmp_path / "run", "--workers", "1")
    train_small(small_data, tmp_path / "run", "--workers", "1", "--resume")
    whole, resumed = (json.loads((run / "run.json").read_text())["files"] for run in (small_run, tmp_path / "run"))
    assert resumed == whole


def test_a_full_disk_ends_in_one_sentence_and_what_was_there_stays(small_data, tmp_path, monkeypatch):
    replace, resume = files.Path.replace, []
    for full_at in ("features.safetensors", "checkpoint-0.safetensors", "run.json"):

        def full(self, target, full_at=full_at):
            if str(target).endswith(full_at):
                raise OSError(28, "No space left on device")
            return replace(self, target)

        monkeypatch.setattr(files.Path, "replace", full)
        with pytest.raises(InputError, match=f"{full_at}: cannot be written .No space left on device.") as caught:
            train_small(small_data, tmp_path / "run", "--workers", "1", *resume)
        assert "\n" not in str(caught.value)
        assert not list((tmp_path / "run").glob(".*.partial*"))
        assert not (tmp_path / "run" / "run.json").exists()
        resume = ["--resume"]
    monkeypatch.undo()
    train_small(small_data, tmp_path / "run", "--workers", "1", "--resume")
    assert (tmp_path / "run" / "run.json").exists()


def test_a_directory_that_cannot_be_made_ends_in_one_sentence(small_data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        train_small(small_data, tmp_path / "file" / "run")


@contextlib.contextmanager
def largest_file(size):
    """No file may become larger than `size` bytes: what a quota or a full disk does, by the system itself."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def without_privileges():
    """As a user who may write nowhere; whoever is not root may not anyway."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def read_only(small_run, small_data):
    """A directory that everybody may read and nobody write, with the small run in it. (pytest's own are for their owner alone.)"""
    with tempfile.TemporaryDirectory() as name:
        shelf = Path(name) / "shelf"
        shutil.copytree(small_data, shelf / "data")
        shutil.copytree(small_run, shelf / "runs" / "small")
        for path in (Path(name), *Path(name).rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield shelf
        for path in (Path(name), *Path(name).rglob("*")):
            path.chmod(0o755)


def test_no_room_ends_in_one_sentence_and_room_again_ends_the_run(small_data, tmp_path, capsys):
    typed = ["--data", small_data, "--run", tmp_path / "run", *SETTINGS, "--workers", "1"]
    for size, resume in ((2000, []), (20_000, ["--resume"])):
        with largest_file(size):
            assert "File too large" in refused(train.main, [*typed, *resume], capsys)
        assert not (tmp_path / "run" / "run.json").exists()
    assert command.run(train.main, [*map(str, typed), "--resume"]) == 0


@pytest.mark.filterwarnings("ignore:.*videos that the run was trained on")
def test_a_read_only_directory_ends_in_one_sentence(read_only, monkeypatch, capsys):
    # the libraries themselves may lie where that user cannot read
    for name in ("forecast.report.page", "forecast.draft.growth"):
        importlib.import_module(name)
    run, before = read_only / "runs" / "small", sorted(read_only.rglob("*"))
    monkeypatch.chdir(read_only)
    with without_privileges():
        for main, arguments in (
            (train.main, ["--data", read_only / "data", *SETTINGS]),
            (train.main, ["--data", read_only / "data", "--run", read_only / "runs" / "new", *SETTINGS]),
            (evaluate.main, ["--run", run, "--data", read_only / "data", "--samples", "10"]),
            (predict.main, ["--run", run, "--plot", read_only / "growth.png"]),
        ):
            assert "Permission denied" in refused(main, arguments, capsys)
    assert sorted(read_only.rglob("*")) == before


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "kept.json"
    files.write_text(path, "old")

    def fail() -> None:
        with files.writing(path) as temporary:
            temporary.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"kept\.json: cannot be written"):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.json"]
