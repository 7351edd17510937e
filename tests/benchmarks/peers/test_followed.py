"""clipcast and a peer side by side on followed videos, as whole commands."""

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks.peers.__main__ import main
from features.followed.looks import looks_at
from features.rows.splits import split
from features.simulated.growth import simulate_followed, write
from features.tables.dataset import read_dataset
from machine import command

TINY = "--members 1 --epochs 2 --growth-epochs 2 --width 16 --latent 4 --batch-size 128"


@pytest.mark.slow
def test_both_know_what_was_read_and_are_scored_on_the_same_rows(tmp_path: Path) -> None:
    dataset, _ = simulate_followed(900, seed=0)
    # a third of the videos was read once, so that nothing is left to forecast once that is known
    once = dataset.videos["id"].iloc[::3]
    readings = dataset.readings
    assert readings is not None
    readings = readings[~readings["id"].isin(once) | ~readings["id"].duplicated()]
    write(dataclasses.replace(dataset, readings=readings), tmp_path / "data")
    found = {}
    for seen in ("0", "7d"):
        results = tmp_path / f"{seen}.json"
        options = ["--data", str(tmp_path / "data"), "--peers", "clipcast,ridge", "--seen", seen, f"--clipcast-options={TINY}"]
        assert command.run(main, [*options, "--json", str(results)]) == 0
        found[seen] = {run["peer"]: run for run in json.loads(results.read_text())["runs"]}
    followed = read_dataset(tmp_path / "data")
    test = followed.take(split(followed.videos, "random", seed=0).test)
    for seen, known in (("0", 0.0), ("7d", 7.0)):
        assert {run["rows"]["test"] for run in found[seen].values()} == {len(looks_at(test, known))}
    for peer in ("clipcast", "ridge"):
        before, after = (found[seen][peer]["mean"]["crps"] for seen in ("0", "7d"))
        assert after < 0.6 * before
