"""A source of videos: its table, its folder of media files, and what in it could not be used."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from extraction.sources.account import Account
from extraction.sources.authors import settle_authors
from extraction.sources.collectors.entries import NAMELESS, PLAYLIST, Entry
from extraction.sources.collectors.reader import AUTHOR_ID, HELD, at, paths
from extraction.sources.collectors.web import YTDLP
from extraction.sources.media import Asked, Media, shown
from features.tables.columns import COLUMNS
from features.tables.readings import videos_and_readings
from features.tables.table import check_ids, doubted, judge
from features.tables.values import is_missing, is_number, parse_id, parse_number
from machine.errors import InputError
from machine.files import inside, regular_file

INFO = ".info.json"
IDENTIFIER = re.compile(r"(?:(?:^|[^A-Za-z])[a-z]?id|I[dD])s?$")  # at the end of a name
LONG = re.compile(r"[+-]?\d{16,}(\.0*)?")  # more digits than a float holds: an identifier
SAME, UNTIMED, EARLY, NO_ID = "repeats of an id", "without a moment, beside others", "read before publication", "without an id"
TOLD = {
    SAME: "entries repeat an id; of each column the last value counts",
    UNTIMED: "entries say not when they were read, as others with their id do, and were left out",
    EARLY: "entries were read before their video was published, and were left out",
    NO_ID: "entries without an id were left out",
}


@dataclass
class Source:
    """Videos to extract.

    Attributes:
        videos: by the contract (see `features.tables.table.read_videos`), one row a video as it was read last, always with a column
            `video_path` (None without a file).
        folder: what `video_path` is relative to.
        kind: the format, in words.
        name: of the file or folder read.
        unusable: values by column that could not be understood and were left out.
        notes: further remarks, whole sentences.
        readings: of videos that were read several times (see `features.tables.readings`); None where none was.
        account: what of it was used, and what was not.
    """

    videos: pd.DataFrame
    folder: Path
    kind: str
    name: Path
    unusable: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    readings: pd.DataFrame | None = None
    account: Account = field(default_factory=Account)


def source_of_entries(entries: list[Entry], folder: Path, media: Media, path: Path, *, future: bool = False) -> Source:
    """Make a source from the entries of collectors, whatever they are of; see `source_of_rows`.

    Raises:
        InputError: no video among them.
    """
    account = Account()
    rows: list[dict[str, Any]] = []
    asked: list[Asked] = []
    columns: dict[str, None] = {}
    carried: dict[str, list[tuple[int, Any]]] = {}
    used: set[str] = set()
    unread: Counter[str] = Counter()
    for entry in entries:
        if entry.reader is None:
            account.add("entries", f"{entry.what}", entry.path.name)
            continue
        row = entry.reader.row(entry.value)
        unread.update(column for column in entry.reader.unread(entry.value) if column in COLUMNS)
        own = entry.path.relative_to(folder).as_posix().removesuffix(INFO) if entry.path.name.endswith(INFO) else None
        held = row.pop(HELD, None) or []
        if not row.get("video_path"):
            asked.append((str(parse_id(row["id"])), held, own))
        own_names = entry.reader.own(entry.value)
        for name in paths(entry.value):
            columns.setdefault(name)
            if name not in used and (name in own_names or entry.reader.reads(name)):
                used.add(name)
            elif name not in used and name not in COLUMNS and not is_missing(cell := at(entry.value, name)):
                carried.setdefault(name, []).append((len(rows), cell))
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: no video in it ({_what(account)})")
    carried = {name: numbers for name, cells in carried.items() if (numbers := _numbers(name, cells))}
    for name, numbers in carried.items():  # a count that nobody here knows may be a target
        for place, number in numbers:
            rows[place][name] = number
    for row, file in zip((row for row in rows if not row.get("video_path")), media.of(asked), strict=True):
        row["video_path"] = file
    of = [entry.reader.kind for entry in entries if entry.reader is not None]
    kinds = list(dict.fromkeys(of))
    for one in kinds:  # two collectors may know one author by different identifiers
        settle_authors([row for row, kind in zip(rows, of, strict=True) if kind == one], AUTHOR_ID)
    kind = "yt-dlp folder" if kinds == [YTDLP.kind] and path.is_dir() else ", ".join(kinds)
    source = source_of_rows(rows, folder, kind, path, account, future=future)
    source.unusable = dict(Counter(source.unusable) + unread)
    passed = {what: count for what, (count, _) in account.found["entries"].items()}
    told = {PLAYLIST: "info files of playlists were passed over", NAMELESS: "entries without an id were left out"}
    source.notes[:0] = [f"{passed[what]} {sentence}" for what, sentence in told.items() if what in passed]
    kept = [name for name in carried if name not in used]
    left = [name for name in columns if name not in used and name not in kept]
    account.add("columns", "used", count=len(used))
    account.add("columns", "carried along", _some(kept), len(kept))
    account.add("columns", "not used", _some(left), len(left))
    return source


def source_of_rows(rows: list[dict[str, Any]], folder: Path, kind: str, path: Path, account: Account, *, future: bool = False) -> Source:
    """Make a source from one dict a reading of a video, its keys columns, its values as a collector wrote them.

    Values that cannot be understood are counted and left out. Rows of one video at several moments are readings; at one moment
    the last value of each column counts.

    Raises:
        InputError: no row with an id, or ids that were rounded.
    """
    known = [row for row in rows if parse_id(row.get("id")) is not None]
    if not known:
        raise InputError(f"{path}: no video with an id in it")
    ours = [column for column in COLUMNS if any(not is_missing(row.get(column)) for row in known)]
    order = dict.fromkeys([*ours, *(name for row in known for name in row if name not in COLUMNS)])
    table = pd.DataFrame({column: pd.Series([row.get(column) for row in known], dtype=object) for column in order})
    judged, faults = judge(table, path, future=future)
    unusable: dict[str, int] = {}
    for fault in faults:
        if fault.column == "id":
            raise InputError(f"{path}: {fault}")
        unusable[fault.column] = unusable.get(fault.column, 0) + fault.count
    kept, lost = _last_of_each_moment(judged)
    notes = [f"{count} {TOLD[what]}" for what, count in {NO_ID: len(rows) - len(known), **lost}.items() if count]
    check_ids(kept, path)
    source = with_media(doubted(kept, path), folder, kind, path)
    source.unusable, source.notes, source.account = unusable, notes, account
    account.add("entries", "videos", count=len(source.videos))
    account.add("entries", "other readings of them", count=len(kept) - len(source.videos))
    for what, count in {**lost, NO_ID: len(rows) - len(known)}.items():
        account.add("entries", what, count=count)
    return source


def with_media(table: pd.DataFrame, folder: Path, kind: str, path: Path) -> Source:
    """The source of a validated table; a video that was read several times keeps the media file that any of its rows names."""
    if "video_path" not in table:
        table["video_path"] = pd.Series([None] * len(table), dtype=object)
    held = table.dropna(subset="video_path").drop_duplicates("id", keep="last").set_index("id")["video_path"]
    videos, readings = videos_and_readings(table, path, others=True)
    known = videos["video_path"].where(videos["video_path"].notna(), videos["id"].map(held))
    known = pd.Series([_with_slashes(name, folder) for name in known], dtype=object)
    videos = videos.assign(video_path=known.where(known.notna(), None))
    return Source(videos, folder, kind, path, readings=readings)


def _with_slashes(name: object, folder: Path) -> object:
    """A path as Windows writes it as everybody reads it; a name may have a backslash elsewhere."""
    return name.replace("\\", "/") if isinstance(name, str) and "\\" in name and not os.path.exists(folder / name) else name


def account_of_files(source: Source, media: Media, read: Iterable[Path]) -> None:
    """Count every file below the source's folder, and which videos have a clip; note clips whose name is no text."""
    account, folder = source.account, source.folder
    source.notes += media.notes()
    opened = {path.relative_to(folder).as_posix() for path in read}
    named = {str(path) for path in source.videos["video_path"] if path is not None}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        relative = path.relative_to(folder).as_posix()
        if relative in opened:
            account.add("files", "read")
        elif relative in named:
            account.add("files", "clips of videos")
        elif relative in media.files:
            account.add("files", "clips without a row", relative)
        elif relative in media.unnamed:
            account.add("files", "clips whose name is not UTF-8 text", relative)
            source.notes.append(f"{shown(relative)}: left out, since its name is not UTF-8 text (rename the file)")
        else:
            account.add("files", _unread(path, relative), relative)


