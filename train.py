"""Train: a dataset in, a run directory out. `fit` is the one training loop; it takes any model and guide.

maximise  E over videos of  E_{q(z|x)}[log p(y|z)] - kl_weight * KL(q(z|x) || p(z))          (Wang and Li, Eq. 1)
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import command
from configuration import PRESETS, Configuration, add_options
from features.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from features.featurizer import Targets
    from features.rows.folds import Folds
    from features.tables.dataset import Dataset
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
        part: Expert(
            shape,
            c.latent,
            width=c.width,
            depth=c.depth,
            dropout=c.dropout,
            residual=c.residual,
            periodic=c.periodic,
            forget=c.columns_left_out,
        )
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
        InputError: no training or no validation row; or the loss is not finite: the best weights so far are kept, and the parts and rows at
            fault are named.
    """
    import pyro
    import torch
    from pyro.infer import Trace_ELBO

    import data_parallel
    from features.absence import leave_out
    from features.whole import dequantiser, whole_targets
    from forecast.progress import Best, diagnosis, epoch_numbers

    for name, videos in (("training", train), ("validation", validation)):
        if len(videos) == 0:
            raise InputError(f"no {name} row has a known target")
    c, count = configuration.for_rows(len(train)), len(train)
    torch.manual_seed(c.seed)
    modules = torch.nn.ModuleDict({"experts": networks.experts, "decoder": networks.decoder})
    steps = math.ceil(count / c.batch_size)
    optimizer = torch.optim.AdamW(modules.parameters(), lr=c.learning_rate, weight_decay=c.weight_decay, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, c.learning_rate, total_steps=steps * c.epochs + 1)
    elbo = Trace_ELBO()
    weighted_model = partial(model, decoder=networks.decoder, kl_weight=c.kl_weight)
    weighted_guide = partial(guide, experts=networks.experts, kl_weight=c.kl_weight)
    spread = dequantiser(whole_targets(train.popularity, c.target_scale), train.device)
    validation = spread(validation)
    best = Best(modules)
    first = checkpoint.restore(modules, optimizer, schedule, best) if checkpoint else 0
    for epoch in range(first, c.epochs):
        if epoch > best.epoch + c.patience:
            break
        modules.train()
        total = torch.zeros((), device=train.device)
        try:
            with pyro.validation_enabled(epoch == first):  # Pyro's checks find mistakes of the program: one epoch is enough
                for rows in data_parallel.permutation(count, epoch, c.seed, train.device).split(c.batch_size):
                    own, whole = data_parallel.share(rows)
                    videos = leave_out(spread(train.rows(own)), c.part_left_out, c.author_left_out)
                    loss = elbo.differentiable_loss(weighted_model, weighted_guide, videos) / whole
                    optimizer.zero_grad()
                    loss.backward()
                    data_parallel.add_gradients(modules)
                    torch.nn.utils.clip_grad_norm_(modules.parameters(), 5.0)
                    optimizer.step()
                    schedule.step()
                    total += loss.detach() * len(rows)
            data_parallel.add(total)
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
        if checkpoint and data_parallel.RANK == 0:
            checkpoint.save(epoch + 1, modules, optimizer, schedule, best)
    best.restore(modules)
    return networks


EXAMPLES = """examples:
  python train.py                                       the built-in simulated world
  python train.py --data DATA --run runs/first          a dataset directory
  python train.py --data DATA --split author            tests on authors never seen
  python train.py --run runs/first --resume             go on after an interruption
  python train.py --preset paper --kl-weight 0.01       the published networks
  torchrun --nproc_per_node 2 -- train.py --data DATA   each member in two processes, as if in one"""


def _parser() -> command.Parser:
    parser = command.Parser(prog="train.py", description="Train a forecaster.", epilog=EXAMPLES)
    parser.add_argument("--data", metavar="DATA", help="dataset directory or videos file (default: the simulated world)")
    parser.add_argument("--run", type=command.path, metavar="RUN", help="run directory to write (default: a new one under runs/)")
    parser.add_argument("--keep-names", action="store_true", help="let reports of this run show user names (default: hashes only)")
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
    import data_parallel

    device = command.device(options.device)
    with data_parallel.group(device):
        if data_parallel.RANK == 0:
            _train(options, device)
        else:
            data_parallel.follow(device)


