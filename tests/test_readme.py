"""What the README prints runs as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from features.simulated.world import simulate

ROOT = Path(__file__).resolve().parents[1]
# the code runs as printed; two members of three epochs take its defaults' place
SMALL = """import functools, training
from forecast.run.configuration import Configuration
training.train = functools.partial(training.train, configuration=Configuration(members=2, epochs=3))
"""


@pytest.mark.slow
def test_from_a_data_frame_to_forecasts_and_an_edited_model(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    assert len([line for line in blocks[0].splitlines() if line.strip()]) == 5
    (tmp_path / "data").mkdir()
    simulate(250, seed=1)[0].videos.to_csv(tmp_path / "data" / "videos.csv", index=False)
    (tmp_path / "printed.py").write_text(SMALL + "\n".join(blocks), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "printed.py"], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert re.search(r"simulated-1-249 .* [0-9.]+", done.stdout), done.stdout
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["first", "laplace"]
