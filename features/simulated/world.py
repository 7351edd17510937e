"""A simulated world: videos whose popularity comes from a hidden z, with the best possible forecast known (the oracle).

    z in R^6 ~ Normal(0, I)                        # appeal: two of looks, two of sound, two of story
    topic ~ Uniform(12)                            # what the video is about
    visual | z, acoustic | z                       # 24 and 16 noisy linear measurements of looks and of sound
    caption | topic                                # 0 to 14 words, drawn from the topic's own distribution
    author                                         # followers, hearts and videos, known exactly; 12 videos an author
    age                                            # days between release and reading, 0.1 to 60
    popularity | z, topic, author, age ~ Normal(B z + topic effect + f(author, age), Sigma)    # log(1 + counts) of four counts

One video in ten lacks its visual part, one in ten its acoustic part, one in ten its caption. Given the features, z is Normal in closed
form and the topic has a posterior by Bayes' rule, so popularity is a known mixture of 12 multivariate Normals: `Oracle`.
Counts are rounded to whole numbers, which moves log(1 + count) by less than 0.01 where counts are above 50, as nearly all are.
With the split by author, test authors are new.
"""

import argparse
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from features.tables.columns import COUNTS, DAY
from features.tables.dataset import Dataset, read_dataset
from machine.files import writing

TOPICS, WORDS, LATENT = 12, 240, 6
NOW = 1_700_000_000
PIECE = 50_000  # videos simulated at a time by `write`
# how each count answers to the six dimensions of z; views first
EFFECT = np.array(
    [
        [0.65, 0.25, 0.50, -0.20, 0.45, 0.15],
        [0.75, 0.30, 0.55, -0.15, 0.40, 0.20],
        [0.45, 0.10, 0.40, -0.45, 0.60, 0.45],
        [0.55, 0.45, 0.70, -0.30, 0.35, -0.30],
    ]
)
NOISE = np.array([[0.40, 0, 0, 0], [0.36, 0.16, 0, 0], [0.30, 0.10, 0.35, 0], [0.30, 0.12, 0.10, 0.38]])  # Cholesky factor
BASE = np.array([12.0, 9.5, 7.0, 6.5])


@dataclass(frozen=True)
class World:
    """The constants of one simulated world; `seed` fixes them, whatever videos are drawn."""

    visual: np.ndarray  # (24, 6) loadings
    acoustic: np.ndarray  # (16, 6)
    noise: float  # standard deviation of a measurement
    words: np.ndarray  # (12, 240) word probabilities by topic
    topic_effect: np.ndarray  # (12, 4)

    @classmethod
    def make(cls, seed: int = 0) -> "World":
        """Draw the constants."""
        random = np.random.default_rng([seed, 1])
        visual, acoustic = np.zeros((24, LATENT)), np.zeros((16, LATENT))
        visual[:, :2] = random.normal(size=(24, 2))
        acoustic[:, 2:4] = random.normal(size=(16, 2))
        # story shows faintly in both
        visual[:, 4:] = 0.3 * random.normal(size=(24, 2))
        acoustic[:, 4:] = 0.3 * random.normal(size=(16, 2))
        words = random.dirichlet(np.full(WORDS, 0.08), size=TOPICS) * 0.9 + 0.1 / WORDS
        effect = random.normal(size=(TOPICS, 1)) * 0.6 + random.normal(size=(TOPICS, 4)) * 0.2
        return cls(visual, acoustic, 2.0, words, effect - effect.mean(0))


