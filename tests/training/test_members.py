"""Members trained in worker processes have the weights of those trained one after another, also after an interruption."""

import hashlib
from pathlib import Path

import pytest

import train
from features.rows.folds import Folds
from machine import command
from machine.errors import InputError
from program import SHIPPED
from training import members


def _weights(run: Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(run.glob("member-*.safetensors"))]


@pytest.fixture
def one_thread():
    # a worker has one thread; sums over two threads round differently
    with command.one_thread():
        yield


@pytest.mark.slow
def test_workers_train_the_same_weights_and_resume(one_thread, dataset_directory, small, tmp_path, monkeypatch):
    options = ["--data", str(dataset_directory), *small, "--members", "2", "--run"]
    train.main([*options, str(tmp_path / "one"), "--workers", "1"])

    class Stop(Exception):
        pass

    def stop(*arguments):
        raise Stop

    apart = members.train_apart
    with monkeypatch.context() as patch:
        patch.setattr(
            members,
            "train_apart",
            lambda run, folds, configuration, program, workers, report: apart(run, folds, configuration, program, workers, stop),
        )
        with pytest.raises(Stop):
            train.main([*options, str(tmp_path / "two"), "--workers", "2"])
    train.main(["--run", str(tmp_path / "two"), "--resume", "--workers", "2"])
    one, two = _weights(tmp_path / "one"), _weights(tmp_path / "two")
    assert len(one) == 2
    assert one[0] != one[1]
    assert two == one
    assert not (tmp_path / "two" / "rows").exists()


@pytest.mark.slow
def test_what_a_worker_refuses_is_told(make_videos, tmp_path):
    from forecast.run.configuration import Configuration

    # no rows there: the worker's one sentence comes out of the parent
    with pytest.raises(InputError, match="features"):
        members.train_apart(tmp_path, Folds(make_videos(3), (0, 3)), Configuration(members=2), SHIPPED, 2, lambda member, entry: None)
