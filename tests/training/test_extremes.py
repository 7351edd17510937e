"""Numbers beyond reason: training survives them, or stops in one sentence with the last good weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from features.featurizer import Featurizer
from features.simulated.world import simulate
from forecast.draws import draw
from forecast.run.configuration import Configuration
from forecast.run.directory import RunDirectory
from guide import guide
from machine.errors import InputError
from model import model
from program import build
from tests.conftest import member_of
from training.checkpoint import Checkpoint
from training.fit import fit

TINY = Configuration(width=8, latent=4, depth=1, members=1, epochs=2, batch_size=64)
ONE_PART = replace(TINY, without=("history", "sound", "words", "textual", "acoustic", "visual"))
SCORE = replace(TINY, targets=("popularity",), target_scale="identity")


def trained(dataset, configuration, **options):
    reading = {name: getattr(configuration, name) for name in ("targets", "target_scale", "without")}
    featurizer = Featurizer.fit(dataset, **reading)
    videos = featurizer.transform(dataset)
    torch.manual_seed(0)
    networks = build(featurizer.shapes, featurizer.targets, configuration)
    return networks, videos, lambda: fit(model, guide, networks, videos, videos, configuration, **options)


def forecasts(networks, videos):
    program = member_of(lambda rows: model(rows, networks.decoder), lambda rows: guide(rows, networks.experts))
    return draw([program], videos, 50)


@pytest.fixture(scope="module")
def world():
    return simulate(200)[0]


def with_score(world, score):
    return replace(world, videos=world.videos.assign(popularity=np.asarray(score, dtype=float)))


def test_a_feature_a_million_standard_deviations_out_is_clipped(world):
    visual = world.ready["visual"].copy()
    row = int(np.flatnonzero(visual.notna().all(axis=1))[0])
    networks, _, run = trained(world, TINY)
    featurizer = Featurizer.fit(world)
    visual.iloc[row] = 1e6 * visual.std()
    moved = featurizer.transform(replace(world, ready=world.ready | {"visual": visual}))
    assert float(moved["visual"].numbers[row].max()) == 8.0
    run()
    assert forecasts(networks, moved).isfinite().all()


def test_training_with_such_a_feature_stays_finite(world):
    visual = world.ready["visual"].copy()
    visual.iloc[0] = 1e18
    networks, videos, run = trained(replace(world, ready=world.ready | {"visual": visual}), TINY)
    run()
    assert all(value.isfinite().all() for value in networks.experts.parameters())
    assert forecasts(networks, videos).isfinite().all()


@pytest.mark.parametrize("likelihood", ["normal", "mixture"])
@pytest.mark.parametrize("score", ["equal", "one at 1e12", "one at -1e18", "tiny"])
def test_extreme_targets_give_finite_forecasts(world, likelihood, score):
    values = {"equal": np.full(200, 3.0), "one at 1e12": np.r_[1e12, np.arange(199) % 5], "tiny": np.arange(200) * 1e-30}
    values["one at -1e18"] = np.r_[-1e18, np.arange(199) % 5]
    networks, videos, run = trained(with_score(world, values[score]), replace(SCORE, likelihood=likelihood))
    run()
    found = forecasts(networks, videos)
    assert found.isfinite().all()
    if score == "equal":
        assert float((found.median(dim=0).values - 3.0).abs().max()) < 3.0


def test_equal_counts_are_forecast(world):
    dataset = replace(world, videos=world.videos.assign(view_count=5.0, like_count=0.0))
    networks, videos, run = trained(dataset, TINY)
    run()
    assert forecasts(networks, videos).isfinite().all()


@pytest.mark.parametrize(("epochs", "looks"), [(59, 59), (60, 30), (95, 32)])
def test_however_many_epochs_there_are_30_to_60_looks(world, epochs, looks):
    seen: list = []
    _, _, run = trained(world.take(np.arange(64)), replace(ONE_PART, epochs=epochs, patience=1000), report=seen.append)
    run()
    assert len(seen) == looks
    assert seen[-1]["epoch"] == epochs
    assert all(np.isfinite(entry["train_loss"]) for entry in seen)


def test_patience_shorter_than_the_way_to_the_next_look_waits_for_it(world):
    seen: list = []
    _, _, run = trained(world.take(np.arange(64)), replace(ONE_PART, epochs=300, patience=1), report=seen.append)
    run()
    assert [entry["epoch"] for entry in seen[:2]] == [10, 20]
    assert not seen[-1]["best"]
    assert all(entry["best"] for entry in seen[:-1])


@pytest.mark.filterwarnings("ignore:Encountered NaN")  # Pyro's word for it, before ours
def test_a_loss_that_is_not_finite_stops_with_the_last_good_weights(world, tmp_path, monkeypatch):
    monkeypatch.setattr("training.checkpoint.SECONDS", 0.0)
    checkpoint = Checkpoint(RunDirectory(tmp_path), "checkpoint-0")
    networks, videos, run = trained(
        world, replace(TINY, epochs=4), checkpoint=checkpoint, report=lambda entry: good.append(entry) or spoil(entry)
    )
    good: list = []
    kept: dict = {}

    def spoil(entry) -> None:
        if entry["epoch"] == 2:
            kept.update({name: value.clone() for name, value in networks.decoder.state_dict().items()})
            videos["visual"].numbers[7] = float("nan")
            videos["visual"].present[7] = True

    with pytest.raises(InputError, match=r"not finite in epoch 3: part visual, rows 8; the good weights of epoch \d") as caught:
        run()
    assert len(good) == 2
    assert "\n" not in str(caught.value)
    assert all(value.isfinite().all() for value in networks.decoder.state_dict().values())
    stored = RunDirectory(tmp_path).read_arrays("checkpoint-0.safetensors")
    if good[1]["best"]:
        for name, value in kept.items():
            np.testing.assert_array_equal(stored[f"best.decoder.{name}"], value.numpy())
            np.testing.assert_array_equal(networks.decoder.state_dict()[name].numpy(), value.numpy())


def test_training_that_runs_away_says_so_in_one_sentence(world):
    networks, _, run = trained(world, replace(TINY, learning_rate=10.0, epochs=3, likelihood="normal"))
    with torch.no_grad():
        next(networks.decoder.parameters()).fill_(float("inf"))
    with pytest.raises(InputError, match="every number is finite"):
        run()


def test_without_a_validation_row_there_is_one_sentence(world):
    torch.manual_seed(0)
    featurizer = Featurizer.fit(world)
    videos = featurizer.transform(world)
    for train, validation, named in ((videos, videos.rows(slice(0)), "validation"), (videos.rows(slice(0)), videos, "training")):
        with pytest.raises(InputError, match=f"^no {named} row has a known target$"):
            fit(model, guide, build(featurizer.shapes, featurizer.targets, TINY), train, validation, TINY)


def test_a_target_that_no_validation_row_knows_does_not_judge_the_epochs(world):
    torch.manual_seed(0)
    featurizer = Featurizer.fit(world)
    videos = featurizer.transform(world)
    unknown = videos.rows(slice(0, 20))
    unknown.popularity[:, 1] = torch.nan
    networks = build(featurizer.shapes, featurizer.targets, TINY)
    seen = []
    fit(model, guide, networks, videos.rows(slice(20, None)), unknown, TINY, report=seen.append)
    assert all(np.isfinite(entry["validation_crps"]) for entry in seen)
