import json
import os

import pytest

from extraction.sources.read import read_source
from extraction.sources.source import media_files
from machine.errors import InputError, InputWarning

YTDLP = {
    "id": "7301",
    "title": "cooking",
    "description": "cooking #pasta #easy",
    "uploader": "anna",
    "channel": "Anna Cooks",
    "timestamp": 1_690_000_000,
    "epoch": 1_700_000_000,
    "duration": 15,
    "track": "original sound",
    "view_count": 1200,
    "like_count": 34,
    "comment_count": 5,
    "repost_count": 6,
    "ext": "mp4",
    "_type": "video",
    "formats": [{"url": "x"}],
}


def test_ytdlp_folder(tmp_path):
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "a [7301].info.json").write_text(json.dumps(YTDLP))
    (tmp_path / "anna" / "a [7301].mp4").write_bytes(b"x")
    (tmp_path / "anna" / "a [7301].jpg").write_bytes(b"x")
    (tmp_path / "list.info.json").write_text(json.dumps({"_type": "playlist", "id": "anna"}))
    (tmp_path / "b.info.json").write_text(json.dumps({**YTDLP, "id": "7302", "view_count": None, "like_count": "2.5K", "tags": ["x", "y"]}))
    source = read_source(tmp_path)
    assert source.kind == "yt-dlp folder"
    assert source.notes == ["1 info files of playlists were passed over"]
    first, second = source.videos.to_dict("records")
    assert first == {
        "id": "7301",
        "username": "anna",
        "create_time": 1_690_000_000,
        "collected_at": 1_700_000_000,
        "video_description": "cooking #pasta #easy",
        "hashtag_names": "pasta easy",
        "music_title": "original sound",
        "video_duration": 15,
        "view_count": 1200,
        "like_count": 34,
        "comment_count": 5,
        "share_count": 6,
        "video_path": "anna/a [7301].mp4",
    }
    assert second["like_count"] == 2500
    assert second["view_count"] != second["view_count"]
    assert second["hashtag_names"] == "x y"
    assert second["video_path"] is None
    assert media_files(source) == [tmp_path / "anna" / "a [7301].mp4", None]


RESEARCH = {
    "id": 702874395068494965,
    "username": "ben",
    "create_time": 1_690_000_000,
    "video_description": "hello",
    "region_code": "US",
    "share_count": 10,
    "view_count": 20,
    "like_count": 30,
    "comment_count": 40,
    "hashtag_names": ["a", "b"],
    "video_duration": 9,
    "music_id": 1,
}


@pytest.mark.parametrize("shape", ["answer", "answers", "list", "lines"])
def test_research_api(tmp_path, shape):
    second = {**RESEARCH, "id": 2, "view_count": "1.5M", "like_count": -1, "follower_count": 7}
    text = {
        "answer": json.dumps({"data": {"videos": [RESEARCH, second], "cursor": 2, "has_more": False}, "error": {"code": "ok"}}),
        "answers": json.dumps([{"data": {"videos": [RESEARCH]}}, {"data": {"videos": [second]}}]),
        "list": json.dumps([RESEARCH, second]),
        "lines": json.dumps(RESEARCH) + "\n" + json.dumps(second) + "\n",
    }[shape]
    path = tmp_path / ("answer.jsonl" if shape == "lines" else "answer.json")
    path.write_text(text)
    (tmp_path / "702874395068494965.mp4").write_bytes(b"x")
    for source in (read_source(path), read_source(tmp_path) if shape != "lines" else read_source(path)):
        assert source.kind == "Research API JSON"
        assert source.unusable == {"like_count": 1}
        first, other = source.videos.to_dict("records")
        assert first["id"] == "702874395068494965"
        assert first["hashtag_names"] == "a b"
        assert first["video_path"] == "702874395068494965.mp4"
        assert (first["view_count"], first["share_count"], first["comment_count"]) == (20, 10, 40)
        assert (other["id"], other["view_count"], other["follower_count"]) == ("2", 1_500_000, 7)
        assert other["like_count"] != other["like_count"]


TIKTOKAPI = {
    "id": "7303",
    "desc": "dance #fyp",
    "createTime": "1690000000",
    "author": {"id": "1", "uniqueId": "cleo", "nickname": "Cleo"},
    "authorStats": {"followerCount": 10, "followingCount": 20, "heart": 30, "heartCount": 2_100_000_000, "videoCount": 40, "diggCount": 50},
    "stats": {"diggCount": 1, "shareCount": 2, "commentCount": 3, "playCount": 400, "collectCount": "5"},
    "statsV2": {"playCount": "401", "diggCount": "1"},
    "music": {"id": "9", "title": "song"},
    "video": {"duration": 12},
    "challenges": [{"title": "fyp"}],
    "textLanguage": "en",
    "locationCreated": "DE",
    "suggestedWords": ["dance moves"],
}


