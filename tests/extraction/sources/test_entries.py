"""What an entry says, and what is said around it: repeats, envelopes, names and numbers that a collector does not know."""

import json

import pandas as pd
import pytest

from extraction.sources.read import read_source
from machine.errors import InputError
from tests.extraction.sources.collected import NOW, apify, research_api, same_videos, tiktokapi, videos, ytdlp


def read(folder, written, name="v.json"):
    (folder / name).write_text(json.dumps(written))
    return read_source(folder / name)


def test_of_repeats_each_column_has_its_last_value(tmp_path):
    one, two = videos(2)
    first = [apify(video, musicMeta={"musicName": "song"}) for video in (one, two)]
    source = read(tmp_path, [*first, research_api(one | {"view_count": 7}), research_api(one | {"view_count": None, "username": None})])
    rows = source.videos.set_index("id")
    assert rows.loc[one["id"], ["view_count", "music_title", "region_code", "username"]].tolist() == [7, "song", "US", one["username"]]
    assert rows.loc[two["id"], ["view_count", "music_title"]].tolist() == [two["view_count"], "song"]
    assert source.notes == ["2 entries repeat an id; of each column the last value counts"]


def test_an_entry_without_any_count_is_not_the_last_reading(tmp_path):
    (video,) = videos(1)
    none = dict.fromkeys(("view_count", "like_count", "comment_count", "repost_count"))
    source = read(tmp_path, [ytdlp(video, epoch=NOW), ytdlp(video, epoch=NOW + 86_400, description="new", width=720, **none)])
    found = source.videos.iloc[0]
    assert found[["view_count", "collected_at", "video_description"]].tolist() == [video["view_count"], NOW, "new"]


@pytest.mark.parametrize(
    "around",
    [
        lambda page: {"collected_at": NOW, "data": {"videos": page}},
        lambda page: [{"timestamp_collected": NOW * 1000, "data": one} for one in page],
        lambda page: {"collected_at": NOW, "pages": {"first": {"itemList": page}}},
    ],
)
def test_an_envelope_says_when_its_entries_were_read(tmp_path, around):
    source = read(tmp_path, around([tiktokapi(video) for video in videos(2)] + [tiktokapi(videos(3)[2], collected_at=NOW + 5)]))
    assert source.videos["collected_at"].tolist() == [NOW, NOW, NOW + 5]


@pytest.mark.parametrize(
    ("entry", "own"),
    [
        (apify, {"scrapedAt": "2024-03-01T00:00:00Z"}),
        (ytdlp, {"epoch": 1_709_251_200}),
        (apify, {"collected_at": 1_709_251_200}),
        (apify, {"scrapedAt": None, "collected_at": 1_709_251_200}),
    ],
)
def test_an_envelope_says_nothing_of_entries_that_say_when_they_were_read(tmp_path, entry, own):
    page = [entry(videos(1)[0], **own), entry(videos(2)[1], scrapedAt=None, epoch=None)]
    found = read(tmp_path, {"collected_at": NOW + 5, "videos": page}).videos
    assert found["collected_at"].tolist() == [1_709_251_200, NOW + 5]


@pytest.mark.parametrize(("name", "authors"), [("UC1", ["UC1", "UC2"]), ("@nasa", ["UC1", "UC2"]), ("PL1", [None, "UC2"])])
def test_entries_of_a_channel_are_its_own_and_those_of_a_playlist_are_not(tmp_path, name, authors):
    channel = {"_type": "playlist", "channel_id": "UC1", "uploader_id": "@nasa", "uploader": "Nasa", "epoch": NOW}
    entries = [
        {"id": "a", "ie_key": "Youtube", "channel_id": None, "view_count": 5},
        {"id": "b", "ie_key": "Youtube", "channel_id": "UC2", "view_count": 6},
    ]
    found = read(tmp_path, channel | {"id": name, "entries": entries}).videos
    assert found["username"].where(found["username"].notna(), None).tolist() == authors
    assert (found["collected_at"] == NOW).all()


