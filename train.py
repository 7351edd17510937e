"""Train: a dataset in, a run directory out. `fit` is the one training loop; it takes any model and guide.

maximise  E over videos of  E_{q(z|x)}[log p(y|z)] - kl_weight * KL(q(z|x) || p(z))          (Wang and Li, Eq. 1)
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import command
from configuration import PRESETS, Configuration, add_options
from features.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from features.dataset import Dataset
    from features.featurizer import Featurizer, Targets
    from features.videos import PartShape, Videos
    from forecast.run.checkpoint import Checkpoint
    from forecast.run.directory import RunDirectory
    from model.decoder import Likelihood


class Networks(NamedTuple):
    """The modules (torch.nn) that a guide and a model are given."""

    experts: Any
    decoder: Any


def build(shapes: Mapping[str, PartShape], targets: Targets, configuration: Configuration) -> Networks:
    """Experts and decoder as configured; random weights from torch's global generator."""
    from torch import nn

    from guide import Expert, Experts
    from guide.experts import layers
    from model import Decoder

    c = configuration
    experts = {
        part: Expert(shape, c.latent, width=c.width, depth=c.depth, dropout=c.dropout, residual=c.residual, periodic=c.periodic)
        for part, shape in shapes.items()
    }
    hidden = nn.Sequential(nn.Linear(c.latent, c.width), *layers(c.width, c.decoder_depth, 0.0, c.residual))
    decoder = Decoder(
        c.latent,
        targets.loc,
        targets.spread,
        likelihood=cast("Likelihood", c.likelihood),
        hidden=hidden,
        width=c.width,
        components=c.components,
    )
    return Networks(Experts(experts, prior_expert=c.prior_expert), decoder)


