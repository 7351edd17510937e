"""Tables of names: TikTok's own interfaces, and collectors of its pages."""

from typing import Any

from extraction.sources.collectors.reader import AUTHOR_ID, Reader, all_of, at, names_in, written_object
from features.tables.values import parse_number


def _author(entry: dict) -> str | None:
    """Older pages hold the author's unique name alone."""
    author = entry.get("author")
    return author if isinstance(author, str) and not written_object(author) else None


def _milliseconds(path: str):
    """A place: the length in seconds; what is no number stays as it is, and so is counted among what cannot be used."""

    def seconds(entry: dict) -> Any:
        value = at(entry, path)
        number = parse_number(value)
        return value if number is None else number / 1000

    return seconds


GIVEN = {"collected_at": ("collected_at",), "video_path": ("video_path",)}  # what a user of any collector may add

TIKTOKAPI = Reader(
    "TikTokApi JSON",
    {
        "id": ("id",),
        "username": ("author.uniqueId", _author),
        AUTHOR_ID: ("author.id", "authorId"),
        "create_time": ("createTime",),
        "video_description": ("desc",),
        "hashtag_names": (names_in("challenges", "title"), names_in("textExtra", "hashtagName")),
        "suggested_words": (names_in("suggestedWords"),),
        "music_title": ("music.title",),
        "region_code": ("locationCreated",),
        "language": ("textLanguage",),
        "video_duration": ("video.duration",),
        "follower_count": ("authorStatsV2.followerCount", "authorStats.followerCount"),
        "following_count": ("authorStatsV2.followingCount", "authorStats.followingCount"),
        "likes_count": ("authorStatsV2.heartCount", "authorStats.heartCount", "authorStatsV2.heart", "authorStats.heart"),
        "video_count": ("authorStatsV2.videoCount", "authorStats.videoCount"),
        "digg_count": ("authorStatsV2.diggCount", "authorStats.diggCount"),
        "friend_count": ("authorStatsV2.friendCount", "authorStats.friendCount"),
        "view_count": ("statsV2.playCount", "stats.playCount"),
        "like_count": ("statsV2.diggCount", "stats.diggCount"),
        "comment_count": ("statsV2.commentCount", "stats.commentCount"),
        "share_count": ("statsV2.shareCount", "stats.shareCount"),
        **GIVEN,
    },
    marks=("stats", "statsV2", "authorStats", "authorStatsV2"),
    never=("authorMeta", "extractor", "snippet"),
    used=frozenset({"challenges", "textExtra", "suggestedWords"}),
)

RESEARCH_API = Reader(
    "Research API JSON",
    {
        "id": ("id", "video_id"),
        "username": ("username",),
        "create_time": ("create_time",),
        "video_description": ("video_description",),
        "hashtag_names": ("hashtag_names",),
        "suggested_words": ("suggested_words",),
        "music_title": ("music_title", "music.title"),
        "region_code": ("region_code",),
        "language": ("language",),
        "video_duration": ("video_duration",),
        **{name: (name,) for name in ("follower_count", "following_count", "likes_count", "video_count", "digg_count", "friend_count")},
        **{name: (name,) for name in ("view_count", "like_count", "comment_count", "share_count")},
        **GIVEN,
    },
    marks=("view_count", "video_description", "create_time", "region_code", "hashtag_names", "music_id"),
    never=(
        "_type",
        "extractor",
        "play_count",
        "parent_comment_id",
        "reply_count",
        "stats",
        "statistics",
        "snippet",
        "embed_link",
        "cover_image_url",
    ),
)

DISPLAY_API = Reader(
    "Display API JSON",
    {
        "id": ("id",),
        "username": ("username",),
        "create_time": ("create_time",),
        "video_description": ("video_description", "title"),
        "video_duration": ("duration",),
        **{name: (name,) for name in ("view_count", "like_count", "comment_count", "share_count")},
        **GIVEN,
    },
    marks=("cover_image_url", "share_url", "embed_link", "embed_html"),
    never=("_type", "extractor", "play_count", "statistics", "stats"),
)

