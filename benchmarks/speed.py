"""Speed, as ratios measured side by side in one run: ours against hand-written PyTorch of identical mathematics.

python -m benchmarks.speed [--quick] [--json FILE]

Numbers are processor seconds of one thread, medians over rounds in which the two sides take turns, so that other work on the machine
moves both. On random videos of the default shapes: no data set is needed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pyro.infer import Trace_ELBO
from torch import Tensor, nn

from configuration import Configuration
from features import mapped
from features.absence import leave_out
from features.featurizer import Targets
from features.videos import Part, PartShape, Videos
from forecast.forecaster import bind
from forecast.mixture import mixture_summary
from forecast.samples import Program, draw_chunks
from guide import guide, posterior
from model import model
from train import Networks, build

SHAPES = {
    "social": PartShape(12),
    "history": PartShape(75),
    "textual": PartShape(20, 48, 8192),
    "visual": PartShape(24),
    "acoustic": PartShape(16),
}
TARGETS = Targets(("view_count", "like_count", "comment_count", "share_count"), "log1p", np.full(4, 9.0), np.full(4, 2.0))


def random_videos(count: int, seed: int = 0) -> Videos:
    """`count` labelled videos of the default shapes."""
    generator = torch.Generator().manual_seed(seed)
    parts = {
        name: Part(
            torch.randn(count, shape.numbers, generator=generator),
            torch.randint(max(shape.vocabulary, 1), (count, shape.codes), generator=generator),
            torch.rand(count, generator=generator) > 0.1,
        )
        for name, shape in SHAPES.items()
    }
    return Videos(parts, 9.0 + 2.0 * torch.randn(count, 4, generator=generator))


def turns(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median processor seconds of each side, taken in turns after one round to warm up."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            start = time.process_time()
            side()
            if number:
                found[name].append(time.process_time() - start)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def step(networks: Networks, train: Videos, batch: int, objective: Callable[[Videos], Tensor], count: int = 6) -> Callable[[], None]:
    """`count` training steps as in `train.fit`, around an objective."""
    modules = nn.ModuleDict({"experts": networks.experts, "decoder": networks.decoder}).train()
    optimizer = torch.optim.AdamW(modules.parameters(), lr=1e-4, weight_decay=0.01, betas=(0.9, 0.99), fused=True)

    def run() -> None:
        for rows in torch.randperm(len(train))[: count * batch].split(batch):
            videos = leave_out(train.rows(rows), 0.05, 0.15)
            loss = objective(videos) / len(videos)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(modules.parameters(), 5.0)
            optimizer.step()

    return run


def pyro_objective(networks: Networks, kl_weight: float) -> Callable[[Videos], Tensor]:
    """What `train.fit` descends."""
    return partial(
        Trace_ELBO().differentiable_loss,
        partial(model, decoder=networks.decoder, kl_weight=kl_weight),
        partial(guide, experts=networks.experts, kl_weight=kl_weight),
    )


def written_objective(networks: Networks, kl_weight: float) -> Callable[[Videos], Tensor]:
    """The same by hand: one draw of z, log-densities, no Pyro."""

    def objective(videos: Videos) -> Tensor:
        loc, scale = posterior(videos, networks.experts)
        noise = torch.randn_like(loc)
        z = loc + scale * noise
        divergence = 0.5 * (z.square() - noise.square()).sum() - scale.log().sum()
        return kl_weight * divergence - networks.decoder(z).log_prob(videos.popularity).sum()

    return objective


def written_forecast(networks: Networks, videos: Videos, samples: int, chunk: int) -> None:
    """The best hand-written forecast: videos encoded at once, draws decoded `chunk` videos at a time."""
    with torch.inference_mode():
        for block in videos.split(max(chunk, 256)):
            loc, scale = posterior(block, networks.experts)
            z = loc + scale * torch.randn(samples, *loc.shape)
            for start in range(0, len(block), chunk):
                networks.decoder(z[:, start : start + chunk]).sample()


def bounds(samples: Tensor) -> Tensor:
    """(2, N, K) central 95 % bounds of draws (S, N, K)."""
    return samples.quantile(torch.tensor([0.025, 0.975]), dim=0)


def mixture_against_draws(program: Program, repetitions: int, videos: Videos) -> tuple[float, dict[str, float]]:
    """Time of the mixture summary over that of 1,000 plain draws, at the fewest draws of z that are no less exact; and all errors."""
    exact = torch.cat([torch.cat(list(draw_chunks([program], videos, 20_000)), 1) for _ in range(5)])
    truth, spread = bounds(exact), exact.std(0)
    errors = {}

    def error(found: list[Tensor]) -> float:
        return float(((torch.stack(found) - truth) / spread).square().mean().sqrt())

    def summary(draws: int, sampler: str) -> Tensor:
        rows = mixture_summary([program], videos, draws, sampler=sampler)  # type: ignore[arg-type]
        return torch.from_numpy(np.stack([rows["lower_95"], rows["upper_95"]])).float()

    def plain() -> Tensor:
        return bounds(torch.cat(list(draw_chunks([program], videos, 1000)), 1))

    errors["1000 plain draws"] = error([plain() for _ in range(repetitions)])
    enough = None
    for draws in (8, 16, 32, 64, 128):
        for sampler in ("random", "sobol"):
            errors[f"mixture, {draws} {sampler}"] = error([summary(draws, sampler) for _ in range(repetitions)])
        if enough is None and errors[f"mixture, {draws} random"] <= errors["1000 plain draws"]:
            enough = draws
    seconds = turns({"plain": plain, "mixture": lambda: summary(enough or 128, "random")}, 5)
    return seconds["mixture"] / seconds["plain"], errors


def measure(quick: bool) -> tuple[list[dict], dict[str, float]]:
    """All entries, and the errors of the summaries."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    entries: list[dict] = []
    rounds = 5 if quick else 7

    def enter(name: str, ratio: float, bound: float) -> None:
        entries.append({"name": name, "ratio": round(ratio, 3), "bound": bound, "holds": ratio <= bound})
        print(f"{name:62s} {ratio:6.3f}  (at most {bound:g})", flush=True)

    c = Configuration()
    networks = build(SHAPES, TARGETS, c)
    train = random_videos(8192)
    for batch, bound in ((64, 1.06), (256, 1.03), (1024, 1.03)):
        sides = {name: step(networks, train, batch, make(networks, c.kl_weight)) for name, make in OBJECTIVES.items()}
        seconds = turns(sides, rounds)
        enter(f"1 training step, batch {batch}: Pyro / hand-written", seconds["pyro"] / seconds["written"], bound)
    for module in networks:
        module.eval()
    program = bind(model, guide, networks)
    videos = random_videos(64 if quick else 2000)
    seconds = turns(
        {
            "ours": lambda: [None for _ in draw_chunks([program], videos, 1000)],
            **{f"chunk {chunk}": partial(written_forecast, networks, videos, 1000, chunk) for chunk in (4, 8, 16, 64)},
            "unchunked": partial(written_forecast, networks, videos, 1000, 64 if quick else 512),
        },
        3 if quick else rounds,
    )
    best = min(value for name, value in seconds.items() if name.startswith("chunk"))
    enter("2 forecast: ours / best hand-written", seconds["ours"] / best, 1.15)
    enter("2 forecast: ours / hand-written, unchunked", seconds["ours"] / seconds["unchunked"], 0.75)
    ratio, errors = mixture_against_draws(program, 5 if quick else 50, random_videos(8 if quick else 32, seed=1))
    enter("3 mixture summary / 1,000 plain draws, equal error", ratio, 0.1)
    enter("3 error of 64 Sobol draws / 64 random draws", errors["mixture, 64 sobol"] / errors["mixture, 64 random"], 0.5)
    with tempfile.TemporaryDirectory() as directory:
        large = 100_000 if quick else 1_000_000
        path = Path(directory) / "rows"
        mapped.write(path, (random_videos(50_000, seed) for seed in range(large // 50_000)))
        objective = pyro_objective(networks, c.kl_weight)
        stored, held = mapped.read(path), random_videos(40_000)
        seconds = turns(
            {"mapped": step(networks, stored, 256, objective, 12), "in memory": step(networks, held, 256, objective, 12)}, rounds
        )
    enter(f"4 training step from {large:,} mapped rows / 40,000 rows in memory", seconds["mapped"] / seconds["in memory"], 1.1)
    enter("5 train.py --help, wall seconds", help_of_train(), 1.0)
    return entries, errors


OBJECTIVES = {"pyro": pyro_objective, "written": written_objective}


def help_of_train() -> float:
    """Wall seconds of `python train.py --help`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "train.py", "--help"], check=True, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[1])
    return time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = argparse.ArgumentParser(description="Speed ratios.")
    parser.add_argument("--quick", action="store_true", help="fewer videos and rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the ratios there")
    options = parser.parse_args(arguments)
    entries, errors = measure(options.quick)
    print("\nerror of the 95 % bounds, in predictive standard deviations")
    for name, value in errors.items():
        print(f"{name:62s} {value:6.4f}")
    if options.json:
        options.json.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
