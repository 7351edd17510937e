"""The columns of a videos table: names of TikTok's Research API, units, and what values make sense."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DAY = 86_400.0  # seconds
Kind = Literal["text", "time", "count", "seconds"]


@dataclass(frozen=True)
class Column:
    """One known column: its kind, and a sentence for the documentation.

    Kinds: `text`; `time` in seconds since 1970, UTC; `count`, at least 0; `seconds`, at least 0.
    """

    name: str
    kind: Kind
    meaning: str


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("id", "text", "unique name of the video"),
        Column("username", "text", "the author"),
        Column("create_time", "time", "when it was published"),
        Column("collected_at", "time", "when the counts were read"),
        Column("video_description", "text", "the caption"),
        Column("hashtag_names", "text", "hashtags, separated by blanks"),
        Column("suggested_words", "text", "search words the platform suggests"),
        Column("music_title", "text", "title of the sound"),
        Column("region_code", "text", "country of the author"),
        Column("language", "text", "language of the caption"),
        Column("video_duration", "seconds", "length of the video"),
        Column("follower_count", "count", "followers of the author"),
        Column("following_count", "count", "accounts the author follows"),
        Column("likes_count", "count", "hearts all videos of the author received"),
        Column("video_count", "count", "videos of the author"),
        Column("digg_count", "count", "likes the author gave"),
        Column("friend_count", "count", "friends of the author"),
        Column("view_count", "count", "views of the video"),
        Column("like_count", "count", "likes of the video"),
        Column("comment_count", "count", "comments on the video"),
        Column("share_count", "count", "shares of the video"),
        Column("video_path", "text", "media file, relative to the dataset directory"),
    )
}

AUTHOR_COUNTS = ("follower_count", "following_count", "likes_count", "video_count", "digg_count", "friend_count")
COUNTS = ("view_count", "like_count", "comment_count", "share_count")
GIVEN = tuple(  # what a draft's author may say of it
    column for column in COLUMNS.values() if column.name not in ("id", "create_time", "collected_at", "video_path", *COUNTS)
)
CAPTION = ("video_description", "hashtag_names", "suggested_words")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that is most like `name`; None where none is."""
    found = {str(one).casefold(): str(one) for one in names}
    near = difflib.get_close_matches(name.casefold(), found, 1, 0.6)
    return found[near[0]] if near else next((found[one] for one in found if name.casefold() in one or one in name.casefold()), None)
