"""Every mistake in the input ends in one sentence on standard error and exit code 2, with nothing half-written."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import evaluate
import predict
import train
from machine import command
from tests.conftest import refused

ROOT = Path(train.__file__).parent


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--kl-weight", "0"], "kl_weight"),
        (["--kl-weight", "-1"], "kl_weight"),
        (["--kl-weight", "nan"], "kl_weight"),
        (["--kl-weight", "inf"], "kl_weight"),
        (["--kl-weight", "much"], "--kl-weight"),
        (["--members", "-1"], "members"),
        (["--dropout", "1"], "dropout"),
        (["--epochs", "-3"], "epochs"),
        (["--likelihood", "poisson"], "--likelihood"),
        (["--targets", "a,a"], "targets"),
        (["--targets", ","], "targets"),
        (["--seed", "-1"], "--seed"),
        (["--device", "tpu"], "--device"),
        (["--kl-wei", "1"], "--kl-wei"),
        (["--wings", "2"], "--wings"),
        (["--run", ""], "--run: is empty"),
        (["--split", "sideways"], "--split"),
        (["--split", "nothing=1"], "nothing"),
        (["--data", "no-such-directory"], "no-such-directory"),
        (["--without", "socail"], "socail"),
        (["--without", "social,textual,history,sound,words,visual,acoustic"], "no part has any feature"),
        (["--width", "99999999999999999999"], "width"),
        (["--epochs", "1e3"], "--epochs"),
        (["--learning-rate", "1e400"], "learning_rate"),
        (["--split", "view_count=\N{CAT FACE}"], "view_count"),
        (["--targets", "id"], "id"),
        (["--targets", "view_cuont"], "has no such column (is it view_count?)"),
    ],
)
def test_options_of_train(dataset_directory: Path, tmp_path: Path, capsys, options: list[str], named: str) -> None:
    data = [] if "--data" in options else ["--data", str(dataset_directory)]
    error = refused(train.main, [*data, "--run", str(tmp_path / "run"), *options], capsys)
    assert named in error
    assert not (tmp_path / "run" / "run.json").exists()


def rows() -> pd.DataFrame:
    return pd.DataFrame({"id": [f"v{row}" for row in range(30)], "follower_count": 5, "view_count": range(30)}, dtype=object)


def spoiled(column: str, value: object) -> pd.DataFrame:
    table = rows()
    table.loc[6, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (rows().head(0), ["empty"]),
        (rows().drop(columns="id"), ["no column id"]),
        (spoiled("id", None), ["row 7", "id"]),
        (spoiled("id", "v2"), ["row 7", "v2"]),
        (spoiled("view_count", "many"), ["row 7", "view_count", "many"]),
        (spoiled("view_count", "-4"), ["row 7", "view_count", "-4"]),
        (spoiled("view_count", "inf"), ["row 7", "view_count", "inf"]),
        (rows().drop(columns="view_count"), ["no usable target", "view_count"]),
        (rows().assign(view_count=None), ["no usable target"]),
    ],
)
def test_tables(tmp_path: Path, capsys, table: pd.DataFrame, named: list[str]) -> None:
    (tmp_path / "data").mkdir()
    table.to_csv(tmp_path / "data" / "videos.csv", index=False)
    error = refused(train.main, ["--data", str(tmp_path / "data"), "--run", str(tmp_path / "run")], capsys)
    assert all(word in error for word in named), error


@pytest.mark.parametrize("samples", ["1", "0", "-5", "many"])
def test_too_few_samples(run_directory: Path, capsys, samples: str) -> None:
    assert "--samples" in refused(evaluate.main, ["--run", str(run_directory), "--samples", samples], capsys)


def test_runs(run_directory: Path, tmp_path: Path, capsys) -> None:
    assert "no such run" in refused(evaluate.main, ["--run", str(tmp_path / "none")], capsys)
    for name, change, named in (
        ("member-0.safetensors", lambda content: content[:-7] + b"changed", "damaged"),
        ("run.json", lambda content: content.replace(b'"format": 1', b'"format": 99'), "another version"),
        ("run.json", lambda content: content[:40], "not JSON"),
    ):
        copy = tmp_path / "copy"
        shutil.copytree(run_directory, copy)
        (copy / name).write_bytes(change((copy / name).read_bytes()))
        assert named in refused(evaluate.main, ["--run", str(copy), "--out", str(tmp_path / "out")], capsys)
        assert not (tmp_path / "out").exists()
        shutil.rmtree(copy)
    assert "already holds a run" in refused(train.main, ["--run", str(run_directory)], capsys)
    assert "is finished" in refused(train.main, ["--run", str(run_directory), "--resume"], capsys)


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_as_a_whole_command(script: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / script), "--data", "no-such-directory", "--run", "no-such-run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: no-such-")
    assert result.stderr.count("\n") == 1


def test_an_evaluation_directory_that_leads_out_of_the_run_is_refused(run_directory: Path, tmp_path: Path, capsys) -> None:
    copy, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    shutil.copytree(run_directory, copy)
    elsewhere.mkdir()
    shutil.rmtree(copy / "evaluation", ignore_errors=True)
    (copy / "evaluation").symlink_to(elsewhere)
    assert "'evaluation': leaves" in refused(evaluate.main, ["--run", str(copy), "--samples", "10"], capsys)
    assert not any(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--follower-count", "-5"], "'-5' is not a count"),
        (["--follower-count", "nan"], "'nan' is not a count"),
        (["--follower-count", "1e19"], "'1e19' is not a count"),
        (["--publish", "2026-02-30"], "'2026-02-30' is not a time"),
        (["--publish", "1900-01-01"], "'1900-01-01' is not a time"),
        (["--horizon", "0d"], "horizon '0d'"),
        (["--horizon", "1h,,7d"], "horizon ''"),
        (["--horizon", "9" * 400 + "d"], "at most ten years"),
        (["--samples", "39"], "--samples"),
        (["--video", "/dev/zero"], "not a regular file"),
        (["--compare", "/dev/zero", "/dev/zero"], "not a regular file"),
        (["--plot", "/proc/growth.png"], "cannot be written"),
        (["--run", "/dev/null"], "no such run directory"),
    ],
)
def test_options_of_predict(run_directory: Path, capsys, options: list[str], named: str) -> None:
    run = [] if "--run" in options else ["--run", str(run_directory)]
    code, error = _said([*run, *options], capsys)
    assert code == 2
    assert named in error[-1]
    assert [line for line in error[:-1] if not line.startswith("warning: the draft: ")] == []


@pytest.mark.parametrize(
    "options",
    [
        ["--description", ""],
        ["--description", "\N{CAT FACE} \u05e9\u05dc\u05d5\u05dd \u202e \udcff"],
        ["--description", "a b " * 200_000],
        ["--username", "\N{CAT FACE}\udcff", "--music-title", "\udcff", "--region-code", "??"],
        ["--follower-count", "1000000000000000000", "--video-duration", "0"],
        ["--publish", "9999-12-31 23:59", "--horizon", "0.0000001h,520w"],
        ["--publish", "1970-01-01"],
    ],
)
def test_strange_but_possible_drafts_get_a_forecast(run_directory: Path, capsys, options: list[str]) -> None:
    code, error = _said(["--run", str(run_directory), "--samples", "40", *options], capsys)
    assert (code, [line for line in error if not line.startswith("warning: the draft: ")]) == (0, [])


def _said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Exit code of predict.py and the lines on standard error; a forecast has no NaN."""
    try:
        code = command.run(predict.main, arguments)
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    assert (code == 0) == said.out.lstrip().startswith("after")
    assert "nan" not in said.out.lower()
    return code, said.err.splitlines()
