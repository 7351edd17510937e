"""What collectors write is read back to the videos that it was written from, in any shape; what is no video is counted."""

import gzip
import json

import pandas as pd
import pytest

from extraction.sources.authors import settle_authors
from extraction.sources.collectors.entries import READERS, json_entries
from extraction.sources.read import read_source
from machine.errors import InputError
from tests.extraction.sources.collected import COLLECTORS, LACKING, NOW, mobile, same_videos, shaped, tiktokapi, videos, written, ytdlp

COMMENT = {"id": "74", "video_id": "73", "text": "nice", "like_count": 1, "reply_count": 0, "parent_comment_id": "73", "create_time": NOW}
PROFILE = {"data": {"display_name": "x", "follower_count": 5, "username": "user0"}}
ERROR = {"statusCode": 10201, "log_pb": {"impr_id": "1"}}


@pytest.mark.parametrize("shape", ["list", "page", "pages", "lines"])
@pytest.mark.parametrize("kind", COLLECTORS)
def test_every_collector_in_every_shape(tmp_path, kind, shape):
    path = tmp_path / ("dump.jsonl" if shape == "lines" else "dump.json")
    path.write_text(shaped([COLLECTORS[kind](video) for video in videos()], shape))
    source = read_source(path)
    assert source.kind == kind
    same_videos(source.videos, videos(), LACKING.get(kind, set()))


def test_a_reader_finds_its_own_entries_and_no_others():
    for kind, write in COLLECTORS.items():
        best = max(READERS, key=lambda reader: reader.fit(write(videos(1)[0])))
        assert best.kind == kind


def test_collectors_in_one_folder_are_read_together(tmp_path):
    known = videos(2 * len(COLLECTORS))
    for place, write in enumerate(COLLECTORS.values()):
        (tmp_path / f"{place}.json").write_text(shaped([write(video) for video in known[2 * place : 2 * place + 2]], "list"))
    source = read_source(tmp_path)
    lacking = {"share_count", "hashtag_names"}
    same_videos(source.videos, known, lacking)
    assert set(source.kind.split(", ")) == set(COLLECTORS)


@pytest.mark.parametrize("name", ["a.json.gz", "a.jsonl.gz"])
def test_packed_json_is_read(tmp_path, name):
    shape = "lines" if "jsonl" in name else "list"
    (tmp_path / name).write_bytes(gzip.compress(shaped([ytdlp(video) for video in videos()], shape).encode()))
    same_videos(read_source(tmp_path / name).videos, videos(), set())
    same_videos(read_source(tmp_path).videos, videos(), set())


def test_json_lines_by_another_name_and_videos_within_unknown_objects(tmp_path):
    entries = [tiktokapi(video) for video in videos()]
    texts = [shaped(entries, "lines"), json.dumps({entry["id"]: entry for entry in entries})]
    texts.append(json.dumps({"__SCOPE__": {"app": {"locale": "en"}, "detail": {"ItemModule": {entry["id"]: entry for entry in entries}}}}))
    for text in texts:
        (tmp_path / "dump.json").write_text(text)
        same_videos(read_source(tmp_path / "dump.json").videos, videos(), set())


@pytest.mark.parametrize("separator", [".", "/"])
def test_a_flattened_table_of_a_collector(tmp_path, separator):
    flat = pd.json_normalize([tiktokapi(video) for video in videos()], sep=separator)
    flat["challenges"] = [video["hashtag_names"].split() for video in videos()]
    flat.to_csv(tmp_path / "export.csv", index=False)
    source = read_source(tmp_path / "export.csv")
    assert source.kind == "TikTokApi JSON"
    same_videos(source.videos, videos(), {"hashtag_names"})


@pytest.mark.parametrize("write", [str, json.dumps])
@pytest.mark.parametrize("kind", COLLECTORS)
def test_a_table_of_objects_written_as_text(tmp_path, kind, write):
    rows = [COLLECTORS[kind](video) for video in videos()]
    cells = [{name: write(value) if isinstance(value, (dict, list)) else value for name, value in row.items()} for row in rows]
    pd.DataFrame(cells).to_csv(tmp_path / "export.csv", index=False)
    source = read_source(tmp_path / "export.csv")
    assert source.kind in (kind, "a table by the contract")
    assert source.unusable == {}
    same_videos(source.videos, videos(), LACKING.get(kind, set()))


def test_an_object_that_is_cut_off_is_no_author_and_counted(tmp_path):
    rows = [{name: str(value) for name, value in tiktokapi(video).items()} for video in videos(4)]
    rows[1]["author"], rows[2]["stats"] = rows[1]["author"][:20], rows[2]["stats"][:20]
    rows[3]["desc"] = "[live] {cat"
    pd.DataFrame(rows).to_csv(tmp_path / "export.csv", index=False)
    source = read_source(tmp_path / "export.csv")
    counts = ("view_count", "like_count", "comment_count", "share_count")
    assert source.unusable == {"username": 1, **dict.fromkeys(counts, 1)}
    assert [name if isinstance(name, str) else None for name in source.videos["username"]] == ["user0", None, "user2", "user3"]
    assert source.videos["view_count"].isna().tolist() == [False, False, True, False]
    assert source.videos["video_description"].iloc[3] == "[live] {cat"


