"""Members trained in worker processes have the weights of those trained one after another, also where another process began."""

import hashlib
import json
from pathlib import Path

import pytest

import train
from features.rows.folds import Folds
from machine import command
from machine.errors import InputError
from program import SHIPPED
from training import members
from training.checkpoint import Checkpoint


def _weights(run: Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(run.glob("member-*.safetensors"))]


@pytest.fixture
def one_thread():
    # a worker has one thread; sums over two threads round differently
    with command.one_thread():
        yield


@pytest.mark.slow
def test_workers_go_on_and_begin_with_the_same_weights(one_thread, dataset_directory, small, tmp_path, monkeypatch):
    options = ["--data", str(dataset_directory), *small, "--members", "2", "--run"]
    train.main([*options, str(tmp_path / "one"), "--workers", "1"])

    class Stop(Exception):
        pass

    save = Checkpoint.save

    def stop(self, epoch, *rest):
        save(self, epoch, *rest)
        raise Stop

    # the first member is left after its first epoch, the second is not begun
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", stop)
        with pytest.raises(Stop):
            train.main([*options, str(tmp_path / "two"), "--workers", "1"])
    train.main(["--run", str(tmp_path / "two"), "--resume", "--workers", "2"])
    one, two = _weights(tmp_path / "one"), _weights(tmp_path / "two")
    assert len(one) == 2
    assert one[0] != one[1]
    assert two == one
    assert not (tmp_path / "two" / "rows").exists()
    epochs = [(entry["member"], entry["epoch"]) for entry in map(json.loads, (tmp_path / "two" / "log.jsonl").read_text().splitlines())]
    assert sorted(epochs) == [(0, 1), (0, 2), (1, 1), (1, 2)]


@pytest.mark.slow
def test_what_a_worker_refuses_is_told(make_videos, tmp_path):
    from forecast.run.configuration import Configuration

    # no rows there: the worker's one sentence comes out of the parent
    with pytest.raises(InputError, match="features"):
        members.train_apart(tmp_path, Folds(make_videos(3), (0, 3)), Configuration(members=1), SHIPPED, 1, lambda member, entry: None)
