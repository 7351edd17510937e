"""JSON of TikTok's Research API: video objects as `/v2/research/video/query/` answers, alone, in lists or in whole answers.

Author counts come from `/v2/research/user/info/`; where a collector merged them into the video object, they are used.
"""

from collections.abc import Iterable
from pathlib import Path

from extraction.sources.source import Source, media_by_name, source_of
from features.tables.columns import COLUMNS

MARKS = ("view_count", "video_description", "create_time", "region_code", "hashtag_names")


def recognises(entry: dict) -> bool:
    """Whether a JSON object looks like a video of the Research API."""
    return ("id" in entry or "video_id" in entry) and any(mark in entry for mark in MARKS)


def read(entries: Iterable[dict], folder: Path, name: Path) -> Source:
    """Videos of the Research API; a media file below `folder` named by a video's id belongs to it."""
    media = media_by_name(folder)
    return source_of((_row(entry, media) for entry in entries), folder, "Research API JSON", name)


def _row(entry: dict, media: dict[str, str]) -> dict:
    row = {column: entry[column] for column in COLUMNS if column in entry and not isinstance(entry[column], dict)}
    identifier = entry.get("id", entry.get("video_id"))
    row["id"] = identifier
    row.setdefault("video_path", media.get(str(identifier)))
    if "music_title" not in row and isinstance(entry.get("music"), dict):
        row["music_title"] = entry["music"].get("title")
    return row