def fit(
    model: Callable,
    guide: Callable,
    networks: Networks,
    train: Videos,
    validation: Videos,
    configuration: Configuration,
    *,
    checkpoint: Checkpoint | None = None,
    report: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> Networks:
    """Fit `networks` in place by gradient ascent on Eq. 1 and return them with the weights of the best epoch.

    Args:
        model: `model(videos, decoder, kl_weight)`, with the sites z and popularity.
        guide: `guide(videos, experts, kl_weight)`, with the site z.
        networks: what the two are given; any modules.
        train: rows to learn from.
        validation: rows that choose the best epoch, by the CRPS of 100 draws.
        configuration: the settings; its seed decides everything random from here on.
        checkpoint: where to keep the state after each epoch, and to go on from.
        report: called with the numbers of each epoch, per video.

    Raises:
        InputError: the loss is not finite; the best weights so far are kept, and the parts and rows at fault are named.
    """
    import torch
    from pyro.infer import Trace_ELBO

    from features.absence import leave_out
    from forecast.progress import Best, diagnosis, epoch_numbers

    c, count = configuration.for_rows(len(train)), len(train)
    torch.manual_seed(c.seed)
    modules = torch.nn.ModuleDict({"experts": networks.experts, "decoder": networks.decoder})
    steps = math.ceil(count / c.batch_size)
    optimizer = torch.optim.AdamW(modules.parameters(), lr=c.learning_rate, weight_decay=c.weight_decay, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, c.learning_rate, total_steps=steps * c.epochs + 1)
    elbo = Trace_ELBO()
    weighted_model = partial(model, decoder=networks.decoder, kl_weight=c.kl_weight)
    weighted_guide = partial(guide, experts=networks.experts, kl_weight=c.kl_weight)
    best = Best(modules)
    first = checkpoint.restore(modules, optimizer, schedule, best) if checkpoint else 0
    for epoch in range(first, c.epochs):
        if epoch > best.epoch + c.patience:
            break
        modules.train()
        total = torch.zeros((), device=train.device)
        try:
            for rows in torch.randperm(count, device=train.device).split(c.batch_size):
                videos = leave_out(train.rows(rows), c.part_left_out, c.author_left_out)
                loss = elbo.differentiable_loss(weighted_model, weighted_guide, videos) / len(videos)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(modules.parameters(), 5.0)
                optimizer.step()
                schedule.step()
                total += loss.detach() * len(videos)
            modules.eval()
            numbers = epoch_numbers(model, guide, networks, validation, c)
        except ValueError as error:
            # Pyro refuses distributions whose parameters are not finite; any other error is the program's own
            if "constraint" not in str(error):
                raise
            raise best.diverged(epoch, diagnosis(networks, train), modules) from error
        if not math.isfinite(float(total) + numbers["validation_crps"]):
            raise best.diverged(epoch, diagnosis(networks, train), modules)
        best.update(epoch, numbers["validation_crps"])
        report({"epoch": epoch + 1, "train_loss": float(total) / count, "best": best.epoch == epoch} | numbers)
        if checkpoint:
            checkpoint.save(epoch + 1, modules, optimizer, schedule, best)
    best.restore(modules)
    return networks


EXAMPLES = """examples:
  python train.py                                       the built-in simulated world
  python train.py --data DATA --run runs/first          a dataset directory
  python train.py --data DATA --split author            tests on authors never seen
  python train.py --run runs/first --resume             go on after an interruption
  python train.py --preset paper --kl-weight 0.01       the published networks"""


def _parser() -> command.Parser:
    parser = command.Parser(prog="train.py", description="Train a forecaster.", epilog=EXAMPLES)
    parser.add_argument("--data", metavar="DATA", help="dataset directory or videos file (default: the simulated world)")
    parser.add_argument("--run", type=Path, metavar="RUN", help="run directory to write (default: a new one under runs/)")
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished run (default: the newest under runs/)")
    parser.add_argument("--preset", choices=PRESETS, default="default", help="where settings start from (default: %(default)s)")
    parser.add_argument(
        "--workers", type=command.whole(0, 64), default=0, metavar="N", help="members trained at once, on the CPU (default: one a core)"
    )
    add_options(parser)
    command.common_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    options = _parser().parse_args(arguments)
    run, configuration, source = _open(options)
    import torch

    from features.featurizer import Featurizer, truth
    from features.splits import split
    from forecast.forecaster import load_features, save_features
    from forecast.scoring.baseline import marginal_quantiles
    from members import fit_members, workers_for

    device = command.device(options.device)
    dataset = read_source(source, configuration)
    rows = split(dataset.videos, configuration.split, seed=configuration.seed)
    configuration = configuration.for_rows(len(rows.train))
    _begin(run, configuration, source, dataset)
    if (run.path / "features.safetensors").exists() and (run.path / "features.json").exists():
        featurizer, marginal = load_features(run)
    else:
        print(f"reading {len(rows.train):,} training rows of {dataset.name}")
        featurizer = Featurizer.fit(
            dataset.take(rows.train),
            targets=configuration.targets,
            target_scale=configuration.target_scale,
            past_only=configuration.split == "time",
            without=configuration.left_out,
            tokens=configuration.tokens,
            author_code=configuration.author_code,
            seed=configuration.seed,
        )
        names = featurizer.targets.names
        marginal = marginal_quantiles(truth(dataset.videos.iloc[rows.train], names, configuration.target_scale))
        save_features(run, featurizer, marginal)
    train = _map_rows(run, featurizer, dataset.take(rows.train), "training").to(device)
    validation = _map_rows(run, featurizer, dataset.take(rows.validation), "validation").to(device)
    torch.set_float32_matmul_precision("high" if device.type == "cuda" else "highest")
    workers = workers_for(options.workers, configuration.members, device.type)
    members = fit_members(run, featurizer, train, validation, configuration, workers)
    _finish(run, featurizer, marginal, members, validation, configuration, dataset)


def labelled(videos: Videos, share: str) -> Videos:
    """The rows with at least one known target."""
    known = videos.labelled()
    if len(known) == 0:
        raise InputError(f"no {share} row has a known target")
    return known


def _map_rows(run: RunDirectory, featurizer: Featurizer, dataset: Dataset, share: str) -> Videos:
    """Labelled rows as tensors in files of the run directory: in memory only while they are looked at, and shared by workers."""
    from features import mapped

    path = run.path / "rows" / share
    if not path.exists():
        mapped.write(path, (chunk.labelled() for chunk in featurizer.chunks(dataset)))
    return labelled(mapped.read(path), share)


def read_source(source: str | None, configuration: Configuration) -> Dataset:
    """The dataset at `source`, or the simulated world."""
    if source is None:
        from features.simulate import simulate

        return simulate(seed=configuration.seed)[0]
    from features.dataset import read_dataset

    return read_dataset(source, targets=configuration.targets, count_targets=configuration.target_scale == "log1p")


def _open(options: argparse.Namespace) -> tuple[RunDirectory, Configuration, str | None]:
    """The run directory, its configuration and its data source, new or resumed."""
    from forecast.run.directory import RunDirectory, new_run, unfinished_run

    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Configuration) if hasattr(options, field.name)}
    configuration = Configuration(**PRESETS[options.preset] | given)
    if not options.resume:
        run = RunDirectory(options.run or new_run(Path("runs")))
        if (run.path / "configuration.json").exists():
            raise InputError(f"{run.path}: already holds a run (choose another --run, or go on with --resume)")
        return run, configuration, options.data
    run = RunDirectory(options.run or unfinished_run(Path("runs")))
    if run.finished:
        raise InputError(f"{run.path}: is finished already (evaluate it with: python evaluate.py --run {run.path})")
    if not (run.path / "configuration.json").exists():
        return run, configuration, options.data
    stored = Configuration.from_json(run.read_text("configuration.json"), str(run.path / "configuration.json"))
    source = run.read_json("source.json").get("data")
    for name, value in given.items():
        left_to_us = value == 0 and name in ("epochs", "batch_size", "members", "seed")
        if value != getattr(stored, name) and not left_to_us:
            raise InputError(
                f"--{name.replace('_', '-')}: the run was started with {getattr(stored, name)!r}, which --resume cannot change"
            )
    if options.data is not None and options.data != source:
        raise InputError(f"--data: the run was started with {source}, which --resume cannot change")
    return run, stored, source


