"""Do intervals hold for authors that a run split at random has never seen, of whom nothing, or the older half of their videos, is known?

Run: python -m benchmarks.newcomers --data DIR [--authors N] [--each N] [--seed N]

Of N authors a quarter is held out, four times; the default settings learn from the others.
"""

import sys
import warnings
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from benchmarks.newest import with_authors
from forecast.run.configuration import Configuration
from machine import command
from machine.errors import InputError, InputWarning
from training import train

QUARTERS = 4
SHOWN = ("crps", "coverage_95", "interval_score_95")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: scores of each quarter's authors, and their mean."""
    options = _parser().parse_args(arguments)
    warnings.simplefilter("ignore", InputWarning)
    dataset, able = with_authors(options.data, options.each, options.seed)
    videos, authors = dataset.videos, able[: options.authors]
    if len(authors) < QUARTERS:
        raise InputError(f"{options.data}: {len(authors)} authors have {options.each} videos, and {QUARTERS} are needed")
    number = videos.groupby("username")["create_time"].rank(method="first").to_numpy()
    print(f"| {len(authors)} authors | nothing known: {' | '.join(SHOWN)} | older half known: {' | '.join(SHOWN)} |\n{'|---' * 7}|")
    every = []
    for quarter in range(QUARTERS):
        held = videos["username"].isin(authors[quarter::QUARTERS]).to_numpy()
        others = videos["username"].isin(authors).to_numpy() & ~held
        some = [np.flatnonzero(rows & (number <= options.each)) for rows in (others, held)]
        later = number[some[1]] > options.each / 2
        forecaster = train(dataset.take(some[0]), Configuration(test_share=0.0, seed=options.seed + quarter))
        older, newer = dataset.take(some[1][~later]), dataset.take(some[1][later])
        found = [one.evaluate(newer)["mean"] for one in (forecaster, forecaster.with_past(older))]
        every.append([one[name] for one in found for name in SHOWN])
        print(_line(f"{len(some[0]):,} rows", every[-1]), flush=True)
    print(_line("mean", [fmean(column) for column in zip(*every, strict=True)]))


def _line(name: str, values: Sequence[float]) -> str:
    return f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |"


def _parser() -> command.Parser:
    parser = command.Parser(prog="python -m benchmarks.newcomers", description=__doc__)
    parser.add_argument("--data", type=command.path, required=True, help="dataset directory; the last reading of each video counts")
    parser.add_argument("--authors", type=command.whole(QUARTERS), default=30, help="at random (default: %(default)s)")
    parser.add_argument("--each", type=command.whole(2), default=40, help="oldest videos of each that are used (default: %(default)s)")
    parser.add_argument("--seed", type=command.whole(0), default=0, help="of which authors, and of training (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(command.run(main))