def account_of_videos(source: Source) -> None:
    """Count videos with and without a clip."""
    without = source.videos["id"][source.videos["video_path"].isna()]
    source.account.add("rows", "with a clip", count=len(source.videos) - len(without))
    source.account.add("rows", "without a clip", without.iloc[0] if len(without) else "", len(without))


def _unread(path: Path, relative: str) -> str:
    if path.is_symlink():
        return "links not followed"
    if any(part.startswith(".") for part in Path(relative).parts):
        return "hidden, not read"
    return "unfinished downloads" if path.suffix in (".part", ".ytdl", ".crdownload", ".download") else "not read"


def _last_of_each_moment(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Without what repeats an id at the same moment, at no moment, or before the video was published; and how many rows each reason had."""
    moment = table["collected_at"] if "collected_at" in table else pd.Series(float("nan"), index=table.index)
    several = table["id"].duplicated(keep=False)
    untimed = several & moment.isna() & table["id"].map(moment.notna().groupby(table["id"]).any())
    again = ~untimed & table.assign(collected_at=moment).duplicated(["id", "collected_at"], keep="last")
    lost = {SAME: int(again.sum()), UNTIMED: int(untimed.sum()), EARLY: 0}
    if again.any():
        table = _with_what_earlier_ones_say(table, moment)
    table = table[~(again | untimed)]
    if {"create_time", "collected_at"} <= set(table):
        early = table["collected_at"] < table["create_time"]
        # a row that does not say when the video was published, or says another time, is judged by the newest that does
        created = table[~early].sort_values("collected_at").groupby("id")["create_time"].last()
        early |= table["collected_at"] < table["id"].map(created)
        early &= table["id"].duplicated(keep=False) & table["id"].map((~early).groupby(table["id"]).any())
        table, lost[EARLY] = table[~early], int(early.sum())
    return table.reset_index(drop=True), lost


def _with_what_earlier_ones_say(table: pd.DataFrame, moment: pd.Series) -> pd.DataFrame:
    """Each value that is missing as it is in the last row before that knows it, of those with the same id and moment."""
    keys = [table["id"], moment]
    repeated = pd.concat(keys, axis=1).duplicated(keep=False)
    told = table[repeated].groupby([key[repeated] for key in keys], dropna=False, sort=False)[list(table.columns.drop("id"))].ffill()
    return table.assign(**{name: table[name].where(~repeated, told[name].reindex(table.index)) for name in told})


def _what(account: Account) -> str:
    kinds = account.found.get("entries", {})
    return ", ".join(f"{count} x {what}" for what, (count, _) in kinds.items()) or "nothing"


def _numbers(name: str, cells: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """The numbers of a column, each with its row; of one with texts, none where it is an identifier or not every cell is a number."""
    texts = [value for _, value in cells if isinstance(value, str)]
    if not texts:
        return [(row, value) for row, value in cells if is_number(value)]
    if IDENTIFIER.search(name) or any(LONG.fullmatch(text.strip()) for text in texts):
        return []
    found = [(row, parse_number(value)) for row, value in cells]
    return [] if any(number is None for _, number in found) else found


def _some(names: list[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")


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
        return regular_file(path) if os.path.exists(path) else path  # one that may not be looked at is a path all the same
    except (InputError, OSError, RuntimeError) as error:
        raise InputError(f"{source.name}: row {row + 1}, column video_path: {error}") from error
