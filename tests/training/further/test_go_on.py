"""--from: a run that goes on with other data, through the command and from Python."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import evaluate
import predict
import train
from features.parts import histories
from features.simulated.world import simulate
from features.tables.dataset import Dataset, read_dataset
from forecast.saved import load
from machine import command
from machine.errors import InputError, InputWarning
from program import read_program
from tests.conftest import checksums
from training import go_on
from training.further import own


@pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
def test_the_new_run_is_complete_and_its_parent_as_before(run_directory, other_file, tmp_path, unrendered, capsys):
    before = checksums(run_directory)
    train.main(["--from", str(run_directory), "--data", str(other_file), "--run", str(tmp_path / "one")])
    said = capsys.readouterr().out
    assert f"from         {run_directory}, moved to these rows; " in said
    assert "share_count, which no row knows, is forecast by the moved run alone" in said
    assert checksums(run_directory) == before
    about = json.loads((tmp_path / "one" / "run.json").read_text())
    assert about["parent"] == {"run": str(run_directory), "checksum": before["run.json"]}
    evaluate.main(["--run", str(tmp_path / "one"), "--samples", "40"])
    metrics = json.loads((tmp_path / "one" / "evaluation" / "metrics.json").read_text())
    assert metrics["rows"] == 24
    assert metrics["targets"]["share_count"]["crps"] is None
    content = b"".join(path.read_bytes() for path in sorted((tmp_path / "one").rglob("*")) if path.is_file())
    assert b"other_author" not in content


def test_an_interrupted_one_goes_on_to_the_same_bytes(run_directory, other_file, tmp_path, monkeypatch):
    options = ["--from", str(run_directory), "--data", str(other_file)]
    train.main([*options, "--run", str(tmp_path / "whole")])
    with monkeypatch.context() as broken:
        broken.setattr("training.further.go_on.save_moved", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train.main([*options, "--run", str(tmp_path / "broken")])
    assert not (tmp_path / "broken" / "run.json").exists()
    train.main(["--run", str(tmp_path / "broken"), "--resume"])
    assert checksums(tmp_path / "broken") == checksums(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
def test_few_rows_mend_the_level_and_the_error_bars(run_directory, other):
    old = load(run_directory)
    rows = np.random.default_rng(0).permutation(len(other))
    test = other.take(np.sort(rows[:140]))
    configuration = replace(old.configuration, split="random", test_share=0.0)
    names = ("view_count", "like_count", "comment_count")
    scores = []
    for count in (0, 40, 100):
        forecaster = old if count == 0 else go_on(run_directory, other.take(np.sort(rows[140 : 140 + count])), configuration)
        targets = forecaster.evaluate(test, samples=200)["targets"]
        scores.append(np.mean([targets[name]["crps"] for name in names]))
        # of 140 rows, three targets that move together: 0.85 is beyond four standard errors
        assert count == 0 or np.mean([targets[name]["coverage_95"] for name in names]) > 0.85
    assert scores[1] < 0.75 * scores[0]
    assert scores[2] < 0.75 * scores[0]


@pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
def test_a_part_that_is_new_is_read_and_the_old_ones_say_what_they_said(run_directory, other):
    old = load(run_directory)
    random = np.random.default_rng(3)
    telling = pd.DataFrame({"faces_0": np.log1p(other.videos["view_count"]), "faces_1": random.normal(size=len(other))})
    moved = go_on(run_directory, replace(other, ready={"faces": telling}), replace(old.configuration, split="random", test_share=0.3))
    assert list(moved.featurizer.shapes) == [*old.featurizer.shapes, "faces", "wording"]
    state, parent = moved.members[0].state_dict(), old.members[0].state_dict()
    assert all((state[name] == value).all() for name, value in parent.items() if not name.startswith("linear."))
    without = go_on(run_directory, other, replace(old.configuration, split="random", test_share=0.3))
    found = [
        one.evaluate(replace(other, ready={"faces": telling}), samples=100)["targets"]["view_count"]["crps"] for one in (moved, without)
    ]
    assert found[0] < 0.7 * found[1]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--members", "3"], "--members: is that of the run that --from names"),
        ([], "name the data to go on with"),
    ],
)
def test_what_cannot_be_changed_is_one_sentence(options, why, run_directory, tmp_path, capsys):
    data = ["--data", str(tmp_path)] if options else []
    assert command.run(train.main, ["--from", str(run_directory), *data, "--run", str(tmp_path / "new"), *options]) == 2
    assert why in capsys.readouterr().err


def test_rows_that_the_parent_was_trained_on_tell_nothing_of_how_far_it_is_off(run_directory, dataset_directory, other, monkeypatch):
    monkeypatch.setattr(own.Judged, "moves", True)  # 45 rows may not show it
    old, dataset = load(run_directory), read_dataset(dataset_directory)
    trained = dataset.take(np.flatnonzero(histories.learned(dataset.videos, old.featurizer.salt, old.featurizer.histories))[:40])
    new = other.take(np.arange(45))
    both = Dataset(pd.concat([trained.videos, new.videos], ignore_index=True), name="both")
    configuration = replace(old.configuration, split="random", test_share=0.0)
    with pytest.warns(InputWarning, match=rf"^both: 40 rows are videos that {re.escape(str(run_directory))} was trained on"):
        moved = go_on(run_directory, both, configuration)
    plain = go_on(run_directory, new, configuration)
    np.testing.assert_allclose(moved.first.moved.weights, plain.first.moved.weights)
    np.testing.assert_allclose(moved.first.calibration.known, plain.first.calibration.known)
    assert moved.second.targets == old.targets  # one of them is known of rows that the parent had alone
    with pytest.raises(InputError, match=r"0 rows know .* and are none that .* was trained on; to go on from a run takes 30"):
        go_on(run_directory, trained, configuration)


def test_a_split_that_holds_out_what_is_new_is_refused(run_directory, dataset_directory, tmp_path):
    old, dataset = load(run_directory), read_dataset(dataset_directory)
    known = histories.learned(dataset.videos, old.featurizer.salt, old.featurizer.histories)
    rows = dataset.take(np.concatenate([np.flatnonzero(known)[:300], np.flatnonzero(~known)[-35:]]))
    split = rows.videos.assign(fold=np.where(np.arange(len(rows)) < 300, 0, 1))
    with pytest.raises(InputError, match=r"--split fold=1 leaves 0 rows that tell how far .* is off"):
        go_on(run_directory, replace(rows, videos=split), replace(old.configuration, split="fold=1"), run=tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
def test_rows_of_the_parents_own_kind_change_little(run_directory):
    old = load(run_directory)
    alike, others = (simulate(rows, seed=seed)[0] for rows, seed in ((60, 7), (400, 8)))
    moved = go_on(run_directory, alike, replace(old.configuration, split="random", test_share=0.0))
    before, after = (np.median(one.forecast(others, samples=200).samples, axis=0) for one in (old, moved))
    assert np.abs(after - before).mean() < 0.05
    worse, better = (one.evaluate(others, samples=200)["mean"]["crps"] for one in (moved, old))
    assert worse < 1.02 * better


def test_thirty_rows_are_the_least(run_directory, other):
    with pytest.raises(InputError, match=r"other: 29 rows know .* takes 30"):
        go_on(run_directory, other.take(np.arange(29)))


OWN_EXPERTS = """
import pyro, torch, pyro.distributions as dist
from pyro import poutine
from guide import posterior
from program import Networks, build as shipped


