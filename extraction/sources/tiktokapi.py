"""JSON of TikTokApi (`Video.as_dict`): what TikTok's own pages carry, with `stats` and `authorStats`."""

from collections.abc import Iterable
from pathlib import Path

from extraction.sources.source import Source, media_by_name, source_of

# column of the contract: object in the entry, names of the value in it, most exact first
PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "view_count": (("statsV2", "playCount"), ("stats", "playCount")),
    "like_count": (("statsV2", "diggCount"), ("stats", "diggCount")),
    "comment_count": (("statsV2", "commentCount"), ("stats", "commentCount")),
    "share_count": (("statsV2", "shareCount"), ("stats", "shareCount")),
    "follower_count": (("authorStatsV2", "followerCount"), ("authorStats", "followerCount")),
    "following_count": (("authorStatsV2", "followingCount"), ("authorStats", "followingCount")),
    "likes_count": (("authorStatsV2", "heartCount"), ("authorStats", "heartCount"), ("authorStatsV2", "heart"), ("authorStats", "heart")),
    "video_count": (("authorStatsV2", "videoCount"), ("authorStats", "videoCount")),
    "digg_count": (("authorStatsV2", "diggCount"), ("authorStats", "diggCount")),
    "friend_count": (("authorStatsV2", "friendCount"), ("authorStats", "friendCount")),
    "username": (("author", "uniqueId"),),
    "music_title": (("music", "title"),),
    "video_duration": (("video", "duration"),),
}
DIRECT = {
    "id": "id",
    "create_time": "createTime",
    "video_description": "desc",
    "language": "textLanguage",
    "region_code": "locationCreated",
    "collected_at": "collected_at",
    "video_path": "video_path",
}


def recognises(entry: dict) -> bool:
    """Whether a JSON object looks like a video of TikTokApi."""
    return "id" in entry and any(isinstance(entry.get(name), dict) for name in ("stats", "statsV2", "authorStats", "authorStatsV2"))


def read(entries: Iterable[dict], folder: Path, name: Path) -> Source:
    """Videos of TikTokApi; a media file below `folder` named by a video's id belongs to it."""
    media = media_by_name(folder)
    return source_of((_row(entry, media) for entry in entries), folder, "TikTokApi JSON", name)


def _row(entry: dict, media: dict[str, str]) -> dict:
    row = {column: entry.get(key) for column, key in DIRECT.items()}
    for column, places in PLACES.items():
        values = (entry[outer].get(inner) for outer, inner in places if isinstance(entry.get(outer), dict))
        row[column] = next((value for value in values if value not in (None, "")), None)
    if isinstance(entry.get("author"), str):
        row["username"] = entry["author"]
    row["hashtag_names"] = _hashtags(entry)
    row["suggested_words"] = _list(entry.get("suggestedWords"))
    row["video_path"] = row["video_path"] or media.get(str(entry.get("id")))
    return row


def _hashtags(entry: dict) -> list[str]:
    challenges = [item.get("title") for item in _dicts(entry.get("challenges"))]
    marked = [item.get("hashtagName") for item in _dicts(entry.get("textExtra"))]
    return [str(name) for name in (challenges if any(challenges) else marked) if name]


def _dicts(value: object) -> list[dict]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _list(value: object) -> list[str] | None:
    return [str(item) for item in value if isinstance(item, (str, int))] if isinstance(value, list) else None