def test_lengths_in_milliseconds_are_read_from_text_and_counted_where_they_are_no_number(tmp_path):
    lengths = [15_300, "15300", "15300.0", None, "long", True]
    entries = [mobile(video) | {"video": {"duration": length}} for video, length in zip(videos(6), lengths, strict=True)]
    (tmp_path / "v.json").write_text(json.dumps(entries))
    source = read_source(tmp_path / "v.json")
    assert source.videos["video_duration"].fillna(-1).tolist() == [15.3, 15.3, 15.3, -1, -1, -1]
    assert source.unusable == {"video_duration": 2}


def test_ytdlp_in_all_its_shapes(tmp_path):
    known = videos()
    playlist = {"id": "PL1", "_type": "playlist", "title": "list", "entries": [ytdlp(video) for video in known]}
    written(tmp_path, playlist__json=json.dumps(playlist))
    same_videos(read_source(tmp_path / "playlist.json").videos, known, set())
    (tmp_path / "playlist.json").unlink()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    one, two, three = known[:3]
    (deep / f"clip [{one['id']}].info.json").write_text(json.dumps(ytdlp(one)))
    (deep / f"clip [{one['id']}].mp4").write_bytes(b"x")
    (deep / "Jim vs Stan.info.json").write_text(json.dumps(ytdlp(two)))  # trimmed at the point
    (deep / f"Jim vs Stan. Epic [{two['id']}].webm").write_bytes(b"x")
    (deep / "other.info.json").write_text(json.dumps(ytdlp(three, _filename="/home/me/third.mp4")))
    (deep / "third.mp4").write_bytes(b"x")
    source = read_source(tmp_path)
    same_videos(source.videos.drop(columns="video_path"), known[:3], set())
    found = dict(zip(source.videos["id"], source.videos["video_path"], strict=True))
    assert found == {
        one["id"]: f"a/b/clip [{one['id']}].mp4",
        two["id"]: f"a/b/Jim vs Stan. Epic [{two['id']}].webm",
        three["id"]: "a/b/third.mp4",
    }


def test_readings_of_a_video_are_kept_with_its_media_file(tmp_path):
    first, other = videos(2)
    for folder, moment, views in (("a", NOW + 86_400, 500), ("b", NOW, 400)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.info.json").write_text(json.dumps(ytdlp(first, epoch=moment, view_count=views)))
    (tmp_path / "b" / "x.mp4").write_bytes(b"x")
    (tmp_path / "y.info.json").write_text(json.dumps(ytdlp(other, epoch=NOW)))
    source = read_source(tmp_path)
    rows = source.videos.set_index("id")
    assert rows.loc[first["id"], ["view_count", "collected_at", "video_path"]].tolist() == [500, NOW + 86_400, "b/x.mp4"]
    assert source.readings is not None
    assert source.readings[source.readings["id"] == first["id"]]["view_count"].tolist() == [400, 500]


def test_what_is_no_video_is_counted(tmp_path):
    entries = [ERROR, *map(tiktokapi, videos(3)), COMMENT, COMMENT, PROFILE, {"a": 1}, 7]
    (tmp_path / "v.json").write_text(json.dumps(entries))
    account = read_source(tmp_path / "v.json").account
    assert {what: count for what, (count, _) in account.found["entries"].items()} == {
        "videos": 3,
        "comments": 2,
        "error answers": 1,
        "profiles": 1,
        "entries of no known collector": 1,
        "values that are no objects": 1,
    }
    assert account.total("entries") == len(json_entries(tmp_path / "v.json")) == 9


def test_every_file_and_column_of_a_folder_is_counted(tmp_path):
    known = videos(3)
    for video in known[:2]:
        (tmp_path / f"{video['id']}.mp4").write_bytes(b"x")
    written(
        tmp_path, page__jsonl=shaped([tiktokapi(video, extra=[1], saved=7) for video in known], "lines"), user__json=json.dumps(PROFILE)
    )
    for name in ("lost.mp4", "note.txt", "big.mp4.part", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "link.mp4").symlink_to("/etc/hostname")
    source = read_source(tmp_path)
    found = source.account.found
    assert {what: count for what, (count, _) in found["files"].items()} == {
        "read": 1,
        "clips of videos": 2,
        "clips without a row": 1,
        "not read": 2,
        "unfinished downloads": 1,
        "hidden, not read": 1,
        "links not followed": 1,
    }
    assert source.account.total("files") == sum(1 for _ in tmp_path.iterdir())
    assert found["rows"] == {"with a clip": (2, ""), "without a clip": (1, known[2]["id"])}
    assert found["columns"]["carried along"] == (1, "saved")
    assert found["columns"]["not used"] == (2, "author.nickname, extra")
    assert source.videos["saved"].tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([COMMENT], "comments"),
        ([PROFILE], "profiles"),
        ([{"id": 1, "plays": 3}], "entries of no known collector, with id, plays"),
        ([], "empty"),
    ],
)
def test_a_file_without_videos_is_refused_by_what_it_holds(tmp_path, entries, why):
    (tmp_path / "x.json").write_text(json.dumps(entries))
    with pytest.raises(InputError, match=f"x.json: not JSON of a collector known here .*{why}"):
        read_source(tmp_path / "x.json")