def test_tiktokapi(tmp_path):
    (tmp_path / "videos_1.json").write_text(json.dumps([TIKTOKAPI, {**TIKTOKAPI, "id": "7304", "author": "dora", "statsV2": None}]))
    (tmp_path / "7304.mp4").write_bytes(b"x")
    source = read_source(tmp_path / "videos_1.json")
    assert source.kind == "TikTokApi JSON"
    first, second = source.videos.to_dict("records")
    assert first == {
        "id": "7303",
        "username": "cleo",
        "create_time": 1_690_000_000,
        "video_description": "dance #fyp",
        "hashtag_names": "fyp",
        "suggested_words": "dance moves",
        "music_title": "song",
        "region_code": "DE",
        "language": "en",
        "video_duration": 12,
        "follower_count": 10,
        "following_count": 20,
        "likes_count": 2_100_000_000,
        "video_count": 40,
        "digg_count": 50,
        "view_count": 401,
        "like_count": 1,
        "comment_count": 3,
        "share_count": 2,
        "stats.collectCount": 5,
        "video_path": None,
    }
    assert (second["username"], second["view_count"], second["video_path"]) == ("dora", 400, "7304.mp4")


def test_contract_table(tmp_path):
    (tmp_path / "videos.csv").write_text('id,view_count,video_path,mine\n007,1.2M,a.mp4,x\n8,"1,200",,y\n')
    source = read_source(tmp_path)
    assert list(source.videos["id"]) == ["007", "8"]
    assert list(source.videos["view_count"]) == [1_200_000, 1200]
    assert list(source.videos["video_path"]) == ["a.mp4", None]
    assert list(source.videos["mine"]) == ["x", "y"]


@pytest.mark.parametrize("table", ["id,view_count\n1,5\n", "id,playCount,diggCount\n1,5,2\n"], ids=["contract", "collector"])
def test_a_table_alone_has_the_clips_that_it_names(tmp_path, table):
    (tmp_path / "other project").mkdir()
    (tmp_path / "other project" / "1.mp4").write_bytes(b"x")
    (tmp_path / "videos.csv").write_text(table)
    assert read_source(tmp_path / "videos.csv").videos["video_path"].tolist() == [None]
    assert read_source(tmp_path).videos["video_path"].tolist() == ["other project/1.mp4"]
    (tmp_path / "videos.csv").write_text(table.replace("id,", "id,video_path,").replace("1,", "1,other project/1.mp4,"))
    assert read_source(tmp_path / "videos.csv").videos["video_path"].tolist() == ["other project/1.mp4"]


