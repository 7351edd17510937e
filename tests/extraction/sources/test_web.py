"""yt-dlp and YouTube's Data API: whose a video is, what its caption is, and what is no video."""

import json

import pytest

from extraction.sources.read import read_source
from tests.extraction.sources.collected import NOW, videos, youtube, ytdlp

SHORT = {"id": "abcDEF_-001", "extractor": "youtube", "title": "Cat #cats", "description": "Follow #me", "uploader": "N", "epoch": NOW}
CHANNEL = {"uploader_id": "@nasa", "channel_id": "UC1"}


def read(folder, *entries):
    (folder / "v.json").write_text(json.dumps(entries))
    return read_source(folder / "v.json").videos


def test_on_youtube_a_channel_is_one_author_whatever_it_was_called(tmp_path):
    ids = [{"uploader_id": "UC1", "channel_id": "UC1"}, CHANNEL, {"uploader_id": "@nasa"}, {"uploader_id": "@esa", "channel_id": "UC2"}]
    found = read(tmp_path, *(SHORT | own | {"id": f"v{row}"} for row, own in enumerate(ids)), youtube(videos(1)[0] | {"username": "UC2"}))
    assert found["username"].tolist() == ["UC1", "UC1", "UC1", "UC2", "UC2"]


def test_on_tiktok_ids_that_occur_together_are_one_author(tmp_path):
    one, two, three = videos(3)
    ids = [{"uploader_id": "67", "channel_id": "MS4"}, {"uploader_id": None, "channel_id": "MS4"}, {"uploader_id": "67"}]
    found = read(tmp_path, *(ytdlp(video, uploader="bob", **own) for video, own in zip((one, two, three), ids, strict=True)))
    assert found["username"].tolist() == ["bob"] * 3


@pytest.mark.parametrize(
    ("site", "authors"),
    [
        ({"extractor": "twitch:clips"}, ["10", "11", "500", "700"]),
        ({"webpage_url": "https://vimeo.com/1"}, ["10", "11", "500", "700"]),
        ({"webpage_url": "https://www.tiktok.com/@a/video/1"}, ["11", "11", "11", "700"]),  # ids that occur together
    ],
)
def test_elsewhere_a_channel_of_several_uploaders_is_not_one_author(tmp_path, site, authors):
    ids = [("10", "500"), ("11", "500"), (None, "500"), (0, "700")]
    entries = [{"uploader_id": one, "channel_id": channel, "epoch": NOW, "view_count": 5} for one, channel in ids]
    found = read(tmp_path, *(entry | site | {"id": f"v{row}"} for row, entry in enumerate(entries)))["username"].tolist()
    assert found == authors


@pytest.mark.parametrize(
    ("more", "caption", "hashtags"),
    [
        ({}, "Cat #cats", "cats me"),
        ({"title": ""}, "Follow #me", "me"),
        ({"tags": ["x y"]}, "Cat #cats", "x y"),
        ({"extractor": None, "webpage_url": "https://www.youtube.com/watch?v=abcDEF_-001"}, "Cat #cats", "cats me"),
        ({"extractor": None, "webpage_url": "https://youtu.be/abcDEF_-001"}, "Cat #cats", "cats me"),
        ({"extractor": None, "webpage_url": "https://example.org/www.youtube.com"}, "Follow #me", "me"),
        ({"extractor": "TikTok"}, "Follow #me", "me"),  # its title is the caption cut off
        ({"extractor": "TikTok", "description": None}, "Cat #cats", "cats"),
    ],
)
def test_on_youtube_the_caption_is_the_title_and_hashtags_are_of_both_texts(tmp_path, more, caption, hashtags):
    found = read(tmp_path, SHORT | CHANNEL | more)
    assert found[["video_description", "hashtag_names"]].iloc[0].tolist() == [caption, hashtags]
    told = {"title": SHORT["title"], "description": SHORT["description"], "publishedAt": "2024-02-28T13:33:20Z", "channelId": "UC1"}
    if not more:
        same = read(tmp_path, {"kind": "youtube#video", "id": "abcDEF_-001", "snippet": told})
        assert same[["video_description", "hashtag_names"]].iloc[0].tolist() == [caption, hashtags]


def test_an_item_of_a_playlist_has_the_author_and_the_moment_of_its_video(tmp_path):
    listed = {"title": "T", "publishedAt": "2025-06-01T00:00:00Z", "channelId": "UCowner", "playlistId": "PL1"}
    item = {"kind": "youtube#playlistItem", "id": "UEx"}
    about = {"contentDetails": {"videoId": "v", "videoPublishedAt": "2024-02-28T13:33:20Z"}}
    found = read(tmp_path, item | about | {"snippet": listed | {"videoOwnerChannelId": "UC1"}})
    assert found[["id", "username", "create_time"]].iloc[0].tolist() == ["v", "UC1", 1_709_127_200]
    found = read(tmp_path, item | {"snippet": listed | {"resourceId": {"videoId": "v"}}})
    assert found["id"].tolist() == ["v"]
    assert not {"create_time", "username"} & {*found}


def test_channels_playlists_and_categories_of_youtube_are_no_videos(tmp_path):
    about = {"title": "Film", "channelId": "UC1", "publishedAt": "2015-01-01T00:00:00Z"}
    kinds = ["channel", "playlist", "videoCategory", "comment", "videoCategory"]
    entries = [{"kind": f"youtube#{kind}", "id": "1", "snippet": about} for kind in kinds]
    (tmp_path / "v.json").write_text(json.dumps({"kind": "youtube#videoListResponse", "items": [youtube(videos(1)[0]), *entries]}))
    source = read_source(tmp_path)
    assert len(source.videos) == 1
    assert source.account.found["entries"]["of the kind youtube#videoCategory"] == (2, "v.json")