class Author(torch.nn.Module):
    def __init__(self, experts, latent):
        super().__init__()
        self.experts, self.shift = experts, torch.nn.Embedding(100, latent)


def build(shapes, targets, configuration):
    networks = shipped(shapes, targets, configuration)
    return Networks(Author(networks.experts, configuration.latent), networks.decoder)


def guide(videos, experts, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        loc, scale = posterior(videos, experts.experts)
        shift = experts.shift(videos["social"].present.long())
        with poutine.scale(scale=kl_weight):
            pyro.sample("z", dist.Normal(loc + shift, scale).to_event(1))
"""


@pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
def test_experts_of_any_kind_reach_every_command(dataset_directory, small, other, other_file, tmp_path, capsys, unrendered):
    file, run = tmp_path / "program.py", tmp_path / "run"
    file.write_text(OWN_EXPERTS)
    program = ["--program", str(file)]
    train.main(["--data", str(dataset_directory), "--run", str(run), *small, *program])
    evaluate.main(["--run", str(run), "--samples", "40", *program])
    parts = json.loads((run / "evaluation" / "metrics.json").read_text())["parts"]
    assert parts["social"]["precision_share"] is None
    assert np.isfinite(parts["social"]["width_ratio_without"])
    capsys.readouterr()
    predict.main(["--run", str(run), "--description", "word1", "--samples", "40", *program])
    assert re.search(r"social +- +x", capsys.readouterr().out)
    train.main(["--from", str(run), "--data", str(other_file), "--run", str(tmp_path / "moved"), *program])
    evaluate.main(["--run", str(tmp_path / "moved"), "--samples", "40", *program])
    file.write_text(
        OWN_EXPERTS.replace("loc + shift", "loc + shift + videos.get('jury', videos['social']).numbers.nan_to_num().sum(-1)[:, None]")
    )
    train.main(["--data", str(dataset_directory), "--run", str(tmp_path / "strange"), *small, *program])
    jury = pd.DataFrame({"one": np.linspace(5.0, 9.0, len(other))})
    with pytest.raises(InputError, match="forecasts otherwise with the new part jury"):
        go_on(tmp_path / "strange", replace(other, ready={"jury": jury}), program=read_program(file), run=tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
