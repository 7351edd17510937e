"""The files of the dataset directory that an extraction writes; rows in the order of the source, the same bytes for the same input."""

import csv
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from extraction.sources.source import Source
from extraction.store import Result
from features.tables.columns import COLUMNS
from features.tables.formats import SUFFIXES, read_table
from features.tables.values import is_missing
from machine.errors import InputError
from machine.files import writing

ROWS = 500  # rows of features in memory at once
NAMES = ("videos", "visual", "acoustic", "counts")


def check(source: Source, out: Path) -> None:
    """Refuse an output directory that cannot be written, or holds the source, another dataset, or videos that would be gone.

    Raises:
        InputError: it is such a directory, or no directory.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: not a directory")
    above = next(folder for folder in (out.absolute(), *out.absolute().parents) if os.path.exists(folder))
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise InputError(f"{out}: cannot be written ({above} is not a directory that may be written into)")
    if out.exists() and out.resolve() == source.folder.resolve():
        raise InputError(f"{out}: choose another directory than the one that holds the source")
    ours = (out / "extraction.json").exists() or (out / ".clips").exists()  # the latter alone after an interruption
    for name in NAMES:
        for suffix in SUFFIXES:
            if not (ours and suffix == ".parquet") and (out / (name + suffix)).exists():
                raise InputError(f"{out / (name + suffix)}: another dataset is here already; choose an empty directory")
    videos = out / "videos.parquet"
    if videos.exists() and _made_from(out) not in (None, origin(source)):
        gone = len(set(read_table(videos)["id"]) - set(source.videos["id"]))
        if gone:
            raise InputError(f"{out}: {gone} of its videos are not in {source.name}; choose another --out, or give all videos together")


def origin(source: Source) -> str:
    """What extraction.json says of where a source lies."""
    return str(source.name.resolve())


def _made_from(out: Path) -> str | None:
    """`origin` of the source that `out` was made from; None where that is not told."""
    try:
        return json.loads((out / "extraction.json").read_text(encoding="utf-8"))["videos"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_features(out: Path, part: str, names: list[str], ids: pd.Series, results: Iterable[Result | None]) -> int:
    """Write `part`.parquet with a row (id, float32 columns) for every video that has the part; return their number.

    A part that no video has gets no file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    path = out / f"{part}.parquet"
    schema = pa.schema([("id", pa.string()), *((name, pa.float32()) for name in names)])
    rows = 0
    with writing(path) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        for chosen, block in _blocks(part, ids, results):
            table = [pa.array(chosen, pa.string()), *(pa.array(column) for column in np.ascontiguousarray(block.T))]
            writer.write_table(pa.Table.from_arrays(table, schema=schema))
            rows += len(chosen)
    if rows == 0:
        path.unlink()
    return rows


def _blocks(part: str, ids: pd.Series, results: Iterable[Result | None]) -> Iterator[tuple[list[str], np.ndarray]]:
    chosen: list[str] = []
    vectors: list[np.ndarray] = []
    for name, result in zip(ids, results, strict=True):
        if result is not None and part in result.features:
            chosen.append(name)
            vectors.append(result.features[part])
        if len(chosen) == ROWS:
            yield chosen, np.stack(vectors)
            chosen, vectors = [], []
    if chosen:
        yield chosen, np.stack(vectors)


def write_problems(out: Path, videos: pd.DataFrame, results: Iterable[Result | None]) -> int:
    """Write problems.csv (id, file, stage, reason, kept); return the number of videos with a problem."""
    count = 0
    with writing(out / "problems.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["id", "file", "stage", "reason", "kept"])
        for name, path, result in zip(videos["id"], videos["video_path"], results, strict=True):
            if result is None:
                continue
            kept = ", ".join(["metadata", *result.features])
            table.writerows([name, path, problem.stage, problem.reason, kept] for problem in result.problems)
            count += bool(result.problems)
    return count


def write_videos(out: Path, videos: pd.DataFrame) -> None:
    """Write videos.parquet. The media files stay where they are: their path is kept as `source_file`, relative to the source."""
    import pyarrow as pa
    from pyarrow import parquet

    if "source_file" in videos:  # of an earlier extraction, whose table is the source of this one
        known = videos["video_path"].where(videos["video_path"].notna(), videos["source_file"])
        videos = videos.drop(columns="source_file").assign(video_path=known)
    columns = {}
    for name in videos.columns:
        values = videos[name]
        shown = "source_file" if name == "video_path" else name
        if name in COLUMNS and COLUMNS[name].kind != "text":
            columns[shown] = pa.array(values.to_numpy(np.float64), pa.float64(), from_pandas=True)
        elif name in COLUMNS:
            columns[shown] = pa.array([value if isinstance(value, str) else None for value in values], pa.string())
        else:
            columns[shown] = _carried(values)
    with writing(out / "videos.parquet") as temporary:
        parquet.write_table(pa.table(columns), temporary)


def write_readings(out: Path, readings: pd.DataFrame | None) -> None:
    """Write counts.parquet, what was read of videos that were followed; no such file where none was."""
    path = out / "counts.parquet"
    if readings is None:
        path.unlink(missing_ok=True)
        return
    with writing(path) as temporary:
        readings.to_parquet(temporary, index=False)


def _carried(values: pd.Series) -> Any:
    """A column that nobody here knows, as it is; as text where its cells are of several types."""
    import pyarrow as pa

    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([None if is_missing(value) else str(value) for value in values], pa.string())