MOBILE = Reader(  # what the app itself receives, and collectors that pass it on
    "JSON of TikTok's app",
    {
        "id": ("aweme_id", "id"),
        "username": ("author.unique_id",),
        AUTHOR_ID: (all_of("author.uid", "author.sec_uid", "author_user_id"),),
        "create_time": ("create_time",),
        "video_description": ("desc",),
        "hashtag_names": (names_in("cha_list", "cha_name"), names_in("text_extra", "hashtag_name")),
        "music_title": ("music.title",),
        "region_code": ("region",),
        "language": ("desc_language",),
        "video_duration": (_milliseconds("video.duration"),),
        "follower_count": ("author.follower_count",),
        "following_count": ("author.following_count",),
        "likes_count": ("author.total_favorited",),
        "video_count": ("author.aweme_count",),
        "digg_count": ("author.favoriting_count",),
        "view_count": ("statistics.play_count",),
        "like_count": ("statistics.digg_count",),
        "comment_count": ("statistics.comment_count",),
        "share_count": ("statistics.share_count",),
        **GIVEN,
    },
    marks=("statistics.play_count", "statistics.digg_count"),
    never=("cid", "snippet"),
    used=frozenset({"cha_list", "text_extra", "video.duration", "author.uid", "author.sec_uid", "author_user_id"}),
)

TIKWM = Reader(
    "tikwm JSON",
    {
        "id": ("video_id", "aweme_id", "id"),
        "username": ("author.unique_id", "unique_id", "username"),
        AUTHOR_ID: ("author.id",),
        "create_time": ("create_time",),
        "video_description": ("title", "desc", "video_description"),
        "music_title": ("music_info.title",),
        "region_code": ("region",),
        "video_duration": ("duration",),
        "view_count": ("play_count",),
        "like_count": ("digg_count",),
        "comment_count": ("comment_count",),
        "share_count": ("share_count",),
        **GIVEN,
    },
    marks=("play_count", "digg_count", "music_info"),
    never=("cid", "stats", "statistics", "authorMeta", "extractor", "like_count", "view_count"),
)

APIFY = Reader(
    "Apify JSON",
    {
        "id": ("id",),
        "username": ("authorMeta.name",),
        AUTHOR_ID: ("authorMeta.id",),
        "create_time": ("createTime", "createTimeISO"),
        "collected_at": ("collected_at", "scrapedAt"),
        "video_description": ("text",),
        "hashtag_names": (names_in("hashtags", "name", "title"),),
        "music_title": ("musicMeta.musicName",),
        "region_code": ("locationCreated", "authorMeta.region"),
        "language": ("textLanguage",),
        "video_duration": ("videoMeta.duration",),
        "follower_count": ("authorMeta.fans",),
        "following_count": ("authorMeta.following",),
        "likes_count": ("authorMeta.heart",),
        "video_count": ("authorMeta.video",),
        "digg_count": ("authorMeta.digg",),
        "friend_count": ("authorMeta.friends",),
        "view_count": ("playCount",),
        "like_count": ("diggCount",),
        "comment_count": ("commentCount",),
        "share_count": ("shareCount",),
        "video_path": ("video_path",),
    },
    marks=("authorMeta", "musicMeta", "videoMeta", "webVideoUrl", "createTimeISO", "playCount", "diggCount"),
    never=("cid", "stats", "videoWebUrl"),
    used=frozenset({"hashtags"}),
)

PYKTOK = Reader(
    "Pyktok table",
    {
        "id": ("video_id",),
        "username": ("author_username",),
        "create_time": ("video_timestamp",),
        "video_description": ("video_description",),
        "suggested_words": ("suggested_words",),
        "region_code": ("video_locationcreated",),
        "video_duration": ("video_duration",),
        "follower_count": ("author_followercount",),
        "following_count": ("author_followingcount",),
        "likes_count": ("author_heartcount",),
        "video_count": ("author_videocount",),
        "digg_count": ("author_diggcount",),
        "view_count": ("video_playcount",),
        "like_count": ("video_diggcount",),
        "comment_count": ("video_commentcount",),
        "share_count": ("video_sharecount",),
        **GIVEN,
    },
    marks=("video_playcount", "video_diggcount", "video_timestamp", "author_followercount"),
)

TIKTOK = (TIKTOKAPI, MOBILE, TIKWM, APIFY, PYKTOK, DISPLAY_API, RESEARCH_API)
