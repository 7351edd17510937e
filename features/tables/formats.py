"""Any table from its file (csv, parquet, JSON Lines; as it is, gzipped, or alone in a zip), its cells as they were written."""

import csv
import gzip
import io
import json
import re
import zipfile
from pathlib import Path
from typing import IO, Any

import pandas as pd

from features.tables.columns import COLUMNS
from machine.errors import InputError
from machine.files import regular_file

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl")  # of a dataset's files
READABLE = (*SUFFIXES, ".jsonl.gz", ".tsv", ".tsv.gz", ".csv.zip", ".jsonl.zip", ".zip")
MAGIC = {
    b"PAR1": "a Parquet file: name it .parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as csv (UTF-8)",
    b"SQLite format 3": "an SQLite database: export the table as csv",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
}
LARGEST = 4 << 30  # bytes that a packed file may have, unpacked
BLOCK = 1 << 26  # bytes; a block must hold the longest row
SEPARATORS = (",", ";", "\t", "|")


def read_table(path: Path) -> pd.DataFrame:
    """Read any table as it is; csv cells stay text (None where empty).

    Names of known columns may be written with capitals or blanks; columns without a name are dropped where they are empty.

    Raises:
        InputError: not one of `READABLE`, not a regular file, not readable, or without rows.
    """
    try:
        name, content = unpacked(path)
        if name.endswith((".csv", ".tsv")):
            table = _read_csv(path, content)
        elif name.endswith(".parquet"):
            table = _read_parquet(content)
        elif name.endswith((".jsonl", ".ndjson")):
            table = _read_jsonl(path, content)
        else:
            raise InputError(f"{path}: not a table ({', '.join(SUFFIXES)})")
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (save it as UTF-8)") from error
    except Exception as error:
        raise InputError(
            f"{path}: cannot be read as a table ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        ) from error
    table = _named(table)
    if table.columns.duplicated().any():
        raise InputError(f"{path}: column {table.columns[table.columns.duplicated()][0]} appears twice")
    if len(table) == 0:
        raise InputError(f"{path}: the table is empty")
    return table


def unpacked(path: Path) -> tuple[str, Path | bytes]:
    """The name, in small letters, and the content of a file: its path where it lies open, its bytes where it was packed.

    Raises:
        InputError: not a regular file, a workbook or database, an archive of several files, or more than `LARGEST` unpacked.
    """
    name = regular_file(path).name.lower()
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"PK\x03\x04"):
        return _unzipped(path)
    if not name.endswith(".parquet"):
        for start, what in MAGIC.items():
            if head.lstrip().startswith(start):
                raise InputError(f"{path}: is {what}")
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as packed:
                return name.removesuffix(".gz"), _whole(packed, path)
        except (OSError, EOFError) as error:
            raise InputError(f"{path}: is gzipped, and broken ({error})") from error
    return name.removesuffix(".gz"), path


def _unzipped(path: Path) -> tuple[str, bytes]:
    workbook = f"{path}: is an Excel workbook: save the sheet as csv (UTF-8)"
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        raise InputError(workbook)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
            if "xl/workbook.xml" in names:
                raise InputError(workbook)
            if len(names) != 1:
                raise InputError(f"{path}: is a zip of {len(names)} files: unpack it, and name the folder or one of them")
            with archive.open(names[0]) as packed:
                return names[0].lower(), _whole(packed, path)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        raise InputError(f"{path}: is a zip that cannot be read ({error})") from error


