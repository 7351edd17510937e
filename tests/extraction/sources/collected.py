"""Known videos, and how each collector writes them: what comes back must be these videos."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

NOW = 1_709_300_000


def videos(count: int = 6, *, first: int = 0) -> list[dict[str, Any]]:
    """Videos by the contract, each by an author of its own name."""
    return [
        {
            "id": str(7_341_000_000_000_000_017 + 386_547_056_641 * (first + number)),
            "username": f"user{(first + number) % 4}",
            "create_time": (7_341_000_000_000_000_017 + 386_547_056_641 * (first + number)) >> 32,
            "video_description": f"clip {number} of the day",
            "hashtag_names": f"cat{number % 3} fyp",
            "video_duration": 5 + number,
            "view_count": 89 + 1000 * number,
            "like_count": 8 + 10 * number,
            "comment_count": number,
            "share_count": 1 + number,
        }
        for number in range(count)
    ]


def ytdlp(video: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"id": video["id"], "_type": "video", "extractor": "TikTok", "title": video["video_description"], "ext": "mp4"}
    about |= {"description": video["video_description"], "tags": video["hashtag_names"].split(), "duration": video["video_duration"]}
    about |= {"uploader": video["username"], "uploader_id": f"68{video['username']}", "channel": "Alex", "timestamp": video["create_time"]}
    counts = {name: video[name] for name in ("view_count", "like_count", "comment_count")} | {"repost_count": video["share_count"]}
    return about | counts | {"formats": [{"url": "x"}], "upload_date": "20240101"} | more


def tiktokapi(video: dict[str, Any], **more: Any) -> dict[str, Any]:
    counts = {"playCount": video["view_count"], "diggCount": video["like_count"]}
    counts |= {"commentCount": video["comment_count"], "shareCount": video["share_count"]}
    about = {"id": video["id"], "desc": video["video_description"], "createTime": video["create_time"], "stats": counts}
    author = {"id": f"69{video['username']}", "uniqueId": video["username"], "nickname": "Alex"}
    tags = [{"title": name} for name in video["hashtag_names"].split()]
    return about | {"author": author, "challenges": tags, "video": {"duration": video["video_duration"]}} | more


def research_api(video: dict[str, Any], **more: Any) -> dict[str, Any]:
    return video | {"id": int(video["id"]), "hashtag_names": video["hashtag_names"].split(), "region_code": "US"} | more


def display_api(video: dict[str, Any], **more: Any) -> dict[str, Any]:
    kept = {name: value for name, value in video.items() if name not in ("video_duration", "hashtag_names")}
    return kept | {"duration": video["video_duration"], "cover_image_url": "x", "share_url": "y"} | more


def tikwm(video: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"video_id": video["id"], "title": video["video_description"], "duration": video["video_duration"]}
    about |= {"create_time": video["create_time"], "author": {"id": f"6{video['username']}", "unique_id": video["username"]}}
    counts = {"play_count": video["view_count"], "digg_count": video["like_count"]}
    return about | counts | {name: video[name] for name in ("comment_count", "share_count")} | more


def mobile(video: dict[str, Any], **more: Any) -> dict[str, Any]:
    counts = {"play_count": video["view_count"], "digg_count": video["like_count"]}
    counts |= {name: video[name] for name in ("comment_count", "share_count")}
    tags = [{"hashtag_name": name} for name in video["hashtag_names"].split()]
    author = {"uid": f"6{video['username']}", "unique_id": video["username"], "nickname": "Alex"}
    about = {"aweme_id": video["id"], "desc": video["video_description"], "create_time": video["create_time"], "text_extra": tags}
    return about | {"author": author, "statistics": counts, "video": {"duration": 1000 * video["video_duration"]}} | more


def apify(video: dict[str, Any], **more: Any) -> dict[str, Any]:
    author = {"id": f"6{video['username']}", "name": video["username"], "nickName": "Alex"}
    counts = {"playCount": video["view_count"], "diggCount": video["like_count"]}
    counts |= {"commentCount": video["comment_count"], "shareCount": video["share_count"]}
    tags = [{"id": "1", "name": name} for name in video["hashtag_names"].split()]
    about = {"id": video["id"], "text": video["video_description"], "createTime": video["create_time"], "authorMeta": author}
    return about | counts | {"hashtags": tags, "videoMeta": {"duration": video["video_duration"]}} | more


def youtube(video: dict[str, Any], **more: Any) -> dict[str, Any]:
    moment = pd.Timestamp(video["create_time"], unit="s").strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"title": video["video_description"], "publishedAt": moment, "channelId": video["username"], "channelTitle": "Alex"}
    counts = {"viewCount": video["view_count"], "likeCount": video["like_count"], "commentCount": video["comment_count"]}
    length = {"duration": f"PT{video['video_duration']}S"}
    tags = {"tags": video["hashtag_names"].split()}
    return {"kind": "youtube#video", "id": video["id"], "snippet": about | tags, "statistics": counts, "contentDetails": length} | more


COLLECTORS = {
    "yt-dlp": ytdlp,
    "TikTokApi JSON": tiktokapi,
    "Research API JSON": research_api,
    "Display API JSON": display_api,
    "tikwm JSON": tikwm,
    "JSON of TikTok's app": mobile,
    "Apify JSON": apify,
    "YouTube Data API JSON": youtube,
}
LACKING = {  # what a collector does not tell
    "Display API JSON": {"hashtag_names"},
    "tikwm JSON": {"hashtag_names"},
    "YouTube Data API JSON": {"share_count"},
}


def shaped(entries: list[dict], shape: str) -> str:
    """The text of a JSON file that holds these entries in a list, a page, pages, or lines."""
    if shape == "lines":
        return "\n".join(map(json.dumps, entries)) + "\n"
    page: dict[str, Any] = {"data": {"videos": entries, "has_more": False}, "error": {"code": "ok"}}
    pages = [{"data": {"videos": [entry]}} for entry in entries]
    return json.dumps({"list": entries, "page": page, "pages": pages, "items": {"items": entries}}[shape])


def same_videos(found: pd.DataFrame, known: list[dict[str, Any]], lacking: set[str]) -> None:
    """Assert that the table holds the known videos, by value, in every column that is not lacking."""
    expected, table = (_plain(rows).sort_values("id").reset_index(drop=True) for rows in (pd.DataFrame(known), found))
    assert len(table) == len(expected)
    for name in expected.columns.difference(list(lacking)):
        assert table[name].tolist() == expected[name].tolist(), name


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """None for whatever is missing."""
    return table.astype(object).where(table.notna(), None)


def written(folder: Path, **files: str) -> Path:
    """Text files of these contents, named with a dot for two underscores."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder
