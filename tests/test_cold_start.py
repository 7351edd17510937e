"""`--help` is quick because nothing heavy is imported for it; a forecast imports what it needs and no more."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "pyro", "pandas", "numpy", "scipy", "sklearn", "matplotlib", "pyarrow", "tokenizers", "av", "ray"}
# torch, pyro, pandas (which brings pyarrow) and tokenizers are what a forecast is made of; each of these costs 0.1 to 2 seconds
NEEDLESS = {"torch._dynamo", "sympy", "scipy", "sklearn", "matplotlib", "scoringrules", "torchvision", "torchaudio", "av", "ray", "gradio"}
CODE = """
import sys, {command}
try:
    {command}.main({arguments})
except SystemExit:
    pass
print(len(sys.modules), *sorted({watched} & sys.modules.keys()))
"""


def imported(command: str, arguments: list[str], watched: set[str]) -> tuple[int, list[str]]:
    """Number of modules, and which of those watched, after the command has run in a process of its own."""
    code = CODE.format(command=command, arguments=arguments, watched=watched)
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    count, *found = ran.stdout.splitlines()[-1].split()
    return int(count), found


@pytest.mark.parametrize("command", ["extract", "train", "evaluate", "predict"])
def test_help_imports_nothing_heavy(command):
    count, heavy = imported(command, ["--help"], HEAVY)
    assert heavy == []
    # 140 modules with Python 3.11's argparse, dataclasses, json and warnings; one heavy library alone is hundreds
    assert count < 250


def test_a_forecast_imports_nothing_needless(run_directory):
    arguments = ["--run", str(run_directory), "--description", "my cat #cats", "--follower-count", "12000"]
    count, needless = imported("predict", arguments, NEEDLESS)
    assert needless == []
    # torch alone is 1,100 modules, pandas and pyro 600; torch's compiler would add 900
    assert count < 2200


def test_what_stays_is_not_looked_through_again_at_the_end():
    code = "import atexit, gc; from machine.command import run; run(lambda _: None); atexit._run_exitfuncs(); print(gc.get_freeze_count())"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert int(ran.stdout) > 1000
