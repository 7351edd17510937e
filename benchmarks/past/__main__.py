"""Authors held out, the newer half of each one's videos forecast: with nothing, and with the last of the older half as --past.

    python train.py --data DIR --split author --run RUN
    python -m benchmarks.past --run RUN [--peers catboost,lightgbm] [--out FILE]

Peers are trained again on everything, the older half included.
"""

import sys
import time
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.arguments import among, listed
from benchmarks.peers.names import KNOWN
from benchmarks.peers.runner import Question, scores
from features.rows.splits import split
from features.simulated.world import read_or_simulate
from forecast.run.directory import RunDirectory
from forecast.saved import load
from forecast.scoring.evaluation import evaluate
from machine.command import Parser, path, run, whole
from machine.files import write_text

SHOWN = ("crps", "rmse", "coverage_95", "interval_score_95")
ALL = 1_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = Parser(prog="benchmarks.past", description=__doc__)
    parser.add_argument("--run", type=path, required=True, metavar="RUN", help="run trained with --split author")
    parser.add_argument(
        "--lately",
        type=listed(whole(1)),
        default="1,2,5,10,20",
        metavar="N,M",
        help="videos known of each author (default: %(default)s, and all)",
    )
    parser.add_argument("--peers", type=listed(among(KNOWN)), default=[], metavar="A,B", help=f"of {', '.join(KNOWN)} (default: none)")
    parser.add_argument("--samples", type=whole(200, 10_000), default=1000, help="draws a video (default: %(default)s)")
    parser.add_argument("--out", type=path, metavar="FILE", help="where to write the table (default: only print it)")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    forecaster = load(options.run)
    dataset = read_or_simulate(RunDirectory(options.run).read_json("source.json").get("data"), **forecaster.configuration.reading)
    rows = split(dataset.videos, **forecaster.configuration.division)
    older, newer, back = halves(dataset.videos.iloc[rows.test])
    lines = [
        f"{len(newer):,} newer videos of {dataset.videos['username'].iloc[newer].nunique():,} authors that training did not have",
        "",
        f"| known of each author | {' | '.join(SHOWN)} | CRPS against nothing | seconds |",
        "|---" * (len(SHOWN) + 3) + "|",
    ]
    nothing = 0.0
    for count in (0, *options.lately, ALL):
        began = time.process_time()
        known = forecaster.with_past(dataset.take(older[back < count])) if count else forecaster
        seconds = time.process_time() - began
        found = evaluate(known, dataset.take(newer), samples=options.samples).metrics["mean"]
        nothing = nothing or found["crps"]
        name = {0: "nothing", ALL: "the older half"}.get(count, f"the last {count}")
        lines.append(_line(name, found, nothing, seconds))
        print(lines[-1], flush=True)
    for name in options.peers:
        began = time.process_time()
        learned = np.sort(np.concatenate([rows.train, rows.validation, older]))
        found = scores(name, Question(dataset, learned, newer, forecaster.targets, forecaster.configuration.target_scale)).mean
        lines.append(_line(f"{name}, trained on the older half too", found, nothing, time.process_time() - began))
        print(lines[-1], flush=True)
    if options.out:
        write_text(options.out, "\n".join([*lines, ""]))


def halves(videos: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers in the whole table of each author's older and newer half; and for each of the older, how many of them are newer still."""
    ordered = videos.sort_values(["username", "create_time"], kind="stable")
    rank = ordered.groupby("username").cumcount().to_numpy()
    half = ordered.groupby("username")["id"].transform("size").to_numpy() // 2
    older = rank < half
    places = ordered.index.to_numpy()
    return places[older], np.sort(places[~older]), (half - 1 - rank)[older]


def _line(name: str, scores: dict, nothing: float, seconds: float) -> str:
    return f"| {name} | {' | '.join(f'{scores[shown]:.3f}' for shown in SHOWN)} | {scores['crps'] / nothing:.3f} | {seconds:.1f} |"


if __name__ == "__main__":
    sys.exit(run(main))
