"""The command extract.py as a subprocess, and whether two of its results are the same."""

import filecmp
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OUTPUTS = ("videos.parquet", "visual.parquet", "acoustic.parquet", "problems.csv", "extraction.json")


def extract(*arguments, check=True):
    line = [sys.executable, str(ROOT / "extract.py"), *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=900)
    assert not check or done.returncode == 0, done.stderr
    return done


def options(source, out, weights, *more):
    return ["--videos", source, "--out", out, "--backbone", "efficientnet_lite0", "--visual-weights", weights, "--device", "cpu", *more]


def check_equal(one, other):
    equal, different, wrong = filecmp.cmpfiles(one, other, OUTPUTS, shallow=False)
    assert sorted(equal) == sorted(OUTPUTS), (different, wrong)