@dataclass(frozen=True)
class Oracle:
    """The exact conditional distribution of popularity given the features: mixtures of Normals with common covariances.

    Attributes:
        weight: (N, 12) posterior of the topic.
        loc: (N, 12, 4).
        covariance: (N, 4, 4).
    """

    weight: np.ndarray
    loc: np.ndarray
    covariance: np.ndarray

    def sample(self, samples: int, seed: int = 0) -> np.ndarray:
        """(S, N, 4) draws."""
        random = np.random.default_rng([seed, 2])
        count = len(self.weight)
        bounds = self.weight.cumsum(1)[:, :-1]
        topic = (random.random((samples, count))[:, :, None] > bounds).sum(2)
        loc = self.loc[np.arange(count), topic]
        factor = np.linalg.cholesky(self.covariance)
        return loc + np.einsum("nij,snj->sni", factor, random.normal(size=loc.shape))

    def crps(self, truth: np.ndarray) -> np.ndarray:
        """(N, 4) exact CRPS of the marginals (Grimit et al. 2006, mixture of Normals)."""
        scale = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))[:, None, :]

        def spread(difference: np.ndarray, scale: np.ndarray) -> np.ndarray:
            standard = difference / scale
            return difference * (2 * special.ndtr(standard) - 1) + 2 * scale * np.exp(-0.5 * standard**2) / np.sqrt(2 * np.pi)

        first = (self.weight[:, :, None] * spread(truth[:, None, :] - self.loc, scale)).sum(1)
        pairs = self.weight[:, :, None] * self.weight[:, None, :]
        second = (pairs[..., None] * spread(self.loc[:, :, None, :] - self.loc[:, None, :, :], np.sqrt(2) * scale[:, None])).sum((1, 2))
        return first - 0.5 * second


def simulate(count: int = 16_000, seed: int = 0, *, world_seed: int = 0, ages: tuple[float, float] = (0.1, 60.0)) -> tuple[Dataset, Oracle]:
    """Draw `count` videos of the world, and the oracle's forecast of each.

    Args:
        count: number of videos.
        seed: of the videos and authors; other seeds give other videos of the same world.
        world_seed: of the world's constants.
        ages: days between which videos are read.
    """
    world = World.make(world_seed)
    random = np.random.default_rng([seed, 3])
    z = random.normal(size=(count, LATENT))
    topic = random.integers(TOPICS, size=count)
    visual = z @ world.visual.T + world.noise * random.normal(size=(count, 24))
    acoustic = z @ world.acoustic.T + world.noise * random.normal(size=(count, 16))
    lengths = random.integers(1, 15, size=count)
    counts = np.stack([random.multinomial(length, world.words[about]) for length, about in zip(lengths, topic, strict=True)])
    lacks = {part: random.random(count) < 0.1 for part in ("visual", "acoustic", "textual")}
    counts[lacks["textual"]] = 0
    videos = _authors(count, seed, random, ages)
    videos["video_description"] = [" ".join(f"word{word}" for word in np.repeat(np.arange(WORDS), row)) or None for row in counts]
    fixed = BASE + _author_and_age(videos)
    popularity = fixed + z @ EFFECT.T + world.topic_effect[topic] + random.normal(size=(count, 4)) @ NOISE.T
    for k, name in enumerate(COUNTS):
        videos[name] = np.round(np.expm1(np.maximum(popularity[:, k], 0.0)))
    ready = {}
    for part, values in (("visual", visual), ("acoustic", acoustic)):
        values[lacks[part]] = np.nan
        ready[part] = pd.DataFrame(values, columns=[f"{part}_{i}" for i in range(values.shape[1])])
    oracle = _oracle(world, visual, acoustic, counts, fixed)
    return Dataset(videos, ready, "the simulated world", f"simulated-{world_seed}-{seed}-{count}"), oracle


def oracle_crps(dataset: Dataset, seed: int = 0) -> float:
    """The oracle's CRPS, averaged over the four counts, on rows taken from `simulate(seed=seed)`."""
    whole, oracle = simulate(seed=seed)
    place = pd.Index(whole.videos["id"]).get_indexer(dataset.videos["id"])
    exact = oracle.crps(np.log1p(whole.videos[list(COUNTS)].to_numpy(np.float64)))
    return float(exact[place].mean())


