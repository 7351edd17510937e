"""Members trained in worker processes have the weights of those trained one after another, also where another process began."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

import train
from features.rows.folds import Folds
from features.rows.splits import split
from features.simulated.growth import simulate_followed, write
from features.videos import EARLY
from forecast.run.configuration import Configuration
from machine import command
from machine.errors import InputError
from program import SHIPPED
from training import ensemble, members
from training.checkpoint import Checkpoint
from training.fit import fit


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
    # no rows there: the worker's one sentence comes out of the parent
    with pytest.raises(InputError, match="features"):
        members.train_apart(tmp_path, Folds(make_videos(3), (0, 3)), Configuration(members=1), SHIPPED, 1, lambda member, entry: None)


@pytest.fixture(scope="module")
def followed(tmp_path_factory) -> Path:
    """120 followed videos as a directory."""
    path = tmp_path_factory.mktemp("followed") / "data"
    write(simulate_followed(120, seed=3)[0], path)
    return path


def test_networks_of_each_kind_learn_from_their_own(followed, small, tmp_path, monkeypatch):
    learned = []

    def spy(model, guide, networks, train, validation, configuration, **more):
        learned.append((train, validation, configuration.epochs))
        return fit(model, guide, networks, train, validation, configuration, **more)

    monkeypatch.setattr(members, "fit", spy)
    train.main(["--data", str(followed), "--run", str(tmp_path), *small, "--members", "1", "--growth-epochs", "3", "--workers", "1"])
    (unread, held, epochs), (read, held_read, growth_epochs) = learned
    assert (epochs, growth_epochs) == (2, 3)
    for videos, expected in ((unread, False), (held, False), (read, True), (held_read, True)):
        assert len(videos) > 0
        assert (videos[EARLY].present == expected).all()
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(entry["epoch"], entry.get("growth", False)) for entry in log] == [(1, False), (2, False), (1, True), (2, True), (3, True)]


@pytest.mark.parametrize("where", ["train", "validation"])
def test_the_few_videos_that_were_read_again_are_all_on_one_side(where):
    """The linear forecast of growth stands alone where no row could say otherwise."""
    dataset = simulate_followed(120, seed=3)[0]
    configuration = Configuration(targets=("view_count",), members=1, epochs=1, growth_epochs=1, width=8, latent=4, depth=1)
    few = dataset.videos["id"].iloc[getattr(split(dataset.videos, **configuration.division), where)[:3]]
    last = ~dataset.readings.duplicated("id", keep="last")
    readings = dataset.readings[last | dataset.readings["id"].isin(few)].reset_index(drop=True)
    [member] = ensemble.train(dataclasses.replace(dataset, readings=readings), configuration).members
    assert float(member.growth.linear.share) == 1.0


def test_left_while_growth_is_learned(followed, small, tmp_path, monkeypatch):
    options = ["--data", str(followed), *small, "--members", "1", "--workers", "1", "--run"]
    train.main([*options, str(tmp_path / "one")])

    class Stop(Exception):
        pass

    save = Checkpoint.save

    def stop(self, epoch, *rest):
        save(self, epoch, *rest)
        if "growth" in self.file:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", stop)
        with pytest.raises(Stop):
            train.main([*options, str(tmp_path / "two")])
    assert (tmp_path / "two" / "checkpoint-0-growth.safetensors").exists()
    train.main(["--run", str(tmp_path / "two"), "--resume", "--workers", "1"])
    assert _weights(tmp_path / "one") == _weights(tmp_path / "two")
    assert not list((tmp_path / "two").glob("checkpoint*"))
