"""Evaluate: a run and a dataset in; scores, forecasts, figures and a report out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import command

EXAMPLES = """examples:
  python evaluate.py                                    the newest run, on the rows its training held out
  python evaluate.py --run runs/0001 --samples 1000
  python evaluate.py --run runs/0001 --data OTHER --out evaluation-of-other --save-samples"""


def _parser() -> command.Parser:
    parser = command.Parser(prog="evaluate.py", description="Score a run's forecasts.", epilog=EXAMPLES)
    parser.add_argument("--run", type=Path, metavar="RUN", help="run directory (default: the newest under runs/)")
    parser.add_argument("--data", metavar="DATA", help="dataset to forecast, every row of it (default: the test rows held out in training)")
    parser.add_argument("--samples", type=command.whole(2, 1_000_000), default=1000, help="draws a video (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: RUN/evaluation)")
    parser.add_argument("--point", choices=["auto", "mean", "median", "mape"], default="auto", help="point forecast (default: mean for squared, median for absolute errors)")
    parser.add_argument("--save-samples", action="store_true", help="also write samples.npz")
    command.common_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    options = _parser().parse_args(arguments)
    from forecast.evaluation import evaluate
    from forecast.forecaster import load
    from forecast.run import RunDirectory, newest_run
    from guide import guide
    from model import model
    from train import build, read_source

    path = options.run or newest_run(Path("runs"))
    device = command.device(options.device)
    forecaster = load(path, build=build, model=model, guide=guide, device=device)
    run = RunDirectory(path)
    held_out = options.data is None
    source = run.read_json("source.json").get("data") if held_out else options.data
    dataset = read_source(source, forecaster.configuration)
    if held_out:
        dataset = run.held_out(dataset, forecaster.configuration)
    evaluate(forecaster, dataset, options, path)


if __name__ == "__main__":
    sys.exit(command.run(main))