def test_a_wrong_table_is_refused_or_counted(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("id,view_count\n1,many\n2,3\n")
    with pytest.raises(InputError, match="row 1, column view_count: 'many'"):
        read_source(path)
    assert read_source(path, checking=True).unusable == {"view_count": 1}


def test_nothing_but_media(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.mp4", "a.webm", "sub/c.MOV", "note.txt", ".hidden.mp4"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "away.mp4").symlink_to("/etc/hostname")
    source = read_source(tmp_path)
    assert list(source.videos["id"]) == ["a.webm", "b.mp4", "sub/c.MOV"]


def test_names_that_are_not_utf_8_are_told_one_by_one(tmp_path):
    for name in (b"\xe9.mp4", b"\xe8.mp4"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    with pytest.raises(InputError, match=r"udce8\.mp4: a name that is not UTF-8 text, .*udce9\.mp4: a name"):
        read_source(tmp_path)
    (tmp_path / "é.mp4").write_bytes(b"x")
    (tmp_path / os.fsdecode(b"\xe9.txt")).write_bytes(b"x")
    source = read_source(tmp_path)
    assert source.videos["id"].tolist() == ["é.mp4"]
    left = "left out, since its name is not UTF-8 text (rename the file)"
    assert source.notes == [rf"\udce8.mp4: {left}", rf"\udce9.mp4: {left}"]
    assert source.account.found["files"]["clips whose name is not UTF-8 text"] == (2, r"\udce8.mp4")
    assert "\n".join(source.account.lines()).encode()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"id": 1}', "[" * 100_000])
def test_other_json_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError):
        read_source(tmp_path / "x.json")


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_source(tmp_path / "none")
    with pytest.raises(InputError, match="neither a videos table"):
        read_source(tmp_path)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.mp4", "a/../../x.mp4", "http://127.0.0.1/a.mp4", "link.mp4", "inner/x.mp4", "dir"])
def test_paths_that_leave_the_folder(tmp_path, path):
    folder = tmp_path / "source"
    (folder / "dir").mkdir(parents=True)
    (folder / "link.mp4").symlink_to("/etc/passwd")
    (folder / "inner").symlink_to(tmp_path)
    (folder / "videos.csv").write_text(f"id,video_path\n1,ok.mp4\n2,{path}\n")
    with pytest.raises(InputError, match=r"videos\.csv: row 2, column video_path: "):
        media_files(read_source(folder))


def test_repeated_ids_keep_the_last(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps([RESEARCH, {**RESEARCH, "view_count": 99}, {"view_count": 1, "id": None}]))
    source = read_source(tmp_path / "x.json")
    assert list(source.videos["view_count"]) == [99]
    assert source.notes == ["1 entries without an id were left out", "1 entries repeat an id; of each column the last value counts"]


def test_readings_of_columns_of_ones_own_are_kept(tmp_path):
    (tmp_path / "videos.csv").write_text("id,create_time\na,1700000000\n")
    counts = tmp_path / "counts.csv"
    counts.write_text("id,collected_at,view_count,save_count,note\na,1700086400,5,7,x\na,1700172800,9,8,y\n")
    found = read_source(tmp_path)
    assert found.readings.drop(columns="collected_at").to_numpy().tolist() == [["a", 5, 7], ["a", 9, 8]]
    assert found.videos["save_count"].tolist() == [8]
    counts.unlink()
    (tmp_path / "videos.csv").write_text("id,create_time,collected_at,saves\na,1700000000,1700086400,5\na,1700000000,1700172800,9\n")
    assert read_source(tmp_path).readings["saves"].tolist() == [5, 9]


def test_entries_of_one_video_are_left_out_each_for_its_own_reason(tmp_path):
    entries = [
        {"id": "a", "timestamp": 1700000000, "epoch": 1700009000, "view_count": 9, "extractor_key": "Youtube", "extractor": "youtube"},
        {"id": "a", "epoch": 1699990000, "view_count": 1, "extractor_key": "Youtube", "extractor": "youtube"},
        {"id": "a", "epoch": 1700005000, "view_count": 5, "extractor_key": "Youtube", "extractor": "youtube"},
    ]
    entries += [entries[2] | {"view_count": 6}, {**entries[2], "epoch": None}]
    (tmp_path / "found.jsonl").write_text("\n".join(map(json.dumps, entries)))
    source = read_source(tmp_path / "found.jsonl")
    assert source.readings["view_count"].tolist() == [6, 9]
    assert source.notes == [
        "1 entries repeat an id; of each column the last value counts",
        "1 entries say not when they were read, as others with their id do, and were left out",
        "1 entries were read before their video was published, and were left out",
    ]
    counted = {
        "videos": 1,
        "other readings of them": 1,
        "repeats of an id": 1,
        "without a moment, beside others": 1,
        "read before publication": 1,
    }
    assert {what: count for what, (count, _) in source.account.found["entries"].items() if count} == counted


def test_a_wrong_table_of_counts_is_refused_or_counted(tmp_path):
    (tmp_path / "videos.csv").write_text("id,create_time,username\na,1700000000,me\n")
    (tmp_path / "counts.csv").write_text("id,collected_at,view_count\na,1700086400,5\nb,1700086400,5\na,1700090000,many\n")
    with pytest.raises(InputError, match="row 3, column view_count: 'many'"):
        read_source(tmp_path)
    for manner in ("checking", "lenient"):
        with (
            pytest.warns(InputWarning, match="1 of 3 rows were left out"),
            pytest.warns(InputWarning, match="1 of 2 readings were left out"),
        ):
            found = read_source(tmp_path, **{manner: True})
        assert found.readings["view_count"].tolist() == [5]
        assert found.account.found["entries"]["readings left out"] == (2, "counts.csv")


def test_a_broken_file_of_many_is_refused_or_counted(tmp_path):
    for number in range(2):
        info = {"id": str(number), "uploader": "me", "view_count": 5, "extractor": "TikTok"}
        (tmp_path / f"{number}.info.json").write_text(json.dumps(info))
    (tmp_path / "broken.info.json").write_text('{"id": "3", "upl')
    with pytest.raises(InputError, match=r"broken\.info\.json: cannot be read as JSON.*; extract\.py --lenient leaves such files out"):
        read_source(tmp_path)
    for manner in ("checking", "lenient"):
        found = read_source(tmp_path, **{manner: True})
        assert sorted(found.videos["id"]) == ["0", "1"]
        assert found.account.found["entries"]["files that cannot be read as JSON"] == (1, "broken.info.json")
