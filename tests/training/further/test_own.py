"""A run of their own, where rows held back say that it forecasts them better than the run that was moved to them."""

import json
from dataclasses import replace

import pytest

import evaluate
import train
from forecast.run.load import load
from tests.training.further.test_go_on import checksums
from training import go_on
from training.further import own

pytestmark = pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")


@pytest.fixture
def tried(monkeypatch):
    """A run of their own is tried, as small as its parent."""
    monkeypatch.setattr(own, "ENOUGH", 200)
    monkeypatch.setattr(own, "AUTOMATIC", ())


def test_one_that_is_better_is_kept_whole_and_names_the_parent(run_directory, other_file, tmp_path, tried, monkeypatch, capsys):
    monkeypatch.setattr(own, "better", lambda *arguments: True)
    before = checksums(run_directory)
    options = ["--from", str(run_directory), "--data", str(other_file), "--workers", "1"]
    train.main([*options, "--run", str(tmp_path / "whole")])
    said = capsys.readouterr().out
    assert "from         these rows alone" in said
    assert "it does not forecast share_count, which no row knows" in said
    about = json.loads((tmp_path / "whole" / "run.json").read_text())
    assert about["parent"] == {"run": str(run_directory), "checksum": before["run.json"]}
    assert not (tmp_path / "whole" / "own").exists()
    found = load(tmp_path / "whole")
    assert found.moved is None
    assert found.targets == ("view_count", "like_count", "comment_count")  # what no row knows cannot be learned
    evaluate.main(["--run", str(tmp_path / "whole"), "--samples", "40"])
    with monkeypatch.context() as broken:
        broken.setattr(own, "forget", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
        broken.setattr("forecast.run.directory.RunDirectory.finish", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train.main([*options, "--run", str(tmp_path / "broken")])
    assert not (tmp_path / "broken" / "run.json").exists()
    train.main(["--run", str(tmp_path / "broken"), "--resume", "--workers", "1"])
    whole, resumed = (checksums(tmp_path / name) for name in ("whole", "broken"))
    assert {name: resumed[name] for name in about["files"]} == {name: whole[name] for name in about["files"]}


def test_one_that_is_worse_leaves_nothing_behind(run_directory, other, tmp_path, tried, monkeypatch):
    configuration = replace(load(run_directory).configuration, split="random", test_share=0.1)
    seen = []
    better = own.better

    def judge(alone, dataset, learning, moved):
        def far_off(rows):
            assert len(rows) < len(learning)
            forecaster = moved(rows)
            forecaster.moved.weights[0] -= 50.0  # of the constant
            return forecaster

        seen.append((better(alone, dataset, learning, lambda rows: alone), better(alone, dataset, learning, far_off)))
        return False

    monkeypatch.setattr(own, "better", judge)
    go_on(run_directory, other, configuration, run=tmp_path / "tried")
    monkeypatch.setattr(own, "ENOUGH", 10_000)
    go_on(run_directory, other, configuration, run=tmp_path / "not")
    assert seen == [(False, True)]
    assert checksums(tmp_path / "tried") == checksums(tmp_path / "not")