def _whole(packed: gzip.GzipFile | IO[bytes], path: Path) -> bytes:
    """All that is packed; a little file may unpack to more than there is memory for."""
    whole = io.BytesIO()
    while piece := packed.read(1 << 24):
        whole.write(piece)
        if whole.tell() > LARGEST:
            raise InputError(f"{path}: unpacks to more than {LARGEST / (1 << 30):.3g} GiB")
    return whole.getvalue()


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Known columns under the names of the contract; nameless columns gone where empty, else named by their place."""
    names = [str(column).strip().lstrip("\ufeff") for column in table.columns]
    empty = [not name and bool(table.iloc[:, place].isna().all()) for place, name in enumerate(names)]
    ours = [known_name(name) for name in names]
    for place, name in enumerate(ours):
        if name in COLUMNS and name not in names and ours.count(name) == 1:
            names[place] = name
    table = table.set_axis([name or f"column {place}" for place, name in enumerate(names, 1)], axis=1)
    return table.loc[:, [not one for one in empty]]


def known_name(name: str) -> str:
    """The name with small letters and underscores, as the contract writes its columns."""
    return re.sub(r"[\s\-]+", "_", name.strip()).casefold()


def _read_parquet(content: Path | bytes) -> pd.DataFrame:
    table = pd.read_parquet(io.BytesIO(content) if isinstance(content, bytes) else content)
    if "id" not in table and any(name is not None for name in table.index.names):
        table = table.reset_index()
    return table


def _read_csv(path: Path, content: Path | bytes) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv as arrow

    head = _head(content)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = (content if isinstance(content, bytes) else content.read_bytes()).decode("utf-16").encode("utf-8", "surrogatepass")
        head = content[: 1 << 16]
    separator, skipped = _separator(head.decode("utf-8-sig", "replace"))
    parse = arrow.ParseOptions(delimiter=separator, newlines_in_values=True)
    head_only = arrow.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=lambda row: "skip")
    read = {"block_size": BLOCK, "skip_rows": skipped}

    def source() -> Any:
        return pa.BufferReader(content) if isinstance(content, bytes) else pa.OSFile(str(content))

    unchecked = arrow.ConvertOptions(check_utf8=False)
    with arrow.open_csv(source(), read_options=arrow.ReadOptions(**read), parse_options=head_only, convert_options=unchecked) as opened:
        names = opened.schema.names

    def cells(kind: pa.DataType, **options: Any) -> pa.Table:
        convert = arrow.ConvertOptions(
            column_types=dict.fromkeys(names, kind), null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True
        )
        return arrow.read_csv(source(), read_options=arrow.ReadOptions(**read, **options), parse_options=parse, convert_options=convert)

    try:
        table = cells(pa.string())
    except pa.ArrowInvalid:
        # slowly again, to name the row and the column at fault
        ragged: list[Any] = []

        def keep(row: Any) -> str:
            ragged.append(row)
            return "error"

        parse.invalid_row_handler = keep
        try:
            _refuse_bytes(cells(pa.binary(), use_threads=False), path)
        except pa.ArrowInvalid as error:
            if ragged:
                row = ragged[0]
                # the header is number 1
                why = f"row {row.number - 1 - skipped} has {row.actual_columns} cells, not {row.expected_columns}"
                raise InputError(f"{path}: {why}") from error
        raise
    # by position: names may be the same
    frame = pd.DataFrame({place: column.to_pandas(types_mapper=_object_type) for place, column in enumerate(table.columns)})
    frame.columns = pd.Index(table.column_names, dtype=object)
    if len(frame) and any(isinstance(cell, str) and "\n" in cell for cell in frame.iloc[-1]) and _odd_quotes(content):
        raise InputError(f"{path}: row {len(frame)} opens a quote that is never closed")
    while len(frame) and len(frame.columns) > 1 and frame.iloc[-1].isna().all():  # spreadsheets end with rows of separators
        frame = frame.iloc[:-1]
    return frame


def _head(content: Path | bytes) -> bytes:
    if isinstance(content, bytes):
        return content[: 1 << 16]
    with content.open("rb") as file:
        return file.read(1 << 16)


def _separator(head: str) -> tuple[str, int]:
    """What stands between cells, and how many lines stand before the header: the separator that a first line `sep=;` names, else the
    one that finds most of our columns in the header, else most columns.
    """
    first = re.split(r"\r\n|\n|\r", head, maxsplit=1)[0]
    if match := re.fullmatch(r"\"?sep=(.|\\t)\"?[,;]*", first, re.IGNORECASE):
        return match[1].replace("\\t", "\t"), 1

    def fit(separator: str) -> tuple[int, int]:
        try:
            names = next(csv.reader(io.StringIO(head, newline=""), delimiter=separator), [])
        except csv.Error:
            return 0, 0
        return sum(known_name(name) in COLUMNS for name in names), len(names)

    return max(SEPARATORS, key=fit), 0


def _refuse_bytes(table: Any, path: Path) -> None:
    for name in table.column_names:
        for row, cell in enumerate(table[name], 1):
            try:
                (cell.as_py() or b"").decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{path}: row {row}, column {name}: not UTF-8 text (save the table as UTF-8)") from error


def _odd_quotes(content: Path | bytes) -> bool:
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
        return sum(block.count(b'"') for block in iter(lambda: file.read(1 << 20), b"")) % 2 == 1


def _object_type(kind: Any) -> None:
    return None


def _read_jsonl(path: Path, content: Path | bytes) -> pd.DataFrame:
    rows = []
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise InputError(f"{path}: line {number} is not UTF-8 text (save it as UTF-8)") from error
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}: line {number} is not JSON ({error})") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}: line {number} is not a JSON object")
            rows.append(row)
    return pd.DataFrame(rows, dtype=object)
