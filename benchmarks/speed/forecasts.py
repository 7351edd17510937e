"""Line 2: forecasts against the same by hand, and their memory. Line 3: the mixture of likelihoods against draws."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from benchmarks.speed.measure import Entry, apart, turns
from benchmarks.speed.world import networks, random_videos
from features.videos import Videos
from forecast.draws import draw_chunks
from forecast.member import Member
from forecast.mixture import mixture_summary
from forecast.scoring.scores import row_summary
from guide import guide, posterior
from model import model
from program import Networks, Program

Z = (4, 8, 12, 13, 14, 16, 32, 64, 128, 256)  # draws of the mixture; the first that errs no more than draws of y is timed


def program(device: torch.device | str = "cpu", width: int = 256) -> tuple[Member, Networks]:
    """Untrained networks, ready to forecast."""
    found = networks(device, width)
    for module in found:
        module.eval()
    return Member(Program(model, guide), found).to(device), found


def written(networks: Networks, videos: Videos, samples: int, chunk: int) -> None:
    """The best hand-written forecast: videos encoded at once, draws decoded `chunk` videos at a time."""
    with torch.inference_mode():
        for block in videos.split(max(chunk, 256)):
            loc, scale = posterior(block, networks.experts)
            z = loc + scale * torch.randn(samples, *loc.shape, device=loc.device)
            for start in range(0, len(block), chunk):
                networks.decoder(z[:, start : start + chunk]).sample()


def against_hand_written(rounds: int, count: int, chunks: Sequence[int], device: torch.device) -> Iterator[Entry]:
    """Line 2, time, `count` videos in each round. The best of `chunks`, videos that the hand-written forecast decodes at a time, counts."""
    ours, networks = program(device)
    videos = random_videos(count).to(device)
    sides: dict[str, Callable[[], object]] = {f"chunk {chunk}": partial(written, networks, videos, 1000, chunk) for chunk in chunks}
    sides["ours"] = lambda: [None for _ in draw_chunks([ours], videos, 1000)]
    sides["unchunked"] = partial(written, networks, videos, 1000, count)
    found = turns(sides, rounds, device)
    best = found.best(f"chunk {chunk}" for chunk in chunks)
    yield Entry(f"2 forecast of {rounds} x {count} videos x 1000: ours / best hand-written", found.ratio("ours", best), 1.15)
    yield Entry(f"2 forecast of {rounds} x {count} videos x 1000: ours / unchunked", found.ratio("ours", "unchunked"), 0.75)


def memory(few: int, many: int, samples: int, width: int) -> Iterator[Entry]:
    """Line 2, memory: few and many videos, each in a process of its own."""
    low, high = (apart(forecast_all, count, samples, width)["megabytes"] for count in (few, many))
    yield Entry(f"2 peak memory, {many:,} / {few:,} videos x {samples}", high / low, 1.1)
    yield Entry(f"2 peak memory of {many:,} videos x {samples} / 1 GB", high / 1024, 1.0)


def forecast_all(count: int, samples: int, width: int) -> float:
    """Forecast and summarise `count` videos, some at a time; the mean of their medians."""
    torch.set_num_threads(1)
    ours, _ = program(width=width)
    total = 0.0
    for first in range(0, count, 1024):
        videos = random_videos(min(1024, count - first), first)
        for block in draw_chunks([ours], videos, samples, seed=0, first=first):
            total += row_summary(block.numpy(), np.full(block.shape[1:], np.nan))["median"].sum()
    return total / count


def mixture_against_draws(repetitions: int, count: int, numbers: Sequence[int]) -> tuple[list[Entry], dict[str, float]]:
    """Line 3, and the errors of the 95 % bounds of all summaries, in predictive standard deviations."""
    ours, _ = program()
    videos = random_videos(count, seed=1)
    torch.manual_seed(2)
    # the bounds of the mixture of 20,000 z, which has less error than 100,000 draws of y
    exact = [mixture_summary([ours], one, 20_000, sampler="sobol") for one in videos.split(4)]
    truth = np.stack([np.concatenate([one[bound] for one in exact]) for bound in ("lower_95", "upper_95")])
    spread = (truth[1] - truth[0]) / 3.92

    def error(found: list[np.ndarray]) -> float:
        return float(np.sqrt(np.mean([((bounds - truth) / spread) ** 2 for bounds in found])))

    def summary(draws: int, sampler: str) -> np.ndarray:
        rows = mixture_summary([ours], videos, draws, sampler=sampler)  # type: ignore[arg-type]
        return np.stack([rows["lower_95"], rows["upper_95"]])

    def plain() -> np.ndarray:
        blocks = [row_summary(block.numpy(), np.full(block.shape[1:], np.nan)) for block in draw_chunks([ours], videos, 1000)]
        return np.stack([np.concatenate([block[bound] for block in blocks]) for bound in ("lower_95", "upper_95")])

    errors = {"1000 draws of y": error([plain() for _ in range(repetitions)])}
    for draws in numbers:
        for sampler in ("random", "sobol"):
            errors[f"mixture at {draws} z, {sampler}"] = error([summary(draws, sampler) for _ in range(repetitions)])
    enough = next((draws for draws in numbers if errors[f"mixture at {draws} z, random"] <= errors["1000 draws of y"]), numbers[-1])
    ratio = turns({"plain": plain, "mixture": lambda: summary(enough, "random")}, 5).ratio("mixture", "plain")
    halved = errors[f"mixture at {numbers[-1]} z, sobol"] / errors[f"mixture at {numbers[-1]} z, random"]
    entries = [
        Entry(f"3 time of the mixture at {enough} z / 1000 draws of y, no more error", ratio, 0.1),
        Entry(f"3 error at {numbers[-1]} z, sobol / random", halved, 0.5),
    ]
    return entries, errors
