"""Ctrl-C: one sentence, exit code 130, nothing half-written, no process left, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import evaluate
import extract
from forecast.run.directory import RunDirectory
from machine import command
from machine.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SENTENCE = "interrupted: what was finished is kept; run the same command again to go on (train.py with --resume)"


def interrupt(*_, **__):
    """What the terminal does when Ctrl-C is typed."""
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def hook(monkeypatch):
    """An interrupted command silences what is left half made; a process that goes on wants to hear."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)


def partial(directory: Path) -> list[Path]:
    return list(directory.rglob(".*.partial*"))


@pytest.mark.parametrize("moment", ["forecast.scoring.evaluation.evaluate", "forecast.report.page.write_report"])
def test_evaluate(run_directory, tmp_path, capsys, monkeypatch, moment):
    monkeypatch.setattr(moment, interrupt)
    assert command.run(evaluate.main, ["--run", str(run_directory), "--samples", "10", "--out", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == SENTENCE
    assert partial(tmp_path) == []
    assert not (tmp_path / "out" / "report.html").exists()


def test_extract(dataset_directory, tmp_path, capsys, monkeypatch):
    typed = ["--videos", str(dataset_directory / "videos.csv"), "--out", str(tmp_path / "out")]
    with monkeypatch.context() as patched:
        patched.setattr("extraction.output.write_videos", interrupt)
        assert command.run(extract.main, typed) == 130
    assert capsys.readouterr().err.splitlines()[-1] == SENTENCE
    assert partial(tmp_path) == []
    assert command.run(extract.main, typed) == 0
    assert (tmp_path / "out" / "videos.parquet").exists()


def test_a_progress_bar_that_was_being_made():
    code = (
        "import signal, sys\nfrom machine import command\nfrom tqdm import tqdm\n"
        "tqdm._get_free_pos = lambda *_: signal.raise_signal(signal.SIGINT)\nsys.exit(command.run(lambda _: tqdm(total=3)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr.strip() == SENTENCE


def gone(group: int, seconds: float) -> bool:
    """Whether every process of the group ends within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_training_with_workers(dataset_directory, small, tmp_path):
    run = tmp_path / "run"
    typed = ["--data", str(dataset_directory), "--run", str(run), *small, "--members", "2", "--epochs", "200", "--patience", "200"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *typed, "--workers", "2"], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (run / "log.jsonl").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert error.strip().splitlines()[-1] == SENTENCE
    assert "Traceback" not in error
    assert partial(run) == []
    assert gone(process.pid, seconds=20)
    with pytest.raises(InputError, match="not a finished run"):
        RunDirectory(run).manifest()
