"""A dataset: one videos table, readings of videos that were followed, and ready-made features of any number of modalities beside it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from features.scale import Scale
from features.tables.columns import COUNTS
from features.tables.formats import SUFFIXES
from features.tables.readings import of_videos, read_readings, videos_and_readings, warn_of_alone, warn_of_lost, with_last_reading
from features.tables.table import check_videos, read_features, read_videos
from machine.errors import InputError
from machine.files import inside

RESERVED = ("social", "history", "sound", "words", "early")  # parts that are computed from the videos table
MOVED = "wording"  # such a part of a run that was moved
ATTRIBUTES = ("latent", "prior_expert")  # of the experts, which are a torch module with one attribute a part


@dataclass(frozen=True)
class Dataset:
    """What a dataset directory holds, read and validated.

    Attributes:
        videos: one row a video (see `features.tables.table.read_videos`), as it was read last.
        ready: ready-made features by modality; float64 columns, one row a video in the order of `videos`, all NaN where a video
            lacks the modality.
        name: where it came from, for messages.
        fingerprint: SHA-256 over the files read, in hexadecimal.
        readings: what was read of videos that were followed: `id` (text), `collected_at` and targets (float64), in the order of `videos`,
            then of time; None where nothing was followed.
        so_far: what is known of each row when its forecast is made, which is of a later reading (`features.followed.looks`); None where
            all forecasts are made before anything was read.
        lenient: rows with a bad id, time or target were left out.
    """

    videos: pd.DataFrame
    ready: dict[str, pd.DataFrame] = field(default_factory=dict)
    name: str = "dataset"
    fingerprint: str = ""
    readings: pd.DataFrame | None = None
    so_far: pd.DataFrame | None = None
    lenient: bool = False

    def __len__(self) -> int:
        return len(self.videos)

    def take(self, rows: np.ndarray) -> "Dataset":
        """The dataset of these rows, in this order."""
        videos = self.videos.iloc[rows].reset_index(drop=True)
        ready = {part: table.iloc[rows].reset_index(drop=True) for part, table in self.ready.items()}
        readings = None if self.readings is None else of_videos(self.readings, videos)
        so_far = None if self.so_far is None else self.so_far.iloc[rows].reset_index(drop=True)
        return replace(self, videos=videos, ready=ready, readings=readings, so_far=so_far)

    def split(self, size: int) -> Iterator["Dataset"]:
        """`size` rows at a time, in order."""
        return (self.take(np.arange(start, min(start + size, len(self)))) for start in range(0, len(self), size))

    def spread(self, most: int) -> "Dataset":
        """`most` of the rows, evenly spread; all where there are fewer."""
        return self.take(evenly(len(self), most))

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that a run may have of it."""
        return tuple(dict.fromkeys((*RESERVED, "textual", *self.ready)))


def evenly(count: int, most: int) -> np.ndarray:
    """Numbers of `most` of so many rows, evenly spread, the first and the last among them; all where there are fewer."""
    return np.linspace(0, count - 1, min(count, most)).astype(int)


def read_dataset(
    source: Path | str, *, targets: Iterable[str] = COUNTS, target_scale: str = "log1p", lenient: bool = False, future: bool = False
) -> Dataset:
    """Read a dataset directory, or its one videos file (then features beside it are not read).

    Rows with a bad id, time or target are refused, or left out where `lenient`. With `future`, videos may be published after tomorrow.

    Raises:
        InputError: no such directory, no or several videos files, two files of one modality, an id without a video in every
            feature file, or whatever `features.tables.table` refuses.
    """
    source = Path(source)
    if not source.exists():
        raise InputError(f"{source}: no such directory or file")
    targets = tuple(targets)
    reading: dict[str, Any] = {"targets": targets, "count_targets": Scale(target_scale).counts, "lenient": lenient}
    if not source.is_dir():
        videos, readings = videos_and_readings(read_videos(source, **reading, future=future), source, targets)
        warn_of_lost(videos, readings, targets, source)
        return Dataset(videos, {}, str(source), _fingerprint([source]), readings, lenient=lenient)
    files = _tables(source)
    videos_file = files.pop("videos", None)
    if videos_file is None:
        names, extraction = ", ".join("videos" + suffix for suffix in SUFFIXES), f"python extract.py --videos {source} --out DATA"
        raise InputError(f"{source}: no videos file ({names}); of a collector's files, {extraction} makes one")
    videos, readings = videos_and_readings(read_videos(videos_file, **reading, future=future), videos_file, targets)
    counts_file = files.pop("counts", None)
    if counts_file is not None:
        counted = read_readings(counts_file, videos, **reading)
        readings = counted if readings is None else pd.concat([readings, counted])
        warn_of_alone(videos, readings, targets, counts_file)
        videos, readings = with_last_reading(videos, readings, counts_file, targets, lenient=lenient)
    warn_of_lost(videos, readings, targets, source)
    ready = {}
    for part, path in files.items():
        if part in (*RESERVED, MOVED):
            raise InputError(f"{path}: the name {part} is taken by a part computed from the videos table")
        if not part.isidentifier() or hasattr(nn.ModuleDict(), part) or part in ATTRIBUTES:
            raise InputError(f"{path}: {part!r} cannot name a part (letters, digits and _, such as 'faces')")
        features = read_features(path)
        if not features.index.isin(videos["id"]).any():
            raise InputError(f"{path}: not one id is in {videos_file.name}")
        ready[part] = features.reindex(videos["id"]).reset_index(drop=True)
    counts = [] if counts_file is None else [counts_file]
    return Dataset(videos, ready, str(source), _fingerprint([videos_file, *counts, *files.values()]), readings, lenient=lenient)


def as_dataset(videos: Dataset | pd.DataFrame, *, targets: Iterable[str] = COUNTS, target_scale: str = "log1p") -> Dataset:
    """A data frame with the contract's columns, one row a video or reading, as a dataset; a dataset stays as it is.

    Raises:
        InputError: whatever `features.tables.table` refuses.
    """
    if isinstance(videos, Dataset):
        return videos
    if not isinstance(videos, pd.DataFrame):
        raise InputError(f"a {type(videos).__name__} is no data frame with the contract's columns (`read_dataset` reads files)")
    name = "the data frame"
    targets = tuple(targets)
    table = check_videos(videos.reset_index(drop=True), Path(name), targets=targets, count_targets=Scale(target_scale).counts)
    fingerprint = hashlib.sha256(table.to_json(default_handler=str).encode("utf-8", "surrogatepass")).hexdigest()
    held, readings = videos_and_readings(table, Path(name), targets)
    warn_of_lost(held, readings, targets, Path(name))
    return Dataset(held, {}, name, fingerprint, readings)


def _tables(directory: Path) -> dict[str, Path]:
    """The videos file and the feature files (with a column id), by name, sorted."""
    found: dict[str, Path] = {}
    for path in sorted(directory.iterdir()):
        suffix = next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(suffix)), None)
        if suffix is None or path.name.startswith("."):
            continue
        name = path.name[: -len(suffix)].lower()
        # a feature file has an id; other tables (problems.csv, manifest.csv) may lie beside it
        if name != "videos" and not (suffix in (".csv.gz", ".parquet") or name in ("visual", "acoustic", "textual", "counts")):
            continue
        if name in found:
            raise InputError(f"{directory}: two files for {name} ({found[name].name} and {path.name})")
        found[name] = inside(directory, path.name)
    return found


def _fingerprint(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
