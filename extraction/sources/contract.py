"""A table by the contract: csv, csv.gz, parquet or jsonl with the columns of docs/data.md."""

from pathlib import Path

import pandas as pd

from extraction.sources.source import Source, source_of
from features.tables.columns import COLUMNS
from features.tables.readings import apart
from features.tables.table import check_videos, read_table
from features.tables.values import parse_count

KIND = "a table by the contract"


def read(path: Path, folder: Path, lenient: bool = False) -> Source:
    """Read the table at `path`; media files lie below `folder`.

    Raises:
        InputError: whatever `features.tables.table` refuses (if `lenient`, only a table that cannot be read at all).
    """
    table = read_table(path)
    if lenient:
        known = [name for name in table.columns if name in COLUMNS]
        rows = ({name: None if _missing(value) else value for name, value in row.items()} for row in table[known].to_dict("records"))
        return source_of(rows, folder, KIND, path)
    for name in table.columns:
        if name in COLUMNS and COLUMNS[name].kind == "count" and not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = [_count(value) for value in table[name]]
    videos, _ = apart(check_videos(table, path), path)
    if "video_path" not in videos:
        videos["video_path"] = pd.Series([None] * len(videos), dtype=object)
    return Source(videos, folder, KIND, path)


def _count(value: object) -> object:
    """A written count such as 1.2M as a number; anything else stays, to be judged by `check_videos`."""
    number = parse_count(value) if isinstance(value, str) else None
    return value if number is None else number


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)