def test_numbers_written_as_text_are_carried_along_and_identifiers_are_not(tmp_path):
    counts = {"playCount": "9", "collectCount": "4"}
    entries = [tiktokapi(video, statsV2=counts, musicId="77", sec_uid="8", source_id="1", saved="5.0", zip="a") for video in videos(2)]
    found = read(tmp_path, entries).videos
    assert found[["statsV2.collectCount", "saved"]].to_numpy().tolist() == [[4, 5]] * 2
    assert not {"musicId", "sec_uid", "source_id", "zip"} & {*found}


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        (["3", "2.5", "4.0", "-1"], [3, 2.5, 4, -1]),
        (["3", None, "N/A", 7], [3, None, None, 7]),
        (["3", "2.5", "4.0", "1,200"], None),
        (["3", "4", "5", "soon"], None),
        (["3", "4", "5", [6]], None),
        (["3", "4", "5", "7300000000000000001"], None),
        ([3, 2.5, [6], True], [3, 2.5, None, None]),
    ],
)
def test_a_column_of_text_is_carried_along_only_if_all_of_it_is_understood(tmp_path, written, carried):
    source = read(tmp_path, [tiktokapi(video, rate=value) for video, value in zip(videos(4), written, strict=True)])
    if carried is None:
        assert "rate" not in source.videos
        assert "rate" in source.account.found["columns"]["not used"][1]
    else:
        found = source.videos["rate"]
        assert found.where(found.notna(), None).tolist() == carried


def test_names_of_the_contract_beside_a_collectors_own_are_read(tmp_path):
    rows = [ytdlp(video, uploader=None, uploader_id=None, username="bob", follower_count=50, music_title="song") for video in videos()]
    pd.DataFrame(rows).drop(columns=["formats", "tags"]).to_csv(tmp_path / "v.csv", index=False)
    found = read_source(tmp_path / "v.csv").videos
    assert found[["username", "follower_count", "music_title"]].to_numpy().tolist() == [["bob", 50, "song"]] * 6
    (tmp_path / "t.json").write_text(json.dumps([{"id": "1", "play_count": 5, "digg_count": 3}]))
    assert "digg_count" not in read_source(tmp_path / "t.json").videos  # with tikwm, a video's likes


def test_lists_of_words_written_as_text_in_a_collectors_table(tmp_path):
    rows = [
        {**tiktokapi(video), "suggestedWords": ["cat video", "dog"], "challenges": video["hashtag_names"].split()} for video in videos()
    ]
    pd.json_normalize(rows).to_csv(tmp_path / "v.csv", index=False)
    found = read_source(tmp_path / "v.csv").videos
    same_videos(found, videos(), set())
    assert set(found["suggested_words"]) == {"cat video dog"}


def test_mongos_numbers_are_numbers_and_another_object_is_no_id(tmp_path):
    rows = [research_api(video) | {"id": {"$numberLong": video["id"]}, "view_count": {"$numberInt": "5"}} for video in videos()]
    same_videos(read(tmp_path, rows).videos, [video | {"view_count": 5} for video in videos()], set())
    for name, row in (("v.json", research_api(videos(1)[0])), ("w.jsonl", {"view_count": 5})):
        with pytest.raises(InputError, match=r"row 1, column id: .* is an object, not an id"):
            read(tmp_path, row | {"id": {"$oid": "1"}}, name)


def test_where_an_earlier_extraction_found_a_clip_is_kept(tmp_path):
    from extraction.output import write_videos

    (tmp_path / "b.mp4").write_bytes(b"x")
    (tmp_path / "videos.csv").write_text("id,view_count,source_file\na,1,old/a.mp4\nb,2,old/b.mp4\n")
    write_videos(tmp_path, read_source(tmp_path).videos)
    assert pd.read_parquet(tmp_path / "videos.parquet")["source_file"].tolist() == ["old/a.mp4", "b.mp4"]
