"""Runs moved to other data by train.py --from, against themselves, clipcast from scratch and peers on the same few rows.

    python -m benchmarks.moved --data DIR [--sizes 30,100,300,1000] [--parents DIR] [--members N] [--move famous-small] [--out FILE]
    python -m benchmarks.moved --data DIR --move us-youtube,youtube-us --seen first        videos that were read before

DIR holds tiktok-famous, us-shorts, youtube-shorts and smp-video. Parents are trained once, into --parents.
"""

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.arguments import among, listed
from benchmarks.peers.columns import Look
from benchmarks.peers.names import KNOWN
from benchmarks.peers.runner import Question, scores
from features.followed.looks import looks_at
from features.tables.dataset import Dataset, read_dataset
from forecast.forecaster import Forecaster
from forecast.run.configuration import Configuration
from forecast.saved import load
from forecast.scoring.evaluation import evaluate
from forecast.scoring.subsets.lead import days
from machine.command import Parser, path, run, whole
from machine.errors import InputError
from machine.files import write_text
from training import go_on, train

MILLION, SMALL = 1e6, 1e5


class Move(NamedTuple):
    """From which rows to which; the targets and their scale are those of `of`."""

    of: str
    to: str
    old: Callable[[Dataset], np.ndarray]
    new: Callable[[Dataset], np.ndarray]
    targets: tuple[str, ...] = Configuration().targets
    target_scale: str = "log1p"


def _followers(low: float, high: float) -> Callable[[Dataset], np.ndarray]:
    return lambda dataset: np.flatnonzero(dataset.videos["follower_count"].between(low, high).to_numpy())


def _half(which: int) -> Callable[[Dataset], np.ndarray]:
    return lambda dataset: np.sort(np.random.default_rng(0).permutation(len(dataset))[which::2])


def _every(dataset: Dataset) -> np.ndarray:
    return np.arange(len(dataset))