def _begin(run: RunDirectory, configuration: Configuration, source: str | None, dataset: Dataset) -> None:
    """Write down what is being run; on resuming, refuse data that has changed."""
    run.tidy()
    if (run.path / "configuration.json").exists():
        if run.read_json("source.json").get("fingerprint") != dataset.fingerprint:
            raise InputError(f"{dataset.name}: has changed since the run {run.path} was started")
        return
    run.write_text("source.json", json.dumps({"data": source, "fingerprint": dataset.fingerprint, "rows": len(dataset)}) + "\n")
    run.write_text("configuration.json", configuration.to_json())


def _finish(
    run: RunDirectory,
    featurizer: Any,
    marginal: Any,
    members: list[Networks],
    validation: Videos,
    configuration: Configuration,
    dataset: Dataset,
) -> None:
    """Calibrate, write the manifest and print where things stand."""
    from forecast.calibration import Calibration
    from forecast.forecaster import Forecaster, bind, calibrate, member_file, program_name, save_calibration
    from forecast.run.versions import versions
    from guide import guide
    from model import model

    programs = tuple(bind(model, guide, networks, validation.device) for networks in members)
    plain = Forecaster(configuration, featurizer, programs, Calibration.none(len(featurizer.targets.names)), marginal, {})
    calibration = calibrate(plain, validation, seed=configuration.seed) if configuration.calibrate else plain.calibration
    save_calibration(run, calibration)
    files = ["configuration.json", "source.json", "features.json", "features.safetensors", "calibration.json"]
    files += [member_file(member) for member in range(configuration.members)]
    about = {"program": program_name(model, guide), "data": dataset.name, "fingerprint": dataset.fingerprint, "versions": versions()}
    run.finish(files, about)
    shutil.rmtree(run.path / "rows", ignore_errors=True)
    print(f"run          {run.path}")
    print(f"parts        {', '.join(featurizer.shapes)}")
    print(f"targets      {', '.join(featurizer.targets.names)}")
    print(
        f"stretch      {', '.join(f'{factor:.3f}' for factor in calibration.known)} of the 95 % intervals, so that validation rows are held"
    )
    print(f"next         python evaluate.py --run {run.path} --samples 1000")


if __name__ == "__main__":
    sys.exit(command.run(main))
