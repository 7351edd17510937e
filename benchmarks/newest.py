"""Do intervals hold for the next video of an author? The newest of each is held out; a run split at random learns from the others.

Run: python -m benchmarks.newest --data DIR [--authors N] [--least N] [--seed N]
"""

import dataclasses
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from features.tables.columns import COUNTS
from features.tables.dataset import Dataset, read_dataset
from forecast.run.configuration import Configuration
from machine import command
from machine.errors import InputError, InputWarning
from training import train


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: scores of the newest videos, forecast as rows of the table are, and as drafts are."""
    options = _parser().parse_args(arguments)
    warnings.simplefilter("ignore", InputWarning)
    dataset, able = with_authors(options.data, options.least, options.seed)
    some = dataset.take(np.flatnonzero(dataset.videos["username"].isin(able[: options.authors])))
    newest = newest_of_each(some.videos)
    if not newest.any():
        raise InputError(f"{options.data}: no author has {options.least} videos")
    rows = some.take(np.flatnonzero(newest))
    forecaster = train(some.take(np.flatnonzero(~newest)), Configuration(test_share=0.0, seed=options.seed))
    print(f"| {len(rows):,} videos, {np.sum(~newest):,} learned from | CRPS | 95 % held | interval score |\n|---|---|---|---|")
    for name, one in (("as rows of the table are", forecaster), ("as drafts are", forecaster.for_drafts())):
        found = one.evaluate(rows)["mean"]
        print(f"| {name} | {' | '.join(f'{found[score]:.3f}' for score in ('crps', 'coverage_95', 'interval_score_95'))} |", flush=True)


def with_authors(data: Path, least: int, seed: int) -> tuple[Dataset, np.ndarray]:
    """The last readings of a dataset, and in random order its authors that have at least so many videos.

    Raises:
        InputError: nobody knows who published its videos, or when.
    """
    dataset = dataclasses.replace(read_dataset(data, targets=COUNTS), readings=None)
    if not {"username", "create_time"} <= set(dataset.videos):
        raise InputError(f"{data}: has no column username or create_time")
    count = dataset.videos["username"].value_counts()
    return dataset, np.random.default_rng(seed).permutation(np.array(sorted(count.index[count >= least]), dtype=str))


def newest_of_each(videos: pd.DataFrame) -> np.ndarray:
    """(N,) bool: which videos are their author's newest one."""
    return videos.groupby("username")["create_time"].rank(ascending=False, method="first").to_numpy() == 1


def _parser() -> command.Parser:
    parser = command.Parser(prog="python -m benchmarks.newest", description=__doc__)
    parser.add_argument("--data", type=command.path, required=True, help="dataset directory; the last reading of each video counts")
    parser.add_argument("--authors", type=command.whole(1), default=350, help="at random, whose videos are used (default: %(default)s)")
    parser.add_argument("--least", type=command.whole(2), default=6, help="videos that each of them has (default: %(default)s)")
    parser.add_argument("--seed", type=command.whole(0), default=0, help="of which authors, and of training (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(command.run(main))
