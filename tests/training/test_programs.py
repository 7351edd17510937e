"""What a user edits reaches every command: trained, kept in a run directory, scored, asked for a forecast; or refused in a sentence."""

import json
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer.autoguide import AutoNormal

import app
import evaluate
import predict
import train as command
from features.scale import Scale
from features.simulated.world import simulate
from features.tables.dataset import Dataset, read_dataset
from features.targets import Targets
from features.videos import Part, PartShape, Videos
from forecast import load
from forecast.draws import draw
from forecast.member import Member
from forecast.mixture import mixture_summary
from forecast.run.configuration import Configuration
from machine.errors import InputError
from model.likelihood import NanMasked
from program import SHIPPED, Networks, Program, build, read_program
from tests.conftest import write_dataset
from training import train
from training.fit import fit

HEAD = """
import pyro, pyro.distributions as dist, torch
from pyro import poutine
from pyro.infer.autoguide import AutoNormal
from guide import guide as shipped, posterior
from model.likelihood import NanMasked
"""
LAPLACE = """
def model(videos, decoder, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        with poutine.scale(scale=kl_weight):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), decoder.latent, device=videos.device), 1.0).to_event(1))
        y = decoder(z)
        pyro.sample("popularity", NanMasked(dist.Laplace(y.mean, y.variance.sqrt())), obs=videos.popularity)
"""
PARAMETER = """
def model(videos, decoder, kl_weight=1.0):
    stretch = pyro.param("stretch", torch.tensor(1.0), constraint=dist.constraints.positive)
    with pyro.plate("videos", len(videos), dim=-1):
        with poutine.scale(scale=kl_weight):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), decoder.latent), 1.0).to_event(1))
        y = decoder(z)
        pyro.sample("popularity", NanMasked(dist.Normal(y.mean, stretch * y.variance.sqrt())), obs=videos.popularity)
"""
SECOND = """
def model(videos, decoder, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        with poutine.scale(scale=kl_weight):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), decoder.latent), 1.0).to_event(1))
            author = pyro.sample("author", dist.Normal(torch.zeros(len(videos)), 1.0))
        y = decoder(z)
        pyro.sample("popularity", NanMasked(dist.Normal(y.mean + author[..., None], y.variance.sqrt())), obs=videos.popularity)

def guide(videos, experts, kl_weight=1.0):
    weight = pyro.param("weight", 0.1 * torch.ones(2))
    with pyro.plate("videos", len(videos), dim=-1):
        loc, scale = posterior(videos, experts)
        known = videos["social"].numbers[:, 0]
        with poutine.scale(scale=kl_weight):
            pyro.sample("z", dist.Normal(loc, scale).to_event(1))
            pyro.sample("author", dist.Normal(weight[0] * known, torch.nn.functional.softplus(weight[1])))
"""
AUTO = """
def model(videos, decoder, kl_weight=1.0):
    with poutine.scale(scale=kl_weight):
        level = pyro.sample("level", dist.Normal(torch.zeros(4), 5.0).to_event(1))
    with pyro.plate("videos", len(videos), dim=-1):
        loc = level + torch.zeros(len(videos), 4)
        pyro.sample("popularity", NanMasked(dist.Normal(loc, 2.0)), obs=videos.popularity)

guide = AutoNormal(model)
"""
SMALL = Configuration(latent=4, width=16, members=1, epochs=2, batch_size=128)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 videos of the simulated world, with a fifth part."""
    dataset = simulate(400, seed=3)[0]
    weather = pd.DataFrame({"sun": np.log1p(dataset.videos["view_count"]), "rain": np.arange(len(dataset), dtype=float)})
    weather.loc[::7] = np.nan
    return write_dataset(Dataset(dataset.videos, dataset.ready | {"weather": weather}), tmp_path_factory.mktemp("programs") / "data")


def written(folder: Path, text: str) -> Path:
    file = folder / "program.py"
    file.write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
    return file


@pytest.mark.parametrize("edit", [LAPLACE, PARAMETER, SECOND, AUTO], ids=["laplace", "parameter", "second latent", "auto guide"])
def test_an_edit_reaches_every_command(edit: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture, unrendered: None) -> None:
    file, run = written(tmp_path, edit), tmp_path / "run"
    here = train(read_dataset(data), SMALL, program=read_program(file), run=run, source=str(data))
    assert "weather" in here.featurizer.shapes
    evaluate.main(["--run", str(run), "--program", str(file), "--samples", "40"])
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert np.isfinite(metrics["mean"]["crps"])
    assert (run / "evaluation" / "report.html").exists()
    predict.main(["--run", str(run), "--program", str(file), "--description", "word1", "--samples", "40"])
    assert "views" in capsys.readouterr().out
    desk = app.Desk(run.parent, megabytes=1, program=file)
    outlook, _ = desk.answer("run", None, "2023-11-20 18:00", ("word1", "someone"), ("12K", "", "", ""))
    assert np.isfinite(outlook.samples).all()
    test = read_dataset(data).take(np.arange(20))
    there = load(run, program=read_program(file))
    one, two = (forecaster.forecast(test, 30, seed=4).samples for forecaster in (here, there))
    assert np.array_equal(one, two)
    with pytest.raises(InputError, match="name that file with --program"):
        load(run)


def test_a_parameter_is_trained_and_kept(data: Path, tmp_path: Path) -> None:
    file = written(tmp_path, PARAMETER)
    forecaster = train(read_dataset(data), SMALL, program=read_program(file))
    values = [member.parameters_by_name["stretch"].item() for member in forecaster.members]
    assert all(value != 0.0 for value in values)  # unconstrained; exp(0) is where it began
    assert not list(pyro.get_param_store().keys())


def test_train_says_that_a_program_has_no_linear_forecast_beside_it(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    options = ["--data", str(data), "--members", "1", "--epochs", "1", "--width", "8", "--latent", "4", "--device", "cpu", "--linear"]
    command.main([*options, "--run", str(tmp_path / "mine"), "--program", str(written(tmp_path, LAPLACE))])
    said = "linear       none beside a program of your own: compare its scores with those of train.py --no-linear"
    assert said in capsys.readouterr().out.splitlines()
    command.main([*options, "--run", str(tmp_path / "shipped")])
    assert "linear " not in capsys.readouterr().out


def test_another_pair_is_refused(data: Path, tmp_path: Path) -> None:
    file, run = written(tmp_path, PARAMETER), tmp_path / "run"
    train(read_dataset(data), SMALL, program=read_program(file), run=run)
    load(run, program=read_program(written(tmp_path, "# a comment changes nothing\n" + PARAMETER)))
    for other, said in (
        (PARAMETER.replace("stretch * y", "2.0 * stretch * y"), "edited since"),
        (PARAMETER.replace("def model", "def other_model") + "\nmodel = other_model", "not with other_model and guide"),
    ):
        file.write_text(HEAD + other, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            load(run, program=read_program(file))
    file.unlink()
    with pytest.raises(InputError, match="no such file"):
        read_program(file)


class Posterior(torch.nn.Module):
    """Free numbers of a guide."""

    def __init__(self) -> None:
        super().__init__()
        self.loc, self.log_scale = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(2))


def linear_model(videos, decoder, kl_weight=1.0):
    with poutine.scale(scale=kl_weight):
        level = pyro.sample("level", dist.Normal(torch.zeros(()), 1.0))
    with pyro.plate("videos", len(videos), dim=-1):
        pyro.sample("popularity", dist.Normal((level + torch.zeros(len(videos)))[..., None], 1.0).to_event(1), obs=videos.popularity)


def linear_guide(videos, experts, kl_weight=1.0):
    with poutine.scale(scale=kl_weight):
        pyro.sample("level", dist.Normal(experts.loc[0], experts.log_scale[0].exp()))


@pytest.mark.slow
@pytest.mark.parametrize("guide", [linear_guide, AutoNormal(linear_model)], ids=["by hand", "automatic"])
def test_a_level_shared_by_all_videos_has_its_exact_posterior(guide) -> None:
    """y_n ~ Normal(level, 1), level ~ Normal(0, 1): the posterior of 200 rows is Normal(sum y / 201, 1 / sqrt(201))."""
    generator = torch.Generator().manual_seed(5)
    y = 2.0 + torch.randn(200, 1, generator=generator)
    part = Part(torch.zeros(200, 1), torch.zeros(200, 0, dtype=torch.int64), torch.ones(200, dtype=torch.bool))
    videos = Videos({"a": part}, y)
    settings = Configuration(
        targets=("y",), target_scale=str(Scale.SCORES), kl_weight=1.0, epochs=300, batch_size=50, patience=300, learning_rate=0.05,
        weight_decay=0.0, part_left_out=0.0, author_left_out=0.0,
    )  # fmt: skip
    networks, seen = Networks(Posterior(), torch.nn.Module()), []
    member = fit(
        linear_model,
        guide,
        networks,
        videos,
        videos,
        settings,
        report=lambda entry: seen.append(networks.experts.log_scale[0].exp().item()),
    )
    torch.manual_seed(0)
    levels = draw([member], videos.rows(slice(0, 1)), 20_000)[:, 0, 0]
    assert float(levels.mean()) == pytest.approx(float(y.sum() / 201), abs=0.05)
    if guide is linear_guide:  # counted once a batch instead of once an epoch, it would be 51 ** -0.5
        assert seen[-1] == pytest.approx(201**-0.5, rel=0.15)


def both_latents(videos, decoder, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        first = pyro.sample("z", dist.Normal(torch.zeros(len(videos)), 1.0))
        second = pyro.sample("author", dist.Normal(torch.zeros(len(videos)), 1.0))
        pyro.sample("popularity", NanMasked(dist.Normal((first + second)[..., None], 0.1)), obs=videos.popularity)


def both_known(videos, experts, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        pyro.sample("z", dist.Normal(torch.full((len(videos),), 1.0), 0.3))
        pyro.sample("author", dist.Normal(videos["a"].numbers[:, 0], 0.4))


def test_the_second_latent_is_forecast_from_its_posterior(make_videos) -> None:
    """The sum of Normals: mean 1 + x, variance 0.09 + 0.16 + 0.01; the prior would give mean 1 and variance 1.1."""
    videos = make_videos(5, {"a": 1}, targets=1, missing=0.0)
    member = Member(Program(both_latents, both_known), Networks(torch.nn.Module(), torch.nn.Module())).setup(videos)
    torch.manual_seed(0)
    drawn = draw([member], videos, 40_000)[..., 0]
    expected = 1.0 + videos["a"].numbers[:, 0]
    error = 4.3 * (0.26 / 40_000) ** 0.5  # missed once in 50,000
    assert torch.allclose(drawn.mean(0), expected, atol=error)
    assert torch.allclose(drawn.var(0), torch.full((5,), 0.26), rtol=0.04)
    rows = mixture_summary([member], videos, 4000)
    np.testing.assert_allclose(rows["upper_95"][:, 0], expected + 1.96 * 0.26**0.5, atol=0.06)


def prior_only(videos, experts, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        pyro.sample("z", dist.Normal(torch.zeros(len(videos)), 1.0))


def weighed_once(videos, decoder, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        with poutine.scale(scale=kl_weight):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos)), 1.0))
        pyro.sample("popularity", dist.Normal(z[..., None], 0.1).to_event(1), obs=videos.popularity)


def unobserved(videos, decoder, kl_weight=1.0):
    with pyro.plate("videos", len(videos), dim=-1):
        pyro.sample("z", dist.Normal(torch.zeros(len(videos)), 1.0))


@pytest.mark.parametrize(
    ("model", "guide", "said"),
    [
        (both_latents, prior_only, "the latent site 'author' of the model is not in the guide"),
        (weighed_once, prior_only, "'z' is weighed by kl_weight in the model or in the guide, but not in both"),
        (unobserved, prior_only, "the model has no site 'popularity'"),
        (both_latents, AutoNormal(both_latents), "has parameters for each single video"),
    ],
)
def test_what_cannot_be_forecast_is_refused_at_once(model, guide, said: str, make_videos) -> None:
    videos = make_videos(60, {"a": 1}, targets=1, missing=0.0)
    settings = Configuration(targets=("y",), target_scale="identity", epochs=1, batch_size=30)
    with pytest.raises(InputError, match=said):
        fit(model, guide, Networks(torch.nn.Module(), torch.nn.Module()), videos, videos, settings)


def test_the_random_state_outside_is_as_before(data: Path) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    train(read_dataset(data), SMALL)
    assert torch.equal(before, torch.get_rng_state())


def test_a_cell_run_twice_trains_twice(make_videos) -> None:
    """No parameter store remembers the first networks: the second ones get trained as well."""
    videos = make_videos(60)
    settings = Configuration(latent=2, width=8, depth=1, members=1, epochs=1, batch_size=30)
    targets = Targets(("a", "b", "c"), Scale.SCORES, np.zeros(3), np.ones(3), np.zeros(3, bool))
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        networks = build({name: PartShape(*part.shape) for name, part in videos.items()}, targets, settings)
        before = networks.decoder.head.weight.clone()
        fit(SHIPPED.model, SHIPPED.guide, networks, videos, videos, settings)
        assert not torch.equal(before, networks.decoder.head.weight)
        found.append(networks.decoder.head.weight)
    assert torch.equal(*found)
