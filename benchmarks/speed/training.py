"""Line 1: a training step against the same mathematics by hand. Line 4: from rows on disk against rows in memory."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyro
import torch
from torch import Tensor, nn

from benchmarks.speed.measure import Entry, apart, turns
from benchmarks.speed.world import TARGETS, networks, random_videos
from features.missing import leave_out
from features.rows import mapped
from features.videos import Videos
from features.whole_counts import dequantiser
from forecast.run.configuration import Configuration
from guide import guide, posterior
from model import model
from program import Networks
from training.objective import Objective

KL_WEIGHT = Configuration().kl_weight
PIECE = 50_000  # rows made at a time


def step(networks: Networks, train: Videos, batch: int, objective: Callable[[Videos], Tensor], count: int = 6) -> Callable[[], None]:
    """`count` training steps as in `train.fit`, around an objective."""
    modules, spread = nn.ModuleDict(networks._asdict()).train(), dequantiser(TARGETS.whole, train.device)
    optimizer = torch.optim.AdamW(modules.parameters(), lr=1e-4, weight_decay=0.01, betas=(0.9, 0.99), fused=True)

    def run() -> None:
        with pyro.validation_enabled(False):  # as in every epoch but the first
            for rows in _rows(len(train), count * batch, train.device).split(batch):
                videos = leave_out(spread(train.rows(rows)), 0.05, 0.15)
                loss = objective(videos) / len(videos)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(modules.parameters(), 5.0)
                optimizer.step()

    return run


def _rows(all_rows: int, wanted: int, device: torch.device) -> Tensor:
    """Numbers of random rows. An order of all of them is an epoch's cost, not a step's."""
    if wanted < all_rows:
        return torch.randint(all_rows, (wanted,), device=device)
    return torch.randperm(all_rows, device=device)


def pyro_objective(networks: Networks) -> Callable[[Videos], Tensor]:
    """What `train.fit` descends."""
    return partial(
        Objective().differentiable_loss,
        partial(model, decoder=networks.decoder, kl_weight=KL_WEIGHT),
        partial(guide, experts=networks.experts, kl_weight=KL_WEIGHT),
    )


def written_objective(networks: Networks) -> Callable[[Videos], Tensor]:
    """The same by hand: one draw of z, log-densities, no Pyro."""

    def objective(videos: Videos) -> Tensor:
        loc, scale = posterior(videos, networks.experts)
        noise = torch.randn_like(loc)
        z = loc + scale * noise
        divergence = 0.5 * (z.square() - noise.square()).sum() - scale.log().sum()
        return KL_WEIGHT * divergence - networks.decoder(z).log_prob(videos.popularity).sum()

    return objective


def against_hand_written(rounds: int, device: torch.device) -> Iterator[Entry]:
    """Line 1."""
    ours, train = networks(device), random_videos(8192).to(device)
    for batch, bound in ((64, 1.06), (256, 1.03), (1024, 1.03)):
        # many short turns: what one turn costs varies by more than the two sides differ
        count = max(1, 256 // batch)
        sides = {
            "pyro": step(ours, train, batch, pyro_objective(ours), count),
            "written": step(ours, train, batch, written_objective(ours), count),
        }
        ratio = turns(sides, rounds, device).ratio("pyro", "written")
        yield Entry(f"1 training step, batch {batch}: Pyro / hand-written", ratio, bound)


def from_disk(rounds: int, count: int) -> Iterator[Entry]:
    """Line 4: `count` mapped rows against 40,000 in memory, and the gigabytes that an epoch of them takes at most."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows"
        mapped.write(path, (random_videos(PIECE, seed) for seed in range(count // PIECE)))
        ours = networks()
        objective = pyro_objective(ours)
        stored, held = mapped.read(path), random_videos(40_000)
        sides = {"mapped": step(ours, stored, 256, objective, 2), "held": step(ours, held, 256, objective, 2)}
        ratio = turns(sides, 6 * rounds).ratio("mapped", "held")
        yield Entry(f"4 training step from {count:,} mapped rows / 40,000 in memory", ratio, 1.1)
        megabytes = apart(epoch, str(path), 64)["megabytes"]
    yield Entry(f"4 peak memory of an epoch of {count:,} mapped rows / 4 GB", megabytes / 4096, 1.0)


def epoch(path: str, width: int) -> None:
    """Train on every row once. Networks are narrow: memory is that of the rows."""
    torch.set_num_threads(1)
    train = mapped.read(Path(path))
    ours = networks(width=width)
    step(ours, train, 1024, pyro_objective(ours), -(-len(train) // 1024))()
