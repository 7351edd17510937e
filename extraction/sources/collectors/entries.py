"""Entries of JSON, JSON Lines and tables: unpacked from pages and lists, and told apart: videos by collector, and everything else."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from extraction.sources.collectors.reader import Reader, at, nested
from extraction.sources.collectors.tiktok import TIKTOK
from extraction.sources.collectors.web import WEB
from features.tables.columns import COLUMNS
from features.tables.formats import unpacked
from features.tables.values import is_missing, parse_number
from machine.errors import InputError

READERS = (*WEB, *TIKTOK)
JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
BLANKS = re.compile(r"\s*")
PAGES = (
    "data",
    "videos",
    "itemList",
    "itemInfo",
    "itemStruct",
    "items",
    "item_list",
    "entries",
    "results",
    "aweme_list",
    "aweme_detail",
    "aweme_details",
)
VIDEOS_OF_YOUTUBE = ("youtube#video", "youtube#searchResult", "youtube#playlistItem")
CHANNEL = ("channel_id", "uploader_id", "uploader", "channel_follower_count")
MILLISECONDS = 1e11  # seconds since 1970 are fewer, until the year 5138
PLAYLIST, NAMELESS, UNKNOWN = "playlists", "entries without an id", "entries of no known collector"
COMMENT = ("parent_comment_id", "reply_count", "cid", "comment_id", "reply_comment_total", "snippet.topLevelComment", "snippet.textDisplay")
VIDEOS_OWN = COLUMNS.keys() - {  # a comment has none of these
    "id",
    "username",
    "create_time",
    "collected_at",
    "like_count",
    "digg_count",
    "comment_count",
    "share_count",
    "video_description",
    "language",
    "region_code",
}
MOMENTS = {  # where an entry may say when it was read
    "timestamp_collected",
    *(place for reader in READERS for place in reader.places.get("collected_at", ()) if isinstance(place, str)),
}
PROFILE = (
    "display_name",
    "follower_count",
    "followerCount",
    "userInfo",
    "statistics.subscriberCount",
    "channel_follower_count",
    "bio_description",
)


@dataclass(frozen=True)
class Entry:
    """One object of a source.

    Attributes:
        value: as it was read.
        path: the file it stands in.
        reader: whose it is; None where it is no video.
        what: what it is, in words.
    """

    value: dict
    path: Path
    reader: Reader | None
    what: str


def json_entries(path: Path) -> list[Entry]:
    """The entries of a JSON or JSON Lines file, unpacked from pages and lists.

    Raises:
        InputError: the file cannot be read as JSON.
    """
    _, content = unpacked(path)
    try:
        raw = content if isinstance(content, bytes) else content.read_bytes()
        text = raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
        return [entry for value in _values(text) for entry in _entries(value, path)]
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({str(error).splitlines()[0][:100]})") from error


def table_entries(table: pd.DataFrame, path: Path) -> list[Entry]:
    """The rows of a table, as the objects that were flattened."""
    return [_entry(nested(row), path) for row in table.to_dict("records")]


def _entries(value: object, path: Path, around: dict[str, Any] | None = None) -> Iterator[Entry]:
    """The entries in a value; what the objects `around` it say of all of them is theirs, too, where they say nothing else."""
    around = around or {}
    if isinstance(value, list):
        for item in value:
            yield from _entries(item, path, around)
    elif isinstance(value, dict):
        by_another = any(not is_missing(value.get(name)) for name in CHANNEL)
        own = {*(CHANNEL if by_another else ())} | ({"collected_at"} if any(not is_missing(value.get(name)) for name in MOMENTS) else set())
        told = {name: one for name, one in around.items() if is_missing(value.get(name)) and name not in own}
        entry = _entry(value | told, path)
        page = next((value[name] for name in PAGES if isinstance(value.get(name), (dict, list))), None)
        if entry.reader is None and page is not None:
            yield from _entries(page, path, around | _of_all(value))
        elif entry.what == UNKNOWN and (within := [one for one in _within(value, path, around) if one.reader is not None]):
            yield from within
        else:
            yield entry
    else:
        yield Entry({}, path, None, "values that are no objects")


def _within(value: dict, path: Path, around: dict[str, Any]) -> Iterator[Entry]:
    """The entries within an object that is none itself: a page's whole state, or videos by their ids."""
    for inner in value.values():
        if isinstance(inner, (dict, list)):
            yield from _entries(inner, path, around | _of_all(value))


def _of_all(page: dict) -> dict[str, Any]:
    """What a page says of all that it holds: when it was read, and, where it is a channel's, whose that is."""
    moment = next((page[name] for name in ("collected_at", "epoch", "timestamp_collected") if not is_missing(page.get(name))), None)
    number = parse_number(moment)
    found = {"collected_at": number / 1000 if number is not None and number > MILLISECONDS else moment}
    if page.get("_type") == "playlist" and page.get("id") in (page.get("channel_id"), page.get("uploader_id")):  # any other may be a fan's
        found |= {name: page.get(name) for name in CHANNEL}
    return {name: one for name, one in found.items() if isinstance(one, (str, int, float)) and not is_missing(one)}


def _values(text: str) -> Iterator[object]:
    """The values of a JSON or JSON Lines file: one, or several after each other."""
    decoder, place = json.JSONDecoder(object_hook=_unwrapped), _behind_blanks(text, 0)
    if place == len(text):
        raise ValueError("it is empty")
    while place < len(text):
        value, end = decoder.raw_decode(text, place)
        yield value
        place = _behind_blanks(text, end)


def _unwrapped(found: dict) -> object:
    """The number that MongoDB's export writes as an object; any other object as it is."""
    return next(iter(found.values())) if len(found) == 1 and next(iter(found)) in ("$numberLong", "$numberInt") else found


def _entry(value: dict, path: Path) -> Entry:
    what = other_than_video(value)
    if what is None:
        fits = [(reader.fit(value), reader) for reader in READERS]
        best, reader = max(fits, key=lambda pair: pair[0])
        if best > (0, 0):
            return Entry(value, path, reader, "video")
        what = NAMELESS if any(_without_id(reader, value) for reader in READERS) else "profiles" if _any(value, PROFILE) else UNKNOWN
    return Entry(value, path, None, what)


def _without_id(reader: Reader, value: dict) -> bool:
    return _any(value, reader.marks) and is_missing(reader.value(value, "id"))


def _behind_blanks(text: str, place: int) -> int:
    found = BLANKS.match(text, place)
    return place if found is None else found.end()


def other_than_video(value: dict) -> str | None:
    """What an entry is that bears the marks of something else than a video; None where it bears none."""
    if value.get("_type") in ("playlist", "multi_video"):
        return PLAYLIST
    if not VIDEOS_OWN & value.keys() and (
        _any(value, COMMENT) or (value.get("video_id") not in (None, value.get("id", value.get("video_id"))) and "text" in value)
    ):
        return "comments"
    kind = str(value.get("kind"))
    if kind.startswith("youtube#") and kind not in VIDEOS_OF_YOUTUBE:
        return f"of the kind {kind}"
    if not any(name in value for name in ("id", "video_id", "aweme_id", *PAGES)) and _any(
        value, ("error", "statusCode", "status_code", "errors", "status_msg")
    ):
        return "error answers"
    return None


def _any(value: dict, names: tuple[str, ...]) -> bool:
    return any(at(value, name) is not None for name in names)
