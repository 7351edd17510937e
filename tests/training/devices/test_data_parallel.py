"""Two processes under torchrun: the parameters of one process where the noise is matched, and a whole run written once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from forecast.saved import load
from guide import guide
from model import model
from program import build
from tests.training.devices.torchrun import fit_without_noise
from training import data_parallel

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process that permutes rows as several do."""

    def permutation(count: int, epoch: int, seed: int, device: torch.device) -> torch.Tensor:
        return torch.randperm(count, generator=torch.Generator().manual_seed(data_parallel._seed(seed, epoch)))

    monkeypatch.setattr(data_parallel, "permutation", permutation)


def start(*arguments: str) -> subprocess.Popen:
    """Two processes under torchrun, in a process group of their own."""
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "--", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(line, cwd=ROOT, env=environment, start_new_session=True, **pipes)


def torchrun(*arguments: str) -> str:
    """What they print; where they stand still they are ended, so that the test fails and does not wait for ever."""
    with start(*arguments) as running:
        try:
            printed, complaint = running.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            kill(running.pid)
            raise
    assert running.returncode == 0, complaint
    return printed


@pytest.mark.slow
def test_two_processes_learn_what_one_does(alike, tmp_path):
    torchrun("tests/training/devices/torchrun.py", str(tmp_path / "weights"))
    first, second = (np.load(f"{tmp_path}/weights-{rank}.npy") for rank in range(2))
    np.testing.assert_array_equal(first, second)
    alone = fit_without_noise()
    assert np.abs(alone).max() > 0.1
    np.testing.assert_allclose(first, alone, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_two_processes_write_one_run_also_when_killed(dataset_directory, small, tmp_path):
    whole, run = tmp_path / "whole", tmp_path / "killed"
    options = ["train.py", *small, "--epochs", "6", "--data", str(dataset_directory), "--run"]
    printed = torchrun(*options, str(whole))
    assert printed.count("next         python evaluate.py") == 1
    epochs = [json.loads(entry)["epoch"] for entry in (whole / "log.jsonl").read_text().splitlines()]
    assert epochs == list(range(1, 7))
    assert len(load(whole, build=build, model=model, guide=guide).members) == 1

    with start(*options, str(run)) as running:
        until = time.monotonic() + 120
        while not ((run / "log.jsonl").exists() and (run / "log.jsonl").read_text()) and time.monotonic() < until:
            time.sleep(0.01)
        kill(running.pid)
    assert not (run / "run.json").exists()
    assert 1 <= len((run / "log.jsonl").read_text().splitlines()) < 6
    printed = torchrun("train.py", "--run", str(run), "--resume")
    assert printed.count("next         python evaluate.py") == 1
    for name in ("member-0.safetensors", "calibration.json"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()


def kill(parent: int) -> None:
    """End a process and what it started: torchrun gives each of its own a session."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for process in (parent, *map(int, children)):
        os.kill(process, signal.SIGKILL)


def test_each_process_draws_noise_of_its_own_and_permutes_alike(monkeypatch):
    monkeypatch.setattr(data_parallel, "SIZE", 2)
    orders, noise = [], []
    with torch.random.fork_rng():
        for rank in range(2):
            monkeypatch.setattr(data_parallel, "RANK", rank)
            orders.append(data_parallel.permutation(100, 5, 7, torch.device("cpu")).tolist())
            noise.append(torch.randn(50))
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == list(range(100))
    assert abs(np.corrcoef(*noise)[0, 1]) < 0.6  # 4.3 standard errors


def test_shares_are_disjoint_and_together_the_batch(monkeypatch):
    monkeypatch.setattr(data_parallel, "SIZE", 3)
    shares = []
    for rank in range(3):
        monkeypatch.setattr(data_parallel, "RANK", rank)
        shares.append(data_parallel.share(torch.arange(8)))
        assert [part.tolist() for part in data_parallel.share(torch.arange(2))[:1]] == [[0, 1]]
    assert [part.tolist() for part, _ in shares] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert {whole for _, whole in shares} == {8}
    assert data_parallel.share(torch.arange(2))[1] == 6