MOVES = {
    "famous-small": Move("tiktok-famous", "tiktok-famous", _followers(MILLION, np.inf), _followers(0, SMALL)),
    "us": Move("tiktok-famous", "us-shorts", _every, _every),
    "youtube": Move("tiktok-famous", "youtube-shorts", _every, _every),
    "us-tiktok": Move("us-shorts", "tiktok-famous", _every, _every),
    "us-youtube": Move("us-shorts", "youtube-shorts", _every, _every),
    "youtube-us": Move("youtube-shorts", "us-shorts", _every, _every),
    "nowhere": Move("smp-video", "smp-video", _half(0), _half(1), ("popularity",), "identity"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = Parser(prog="benchmarks.moved", description=__doc__)
    parser.add_argument("--data", type=path, required=True, metavar="DIR", help="folder of the data sets")
    parser.add_argument(
        "--sizes", type=listed(whole(30)), default=[30, 100, 300, 1000], metavar="N,M", help="labelled rows (default: 30 to 1,000)"
    )
    usual = "famous-small,us,youtube,nowhere"
    parser.add_argument(
        "--move", type=listed(among(tuple(MOVES))), default=usual, metavar="A,B", help=f"of {', '.join(MOVES)} (default: {usual})"
    )
    parser.add_argument("--parents", type=path, default=Path("runs/parents"), metavar="DIR", help="runs to move (default: %(default)s)")
    parser.add_argument("--members", type=whole(1, 64), metavar="N", help="networks of the parents (default: what train.py chooses)")
    parser.add_argument(
        "--peers", type=listed(among(KNOWN)), default="ridge,catboost,lightgbm", metavar="A,B", help="(default: %(default)s)"
    )
    parser.add_argument("--tests", type=whole(100), default=2000, metavar="N", help="rows scored, at the most (default: %(default)s)")
    parser.add_argument("--seen", default="0", metavar="AGE", help="of followed videos, as of evaluate.py (default: %(default)s)")
    parser.add_argument("--horizon", default="last", metavar="AGE", help="likewise (default: %(default)s)")
    parser.add_argument("--no-scratch", action="store_true", help="leave out clipcast from scratch")
    parser.add_argument("--out", type=path, metavar="FILE", help="where to write the table (default: only print it)")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    lines = ["| move | rows | forecast | CRPS | 95 % held | seconds |", "|---|---|---|---|---|---|"]

    def told(*cells: object) -> None:
        lines.append(f"| {' | '.join(map(str, cells))} |")
        print(lines[-1], flush=True)

    for name in options.move:
        move = MOVES[name]
        parent = options.parents / (f"{move.of}-{name}" if name in ("famous-small", "nowhere") else move.of)
        source, target = (read_dataset(options.data / one, targets=move.targets, target_scale=move.target_scale) for one in move[:2])
        if not (parent / "run.json").exists():
            settings = Configuration(targets=move.targets, target_scale=move.target_scale, test_share=0.0, members=options.members or 0)
            train(source.take(move.old(source)), settings, run=parent)
        old = load(parent)
        if options.members not in (None, old.configuration.members):
            raise InputError(f"--members {options.members}: {parent} has {old.configuration.members}; give another folder as --parents")
        order = np.random.default_rng(1).permutation(move.new(target))
        largest = max(options.sizes)
        tests = order[: min(options.tests, len(order) - largest)]
        scored, common = target.take(np.sort(tests)), [one for one in old.targets if one in target.videos]
        asked = (days(options.seen, "first"), days(options.horizon, "last"))
        look = None if asked == (0.0, "last") else asked
        seen = scored if look is None else looks_at(scored, *look)
        told(name, 0, "the run as it is", *_scores(old, seen, common), 0)
        for size in options.sizes:
            few = target.take(np.sort(order[len(tests) : len(tests) + size]))
            began = time.process_time()
            moved = go_on(parent, few, replace(old.configuration, split="random", test_share=0.0))
            told(name, size, "**--from**", *_scores(moved, seen, common), f"{time.process_time() - began:.0f}")
            if not options.no_scratch:
                began = time.process_time()
                settings = Configuration(targets=tuple(common), target_scale=move.target_scale, test_share=0.0)
                told(name, size, "from scratch", *_scores(train(few, settings), seen, common), f"{time.process_time() - began:.0f}")
            for peer in options.peers:
                began = time.process_time()
                found = _peer(peer, few, scored, tuple(common), move.target_scale, look)
                told(name, size, peer, *found, f"{time.process_time() - began:.0f}")
    if options.out:
        write_text(options.out, "\n".join([*lines, ""]))


def _scores(forecaster: Forecaster, scored: Dataset, targets: Sequence[str]) -> tuple[str, str]:
    """Mean CRPS and share held over these targets."""
    found = evaluate(forecaster, scored, samples=400).metrics["targets"]
    return tuple(f"{np.mean([found[one][name] for one in targets]):.3f}" for name in ("crps", "coverage_95"))  # type: ignore[return-value]


def _peer(name: str, few: Dataset, scored: Dataset, targets: tuple[str, ...], scale: str, look: Look | None) -> tuple[str, str]:
    """The same of a peer that learned from the few rows, looked at alike."""
    ready = {part: pd.concat([few.ready[part], scored.ready[part]], ignore_index=True) for part in few.ready}
    both = Dataset(pd.concat([few.videos, scored.videos], ignore_index=True), ready)
    if look is not None:
        both = replace(both, readings=pd.concat([few.readings, scored.readings], ignore_index=True))
    try:
        mean = scores(name, Question(both, np.arange(len(few)), len(few) + np.arange(len(scored)), targets, scale, look=look)).mean
    except (np.linalg.LinAlgError, InputError):  # of so few rows, a peer may fail
        return "-", "-"
    return f"{mean['crps']:.3f}", f"{mean['coverage_95']:.3f}"


if __name__ == "__main__":
    sys.exit(run(main))
