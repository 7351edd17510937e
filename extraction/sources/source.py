"""A source of videos: its table, its folder of media files, and what in it could not be used."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from features.tables.columns import AUTHOR_COUNTS, COLUMNS, LATEST
from features.tables.table import check_videos
from features.tables.values import parse_count, parse_time
from machine.errors import InputError
from machine.files import inside, regular_file

MEDIA = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".flv", ".avi", ".3gp", ".ts", ".m4a", ".mp3")


@dataclass
class Source:
    """Videos to extract.

    Attributes:
        videos: by the contract (see `features.tables.table.read_videos`), always with a column `video_path` (None without a file).
        folder: what `video_path` is relative to.
        kind: the format, in words.
        name: of the file or folder read.
        unusable: values by column that could not be understood and were left out.
        notes: further remarks, whole sentences.
    """

    videos: pd.DataFrame
    folder: Path
    kind: str
    name: Path
    unusable: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def source_of(rows: Iterable[dict], folder: Path, kind: str, name: Path, *, notes: Iterable[str] = ()) -> Source:
    """Make a source from one dict a video, its keys the contract's columns, its values as a collector wrote them.

    Values that cannot be understood are counted and left out. Of several rows with one id the last one counts.

    Raises:
        InputError: no row with an id.
    """
    unusable: dict[str, int] = {}
    notes = list(notes)
    kept: dict[str, dict] = {}
    total = nameless = 0
    for row in rows:
        total += 1
        clean = {column: _value(column, value, unusable) for column, value in row.items() if value is not None and value != ""}
        if clean.get("id") is None:
            nameless += 1
            continue
        kept.pop(str(clean["id"]), None)
        kept[str(clean["id"])] = clean
    if not kept:
        raise InputError(f"{name}: no video with an id in it")
    if nameless:
        notes.append(f"{nameless} entries without an id were left out")
    if total - nameless > len(kept):
        notes.append(f"{total - nameless - len(kept)} entries repeat an id; the last of each counts")
    order = [column for column in COLUMNS if any(column in row for row in kept.values())]
    table = pd.DataFrame({column: pd.Series([row.get(column) for row in kept.values()], dtype=object) for column in order})
    videos = check_videos(table, name)
    if "video_path" not in videos:
        videos["video_path"] = pd.Series([None] * len(videos), dtype=object)
    return Source(videos, folder, kind, name, unusable, notes)


def _value(column: str, value: object, unusable: dict[str, int]) -> object:
    kind = COLUMNS[column].kind
    if kind == "text":
        if isinstance(value, (list, tuple)):
            return " ".join(str(item) for item in value) or None
        return str(value)
    number = parse_time(value) if kind == "time" else parse_count(value)
    overflow = column in AUTHOR_COUNTS and number is not None and -(2**31) <= number < -1e6  # repaired later
    if number is None or (number < 0 and not overflow) or (kind == "time" and number > LATEST):
        unusable[column] = unusable.get(column, 0) + 1
        return None
    return number


def media_files(source: Source) -> list[Path | None]:
    """The media file of every video, None where the table names none; a file that does not exist is a path all the same.

    Raises:
        InputError: a path that leaves the folder (absolute, `..`, a link), an address, or something that is not a regular file.
    """
    return [None if relative is None else media_file(source, row, relative) for row, relative in enumerate(source.videos["video_path"])]


def media_file(source: Source, row: int, relative: str) -> Path:
    """The media file that row number `row` names; see `media_files`."""
    try:
        path = inside(source.folder, relative)
        return regular_file(path) if path.exists() else path
    except (InputError, OSError, RuntimeError) as error:
        raise InputError(f"{source.name}: row {row + 1}, column video_path: {error}") from error


def media_by_name(folder: Path) -> dict[str, str]:
    """Media files below `folder`: path relative to it by the file's name without ending, and by what stands in its last [brackets]."""
    found: dict[str, str] = {}
    for path in media_below(folder):
        relative = path.relative_to(folder).as_posix()
        found.setdefault(path.stem, relative)
        if path.stem.endswith("]") and "[" in path.stem:
            found.setdefault(path.stem[path.stem.rindex("[") + 1 : -1], relative)
    return found


def media_below(folder: Path) -> list[Path]:
    """Regular media files below `folder`, sorted; hidden ones, pipes, devices and links that lead out of it are passed over."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in MEDIA and _plain(path, folder)]


def _plain(path: Path, folder: Path) -> bool:
    relative = path.relative_to(folder)
    if any(part.startswith(".") for part in relative.parts):
        return False
    try:
        return inside(folder, str(relative)).is_file()
    except (InputError, OSError, RuntimeError):
        return False
