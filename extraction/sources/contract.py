"""A table: by the contract (the columns of docs/data.md), or a collector's JSON that was flattened into one."""

import re
from pathlib import Path, PurePosixPath

import pandas as pd

from extraction.sources.account import Account
from extraction.sources.collectors.entries import READERS, other_than_video, table_entries
from extraction.sources.collectors.reader import nested
from extraction.sources.media import Media
from extraction.sources.source import Source, source_of_entries, source_of_rows, with_media
from features.tables.columns import COLUMNS, COUNTS, nearest
from features.tables.formats import SUFFIXES, read_table
from features.tables.readings import read_readings, with_last_reading
from features.tables.table import check_videos
from features.tables.values import is_missing, parse_id
from machine.errors import InputError

KIND = "a table by the contract"
OF_VIDEO = re.compile(r"^(.*\.|(video|stats|statistics)(v2)?[_/ ])")
ENDING = re.compile(r"s?[_ ]?(counts?)?$")
SYNONYMS = {"play": "view", "digg": "like", "heart": "like"}
LOOK = 50  # rows of a table that show whose it is


def read(path: Path, folder: Path, media: Media, *, checking: bool = False, lenient: bool = False, future: bool = False) -> Source:
    """Read the table at `path`; media files lie below `folder`.

    Args:
        path: a table that `features.tables.formats.read_table` reads.
        folder: where the media files lie.
        media: those.
        checking: what is wrong in it is counted, not refused.
        lenient: rows with a bad id, time or count are left out, instead of being refused.
        future: videos may be published after tomorrow.

    Raises:
        InputError: whatever `features.tables.table` refuses; a table of which nothing but ids is known.
    """
    table = read_table(path)
    if of_a_collector(table):
        return source_of_entries(table_entries(table, path), folder, media, path, future=future)
    others = {other_than_video(nested(row)) for row in table.head(LOOK).to_dict("records")}
    if None not in others:
        raise InputError(f"{path}: its rows are no videos ({', '.join(sorted(filter(None, others)))})")
    known = [name for name in table.columns if name in COLUMNS]
    carried = [name for name in table.columns if name not in COLUMNS]
    if known == ["id"] and carried:
        raise InputError(f"{path}: nothing but the ids is known of its columns {_guessed(carried)}")
    if "id" in known and media.files:
        table["video_path"] = _with_clips(table, media)
    if checking and "id" in known:
        source = source_of_rows(
            table[[name for name in table.columns if name in COLUMNS]].to_dict("records"), folder, KIND, path, Account()
        )
    else:
        checked = check_videos(table, path, lenient=lenient, future=future)
        source = with_media(checked, folder, KIND, path)
        source.account.add("entries", "videos", count=len(source.videos))
        source.account.add("entries", "other readings of them", count=len(checked) - len(source.videos))
        source.account.add("entries", "left out", count=len(table) - len(checked))
    if not (future or {*known} & {*COUNTS}) and (guessed := _counts_by_other_names(carried)):
        told = f"rename the columns that are ({guessed}), or name your own with --targets"
        source.notes.append(f"none of {', '.join(COUNTS)} is in it: {told}")
    source.account.add("columns", "used", count=len(known))
    source.account.add("columns", "carried along", ", ".join(carried[:6]), len(carried))
    return source


def with_counts(source: Source, folder: Path, *, lenient: bool = False) -> tuple[Source, list[Path]]:
    """The source with the readings that stand in a table `counts` beside it, and the files read.

    With `lenient`, readings that cannot be used, or are of videos that are not there, are left out and counted.
    """
    files = [folder / f"counts{suffix}" for suffix in SUFFIXES if (folder / f"counts{suffix}").exists()]
    for path in files:
        counted = read_readings(path, source.videos, lenient=lenient, others=True)
        readings = counted if source.readings is None else pd.concat([source.readings, counted])
        source.videos, source.readings = with_last_reading(source.videos, readings, path, lenient=lenient)
        source.account.add("entries", "readings in a table of counts", path.name, len(counted))
        source.account.add("entries", "readings left out", path.name, len(read_table(path)) - len(counted) if lenient else 0)
    return source, files


def of_a_collector(table: pd.DataFrame) -> bool:
    """Whether a collector's names find more in the table than the contract's do."""
    ours = sum(name in COLUMNS for name in table.columns)
    rows = [nested(row) for row in table.head(LOOK).to_dict("records")]
    found = sorted(max(reader.fit(row)[1] for reader in READERS) for row in rows)
    return found[len(found) // 2] > ours


def _with_clips(table: pd.DataFrame, media: Media) -> pd.Series:
    """`video_path`; of videos that no row gives one, the file that their id names, unless the table says that it is another's."""
    ids = table["id"].map(parse_id)
    given = table["video_path"] if "video_path" in table else pd.Series([None] * len(table), index=table.index)
    told = ~given.map(is_missing).astype(bool)
    taken = {PurePosixPath(str(path).replace("\\", "/")).as_posix() for path in given[told]}
    asked = list(ids[~ids.isin(ids[told])].dropna().unique())
    found = dict(zip(asked, media.of([(name, (), None) for name in asked]), strict=True))
    cells = [found.get(name) for name in ids]
    return given.astype(object).where(told, pd.Series([None if path in taken else path for path in cells], given.index, dtype=object))


def _guessed(names: list[str]) -> str:
    """Columns, each with the one of ours that it may be."""
    plain = {name: name.rsplit(".", 1)[-1].replace("Count", "_count").replace("plays", "view_count") for name in names}
    spelled = {name: written.replace("play_count", "view_count").replace("digg_count", "like_count") for name, written in plain.items()}
    near = [(name, nearest(written, COLUMNS)) for name, written in spelled.items()]
    return ", ".join(f"{name} ({one}?)" if one else name for name, one in near[:12])


def _counts_by_other_names(names: list[str]) -> str:
    """Those columns whose name is another one of a video's count, each with ours."""
    stems = {name: ENDING.sub("", OF_VIDEO.sub("", name.casefold())) for name in names}
    ours = {count.removesuffix("_count"): count for count in COUNTS}
    found = {name: ours[word] for name, stem in stems.items() if (word := SYNONYMS.get(stem, stem)) in ours}
    return ", ".join(f"{name} ({one}?)" for name, one in [*found.items()][:12])
