"""Find out what a source is, and read it."""

from pathlib import Path

from extraction.sources import contract
from extraction.sources.account import Account
from extraction.sources.collectors.entries import JSON, NAMELESS, UNKNOWN, Entry, json_entries
from extraction.sources.media import Media, plain, shown
from extraction.sources.source import Source, account_of_files, account_of_videos, source_of_entries, source_of_rows
from features.tables.columns import COLUMNS
from features.tables.formats import READABLE, SUFFIXES
from machine.errors import InputError

ALONE = "media files alone"


def read_source(path: Path, *, checking: bool = False, lenient: bool = False, future: bool = False) -> Source:
    """Read videos and where their media files are.

    Args:
        path: a table by the contract; JSON of a collector (see `extraction.sources.collectors`); or a folder with a table named videos,
            with any number of JSON files of any collectors, or with nothing but media files.
        checking: of a table by the contract, count values that cannot be used, as for the other formats, instead of refusing.
        lenient: of a table by the contract, leave out rows that would be refused; of a folder, JSON files that cannot be read.
        future: videos may be published after tomorrow.

    Raises:
        InputError: there is no such thing, or it cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or directory")
    manner = {"checking": checking, "lenient": lenient, "future": future}
    if path.is_dir():
        media = Media(path)
        source, read = _folder(path, media, manner)
        account_of_files(source, media, read)
    else:
        source = _file(path, path.parent, None, manner)
        source.account.add("files", "read")
    account_of_videos(source)
    return source


def _folder(folder: Path, media: Media, manner: dict[str, bool]) -> tuple[Source, list[Path]]:
    tables = [folder / f"videos{suffix}" for suffix in SUFFIXES if (folder / f"videos{suffix}").exists()]
    if len(tables) > 1:
        raise InputError(f"{folder}: two videos tables ({tables[0].name} and {tables[1].name})")
    if tables:
        source, counts = contract.with_counts(
            _file(tables[0], folder, media, manner), folder, lenient=manner["lenient"] or manner["checking"]
        )
        return source, [*tables, *counts]
    files = [path for path in sorted(folder.rglob("*")) if path.name.lower().endswith(JSON) and plain(path, folder)]
    broken: list[Path] = []
    lenient = manner["lenient"] or manner["checking"]
    entries = [(path, _entries(path, broken, lenient=lenient)) for path in files]
    with_videos = [path for path, found in entries if any(entry.reader is not None for entry in found)]
    flat = [entry for _, found in entries for entry in found]
    if with_videos:
        source = source_of_entries(flat, folder, media, folder, future=manner["future"])
        for path in broken:
            source.account.add("entries", "files that cannot be read as JSON", path.name)
        return source, with_videos
    if not media.files:
        others = [
            f"{path.name}: a table, which is read by its own name"
            for path in sorted(folder.iterdir())
            if path.name.lower().endswith(READABLE)
        ]
        others += [f"{shown(name)}: a name that is not UTF-8 text" for name in media.unnamed]
        found = sorted({f"{shown(entry.path.name)}: {entry.what}" for entry in flat})
        what = ", ".join((found + others)[:6])
        raise InputError(
            f"{folder}: neither a videos table nor JSON of a known collector nor media files in it{f' ({what})' if what else ''}"
        )
    source = source_of_rows([{"id": name, "video_path": name} for name in media.files], folder, ALONE, folder, Account())
    for entry in flat:
        source.account.add("entries", entry.what, entry.path.name)
    return source, []


def _entries(path: Path, broken: list[Path], *, lenient: bool) -> list[Entry]:
    """The entries of a file; where `lenient`, none of one that cannot be read, which is then among the `broken` ones."""
    try:
        return json_entries(path)
    except InputError as error:
        if not lenient:
            raise InputError(f"{error}; extract.py --lenient leaves such files out") from error
        broken.append(path)
        return []


def _file(path: Path, folder: Path, media: Media | None, manner: dict[str, bool]) -> Source:
    """The source in one file; `media` of the folder that it was found in, None where it was given alone."""
    name = path.name.lower()
    named = Media() if media is None else media  # a table alone names its clips: what lies around it need not be of these videos
    if not name.endswith(JSON):
        return contract.read(path, folder, named, **manner)
    entries = json_entries(path)
    videos = [entry for entry in entries if entry.reader is not None]
    lines = name.endswith((".jsonl", ".jsonl.gz"))
    unknown = {entry.what for entry in entries} <= {UNKNOWN, NAMELESS}
    if lines and ((not videos and unknown) or (name.startswith("videos.") and _by_contract(entries))):
        return contract.read(path, folder, named, **manner)
    if not videos:
        shown = list(dict.fromkeys(key for entry in entries for key in entry.value))[:12]
        what = ", ".join(dict.fromkeys(entry.what for entry in entries)) or "empty"
        names = f", with {', '.join(map(str, shown))}" if shown else ""
        raise InputError(f"{path}: not JSON of a collector known here ({what}{names})")
    return source_of_entries(entries, folder, Media(folder) if media is None else media, path, future=manner["future"])


def _by_contract(entries: list[Entry]) -> bool:
    """Whether most entries hold more of the contract's columns than a collector's table of names finds."""
    ours = [sum(name in COLUMNS for name in entry.value) >= (entry.reader.fit(entry.value)[1] if entry.reader else 0) for entry in entries]
    return sum(ours) * 2 > len(ours)
