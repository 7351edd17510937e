"""Find out what a source is, and read it."""

import json
from pathlib import Path

from extraction.sources import contract, research_api, tiktokapi, ytdlp
from extraction.sources.source import Source, media_below, source_of
from features.tables.table import SUFFIXES
from machine.errors import InputError
from machine.files import regular_file


def read_source(path: Path, *, lenient: bool = False) -> Source:
    """Read videos and where their media files are.

    Args:
        path: a table by the contract; JSON as TikTok's Research API or as TikTokApi writes it; or a folder with one of those
            (a table named videos), with yt-dlp's *.info.json, or with nothing but media files.
        lenient: of a table by the contract, leave out values that cannot be used, as for the other formats, instead of refusing.

    Raises:
        InputError: there is no such thing, or it cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or directory")
    return _read_folder(path, lenient) if path.is_dir() else _read_file(path, path.parent, lenient)


def _read_folder(folder: Path, lenient: bool) -> Source:
    tables = [folder / f"videos{suffix}" for suffix in SUFFIXES if (folder / f"videos{suffix}").exists()]
    if len(tables) > 1:
        raise InputError(f"{folder}: two videos tables ({tables[0].name} and {tables[1].name})")
    if tables:
        return _read_file(tables[0], folder, lenient)
    infos = ytdlp.info_files(folder)
    if infos:
        return ytdlp.read(infos, folder)
    entries = [entry for path in sorted(folder.glob("*.json")) for entry in _json(path)]
    for reader in (tiktokapi, research_api):
        chosen = [entry for entry in entries if reader.recognises(entry)]
        if chosen:
            return reader.read(chosen, folder, folder)
    files = [path.relative_to(folder).as_posix() for path in media_below(folder)]
    if not files:
        raise InputError(f"{folder}: neither a videos table nor JSON of a known collector nor media files in it")
    return source_of(({"id": name, "video_path": name} for name in files), folder, "media files alone", folder)


def _read_file(path: Path, folder: Path, lenient: bool) -> Source:
    name = path.name.lower()
    if name.endswith((".json", ".jsonl")):
        entries = _json(path)
        for reader in (tiktokapi, research_api):
            if entries and reader.recognises(entries[0]) and name != "videos.jsonl":  # by the contract
                return reader.read(entries, folder, path)
        if name.endswith(".info.json"):
            return ytdlp.read([path], folder)
        if name.endswith(".json"):
            raise InputError(f"{path}: not JSON of the Research API, of TikTokApi or of yt-dlp")
        if entries and tiktokapi.recognises(entries[0]):
            return tiktokapi.read(entries, folder, path)
    return contract.read(path, folder, lenient)


def _json(path: Path) -> list[dict]:
    """The objects of a JSON or JSON Lines file that may be videos, unpacked from pages and lists."""
    regular_file(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip()] if path.name.lower().endswith(".jsonl") else [text]
        return [entry for line in lines for entry in _unpacked(json.loads(line))]
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({str(error).splitlines()[0][:100]})") from error


def _unpacked(value: object) -> list[dict]:
    if isinstance(value, list):
        return [entry for item in value for entry in _unpacked(item)]
    if not isinstance(value, dict):
        return []
    for inner in ("data", "videos", "itemList", "itemInfo", "itemStruct", "items"):
        if isinstance(value.get(inner), (dict, list)):
            return _unpacked(value[inner])
    return [value]
