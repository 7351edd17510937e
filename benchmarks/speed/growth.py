"""Line 5: cold starts. Line 7: what a video costs must not depend on how many there are."""

import contextlib
import io
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from benchmarks.speed.measure import Entry, wall_seconds
from benchmarks.speed.training import pyro_objective, step
from benchmarks.speed.world import networks, random_videos
from features.simulated.world import simulate, write
from forecast.forecaster import Forecaster
from forecast.saved import load
from forecast.scoring.evaluation import evaluate
from guide import guide
from model import model
from program import build
from train import main as train_main

SMALL = ("--members", "1", "--epochs", "1", "--width", "32", "--latent", "8")
BATCH = 64


def small_run(directory: Path) -> Path:
    """A run trained for a moment on a few videos of the simulated world."""
    run, data = directory / "run", directory / "world"
    with contextlib.redirect_stdout(io.StringIO()):
        write(2_000, data)
        train_main(["--data", str(data), "--run", str(run), *SMALL])
    return run


def cold_starts(run: Path) -> Iterator[Entry]:
    """Line 5, seconds of the clock over those allowed."""
    yield Entry("5 train.py --help / 1 s", wall_seconds(["train.py", "--help"]), 1.0)
    draft = ["predict.py", "--run", str(run), "--description", "my cat", "--follower-count", "1000"]
    yield Entry("5 predict.py without video / 4 s", wall_seconds(draft) / 4, 1.0)


def linear(sizes: Sequence[int], run: Path, enough: float) -> tuple[list[Entry], pd.DataFrame]:
    """Line 7: the dearest of the sizes over the cheapest, and a table of milliseconds a video; `enough` seconds for each number."""
    forecaster = load(run, build=build, model=model, guide=guide)
    costs = {name: _costs({count: make(count, forecaster, run.parent) for count in sizes}, enough) for name, make in STAGES.items()}
    table = pd.DataFrame(costs, index=[f"{count:,}" for count in sizes])
    table.insert(0, "extract", _clip(run.parent) + table["extract but reading"])
    measured = [name for name in table if name != "extract but reading"]  # bookkeeping alone is shown, not judged
    return [
        Entry(f"7 {name}, a video: dearest / cheapest of {sizes[0]:,} to {sizes[-1]:,}", float(table[name].max() / table[name].min()), 1.15)
        for name in measured
    ], table


def _costs(stages: Mapping[int, Callable[[], object]], enough: float) -> list[float]:
    """Milliseconds of the processor a video, for each size: means over `enough` seconds, taken in turns."""
    found: dict[int, list[float]] = {count: [] for count in stages}
    stages[min(stages)]()  # to warm up
    while min(sum(seconds) for seconds in found.values()) < enough:
        count = min(found, key=lambda count: sum(found[count]))  # the machine is not always as fast: whoever had least time is next
        start = time.process_time()
        stages[count]()
        found[count].append(time.process_time() - start)
    return [1000 * statistics.fmean(seconds) / count for count, seconds in found.items()]


def _epoch(count: int, forecaster: Forecaster, folder: Path) -> Callable[[], object]:
    ours = networks(width=32)
    return step(ours, random_videos(count), BATCH, pyro_objective(ours), -(-count // BATCH))


def _evaluate(count: int, forecaster: Forecaster, folder: Path) -> Callable[[], object]:
    dataset = simulate(count)[0]
    return lambda: evaluate(forecaster, dataset, samples=50)


def _extract(count: int, forecaster: Forecaster, folder: Path) -> Callable[[], object]:
    """A table of `count` videos that share eight clips, which are read before."""
    from extraction.backbones.efficientnet import EfficientNetLite0
    from extraction.extract import extract
    from extraction.settings import Limits, Settings
    from extraction.simulated_clips import simulate as simulate_clips
    from extraction.sources.read import read_source

    source, out, weights = folder / f"{count}", folder / f"{count}-features", folder / "weights.pt"
    settings = Settings("efficientnet_lite0", str(weights))
    if not weights.exists():
        torch.save(EfficientNetLite0().state_dict(), weights)
        simulate_clips(folder / "clips", 8)
        extract(read_source(folder / "clips"), folder / "features", settings, Limits())
    shutil.copytree(folder / "clips", source)
    shutil.copytree(folder / "features", out)
    table = source / "videos.csv"
    clips = pd.read_csv(table, dtype=str)
    rows = pd.concat([clips] * -(-count // len(clips)), ignore_index=True).iloc[:count]
    rows.assign(id=[str(row) for row in range(count)]).to_csv(table, index=False)
    read = read_source(source)
    return lambda: extract(read, out, settings, Limits())


def _clip(folder: Path) -> float:
    """Milliseconds of the clock that reading one of the eight clips takes: decoding, network and sound, whatever the number of videos."""
    from extraction.clips import ClipReader, settled
    from extraction.settings import Settings

    clips = sorted((folder / "clips").glob("**/*.mp4"))
    with ClipReader(settled(Settings("efficientnet_lite0", str(folder / "weights.pt")))) as reader:
        found = []
        for clip in [*clips, *clips]:
            start = time.perf_counter()
            reader.read(clip)
            found.append(1000 * (time.perf_counter() - start))
    return statistics.median(found[len(clips) :])


STAGES: dict[str, Callable[[int, Forecaster, Path], Callable[[], object]]] = {
    "extract but reading": _extract,
    "training epoch": _epoch,
    "evaluate": _evaluate,
}
