"""The lines of the table, each a number of one device."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.speed.forecasts import program
from benchmarks.speed.measure import turns
from benchmarks.speed.training import pyro_objective, step, written_objective
from benchmarks.speed.world import networks, random_videos
from features.rows.splits import split
from features.tables.dataset import Dataset
from features.videos import Videos
from forecast.draws import draw_chunks
from forecast.run.configuration import Configuration
from forecast.scoring.evaluation import evaluate
from training import train


class Line(NamedTuple):
    """One number and its unit."""

    name: str
    value: float
    unit: str


@contextlib.contextmanager
def waits_refused(device: torch.device) -> Iterator[None]:
    """On a card, whatever waits for it inside raises an error."""
    if device.type == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")


def timed(action: Callable[[], object], device: torch.device) -> tuple[float, float, object]:
    """Seconds of the clock, gigabytes at the peak (of a card; on a CPU those of the process, so far), and what `action` answers."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    found = action()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, _peak(device), found


def _peak(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def training_steps(batches: tuple[int, ...], rounds: int, width: int, device: torch.device) -> Iterator[Line]:
    """A step against hand-written PyTorch, and with bf16, at each batch."""
    ours, videos = networks(device, width), random_videos(max(batches)).to(device)
    for batch in batches:
        objectives: dict[str, Callable[[Videos], torch.Tensor]] = {
            "Pyro": pyro_objective(ours),
            "hand-written": written_objective(ours),
            "bf16": partial(_bfloat16, pyro_objective(ours)),
        }
        sides = {name: step(ours, videos, batch, objective, 1) for name, objective in objectives.items()}
        for side in sides.values():
            side()  # what is made once may wait
        with waits_refused(device):
            sides["Pyro"]()
        _, peak, found = timed(partial(turns, sides, rounds, device), device)
        milliseconds = {name: 1000 * statistics.median(values) for name, values in found.seconds.items()}  # type: ignore[attr-defined]
        yield from (Line(f"training step, batch {batch:,}, {name}", value, "ms") for name, value in milliseconds.items())
        yield Line(f"training step, batch {batch:,}, Pyro / hand-written", found.ratio("Pyro", "hand-written"), "ratio")  # type: ignore[attr-defined]
        yield Line(f"training step, batch {batch:,}, peak memory", peak, "GB")


def _bfloat16(objective: Callable[[Videos], torch.Tensor], videos: Videos) -> torch.Tensor:
    with torch.autocast(videos.device.type, torch.bfloat16):
        return objective(videos)


def forecasts(count: int, samples: int, width: int, device: torch.device) -> Iterator[Line]:
    """`count` videos, streamed: 4,096 at a time come to the device, and only a sum leaves it."""
    ours, _ = program(device, width)

    def all_of_them() -> None:
        for first in range(0, count, 4096):
            videos = random_videos(min(4096, count - first), first).to(device)
            for block in draw_chunks([ours], videos, samples, seed=0, first=first):
                block.median(0)

    seconds, peak, _ = timed(all_of_them, device)
    yield Line(f"forecasts of {count:,} videos x {samples:,} draws", seconds, "s")
    yield Line(f"forecasts of {count:,} videos x {samples:,} draws, peak memory", peak, "GB")


def whole_training(dataset: Dataset, configuration: Configuration, samples: int, device: torch.device) -> Iterator[Line]:
    """Seconds and score of a whole training, here and by the CPU (on a CPU: once more, with another number of threads)."""
    threads, scores = torch.get_num_threads(), []
    test = dataset.take(split(dataset.videos, **configuration.division).test)
    for name, where in (("", device), (" by the CPU" if device.type == "cuda" else " again, other threads", torch.device("cpu"))):
        if name:
            torch.set_num_threads(threads % 2 + 1 if device.type == "cpu" else threads)
        try:
            seconds, peak, found = timed(partial(train, dataset, configuration, device=where), where)
            scores.append(float(evaluate(found, test, samples=samples).metrics["mean"]["crps"]))  # type: ignore[arg-type]
        finally:
            torch.set_num_threads(threads)
        yield Line(f"whole training of {dataset.name}{name}", seconds, "s")
        yield Line(f"whole training of {dataset.name}{name}, peak memory", peak, "GB")
        yield Line(f"whole training of {dataset.name}{name}, CRPS", scores[-1], "")
    yield Line("CRPS of the two, apart by", abs(scores[0] / scores[1] - 1), "share")


def extraction(clips: int, device: torch.device) -> Iterator[Line]:
    """Clips a minute of one worker, and the share of decoding and of the network."""
    from extraction.backbones.efficientnet import EfficientNetLite0
    from extraction.decoding.worker import Decoder
    from extraction.settings import Limits, Settings
    from extraction.simulated_clips import simulate
    from extraction.visual import BACKBONES, Network

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(folder, clips + 1)
        torch.save(EfficientNetLite0().state_dict(), folder / "weights.pt")
        network = Network(Settings("efficientnet_lite0", str(folder / "weights.pt"), device=device.type))
        backbone, spent, peaks = BACKBONES["efficientnet_lite0"], [], []
        with Decoder(backbone.resize, backbone.crop, Limits()) as decoder:
            for path in sorted((folder / "clips").glob("*.mp4")):
                decoding, _, found = timed(partial(decoder.read, path), device)
                seeing, peak, _ = timed(partial(network.features, found[0]), device)  # type: ignore[index]
                spent.append((decoding, seeing))
                peaks.append(peak)
    decoding, seeing = (sum(side) for side in zip(*spent[1:], strict=True))  # the first warms up
    yield Line("extraction, one worker", 60 * clips / (decoding + seeing), "clips a minute")
    yield Line("extraction, share of decoding", decoding / (decoding + seeing), "share")
    yield Line("extraction, share of the network", seeing / (decoding + seeing), "share")
    yield Line("extraction, peak memory", max(peaks), "GB")
