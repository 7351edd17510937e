"""`--help` is quick because nothing heavy is imported for it."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "pyro", "pandas", "numpy", "scipy", "sklearn", "matplotlib", "pyarrow", "tokenizers", "av", "ray"}
CODE = """
import sys, {command}
try:
    {command}.main(["--help"])
except SystemExit:
    pass
print(len(sys.modules), *sorted({heavy} & sys.modules.keys()))
"""


@pytest.mark.parametrize("command", ["extract", "train", "evaluate", "predict"])
def test_help_imports_nothing_heavy(command):
    code = CODE.format(command=command, heavy=HEAVY)
    root = Path(__file__).resolve().parents[1]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True)
    count, *heavy = ran.stdout.splitlines()[-1].split()
    assert heavy == []
    # 140 modules with Python 3.11's argparse, dataclasses, json and warnings; one heavy library alone is hundreds
    assert int(count) < 250
