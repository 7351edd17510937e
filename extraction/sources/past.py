"""Outcomes of other videos, from whatever extract.py reads: the table alone, no clip is opened."""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from extraction.sources.collectors.entries import JSON
from extraction.sources.contract import KIND as CONTRACT
from extraction.sources.contract import of_a_collector
from extraction.sources.read import read_source
from features.tables.columns import COUNTS
from features.tables.dataset import Dataset, read_dataset
from features.tables.formats import SUFFIXES, read_table
from machine.errors import InputError

TABLES = (".csv", ".csv.gz", ".parquet")  # JSON Lines are read entry by entry


def read_past(path: Path, *, targets: Iterable[str], target_scale: str) -> Dataset:
    """Read a dataset or table by the contract, or what a collector wrote.

    Args:
        path: a source of `extraction.sources.read.read_source`.
        targets: names of the target columns.
        target_scale: `log1p` or `identity`.

    Raises:
        InputError: there is no such thing, or it cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or directory")
    tables = [path / f"videos{suffix}" for suffix in SUFFIXES if (path / f"videos{suffix}").exists()] if path.is_dir() else [path]
    by_contract = any(table.name.lower().endswith(TABLES) and _by_contract(read_table(table), {*targets}) for table in tables)
    source = None if by_contract else read_source(path)
    if source is None or source.kind == CONTRACT:
        return replace(read_dataset(path, targets=targets, target_scale=target_scale), ready={})
    return Dataset(source.videos, name=str(path), readings=source.readings)


def _by_contract(table: pd.DataFrame, targets: set[str]) -> bool:
    """Whether the contract's names fit: no collector's fit better, or there are authors and targets, or a target that no collector has."""
    asked = targets & {*table}
    return bool(asked - {*COUNTS} or (asked and "username" in table)) or not of_a_collector(table)


def read_dropped(files: Sequence[str], *, targets: Iterable[str], target_scale: str) -> Dataset:
    """Read files that were dropped on the page: one source of `read_past`, or the many small files of a collector.

    Raises:
        InputError: there are several, and one is a table; or `read_past` refuses them.
    """
    paths = [*map(Path, files)]
    if len(paths) == 1:
        return read_past(paths[0], targets=targets, target_scale=target_scale)
    if tables := [path.name for path in paths if not path.name.lower().endswith(JSON)]:
        raise InputError(f"{tables[0]}: drop a table of the past alone, or else files of a collector")
    with tempfile.TemporaryDirectory(prefix="clipcast-") as temporary:
        folder = Path(temporary) / "past"  # the name that sentences call it by
        for number, path in enumerate(paths):  # two may have one name
            (folder / str(number)).mkdir(parents=True)
            shutil.copy(path, folder / str(number))
        return read_past(folder, targets=targets, target_scale=target_scale)
