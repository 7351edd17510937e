"""Tables of names: yt-dlp, and YouTube's Data API."""

import re
from typing import Any

from extraction.sources.collectors.reader import AUTHOR_ID, HELD, Reader, at, names_in

HASHTAG = re.compile(r"#(\w+)")


def _uploader(entry: dict) -> str | None:
    """The name, where it is one of its own: on TikTok, or where nothing lasting is known."""
    name = entry.get("uploader")
    lasting = entry.get("uploader_id") or entry.get("channel_id")
    return name if isinstance(name, str) and (not lasting or str(entry.get("extractor")).casefold().startswith("tiktok")) else None


def _day(entry: dict) -> str | None:
    """The day of publication, 20240220, where the moment is not known."""
    day = entry.get("upload_date")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if isinstance(day, str) and re.fullmatch(r"\d{8}", day) else None


def _words_of(*names: str):
    def words(entry: dict) -> list[str] | None:
        return HASHTAG.findall(str(next((at(entry, name) for name in names if at(entry, name)), ""))) or None

    return words


def _files(entry: dict) -> list[str]:
    names = [entry.get("_filename"), entry.get("filename"), entry.get("filepath")]
    downloads = entry.get("requested_downloads")
    names += [item.get("filepath") for item in downloads if isinstance(item, dict)] if isinstance(downloads, list) else []
    return [name for name in names if isinstance(name, str)]


YTDLP = Reader(
    "yt-dlp",
    {
        "id": ("id",),
        "username": (_uploader,),
        AUTHOR_ID: ("uploader_id", "channel_id"),
        "create_time": ("timestamp", "release_timestamp", _day),
        "collected_at": ("epoch",),
        "video_description": ("description", "title"),
        "hashtag_names": ("tags", _words_of("description", "title")),
        "music_title": ("track",),
        "language": ("language",),
        "video_duration": ("duration",),
        "follower_count": ("channel_follower_count",),
        "view_count": ("view_count",),
        "like_count": ("like_count",),
        "comment_count": ("comment_count",),
        "share_count": ("repost_count", "share_count"),
        "video_path": ("video_path",),
        HELD: (_files,),
    },
    marks=("_type", "extractor", "extractor_key", "ie_key", "webpage_url", "formats", "epoch", "uploader", "uploader_id", "upload_date"),
    never=("stats", "authorMeta", "snippet", "entries"),
    used=frozenset({"_type", "extractor", "uploader", "upload_date", "_filename", "filename", "requested_downloads"}),
)


def _video_id(entry: dict) -> Any:
    name, places = entry.get("id"), ("id.videoId", "contentDetails.videoId", "snippet.resourceId.videoId")
    return next((value for value in (at(entry, place) for place in places) if value), name if isinstance(name, str) else None)


YOUTUBE = Reader(
    "YouTube Data API JSON",
    {
        "id": (_video_id,),
        AUTHOR_ID: ("snippet.channelId",),
        "create_time": ("snippet.publishedAt",),
        "collected_at": ("collected_at",),
        "video_description": ("snippet.title", "snippet.description"),
        "hashtag_names": (names_in("snippet.tags"), _words_of("snippet.description", "snippet.title")),
        "language": ("snippet.defaultLanguage", "snippet.defaultAudioLanguage"),
        "video_duration": ("contentDetails.duration",),
        "view_count": ("statistics.viewCount",),
        "like_count": ("statistics.likeCount",),
        "comment_count": ("statistics.commentCount",),
        "video_path": ("video_path",),
    },
    marks=("snippet", "statistics.viewCount", "contentDetails"),
    never=("snippet.topLevelComment", "snippet.textOriginal", "snippet.textDisplay", "_type", "statistics.subscriberCount"),
    used=frozenset({"id", "kind", "snippet.tags", "snippet.description", "contentDetails.videoId"}),
)

WEB = (YTDLP, YOUTUBE)
