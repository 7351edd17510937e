"""The learning curve: cells, subsets and the table."""

import dataclasses
import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.curve import shown
from benchmarks.curve.__main__ import main
from benchmarks.curve.cells import cell, divide, sizes
from benchmarks.curve.sets import SETS, heavy_zeros, one_author
from features.tables.dataset import Dataset
from machine.errors import InputError

ENTRY = {"set": "us", "rows": 50, "seed": 0, "coverage_95": 0.95, "cpu_seconds": 1.0}


def test_sizes_share_their_test_rows_and_grow(world: Dataset) -> None:
    for name in ("tiktok", "tiktok, new authors"):
        few, test = divide(SETS[name], world, 50, 0)
        more, again = divide(SETS[name], world, 100, 0)
        assert (test == again).all()
        assert set(few) < set(more)
        assert not set(more) & set(test)
        authors = world.videos["username"]
        assert set(authors.iloc[test]).isdisjoint(authors.iloc[more]) == (name != "tiktok")


def test_sizes_end_with_all_rows(world: Dataset) -> None:
    most = len(world) - len(world) // 4
    assert sizes(world, [50, most + 1]) == [50, most]
    assert sizes(world, [50]) == [50]


def test_subsets_are_what_they_say(world: Dataset) -> None:
    thin = heavy_zeros(world).videos
    assert all(float((thin[name] == 0).mean()) > 0.5 for name in ("view_count", "like_count"))
    alone = one_author(world)
    assert alone.videos["username"].nunique() == 1
    assert "follower_count" not in alone.videos


def test_table_by_hand() -> None:
    done = [ENTRY | {"forecaster": name, "crps": crps} for name, crps in (("ridge", 0.8), ("catboost", 1.0), ("clipcast", 0.6))]
    done.append(ENTRY | {"forecaster": "clipcast", "crps": 0.8, "seed": 1})
    assert shown.relative(done, "us", 50) == pytest.approx(0.7 / 0.8)
    assert shown.table(done).splitlines()[-1] == "| us | 50 | 0.800 | 1.000 | 0.700 | 0.875 | 0.950 |"


def test_command_goes_on_from_its_file(dataset_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(dataset_directory, tmp_path / "data" / "tiktok-famous")
    file = tmp_path / "cells.json"
    options = ["--data", str(tmp_path / "data"), "--rows", "50", "--seeds", "0", "--sets", "tiktok;no age", "--json", str(file)]
    main([*options, "--forecasters", "marginal"])
    first = json.loads(file.read_text())["runs"]
    main([*options, "--forecasters", "marginal,ridge", "--out", str(tmp_path / "out")])
    assert json.loads(file.read_text())["runs"][: len(first)] == first
    table = capsys.readouterr().out.splitlines()[-2:]
    assert [line.split(" | ")[0] for line in table] == ["| tiktok", "| no age"]
    assert np.isfinite([float(line.split(" | ")[2]) for line in table]).all()
    assert (tmp_path / "out" / "curve.png").stat().st_size > 10_000
    with pytest.raises(InputError, match="holds results of another members"):
        main([*options, "--members", "2"])
    with (tmp_path / "data" / "tiktok-famous" / "videos.csv").open("a") as videos:
        videos.write("\n")
    with pytest.raises(InputError, match="holds results of another tiktok-famous"):
        main([*options, "--forecasters", "marginal"])


@pytest.mark.parametrize("name", ["ridge", "lightgbm", "clipcast"])
def test_no_cell_learns_from_what_its_test_rows_reached(name: str, world: Dataset) -> None:
    if name == "lightgbm" and importlib.util.find_spec(name) is None:
        pytest.skip("lightgbm is not installed (pip install '.[peers]')")
    one = SETS["tiktok"]
    _, test = divide(one, world, 100, 0)
    hidden = world.videos.copy()
    for target in one.targets:  # of others, so that whatever learns from them learns otherwise
        hidden.loc[test, target] = np.random.default_rng(0).permutation(hidden.loc[test, target])
    tiny = {"members": 1, "epochs": 1, "width": 16, "latent": 4}
    seen, blind = (cell(name, one, dataset, 100, 0, **tiny) for dataset in (world, dataclasses.replace(world, videos=hidden)))
    # widths are the same where forecasts are, whatever the truth is
    assert seen["width_95"] == blind["width_95"]
    assert seen["crps"] != blind["crps"]
