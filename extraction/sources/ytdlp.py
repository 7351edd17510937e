"""A folder as yt-dlp writes it with --write-info-json: NAME.info.json beside NAME.mp4."""

import json
import re
from pathlib import Path

from extraction.sources.source import MEDIA, Source, source_of
from machine.errors import InputError
from machine.files import regular_file

ENDING = ".info.json"
# column of the contract: keys of the info file, most exact first
KEYS: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "username": ("uploader", "uploader_id", "channel"),
    "create_time": ("timestamp", "release_timestamp"),
    "collected_at": ("epoch",),
    "video_description": ("description", "title"),
    "music_title": ("track",),
    "language": ("language",),
    "video_duration": ("duration",),
    "follower_count": ("channel_follower_count",),
    "view_count": ("view_count",),
    "like_count": ("like_count",),
    "comment_count": ("comment_count",),
    "share_count": ("repost_count", "share_count"),
}
HASHTAG = re.compile(r"#(\w+)")


def info_files(folder: Path) -> list[Path]:
    """The info files below `folder`, sorted."""
    return [path for path in sorted(folder.rglob(f"*{ENDING}")) if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def read(infos: list[Path], folder: Path) -> Source:
    """Videos of a yt-dlp folder.

    Raises:
        InputError: an info file is not JSON.
    """
    rows, lists = [], 0
    for path in infos:
        entry = _entry(path)
        if entry.get("_type", "video") != "video":
            lists += 1
            continue
        rows.append(_row(entry, path, folder))
    notes = [f"{lists} info files of playlists were passed over"] if lists else []
    return source_of(rows, folder, "yt-dlp folder", folder, notes=notes)


def _entry(path: Path) -> dict:
    regular_file(path)
    try:
        entry = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({str(error).splitlines()[0][:100]})") from error
    if not isinstance(entry, dict):
        raise InputError(f"{path}: not a JSON object")
    return entry


def _row(entry: dict, path: Path, folder: Path) -> dict:
    row = {column: next((entry[key] for key in keys if entry.get(key) not in (None, "")), None) for column, keys in KEYS.items()}
    tags = entry.get("tags")
    row["hashtag_names"] = tags if isinstance(tags, list) and tags else HASHTAG.findall(str(row["video_description"] or ""))
    row["video_path"] = _media(entry, path, folder)
    return row


def _media(entry: dict, path: Path, folder: Path) -> str | None:
    stem = path.name.removesuffix(ENDING)
    endings = [f".{entry['ext']}"] if isinstance(entry.get("ext"), str) and f".{entry['ext']}" in MEDIA else []
    for ending in (*endings, *MEDIA):
        media = path.with_name(stem + ending)
        if media.exists():
            return media.relative_to(folder).as_posix()
    return None
