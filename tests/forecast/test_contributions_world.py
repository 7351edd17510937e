"""Contributions where the truth is known: in the simulated world a useless part is worth nothing, the others rank as they truly do."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from configuration import Configuration
from features.featurizer import Featurizer
from features.simulate import simulate
from forecast.calibration import Calibration
from forecast.contributions import contributions
from forecast.forecaster import Forecaster, bind
from guide import guide
from guide.product import precisions
from model import model
from train import build, fit

ROWS, HELD_OUT = 3000, 800
SETTINGS = Configuration(width=64, latent=16, members=1, epochs=14, batch_size=64, learning_rate=3e-3, without=("history", "sound"))


@pytest.fixture(scope="module")
def found():
    """What the parts of held-out videos contribute to the forecasts of a small run; `noise` is a part that says nothing."""
    import torch

    dataset, _ = simulate(ROWS, seed=5)
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, 8)), columns=[f"noise_{i}" for i in range(8)])
    dataset = replace(dataset, ready=dataset.ready | {"noise": noise})
    rows = np.arange(ROWS)
    train, validation, test = (dataset.take(part) for part in np.split(rows, [ROWS - 2 * HELD_OUT, ROWS - HELD_OUT]))
    featurizer = Featurizer.fit(train, without=SETTINGS.without)
    torch.manual_seed(0)
    networks = build(featurizer.shapes, featurizer.targets, SETTINGS)
    fit(model, guide, networks, featurizer.transform(train), featurizer.transform(validation), SETTINGS)
    forecaster = Forecaster(SETTINGS, featurizer, (bind(model, guide, networks),), Calibration.none(4), np.zeros((1, 4)), {})
    return contributions(forecaster, featurizer.transform(test), precisions).averages()


@pytest.mark.slow
def test_a_part_without_influence_contributes_nothing(found):
    noise = found["noise"]
    # 4.3 standard errors: a failure rate of 2e-5
    assert abs(noise["crps_lost_without"]) < 4.3 * noise["crps_lost_standard_error"]
    assert noise["crps_lost_without"] < 0.05 * found["visual"]["crps_lost_without"]
    assert noise["precision_share"] < min(found[part]["precision_share"] for part in ("social", "visual", "acoustic"))


@pytest.mark.slow
def test_parts_rank_as_they_truly_do(found):
    """Without a part, the best possible forecast of these videos loses 0.134 (visual), 0.104 (acoustic), 0.090 (textual) of CRPS."""
    order = sorted(found, key=lambda part: -found[part]["crps_lost_without"])
    assert order == ["social", "visual", "acoustic", "textual", "noise"]
