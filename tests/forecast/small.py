"""A small dataset on disk and a small run trained on it, for tests that damage, kill or search run directories."""

from pathlib import Path

from features.simulated.world import simulate
from features.tables.columns import COUNTS
from features.tables.dataset import Dataset
from tests.conftest import write_dataset

SETTINGS = ["--members", "2", "--epochs", "2", "--width", "8", "--latent", "4", "--depth", "1", "--batch-size", "64", "--device", "cpu"]


def write_small(directory: Path, rows: int = 240, seed: int = 0) -> Path:
    """Simulated videos as a directory, with a sound title; counts stay whole numbers."""
    dataset, _ = simulate(rows, seed)
    videos = dataset.videos.assign(music_title=[f"sound {row % 9}" for row in range(rows)], region_code="DE")
    videos[list(COUNTS)] = videos[list(COUNTS)].astype(int)
    return write_dataset(Dataset(videos, dataset.ready), directory)


def train_small(data: Path, run: Path, *options: str) -> Path:
    """Train on `data` with tiny networks."""
    import train

    train.main(["--data", str(data), "--run", str(run), *SETTINGS, *options])
    return run