def _train(options: Any, device: Any) -> None:
    from forecast.run.start import begin, open_run

    run, configuration, source = open_run(options)
    import numpy as np
    import torch

    from features.featurizer import Featurizer, truth
    from features.rows.folds import map_folds
    from features.rows.splits import split
    from forecast.forecaster import load_features, save_features
    from forecast.scoring.baseline import marginal_quantiles
    from members import fit_members, workers_for

    dataset = read_source(source, configuration)
    divide = partial(split, dataset.videos, **configuration.division)
    rows = divide()
    configuration = configuration.for_rows(len(rows.train))
    splits = [divide(fold=fold) for fold in range(configuration.folds)]
    begin(run, configuration, source, dataset, keep_names=options.keep_names)
    # every row that does not test is learned from: what validates one member trains another
    learning = np.sort(np.concatenate([rows.train, rows.validation]))
    if (run.path / "features.safetensors").exists() and (run.path / "features.json").exists():
        featurizer, marginal = load_features(run)
    else:
        print(f"reading {len(learning):,} rows of {dataset.name}")
        featurizer = Featurizer.fit(
            dataset.take(learning),
            targets=configuration.targets,
            target_scale=configuration.target_scale,
            past_only=configuration.split == "time",
            without=configuration.left_out,
            tokens=configuration.tokens,
            author_code=configuration.author_code,
            seed=configuration.seed,
        )
        names = featurizer.targets.names
        marginal = marginal_quantiles(truth(dataset.videos.iloc[learning], names, configuration.target_scale))
        save_features(run, featurizer, marginal)
    folds = map_folds(run.path / "rows", featurizer, dataset, splits, strangers=configuration.split == "author").to(device)
    torch.set_float32_matmul_precision("high" if device.type == "cuda" else "highest")
    workers = workers_for(options.workers, configuration.members, device.type)
    members = fit_members(run, featurizer, folds, configuration, workers)
    _finish(run, featurizer, marginal, members, folds, configuration, dataset)


def read_source(source: str | None, configuration: Configuration) -> Dataset:
    """The dataset at `source`, or the simulated world."""
    if source is None:
        from features.simulate import simulate

        return simulate(seed=configuration.seed)[0]
    from features.tables.dataset import read_dataset

    return read_dataset(source, targets=configuration.targets, count_targets=configuration.target_scale == "log1p")


def _finish(
    run: RunDirectory,
    featurizer: Any,
    marginal: Any,
    members: list[Networks],
    folds: Folds,
    configuration: Configuration,
    dataset: Dataset,
) -> None:
    """Calibrate, write the manifest and print where things stand."""
    import torch

    from features.whole import dequantiser
    from forecast.calibration import Calibration, calibrate
    from forecast.forecaster import bind, member_file, program_name, save_calibration
    from forecast.run.start import EXTRACTION
    from forecast.run.versions import versions
    from guide import guide
    from model import model

    calibration = Calibration.none(len(featurizer.targets.names))
    if configuration.calibrate:
        programs = [bind(model, guide, networks, folds.videos.device) for networks in members]
        torch.manual_seed(configuration.seed)
        spread = dequantiser(featurizer.targets.whole, folds.videos.device)
        held = [spread(folds.validation(fold)) for fold in range(len(folds))]
        if configuration.split == "time":  # only the newest rows, and who has not seen them, are like what comes
            programs, held = programs[:: len(held)], held[:1]
        calibration = calibrate(programs, held, featurizer.shapes, seed=configuration.seed)
    save_calibration(run, calibration)
    files = ["configuration.json", "source.json", "features.json", "features.safetensors", "calibration.json"]
    files += [*map(member_file, range(configuration.members)), *([EXTRACTION] if (run.path / EXTRACTION).exists() else [])]
    about = {"program": program_name(model, guide), "data": dataset.name, "fingerprint": dataset.fingerprint, "versions": versions()}
    shutil.rmtree(run.path / "rows", ignore_errors=True)
    run.finish(files, about)
    print(f"run          {run.path}")
    print(f"parts        {', '.join(featurizer.shapes)}")
    print(f"targets      {', '.join(featurizer.targets.names)}")
    stretches = calibration.strangers if folds.strangers else calibration.known
    halves = ", ".join(f"{below:.2f} and {above:.2f}" for below, above in stretches.T)
    print(f"stretch      {halves} of the 95 % intervals below and above the median, so that validation rows are held")
    print(f"next         python evaluate.py --run {run.path} --samples 1000")


if __name__ == "__main__":
    sys.exit(command.run(main))
