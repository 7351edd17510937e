"""The command extract.py in this process, and whether two of its results are the same."""

import contextlib
import filecmp
import io
from pathlib import Path
from types import SimpleNamespace

from extract import main
from machine import command

ROOT = Path(__file__).resolve().parents[3]
OUTPUTS = ("videos.parquet", "visual.parquet", "acoustic.parquet", "problems.csv", "extraction.json")


def extract(*arguments, check=True):
    """Its exit code and what it prints; a process of its own would import torch each time."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            code = command.run(main, list(map(str, arguments)))
        except SystemExit as end:  # argparse
            code = end.code
    done = SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=error.getvalue())
    assert not check or done.returncode == 0, done.stderr
    return done


def options(source, out, weights, *more):
    return ["--videos", source, "--out", out, "--backbone", "efficientnet_lite0", "--visual-weights", weights, "--device", "cpu", *more]


def check_equal(one, other):
    equal, different, wrong = filecmp.cmpfiles(one, other, OUTPUTS, shallow=False)
    assert sorted(equal) == sorted(OUTPUTS), (different, wrong)
