"""What the training loop hands back."""

import copy

import numpy as np
import torch

from features.targets import Targets
from features.videos import PartShape
from forecast.run.configuration import Configuration
from guide import guide
from model import model
from program import build
from training.fit import fit


def test_the_weights_are_those_of_the_best_epoch(make_videos) -> None:
    """Popularity that is noise: to learn it by heart makes the forecasts of other videos worse."""
    train, validation = make_videos(40), make_videos(40, seed=1)
    targets = Targets(("a", "b", "c"), "identity", np.zeros(3), np.ones(3), np.zeros(3, bool))
    settings = Configuration(
        latent=3, width=16, depth=1, members=1, likelihood="normal", epochs=20, patience=20, batch_size=10, learning_rate=0.03
    )
    torch.manual_seed(0)
    networks = build({name: PartShape(*part.shape) for name, part in train.items()}, targets, settings)
    modules = torch.nn.ModuleList(networks)
    entries, weights = [], []

    def report(entry) -> None:
        entries.append(entry)
        weights.append(copy.deepcopy(modules.state_dict()))

    fit(model, guide, networks, train, validation, settings, report=report)
    crps = [entry["validation_crps"] for entry in entries]
    best = int(np.argmin(crps))
    assert len(crps) == 20
    assert 1.05 * crps[best] < crps[-1]
    assert max(place for place, entry in enumerate(entries) if entry["best"]) == best
    for name, value in modules.state_dict().items():
        assert torch.equal(value, weights[best][name]), name
    assert not all(torch.equal(value, weights[-1][name]) for name, value in modules.state_dict().items())
    assert not any(module.training for network in networks for module in network.modules())
