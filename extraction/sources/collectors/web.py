"""Tables of names: yt-dlp, and YouTube's Data API."""

import re
from typing import Any

from extraction.sources.collectors.reader import AUTHOR_ID, HELD, Reader, all_of, at, names_in

HASHTAG = re.compile(r"#(\w+)")
SITE = re.compile(r"https?://(?:[\w-]+\.)*?(youtube\.com|youtu\.be|tiktok\.com)(?:[/:?#]|$)", re.IGNORECASE)
LISTED = "youtube#playlistItem"


def _uploader(entry: dict) -> str | None:
    """The name, where it is one of its own: on TikTok, or where nothing lasting is known."""
    name = entry.get("uploader")
    lasting = entry.get("uploader_id") or entry.get("channel_id")
    return name if isinstance(name, str) and (not lasting or _of(entry, "tiktok")) else None


def _day(entry: dict) -> str | None:
    """The day of publication, 20240220, where the moment is not known."""
    day = entry.get("upload_date")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if isinstance(day, str) and re.fullmatch(r"\d{8}", day) else None


def _words_of(*names: str):
    """A place: the hashtags in texts, each once."""

    def words(entry: dict) -> list[str] | None:
        return list(dict.fromkeys(tag for name in names for tag in HASHTAG.findall(str(at(entry, name) or "")))) or None

    return words


def _of(entry: dict, site: str) -> bool:
    named = any(str(entry.get(name)).casefold().startswith(site) for name in ("extractor", "extractor_key", "ie_key"))
    address = SITE.match(str(entry.get("webpage_url")))
    return named or (address is not None and address[1].casefold().replace("youtu.be", "youtube.com") == f"{site}.com")


def _author_ids(entry: dict) -> list[str] | None:
    """YouTube's `uploader_id` was the channel's and is its handle now; TikTok's `channel_id` is not in older entries.

    Elsewhere one channel may be many uploaders'.
    """
    if _of(entry, "youtube"):
        return all_of("channel_id", "uploader_id")(entry)
    found = all_of("uploader_id", "channel_id")(entry)
    return found if found is None or _of(entry, "tiktok") else [one for one in found if str(one) != "0"][:1]


def _title(entry: dict) -> Any:
    """What YouTube shows of a video; elsewhere yt-dlp makes it from the caption."""
    return entry.get("title") if _of(entry, "youtube") else None


def _words(entry: dict) -> list[str] | None:
    """Elsewhere than on YouTube the title is the caption cut off, and so may be its last hashtag."""
    names = ("title", "description") if _of(entry, "youtube") else ("description",) if entry.get("description") else ("title",)
    return _words_of(*names)(entry)


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
        AUTHOR_ID: (_author_ids,),
        "create_time": ("timestamp", "release_timestamp", _day),
        "collected_at": ("epoch", "collected_at"),
        "video_description": (_title, "description", "title"),
        "hashtag_names": ("tags", _words),
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
    used=frozenset(
        ("_type", "extractor", "uploader", "uploader_id", "channel_id", "upload_date", "_filename", "filename", "requested_downloads")
    ),
)


def _video_id(entry: dict) -> Any:
    places = ("id.videoId", "contentDetails.videoId", "snippet.resourceId.videoId")
    found = next((value for value in (at(entry, place) for place in places) if value), None)
    name = entry.get("id")
    return found or (name if isinstance(name, str) and not _listed(entry) else None)


def _listed(entry: dict) -> bool:
    """Whether it is an item of a playlist, whose author and moment are the playlist's."""
    return entry.get("kind") == LISTED or at(entry, "snippet.resourceId") is not None or at(entry, "snippet.playlistId") is not None


def _unless_listed(path: str):
    return lambda entry: None if _listed(entry) else at(entry, path)


YOUTUBE = Reader(
    "YouTube Data API JSON",
    {
        "id": (_video_id,),
        AUTHOR_ID: ("snippet.videoOwnerChannelId", _unless_listed("snippet.channelId")),
        "create_time": ("contentDetails.videoPublishedAt", _unless_listed("snippet.publishedAt")),
        "collected_at": ("collected_at",),
        "video_description": ("snippet.title", "snippet.description"),
        "hashtag_names": (names_in("snippet.tags"), _words_of("snippet.title", "snippet.description")),
        "language": ("snippet.defaultLanguage", "snippet.defaultAudioLanguage"),
        "video_duration": ("contentDetails.duration",),
        "view_count": ("statistics.viewCount",),
        "like_count": ("statistics.likeCount",),
        "comment_count": ("statistics.commentCount",),
        "video_path": ("video_path",),
    },
    marks=("snippet", "statistics.viewCount", "contentDetails"),
    never=("snippet.topLevelComment", "snippet.textOriginal", "snippet.textDisplay", "_type", "statistics.subscriberCount"),
    used=frozenset(
        ("id", "kind", "snippet.tags", "snippet.description", "snippet.publishedAt", "snippet.channelId", "contentDetails.videoId")
    ),
)

WEB = (YTDLP, YOUTUBE)
