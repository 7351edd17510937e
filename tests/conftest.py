"""What tests share: videos of any shape, a small world on disk, one small trained run, and a guard over global state."""

import contextlib
import hashlib
import importlib
import io
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pyro
import pytest
import torch
from matplotlib.figure import Figure

import train
from features.simulated.world import simulate
from features.tables.dataset import Dataset
from features.videos import Part, Videos
from forecast.member import Member
from machine import command
from machine.files import writing
from program import Networks, Program

with contextlib.suppress(ImportError):
    import rich.style  # noqa: F401  (what tokenizers imports late; it draws from Python's generator when first imported)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell makes what it starts in the background deaf to Ctrl-C

SMALL = ["--members", "1", "--epochs", "2", "--width", "16", "--latent", "4", "--batch-size", "128"]


@pytest.fixture(autouse=True)
def guard() -> Iterator[None]:
    """Fail a test that leaves something behind in pyro's parameter store or in global state.

    A test may seed torch, and then draw from its global generator; what it calls may not seed it, nor may anybody draw unseeded.
    """
    before, draws = _global_state(), torch.get_rng_state()
    seed, seeded = torch.manual_seed, []

    def manual_seed(number: int) -> torch.Generator:
        if sys._getframe(1).f_globals["__name__"].startswith("tests."):
            seeded.append(number)
        return seed(number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "manual_seed", manual_seed)
        yield
    left = list(pyro.get_param_store().keys())
    pyro.clear_param_store()
    assert not left, f"the test left parameters in pyro's store: {left}"
    after = _global_state()
    if after["device"] != before["device"]:
        torch.set_default_device(None)
    changed = [name for name in before if after[name] != before[name]]
    if not seeded and not torch.equal(torch.get_rng_state(), draws):
        changed.append("draws of torch")
    torch.set_rng_state(draws)
    assert not changed, f"the test changed global state: {changed}"


def _global_state() -> dict:
    return {
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "validation": torch.distributions.Distribution._validate_args,
        "stack": len(pyro.poutine.runtime._PYRO_STACK),
        "numpy": repr([part.tobytes() if isinstance(part, np.ndarray) else part for part in np.random.get_state()]),  # noqa: NPY002
        "random": random.getstate(),
        "directory": os.getcwd(),
    }


@pytest.fixture
def make_videos() -> Callable[..., Videos]:
    """`make_videos(count, parts={"visual": 5}, targets=3, missing=0.3, seed=0)`: random videos, labelled."""

    def make(count: int, parts: dict[str, int] | None = None, *, targets: int = 3, missing: float = 0.3, seed: int = 0) -> Videos:
        generator = torch.Generator().manual_seed(seed)
        found = {}
        for name, width in (parts or {"visual": 5, "social": 3}).items():
            present = torch.rand(count, generator=generator) >= missing
            found[name] = Part(torch.randn(count, width, generator=generator), torch.zeros(count, 0, dtype=torch.int64), present)
        return Videos(found, torch.randn(count, targets, generator=generator))

    return make


@pytest.fixture(scope="session")
def scoringrules() -> ModuleType:
    """Imported only by what asks for it: where numba is installed, that compiles for seconds."""
    return importlib.import_module("scoringrules")


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report's figures are made, and their files left empty: to render them takes five seconds, and is tested where reports are."""

    def savefig(figure: Figure, file: Path | io.BytesIO, **options) -> None:
        (file.write if isinstance(file, io.BytesIO) else file.write_bytes)(b"")

    monkeypatch.setattr(Figure, "savefig", savefig)


def member_of(model: Callable[[Videos], None], guide: Callable[[Videos], None]) -> Member:
    """A member of two functions of videos alone, which have their networks already."""

    def whole_model(videos, decoder, kl_weight=1.0):
        return model(videos)

    def whole_guide(videos, experts, kl_weight=1.0):
        return guide(videos)

    return Member(Program(whole_model, whole_guide), Networks(torch.nn.Module(), torch.nn.Module()))


def write_dataset(dataset: Dataset, directory: Path) -> Path:
    """The dataset as a directory: videos.csv, and each modality as csv.gz."""
    directory.mkdir(parents=True, exist_ok=True)
    with writing(directory / "videos.csv") as temporary:
        dataset.videos.to_csv(temporary, index=False)
    for part, table in dataset.ready.items():
        rows = table.assign(id=dataset.videos["id"]).dropna()
        with writing(directory / f"{part}.csv.gz") as temporary:
            rows.to_csv(temporary, index=False, compression="gzip")
    return directory


def checksums(directory: Path) -> dict[str, str]:
    """SHA-256 of every file below the directory, by its path from there."""
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def refused(main: Callable, arguments: Sequence[object], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command in this process, which ends with exit code 2; its one sentence."""
    try:
        code = command.run(main, list(map(str, arguments)))
    except SystemExit as stop:  # argparse
        code = stop.code
    error = capsys.readouterr().err
    assert code == 2, error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    return error


@pytest.fixture(scope="session")
def world() -> Dataset:
    """600 videos of the simulated world."""
    return simulate(600, seed=11)[0]


@pytest.fixture(scope="session")
def dataset_directory(world: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same 600 videos as a directory. Read only."""
    return write_dataset(world, tmp_path_factory.mktemp("world") / "data")


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Options of train.py for a run of a second or two."""
    return list(SMALL)


@pytest.fixture(scope="session")
def run_directory(dataset_directory: Path, small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished run on `dataset_directory`. Read only: copy it before changing it."""
    path = tmp_path_factory.mktemp("runs") / "small"
    train.main(["--data", str(dataset_directory), "--run", str(path), *small])
    return path


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the small backbone, random on purpose."""
    from extraction.backbones.efficientnet import EfficientNetLite0

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "lite0.pt"
    torch.save(EfficientNetLite0().state_dict(), path)
    return path
