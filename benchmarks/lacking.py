"""Do intervals hold when columns are missing? A run's test rows, with columns of the table taken away.

Run: python -m benchmarks.lacking --run RUN [--rows N]
"""

import sys
import warnings
from collections.abc import Sequence

import numpy as np

from features.rows.splits import split
from features.simulated.world import read_or_simulate
from features.tables.columns import AUTHOR_COUNTS, CAPTION
from features.tables.dataset import Dataset
from forecast.run.directory import RunDirectory
from forecast.saved import load
from guide import guide
from machine import command
from machine.errors import InputWarning
from model import model
from program import build

TIMES = ("create_time", "collected_at")
SOCIAL = (*AUTHOR_COUNTS, *TIMES, "video_duration", "region_code", "language")
TAKEN = {
    "nothing": (),
    "the author's counts": AUTHOR_COUNTS,
    "all counts but followers": AUTHOR_COUNTS[1:],
    "social": SOCIAL,
    "username": ("username",),
    "captions": CAPTION,
    "music_title": ("music_title",),
    "social and captions": (*SOCIAL, *CAPTION),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: share of truths inside the 95 % intervals and their mean width, over all targets."""
    parser = command.Parser(prog="python -m benchmarks.lacking", description=__doc__)
    parser.add_argument("--run", type=command.path, required=True, help="run directory")
    parser.add_argument("--rows", type=command.whole(1), default=2000, help="test rows, evenly spread (default: %(default)s)")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", InputWarning)
    forecaster = load(options.run, build=build, model=model, guide=guide)
    configuration = forecaster.configuration
    dataset = read_or_simulate(RunDirectory(options.run).read_json("source.json").get("data"), **configuration.reading)
    test = split(dataset.videos, **configuration.division).test
    rows = dataset.take(test).spread(options.rows)
    print(f"| without ({len(rows):,} rows) | 95 % held | least held target | width |\n|---|---|---|---|")
    for name, columns in TAKEN.items():
        lacking = Dataset(rows.videos.drop(columns=[column for column in columns if column in rows.videos]), rows.ready, rows.name)
        videos = forecaster.featurizer.transform(lacking)
        assert videos.popularity is not None
        samples = np.concatenate(list(forecaster.draws(videos, 400)), axis=1)
        low, high = np.quantile(samples, [0.025, 0.975], axis=0)
        truth = videos.popularity.numpy()
        held = ((truth >= low) & (truth <= high)).sum(0) / (~np.isnan(truth)).sum(0)
        print(f"| {name} | {held.mean():.3f} | {held.min():.3f} | {(high - low).mean():.2f} |", flush=True)


if __name__ == "__main__":
    sys.exit(command.run(main))
