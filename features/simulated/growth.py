"""The simulated world followed over time: readings of its videos, and the best possible forecast of the later ones (the oracle).

    first reading ~ the simulated world, between one and twelve hours after publication
    log(1 + count) at age b - at age a ~ Gamma(SHAPE * (t(b) - t(a)), scale SCALE), each target on its own,    t(a) = a / (a + 5 days)

So growth is never negative, slows down, and depends on nothing but age: given a reading, the oracle adds Gamma draws to it; before
publication it adds them to draws of the first reading.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from features.simulated.world import DAY, Oracle, simulate
from features.tables.columns import COUNTS
from features.tables.dataset import Dataset
from features.tables.readings import with_last_reading
from machine.files import writing

SHAPE, SCALE, SLOW = 4.0, 0.6, 5.0
PUBLISHED = 60.0  # days in which all videos are published
AGES = (1.0, 3.0, 7.0, 30.0)  # days after publication of the later readings; the first one is read at 1 to 12 hours


def simulate_followed(count: int, seed: int = 0) -> tuple[Dataset, Oracle]:
    """Draw `count` videos of the simulated world with five readings each, and the oracle's forecast of the first reading."""
    first, oracle = simulate(count, seed, ages=(1 / 24, 0.5))
    random = np.random.default_rng([seed, 4])
    names = list(COUNTS)
    spread = np.round(random.uniform(0, PUBLISHED, size=count) * DAY)  # videos appear one after another, not all in one day
    for name in ("create_time", "collected_at"):
        first.videos[name] -= spread
    age = (first.videos["collected_at"] - first.videos["create_time"]).to_numpy() / DAY
    log_count = np.log1p(first.videos[names].to_numpy())
    tables = [first.videos[["id", "create_time", *names]].assign(age=age)]
    for later in AGES:
        log_count = log_count + grown(age, np.full(count, later), 1, len(names), random)[0]
        age = np.full(count, later)
        tables.append(tables[0].assign(age=age, **dict(zip(names, np.round(np.expm1(log_count)).T, strict=True))))
    readings = pd.concat(tables)
    readings["collected_at"] = readings.pop("create_time") + np.round(readings.pop("age") * DAY)
    videos, readings = with_last_reading(first.videos.drop(columns=["collected_at", *names]), readings[["id", "collected_at", *names]])
    return dataclasses.replace(first, videos=videos, readings=readings, fingerprint=f"followed-{first.fingerprint}"), oracle


def grown(age: np.ndarray, later: np.ndarray, samples: int, targets: int, random: np.random.Generator) -> np.ndarray:
    """(S, N, K) draws of the growth of log(1 + count) between the ages (N,) `age` and `later`, in days."""
    shape = SHAPE * (later / (later + SLOW) - age / (age + SLOW))
    return random.gamma(np.maximum(shape, 1e-9)[None, :, None], SCALE, size=(samples, len(age), targets))


def write(dataset: Dataset, out: Path) -> None:
    """Write a followed dataset as a directory of csv files."""
    assert dataset.readings is not None  # noqa: S101  (of followed videos only)
    out.mkdir(parents=True, exist_ok=True)
    features = {part: table.assign(id=dataset.videos["id"]).dropna() for part, table in dataset.ready.items()}
    videos = dataset.videos.drop(columns=["collected_at", *COUNTS])
    for name, table in {"videos": videos, "counts": dataset.readings, **features}.items():
        with writing(out / f"{name}.csv.gz") as temporary:
            table.to_csv(temporary, index=False, compression="gzip")


def main() -> None:
    """Run the command; see `--help`."""
    parser = argparse.ArgumentParser(prog="python -m features.simulated.growth", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000, metavar="N", help="videos (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="dataset directory to write")
    parser.add_argument("--seed", type=int, default=0, help="of the videos (default: %(default)s)")
    options = parser.parse_args()
    if options.rows < 1:
        parser.error(f"--rows {options.rows}: at least 1")
    write(simulate_followed(options.rows, options.seed)[0], options.out)
    print(f"next: python train.py --data {options.out}")


if __name__ == "__main__":
    main()
