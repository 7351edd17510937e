"""Two processes under torchrun: the parameters of one process where the noise is matched, and a whole run written once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import data_parallel
from forecast.forecaster import load
from guide import guide
from model import model
from tests.torchrun import fit_without_noise
from train import build

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process that permutes rows as several do."""

    def permutation(count: int, epoch: int, seed: int, device: torch.device) -> torch.Tensor:
        return torch.randperm(count, generator=torch.Generator().manual_seed(data_parallel._seed(seed, epoch)))

    monkeypatch.setattr(data_parallel, "permutation", permutation)


def torchrun(*arguments: str) -> str:
    """What two processes print."""
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "--", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_two_processes_learn_what_one_does(alike, tmp_path):
    torchrun("tests/torchrun.py", str(tmp_path / "weights"))
    first, second = (np.load(f"{tmp_path}/weights-{rank}.npy") for rank in range(2))
    np.testing.assert_array_equal(first, second)
    alone = fit_without_noise()
    assert np.abs(alone).max() > 0.1
    np.testing.assert_allclose(first, alone, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_two_processes_write_one_run(dataset_directory, small, tmp_path):
    run = tmp_path / "run"
    printed = torchrun("train.py", "--data", str(dataset_directory), "--run", str(run), *small)
    assert printed.count("next         python evaluate.py") == 1
    epochs = [json.loads(entry)["epoch"] for entry in (run / "log.jsonl").read_text().splitlines()]
    assert epochs == [1, 2]
    assert len(load(run, build=build, model=model, guide=guide).programs) == 1


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