def _authors(count: int, seed: int, random: np.random.Generator, ages: tuple[float, float]) -> pd.DataFrame:
    """The social columns: authors with numbers that are known exactly, so that their other videos say no more about them."""
    writers = max(count // 12, 1)
    followers = np.round(np.exp(random.normal(9.0, 2.0, size=writers)))
    posted = np.round(np.exp(random.normal(4.0, 1.0, size=writers))) + 1
    hearts = np.round(followers * np.exp(random.normal(1.5, 0.8, size=writers)))
    author = random.integers(writers, size=count)
    age = np.exp(random.uniform(np.log(ages[0]), np.log(ages[1]), size=count)) * DAY
    created = NOW - np.round(age)
    return pd.DataFrame(
        {
            "id": [f"simulated-{seed}-{row}" for row in range(count)],
            "username": [f"author-{seed}-{one}" for one in author],
            "create_time": created,
            "collected_at": np.full(count, float(NOW)),
            "video_duration": np.round(random.uniform(5, 60, size=count)),
            "follower_count": followers[author],
            "following_count": np.round(np.exp(random.normal(5, 1, size=writers)))[author],
            "likes_count": hearts[author],
            "video_count": posted[author],
        }
    ).assign(video_description=None)


def _author_and_age(videos: pd.DataFrame) -> np.ndarray:
    """(N, 4) what is known of popularity before seeing the video: reach grows with followers, and with age to a limit."""
    followers = np.log1p(videos["follower_count"].to_numpy()) - 9.0
    loved = np.log1p(videos["likes_count"].to_numpy()) - np.log1p(videos["follower_count"].to_numpy()) - 1.5
    age = (videos["collected_at"] - videos["create_time"]).to_numpy() / DAY
    grown = 1.0 - np.exp(-age / 5.0)
    reach = 0.6 * followers + 0.25 * np.tanh(followers) * loved + 1.5 * grown
    return reach[:, None] * np.array([1.0, 0.95, 0.85, 0.9]) + loved[:, None] * np.array([0.1, 0.3, 0.2, 0.2])


def _oracle(world: World, visual: np.ndarray, acoustic: np.ndarray, counts: np.ndarray, fixed: np.ndarray) -> Oracle:
    precision = np.tile(np.eye(LATENT), (len(fixed), 1, 1))
    weighted = np.zeros((len(fixed), LATENT))
    for loadings, measured in ((world.visual, visual), (world.acoustic, acoustic)):
        there = ~np.isnan(measured).any(1)
        precision[there] += loadings.T @ loadings / world.noise**2
        weighted[there] += measured[there] @ loadings / world.noise**2
    covariance = np.linalg.inv(precision)
    z = np.einsum("nij,nj->ni", covariance, weighted)
    weight = special.softmax(counts @ np.log(world.words).T, axis=1)
    loc = (fixed + z @ EFFECT.T)[:, None, :] + world.topic_effect
    return Oracle(weight, loc, EFFECT @ covariance @ EFFECT.T + NOISE @ NOISE.T)


def write(count: int, out: Path, seed: int = 0) -> None:
    """Write `count` videos of the world as a dataset directory of Parquet files, `PIECE` at a time: memory does not grow with `count`.

    Every piece has authors of its own, and a seed of its own: `seed`, `seed` + 1 and so on.
    """
    import pyarrow as pa
    from pyarrow import parquet

    with contextlib.ExitStack() as stack:
        writers: dict[str, Any] = {}
        for number, first in enumerate(range(0, count, PIECE)):
            dataset, _ = simulate(min(PIECE, count - first), seed + number)
            tables = {"videos": dataset.videos}
            for part, numbers in dataset.ready.items():
                tables[part] = numbers.astype(np.float32).assign(id=dataset.videos["id"]).dropna()
            for name, table in tables.items():
                rows = pa.Table.from_pandas(table, preserve_index=False)
                if name not in writers:
                    path = stack.enter_context(writing(out / f"{name}.parquet"))
                    writers[name] = stack.enter_context(parquet.ParquetWriter(path, rows.schema))
                writers[name].write_table(rows.cast(writers[name].schema))


def read_or_simulate(
    source: str | None, *, targets: tuple[str, ...] = COUNTS, target_scale: str = "log1p", seed: int = 0, lenient: bool = False
) -> Dataset:
    """The dataset at `source`, see `features.tables.dataset.read_dataset`; without one, the simulated world."""
    if source is None:
        return simulate(seed=seed)[0]
    return read_dataset(source, targets=targets, target_scale=target_scale, lenient=lenient)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = argparse.ArgumentParser(prog="python -m features.simulated.world", description="Write videos of the simulated world.")
    parser.add_argument("--rows", type=int, default=16_000, metavar="N", help="videos (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="dataset directory to write")
    parser.add_argument("--seed", type=int, default=0, help="of the videos (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.rows < 1:
        parser.error(f"--rows {options.rows}: at least 1")
    write(options.rows, options.out, options.seed)
    print(f"next: python train.py --data {options.out}")


if __name__ == "__main__":
    main()
