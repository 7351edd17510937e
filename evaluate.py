"""Evaluate: a run and a dataset in; scores, forecasts, figures and a report out."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from machine import command
from machine.errors import InputError

if TYPE_CHECKING:
    from features.tables.dataset import Dataset
    from forecast.run.configuration import Configuration

EXAMPLES = """examples:
  python evaluate.py                                    the newest run, on the rows its training held out
  python evaluate.py --run runs/0001 --samples 1000
  python evaluate.py --run runs/0001 --data OTHER --out evaluation-of-other --save-samples
  python evaluate.py --run runs/0001 --data NEW --past OLD        what the authors of OLD reached is known, without training"""


def _parser() -> command.Parser:
    parser = command.Parser(prog="evaluate.py", description="Score a run's forecasts.", epilog=EXAMPLES)
    parser.add_argument("--run", type=command.path, metavar="RUN", help="run directory (default: the newest under runs/)")
    parser.add_argument("--data", metavar="DATA", help="dataset to forecast, every row of it (default: the test rows held out in training)")
    command.past_option(parser)
    command.lenient_option(parser)
    command.program_option(parser)
    parser.add_argument("--seen", default="0", metavar="AGE", help="readings up to that age are known: 0, 6h, 1d, first (default: 0)")
    parser.add_argument(
        "--horizon", default="last", metavar="AGE", help="the reading to forecast: the last, or one near 7d (default: last)"
    )
    parser.add_argument("--samples", type=command.whole(2, 1_000_000), default=1000, help="draws a video (default: %(default)s)")
    parser.add_argument("--out", type=command.path, metavar="DIR", help="where to write (default: RUN/evaluation)")
    parser.add_argument(
        "--point",
        choices=["auto", "mean", "median", "mape"],
        default="auto",
        help="point forecast (default: mean for squared, median for absolute errors)",
    )
    parser.add_argument("--save-samples", action="store_true", help="also write samples.npz")
    parser.add_argument(
        "--ray", nargs="?", const="local", metavar="ADDRESS", help="forecast on a Ray cluster (without an address: on all cores here)"
    )
    command.common_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    options = _parser().parse_args(arguments)
    import numpy as np

    from extraction.sources.past import read_past
    from features.rows.splits import split
    from features.simulated.world import read_or_simulate
    from forecast.report.measures import add_measures
    from forecast.report.page import write_report
    from forecast.run.directory import RunDirectory, newest_run
    from forecast.saved import load
    from forecast.scoring.evaluation import evaluate, table, write_evaluation
    from forecast.scoring.subsets.lead import asked, by_lead, looks
    from machine.cluster import Cluster
    from machine.files import inside
    from program import read_program
    from training.further.go_on import FEWEST

    path = options.run or newest_run(Path("runs"))
    out = options.out or path / "evaluation"
    if options.out is None:
        inside(path, out.name)  # not through a link that leaves the run directory
    forecaster = load(path, program=read_program(options.program), device=command.device(options.device))
    begun = RunDirectory(path).begun
    past = None
    if options.past is not None:
        past = read_past(options.past, **forecaster.configuration.columns)
        forecaster = forecaster.with_past(past)
    source = begun.get("data") if options.data is None else options.data
    lenient = options.lenient or (options.data is None and begun.get("lenient", False))
    dataset = read_or_simulate(source, **forecaster.configuration.reading, lenient=lenient)
    if options.data is None:
        if dataset.fingerprint != forecaster.about.get("fingerprint"):
            raise InputError(
                f"{dataset.name}: has changed since training, so its held-out rows are not known (name it with --data to forecast all)"
            )
        dataset = dataset.take(split(dataset.videos, **forecaster.configuration.division).test)
        if len(dataset) == 0:
            raise InputError(f"{path}: its training held out no rows for tests (name a dataset with --data)")
    followed = dataset
    dataset = asked(dataset, forecaster.featurizer, options.seen, options.horizon)
    keep = out / "samples.npz" if options.save_samples else None
    settings = {name: getattr(options, name) for name in ("samples", "seed", "point")}
    with contextlib.ExitStack() as stack:
        run = map if options.ray is None else stack.enter_context(Cluster(options.ray)).map
        evaluation = evaluate(forecaster, dataset, **settings, keep=keep, run=run)
    if past is not None:
        evaluation.metrics["past"] = {"data": past.name, "rows": len(past)}
    if dataset.so_far is not None:
        lead = {"seen": options.seen, "horizon": options.horizon, "by_horizon": by_lead(dataset, evaluation.rows, evaluation.truth)}
        evaluation.metrics.update(lead)
        evaluation.metrics["looks"] = looks(forecaster, followed, seed=options.seed)
    add_measures(evaluation, forecaster, dataset, seed=options.seed)
    if keep is None:
        (out / "samples.npz").unlink(missing_ok=True)  # of an earlier evaluation
    write_evaluation(evaluation, out)
    names = dataset.videos["username"].fillna("").tolist() if begun.get("keep_names") and "username" in dataset.videos else None
    write_report(evaluation, forecaster, out, data=dataset.name, command=_command(options, path), names=names)
    if evaluation.known:
        print(table(evaluation.metrics))
        print(f"(in brackets: a forecast that ignores the video)   {len(dataset):,} rows of {dataset.name}")
    else:
        print(f"no truth is known for the {len(dataset):,} rows of {dataset.name}: to forecast drafts, {_drafts(options, path)}")
    for sentence in evaluation.metrics.get("level", {}).get("sentences", ()):
        print(f"off          {sentence}")
    if evaluation.metrics.get("level", {}).get("sentences"):
        several = options.data is not None and (~np.isnan(evaluation.truth)).any(1).sum() >= FEWEST
        enough = "" if several else f"   ({FEWEST} rows or more that the run has not seen)"
        print(f"move it      python train.py --from {_run(options, path)} --data {shlex.quote(options.data or 'NEW')}{enough}")
    if past is not None:
        print(f"past         {len(past):,} rows of {past.name} were known")
    if source is None:
        _print_oracle(dataset, forecaster.configuration)
    print(f"written      {out}/report.html (open it in a browser), metrics.json, forecasts.csv, pictures")
    print(f'next         python predict.py --run {_run(options, path)} --description "..." --follower-count 12000')


def _command(options: argparse.Namespace, path: Path) -> str:
    """What gives the same report again."""
    data = f" --data {shlex.quote(options.data)}" if options.data is not None else ""
    data += f" --past {shlex.quote(str(options.past))}" if options.past is not None else ""
    data += " --lenient" if options.lenient else ""
    usual = {"seen": "0", "horizon": "last", "point": "auto"}
    given = "".join(f" --{name} {getattr(options, name)}" for name, value in usual.items() if getattr(options, name) != value)
    return f"python evaluate.py --run {_run(options, path)}{data}{given} --samples {options.samples} --seed {options.seed}"


def _drafts(options: argparse.Namespace, path: Path) -> str:
    """What forecasts the same rows as drafts."""
    return f"python predict.py --run {_run(options, path)} --data {shlex.quote(options.data or 'DRAFTS')}"


def _run(options: argparse.Namespace, path: Path) -> str:
    """The run, and the file of its program, as the next command names them."""
    return shlex.quote(str(path)) + ("" if options.program is None else f" --program {shlex.quote(str(options.program))}")


def _print_oracle(dataset: Dataset, configuration: Configuration) -> None:
    """The best possible CRPS on the simulated world, where it is known."""
    from features.simulated.world import oracle_crps

    print(f"oracle       CRPS {oracle_crps(dataset, configuration.seed):.3f}: no forecast can do better on the simulated world")


if __name__ == "__main__":
    sys.exit(command.run(main))