def test_extraction_does_not_send_to_itself(tmp_path):
    (tmp_path / "videos.csv").write_text("vid,view_count\na,1\n")
    with pytest.raises(InputError, match=r"no column id \(but 'vid', 'view_count'; is it vid\?\)$"):
        read_source(tmp_path)


def test_a_table_of_which_only_the_ids_are_known_is_refused_with_the_nearest_names(tmp_path):
    (tmp_path / "videos.csv").write_text("id,views,Followers,viewcount\na,1,2,3\n")
    with pytest.raises(InputError, match=r"nothing but the ids is known of its columns .*viewcount \(view_count\?\)"):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("names", "guessed"),
    [
        ("username,viewCount,note", "viewCount (view_count?)"),
        ("username,stats_playCount,stats_diggCount", "stats_playCount (view_count?), stats_diggCount (like_count?)"),
        ("username,note,place", None),
        ("views,likes,shares", "views (view_count?), likes (like_count?), shares (share_count?)"),
        ("username,playcount,Comments", "playcount (view_count?), Comments (comment_count?)"),
        ("username,hearts,video_plays", "hearts (like_count?), video_plays (view_count?)"),
        ("n,account,discount", None),
        ("word_count,face_count,cut_count", None),
        ("username,month_views,collect_count", None),
        ("view_count,likeCount,place", None),
    ],
)
def test_a_table_without_a_known_count_has_a_note_of_the_nearest_names(tmp_path, names, guessed):
    (tmp_path / "videos.csv").write_text(f"id,video_duration,{names}\na,4,1,2,3\n")
    note = "none of view_count, like_count, comment_count, share_count is in it: rename the columns that are "
    note += f"({guessed}), or name your own with --targets"
    assert read_source(tmp_path).notes == ([note] if guessed else [])
    assert read_source(tmp_path, future=True).notes == []  # drafts have none


def test_authors_are_their_lasting_identifiers():
    def settled(*pairs):
        rows = [{"username": name, "lasting": one} for one, name in pairs]
        settle_authors(rows, "lasting")
        return [row["username"] for row in rows]

    assert settled(("1", "Alex"), ("2", "Alex"), ("3", "Kim")) == ["1", "2", "Kim"]  # a name that two share names nobody
    assert settled(("1", "old"), ("2", "kim"), ("1", "new")) == ["new", "kim", "new"]  # names change
    assert settled(("1", "a"), ("1", "b"), ("1", "c")) == ["a", "b", "c"]  # a constant is no identifier
    assert settled((None, "a"), ("7", None), (None, None)) == ["a", "7", None]
    assert settled(("1", "Alex"), ("2", "Alex "), ("3 ", None), ("3", None)) == ["1", "2", "3", "3"]  # blanks are nobody's
    assert settled(("0", "ann"), (0, "bob"), ("", "ann"), ("0", None)) == ["ann", "bob", "ann", None]  # no id is no author
    assert settled((["1", "a"], "old"), ("a", None), (["b"], None), (["b", "c"], None), (["1"], "new")) == ["new", "new", "b", "b", "new"]


@pytest.mark.parametrize("more", [{}, {"comment_count": 0}, {"comment_count": 2, "share_count": 1, "comment_id": "c1"}])
def test_comments_are_no_videos_in_lines_and_tables_either(tmp_path, more):
    comments = [COMMENT | more] * 3
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, comments)))
    pd.DataFrame(comments).to_csv(tmp_path / "c.csv", index=False)
    for name in ("c.jsonl", "c.csv"):
        with pytest.raises(InputError, match="comments"):
            read_source(tmp_path / name)


@pytest.mark.parametrize("own", [{"reply_count": 3}, {"cid": 98765}, {"video_id": "9", "text": "hello"}])
def test_a_table_with_columns_that_no_comment_has_is_one_of_videos(tmp_path, own):
    rows = [video | own for video in videos()]
    pd.DataFrame(rows).to_csv(tmp_path / "videos.csv", index=False)
    (tmp_path / "videos.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name in ("videos.csv", "videos.jsonl"):
        same_videos(read_source(tmp_path / name).videos, videos(), set())


def test_objects_one_after_the_other_are_read(tmp_path):
    (tmp_path / "x.json").write_text("".join(json.dumps(tiktokapi(video)) for video in videos()))
    same_videos(read_source(tmp_path / "x.json").videos, videos(), set())
