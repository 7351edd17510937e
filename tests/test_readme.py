"""What the README prints runs as printed."""

import functools
import re
import runpy
from pathlib import Path

import pytest

import training
from features.simulated.world import simulate
from forecast.run.configuration import Configuration

ROOT = Path(__file__).resolve().parents[1]
# the code runs as printed; two small members of two epochs take its defaults' place
SMALL = Configuration(members=2, epochs=2, width=32, latent=8)


@pytest.mark.slow
def test_from_a_data_frame_to_forecasts_and_an_edited_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    assert len([line for line in blocks[0].splitlines() if line.strip()]) == 5
    (tmp_path / "data").mkdir()
    simulate(250, seed=1)[0].videos.to_csv(tmp_path / "data" / "videos.csv", index=False)
    (tmp_path / "printed.py").write_text("\n".join(blocks), encoding="utf-8")
    monkeypatch.setattr(training, "train", functools.partial(training.train, configuration=SMALL))
    monkeypatch.chdir(tmp_path)
    runpy.run_path("printed.py", run_name="__main__")
    printed = capsys.readouterr().out
    assert re.search(r"simulated-1-249 .* [0-9.]+", printed), printed
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["first", "laplace"]
