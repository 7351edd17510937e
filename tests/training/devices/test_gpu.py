"""Where a card is: from one device to the other. Elsewhere skipped."""

import dataclasses
from pathlib import Path

import pytest
import torch

from features.simulated.world import simulate
from forecast.run.configuration import Configuration
from forecast.run.directory import RunDirectory
from forecast.saved import load
from forecast.scoring.evaluation import evaluate
from guide import guide
from model import model
from program import build
from tests.training.test_objective import SMALL, networks
from training import train
from training.checkpoint import Checkpoint
from training.fit import fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


def test_trained_on_a_card_and_evaluated_on_either(tmp_path: Path) -> None:
    dataset = simulate(400)[0]
    train(dataset, Configuration(members=1, epochs=2, width=16, latent=4), run=tmp_path / "run", device="cuda")
    scores = []
    for device in ("cuda", "cpu"):
        forecaster = load(tmp_path / "run", model=model, guide=guide, build=build, device=device)
        scores.append(evaluate(forecaster, dataset, samples=1000).metrics["mean"]["crps"])
    assert scores[0] == pytest.approx(scores[1], rel=0.005)


def test_a_card_goes_on_from_a_cpus_checkpoint(make_videos, tmp_path: Path) -> None:
    settings = dataclasses.replace(SMALL, epochs=4, batch_size=20)
    checkpoint = Checkpoint(RunDirectory(tmp_path), "checkpoint-0")

    def stop(entry: dict) -> None:
        if entry["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, guide, networks(make_videos(80)), make_videos(80), make_videos(40, seed=1), settings, checkpoint=checkpoint, report=stop)
    found, seen = networks(make_videos(80)), []
    found.experts.to("cuda"), found.decoder.to("cuda")
    on_card = make_videos(80).to("cuda"), make_videos(40, seed=1).to("cuda")
    fit(model, guide, found, *on_card, settings, checkpoint=checkpoint, report=lambda entry: seen.append(entry["epoch"]))
    assert seen == [3, 4]
    assert all(weight.isfinite().all() for weight in found.decoder.parameters())


def test_networks_on_another_device_than_the_videos_are_an_error(make_videos) -> None:
    videos = make_videos(40)
    with pytest.raises(RuntimeError, match="device"):
        fit(model, guide, networks(videos), videos.to("cuda"), videos.to("cuda"), dataclasses.replace(SMALL, epochs=1, batch_size=20))
