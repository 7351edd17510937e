"""Fits a peer and scores it. Here alone it is decided which rows a peer learns from, and on which it stops.

Members of clipcast take turns in holding rows out, so that between them they learn from all rows. So do peers: trees find on held rows
how many rounds are best, and then learn again from all rows, so many rounds, with columns made of all rows; networks likewise, but with
columns made of the rows that were not held. What need not stop learns from all rows at once. No peer's intervals are stretched on
held rows.
"""

from typing import NamedTuple

import numpy as np

from benchmarks.peers import models, networks
from benchmarks.peers.columns import Look, Task, make_task
from benchmarks.peers.forecasts import Forecast, score
from benchmarks.peers.names import CLOSED, KNOWN, NETWORKS
from features.rows.splits import Rows, split
from features.scale import Scale
from features.tables.dataset import Dataset
from forecast.scoring.scores import mean_scores
from machine.errors import InputError

HELD = 0.15  # share of the rows to learn from that peers stop on, as of clipcast's members


class Question(NamedTuple):
    """What a peer is asked.

    Attributes:
        dataset: all rows.
        learned: (L,) numbers of the rows to learn from.
        tested: (M,) numbers of those to forecast.
        targets: K columns to forecast.
        scale: `log1p` or `identity`.
        how: `author` where tests are about authors never seen, `time` where they are newer: held rows are of that kind, too.
        look: what is seen of followed videos, and when they are forecast, as of `benchmarks.peers.columns.make_task`.
        seed: of everything random.
        threads: that a peer may use.
    """

    dataset: Dataset
    learned: np.ndarray
    tested: np.ndarray
    targets: tuple[str, ...]
    scale: str
    how: str = "random"
    look: Look | None = None
    seed: int = 0
    threads: int = 1

    def held(self) -> Rows:
        """The rows to learn from, those to stop on among them, and those to forecast.

        Raises:
            InputError: there are too few rows, or authors, to hold some out.
        """
        how = self.how if self.how in ("author", "time") else "random"
        rows = split(self.dataset.videos.iloc[self.learned], how, seed=self.seed, test_share=0.0, validation_share=HELD)
        return Rows(self.learned[rows.train], self.learned[rows.validation], self.tested)

    def task(self, rows: Rows) -> Task:
        """The columns of these rows, made of what `rows.train` tells."""
        new = self.how == "author"
        return make_task(
            self.dataset, rows, self.targets, self.scale, new_authors=new, look=self.look, seed=self.seed, threads=self.threads
        )


class Scored(NamedTuple):
    """Scores of each target, their means, and how many rows were learned from and scored."""

    targets: dict[str, dict[str, float | None]]
    mean: dict[str, float | None]
    learned: int
    tested: int


def scores(name: str, asked: Question) -> Scored:
    """Fit the peer `name` and score what it forecasts.

    Raises:
        InputError: there is no such peer, or too few rows.
    """
    found, task = forecasts(name, asked)
    scored = {
        target: score(forecast, task.test.targets[target].to_numpy(), asked.scale, float(task.train.targets[target].min()))
        for target, forecast in found.items()
    }
    mean = mean_scores(scored)
    if not Scale(asked.scale).counts:
        known = [one["mape"] for one in scored.values() if one["mape"] is not None]
        mean["mape"] = float(np.mean(known)) if known else None
    return Scored(scored, mean, sum(len(share.targets) for share in (task.train, task.validation) if share), len(task.test.targets))


def forecasts(name: str, asked: Question) -> tuple[dict[str, Forecast], Task]:
    """Fit the peer `name`: a forecast of each target for the rows to forecast, and the task that it learned last.

    Raises:
        InputError: there is no such peer, or too few rows.
    """
    if name not in KNOWN:
        raise InputError(f"there is no peer {name} (there are {', '.join(KNOWN)})")
    peer = getattr(networks if name in NETWORKS else models, name.replace("-", "_"))
    if name in NETWORKS:
        stopping = asked.task(asked.held())
        return peer(stopping), stopping
    whole = asked.task(Rows(asked.learned, asked.learned[:0], asked.tested))
    if name in CLOSED:
        return {target: peer(whole, target) for target in asked.targets}, whole
    stopping = asked.task(asked.held())
    rounds = {target: peer(stopping, target)[1] for target in asked.targets}
    return {target: peer(whole, target, rounds[target])[0] for target in asked.targets}, whole
