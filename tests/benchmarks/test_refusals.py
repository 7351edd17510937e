"""What a benchmark cannot do is said in one sentence, with exit code 2."""

from importlib import import_module
from pathlib import Path

import pytest

from machine import command


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("moved.__main__", ["--data", "EMPTY", "--move", "nope"], "'nope' is none of famous-small, us, "),
        ("moved.__main__", ["--data", "EMPTY", "--peers", "magic"], "'magic' is none of catboost, "),
        ("moved.__main__", ["--data", "EMPTY", "--sizes", "few"], "'few' is not a whole number"),
        ("past.__main__", ["--run", "EMPTY", "--peers", "magic"], "'magic' is none of catboost, "),
        ("peers.__main__", ["--data", "EMPTY", "--seeds", ","], "argument --seeds: is empty"),
        ("curve.__main__", ["--data", "EMPTY", "--forecasters", "magic"], "'magic' is none of marginal, "),
        ("curve.__main__", ["--data", "EMPTY"], "holds none of the data sets' folders"),
        ("speed.__main__", ["--only", "6"], "'6' is none of 1, 2, 3, 4, 5, 7"),
        ("gpu.__main__", ["--fast"], "unrecognized arguments: --fast"),
        ("totals.__main__", ["--run", "EMPTY"], "EMPTY"),
        ("totals.__main__", ["--run", "RUN"], "--save-samples` writes it"),
        ("followed_picture", ["--run", "EMPTY", "--out", "EMPTY/picture.png"], "EMPTY"),
    ],
)
def test_a_mistake_is_one_sentence(
    name: str, options: list[str], said: str, tmp_path: Path, run_directory: Path, capsys: pytest.CaptureFixture[str]
):
    options = [option.replace("EMPTY", str(tmp_path)).replace("RUN", str(run_directory)) for option in options]
    try:
        code = command.run(import_module(f"benchmarks.{name}").main, options)
    except SystemExit as end:  # argparse
        code = end.code
    assert code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert said.replace("EMPTY", str(tmp_path)) in line
    assert not list(tmp_path.iterdir())
