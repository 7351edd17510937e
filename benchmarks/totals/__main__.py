"""Totals over held-back videos, from what `evaluate.py --save-samples` wrote: joint draws beside independent ones.

Run: python evaluate.py --run RUN --save-samples && python -m benchmarks.totals --run RUN
"""

import json
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from features.scale import MOST
from features.simulated.world import read_or_simulate
from forecast.run.configuration import Configuration
from forecast.run.directory import RunDirectory
from forecast.scoring.scores import energy_score
from forecast.scoring.totals import SIZES, total_scores
from machine import command
from machine.errors import InputError

FACTORS = np.geomspace(0.3, 3.0, 9)  # goals, relative to the median of the total
FEWEST = 200  # goals in a bin below which its distance is noise
RANDOM = 400  # totals of random videos


def groups(author: np.ndarray, time: np.ndarray, size: int, seed: int = 0) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Rows of each total, by kind: the first videos of one author, random ones, and half of them one author's."""
    random = np.random.default_rng(seed)
    order = np.lexsort((time, author))
    order = order[author[order] >= 0]
    _, first, count = np.unique(author[order], return_index=True, return_counts=True)
    half = size // 2
    yield "one author", [order[start : start + size] for start, there in zip(first, count, strict=True) if there >= size]
    yield "random", [random.choice(len(author), size, replace=False) for _ in range(RANDOM)]
    mixed = [order[start : start + half] for start, there in zip(first, count, strict=True) if there >= half]
    yield "half an author's", [np.r_[own, random.choice(np.setdiff1d(np.arange(len(author)), own), size - half, False)] for own in mixed]


def reliability(draws: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Greatest (of ten bins with `FEWEST` goals), and mean, distance between the probability of a goal and how often it was reached.

    Args:
        draws: (S, G) totals.
        truth: (G,).
    """
    goals = FACTORS[:, None] * np.median(draws, axis=0)
    stated = np.stack([(draws >= goal).mean(axis=0) for goal in goals]).ravel()
    reached = (truth >= goals).ravel()
    place = np.minimum((stated * 10).astype(int), 9)
    found = [(abs(stated[place == one].mean() - reached[place == one].mean()), (place == one).sum()) for one in np.unique(place)]
    distance, weight = np.array(found).T
    return float(distance[weight >= FEWEST].max(initial=0.0)), float((distance * weight).sum() / weight.sum())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = command.Parser(prog="python -m benchmarks.totals", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=command.path, required=True, help="run that evaluate.py --save-samples has evaluated")
    options = parser.parse_args(arguments)
    run = RunDirectory(options.run)
    configuration = Configuration.from_json(run.read_text("configuration.json"), "configuration.json")
    samples = options.run / "evaluation" / "samples.npz"
    if not samples.exists():
        raise InputError(f"{samples}: is not there; `python evaluate.py --run {options.run} --save-samples` writes it")
    saved = np.load(samples, allow_pickle=False)
    videos = read_or_simulate(run.read_json("source.json").get("data"), **configuration.reading).videos
    videos = videos.set_index("id").loc[saved["ids"]]
    author, time = pd.factorize(videos["username"])[0], videos["create_time"].to_numpy(np.float64)
    draws, truth = saved["samples"], saved["truth"].astype(np.float64)
    random = np.random.default_rng(0)
    apart = np.stack([draws[random.permutation(len(draws)), row] for row in range(draws.shape[1])], axis=1)
    print(f"{'':18s}{'videos':>7s}{'totals':>7s}  {'target':14s}{'95 % held':>16s}{'CRPS of log':>18s}{'width':>14s}{'goals off by':>16s}")
    for size in SIZES:
        for kind, rows in groups(author, time, size):
            for k, name in enumerate(saved["targets"]):
                _print(
                    f"{kind:18s}{size:7d}",
                    name,
                    [_totals(one[:, :, k], rows) for one in (draws, apart)],
                    _totals(truth[None, :, k], rows)[0],
                )
    found = _energy(draws, apart, truth, author, time)
    print(json.dumps({"energy score of five videos": found}))


def _print(head: str, name: str, draws: list[np.ndarray], truth: np.ndarray) -> None:
    known = ~np.isnan(truth)
    if known.sum() < 20:
        return
    joint, free = (total_scores(one[:, known], truth[known]) for one in draws)
    cells = [f"{joint[key]:.3f} ({free[key]:.3f})" for key in ("coverage_95", "crps_log")]
    widths = f"{joint['width_log_95']:.2f} ({free['width_log_95']:.2f})"
    most, mean = reliability(draws[0][:, known], truth[known])
    print(f"{head}{known.sum():7d}  {name:14s}{cells[0]:>16s}{cells[1]:>18s}{widths:>14s}{most:9.3f}{mean:7.3f}")


def _totals(values: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
    """(S, G) sums in counts of values (S, N) in the training scale."""
    counts = np.expm1(np.clip(values.astype(np.float64), 0.0, MOST))
    return np.stack([counts[:, one].sum(axis=1) for one in rows], axis=1) if rows else np.zeros((len(values), 0))


def _energy(samples: np.ndarray, apart: np.ndarray, truth: np.ndarray, author: np.ndarray, time: np.ndarray) -> dict[str, float]:
    """Of the first five videos of each author at once, all targets, in the training scale: joint and independent draws."""
    rows = next(groups(author, time, 5))[1]
    whole = np.stack(rows)
    whole = whole[~np.isnan(truth[whole]).any(axis=(1, 2))]

    def mean(draws: np.ndarray) -> float:
        return float(energy_score(draws[:, whole].reshape(len(draws), len(whole), -1), truth[whole].reshape(len(whole), -1)).mean())

    return {"joint": mean(samples), "independent": mean(apart)}


if __name__ == "__main__":
    sys.exit(command.run(main))
