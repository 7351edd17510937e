"""What a notebook does: another likelihood, a fifth part, edited copies of model and guide; trained, saved, loaded, forecast."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine

from features.featurizer import Featurizer, truth
from features.rows.splits import split
from features.tables.dataset import Dataset, read_dataset
from forecast.calibration import Calibration
from forecast.forecaster import Forecaster, load, save_calibration, save_features, save_networks
from forecast.member import Member
from forecast.run.configuration import Configuration
from forecast.run.directory import RunDirectory
from forecast.scoring.baseline import marginal_quantiles
from guide import guide, posterior
from machine.errors import InputError
from model import model
from model.likelihood import Elementwise
from program import Program, build
from tests.conftest import write_dataset
from training.fit import fit


def laplace_model(videos, decoder, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        with poutine.scale(scale=kl_weight):
            zeros = torch.zeros(len(videos), decoder.latent, device=videos.device)
            z = pyro.sample("z", dist.Normal(zeros, 1.0).to_event(1))
        y = decoder(z).base
        pyro.sample("popularity", Elementwise(dist.Laplace(y.loc, y.scale)), obs=videos.popularity)


def wider_guide(videos, experts, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        loc, scale = posterior(videos, experts)
        with poutine.scale(scale=kl_weight):
            pyro.sample("z", dist.Normal(loc, 1.1 * scale).to_event(1))


def test_edit_train_save_load_forecast(world: Dataset, tmp_path: Path) -> None:
    weather = pd.DataFrame({"sun": np.log1p(world.videos["view_count"]), "rain": np.arange(len(world), dtype=float)})
    weather.loc[::7] = np.nan
    data = write_dataset(Dataset(world.videos, world.ready | {"weather": weather}), tmp_path / "data")
    dataset = read_dataset(data)
    configuration = Configuration(likelihood="normal", latent=4, width=16, members=1, epochs=2, batch_size=128)
    rows = split(dataset.videos, seed=0)
    featurizer = Featurizer.fit(dataset.take(rows.train))
    train, validation, test = (featurizer.transform(dataset.take(share)) for share in rows)
    assert "weather" in featurizer.shapes
    assert not bool(train["weather"].present.all())

    networks = fit(
        laplace_model, wider_guide, build(featurizer.shapes, featurizer.targets, configuration), train, validation, configuration
    )
    assert "weather" in networks.experts
    run = RunDirectory(tmp_path / "run")
    marginal = marginal_quantiles(truth(dataset.videos.iloc[rows.train], featurizer.targets.names, "log1p"))
    calibration = Calibration.none(4)
    here = Forecaster(configuration, featurizer, (Member(Program(laplace_model, wider_guide), networks),), calibration, marginal, {})

    run.write_text("configuration.json", configuration.to_json())
    run.write_text("source.json", "{}\n")
    save_features(run, featurizer, marginal)
    save_networks(run, 0, networks)
    save_calibration(run, calibration)
    names = ["configuration.json", "source.json", "features.json", "features.safetensors", "calibration.json", "member-0.safetensors"]
    run.finish(names, {"program": Program(laplace_model, wider_guide).name})

    there = load(run.path, build=build, model=laplace_model, guide=wider_guide)
    one, two = (np.concatenate(list(forecaster.draws(test, 30, seed=4)), axis=1) for forecaster in (here, there))
    assert one.shape == (30, len(test), 4)
    assert np.array_equal(one, two)
    with pytest.raises(InputError, match="was trained with laplace_model and wider_guide"):
        load(run.path, build=build, model=model, guide=guide)


def test_a_cell_run_twice_trains_twice(make_videos) -> None:
    """No parameter store remembers the first networks: the second ones get trained as well."""
    videos = make_videos(60)
    configuration = Configuration(likelihood="normal", latent=2, width=8, depth=1, members=1, epochs=1, batch_size=30)
    from features.featurizer import Targets
    from features.videos import PartShape

    targets = Targets(("a", "b", "c"), "identity", np.zeros(3), np.ones(3), np.zeros(3, bool))
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        networks = build({name: PartShape(*part.shape) for name, part in videos.items()}, targets, configuration)
        before = networks.decoder.head.weight.clone()
        fit(laplace_model, wider_guide, networks, videos, videos, configuration)
        assert not torch.equal(before, networks.decoder.head.weight)
        found.append(networks.decoder.head.weight)
    assert torch.equal(*found)
