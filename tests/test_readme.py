"""What the README prints runs as printed."""

import re
import runpy
from pathlib import Path

import numpy as np
import torch

from features.featurizer import Featurizer
from features.rows.splits import split
from features.tables.dataset import Dataset
from forecast.run.configuration import Configuration

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_edited_model_of_the_readme_trains(world: Dataset, tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    configuration = Configuration(likelihood="normal", width=16, latent=4, members=1, epochs=2, learning_rate=1e-2)
    rows = split(world.videos, "random", seed=0)
    featurizer = Featurizer.fit(world.take(rows.train))
    train, validation = (featurizer.transform(world.take(share)) for share in (rows.train, rows.validation))
    given = {"featurizer": featurizer, "configuration": configuration, "train": train, "validation": validation}
    (tmp_path / "printed.py").write_text(code, encoding="utf-8")
    torch.manual_seed(0)
    made = runpy.run_path(str(tmp_path / "printed.py"), given)
    assert all(np.isfinite(value.numpy()).all() for value in made["networks"].decoder.state_dict().values())
    assert made["model"].__code__.co_filename == str(tmp_path / "printed.py")
