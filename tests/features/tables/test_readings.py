"""Readings of followed videos, by value: where they may stand, what the last one is, and the sentence with which the rest is refused."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from features.followed.looks import looks_at
from features.tables.dataset import as_dataset, read_dataset
from machine.errors import InputError, InputWarning

VIDEOS = "id,create_time,username\nb,1700000100,me\na,1700000200,you\nc,1700000300,me\n"
COUNTS = "id,collected_at,view_count,like_count\na,1700000260,7,1\nb,1700000400,9,\nb,1700000160,3,2\nb,1700000500,8,2\n"
READ = [["b", 1700000160, 3, 2], ["b", 1700000400, 9, np.nan], ["b", 1700000500, 8, 2], ["a", 1700000260, 7, 1]]


def written(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def read(dataset):
    return dataset.readings[["id", "collected_at", "view_count", "like_count"]].to_numpy().tolist()


def same(found, expected):
    return pd.DataFrame(found).equals(pd.DataFrame(expected).astype(pd.DataFrame(found).dtypes))


def test_counts_beside_the_videos_are_readings_and_the_last_is_the_row_of_the_video(tmp_path):
    dataset = read_dataset(written(tmp_path, videos=VIDEOS, counts=COUNTS))
    assert same(read(dataset), READ)
    assert dataset.videos["id"].tolist() == ["b", "a", "c"]
    # a count that fell stays as it is; the third video was never read
    assert dataset.videos["view_count"].fillna(-1).tolist() == [8, 7, -1]
    assert dataset.videos["collected_at"].fillna(-1).tolist() == [1700000500, 1700000260, -1]
    assert dataset.ready == {}


def test_the_fingerprint_knows_the_counts(tmp_path):
    before = read_dataset(written(tmp_path, videos=VIDEOS, counts=COUNTS)).fingerprint
    assert read_dataset(written(tmp_path, counts=COUNTS.replace("1700000260,7", "1700000260,6"))).fingerprint != before


def test_blanks_around_ids_and_authors_are_nobodys_anywhere(tmp_path):
    plain = written(tmp_path, videos=VIDEOS, counts=COUNTS, visual="id,bright\nb,1\na,2\n")
    before, alone = read_dataset(plain), as_dataset(pd.read_csv(tmp_path / "videos.csv"))
    blank = {"videos": VIDEOS.replace("b,", " b ,").replace(",me\n", ",me\u00a0\n"), "counts": COUNTS.replace("a,", "a\t,")}
    written(tmp_path, **blank, visual="id,bright\nb ,1\n a,2\n")
    pd.testing.assert_frame_equal(as_dataset(pd.read_csv(tmp_path / "videos.csv")).videos, alone.videos)
    after = read_dataset(tmp_path)
    for one, other in ((before.videos, after.videos), (before.readings, after.readings), (before.ready["visual"], after.ready["visual"])):
        pd.testing.assert_frame_equal(one, other)


def test_a_videos_table_may_repeat_an_id_at_another_moment(tmp_path):
    rows = [
        "b,1700000100,old,1700000400,9,",
        "a,1700000200,you,1700000260,7,1",
        "b,1700000100,new,1700000500,8,2",
        "b,1700000100,old,1700000160,3,2",
    ]
    written(tmp_path, videos="\n".join(["id,create_time,username,collected_at,view_count,like_count", *rows]))
    file = tmp_path / "videos.csv"
    for dataset in (read_dataset(tmp_path), read_dataset(file), as_dataset(pd.read_csv(file))):
        assert same(read(dataset), READ)
        assert dataset.videos["id"].tolist() == ["b", "a"]
        assert dataset.videos["username"].tolist() == ["new", "you"]
        assert dataset.videos["view_count"].tolist() == [8, 7]


def test_a_blank_cell_of_the_newest_row_erases_nothing_but_counts(tmp_path):
    rows = [
        "a,1700000100,me,one,10,1700000200,5,1",
        "b,1700000100,,two,,1700000200,6,",
        "a,,,,,1700000400,8,",
        "a,,,three,12,1700000300,7,",
    ]
    head = "id,create_time,username,video_description,follower_count,collected_at,view_count,like_count"
    written(tmp_path, videos="\n".join([head, *rows]))
    with pytest.warns(InputWarning, match="not one of the last readings of 2 videos says like_count"):
        videos = read_dataset(tmp_path).videos
    assert videos[["username", "video_description"]].to_numpy().tolist() == [["me", "three"], [None, "two"]]
    expected = [[1700000100, 12, 1700000400, 8, np.nan], [1700000100, np.nan, 1700000200, 6, np.nan]]
    assert same(videos[["create_time", "follower_count", "collected_at", "view_count", "like_count"]].to_numpy().tolist(), expected)


def test_counts_of_the_videos_table_at_a_moment_of_their_own_are_a_reading(tmp_path):
    videos = "id,create_time,collected_at,view_count\nb,1700000100,1700000600,12\na,1700000200,1700000260,7\n"
    counts = "id,collected_at,view_count\nb,1700000160,3\na,1700000260,7\na,1700000300,8\n"
    dataset = read_dataset(written(tmp_path, videos=videos, counts=counts))
    found = dataset.readings[["id", "collected_at", "view_count"]].to_numpy().tolist()
    assert found == [["b", 1700000160, 3], ["b", 1700000600, 12], ["a", 1700000260, 7], ["a", 1700000300, 8]]
    assert dataset.videos["view_count"].tolist() == [12, 8]


def test_a_line_that_is_there_twice_is_one_reading(tmp_path):
    """Such as where the tables of two weeks, which overlap, were joined."""
    lines = COUNTS.splitlines(keepends=True)
    assert same(read(read_dataset(written(tmp_path, videos=VIDEOS, counts="".join([*lines, *lines[1:3]])))), READ)


@pytest.mark.parametrize("several", [False, True])
def test_two_readings_at_one_moment_in_two_tables_are_one(tmp_path, several):
    """Whether the videos table repeats ids or not: what only one of the two says is kept, and they may not contradict each other."""
    row = "a,1700000200,1700000260,{},2\n" + "a,1700000200,1700000230,,1\n" * several
    written(tmp_path, videos="id,create_time,collected_at,view_count,like_count\n" + row.format(""))
    written(tmp_path, counts="id,collected_at,view_count,like_count\na,1700000260,7,\na,1700000230,3,1\n")
    dataset = read_dataset(tmp_path)
    assert dataset.videos[["view_count", "like_count"]].to_numpy().tolist() == [[7, 2]]
    assert same(read(dataset), [["a", 1700000230, 3, 1], ["a", 1700000260, 7, 2]])
    written(tmp_path, videos="id,create_time,collected_at,view_count,like_count\n" + row.format(8))
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    said = "the video 'a' is read at collected_at 1700000260 in the videos table too, with other counts"
    assert str(caught.value) == f"{tmp_path / 'counts.csv'}: {said}"


@pytest.mark.parametrize(
    ("videos", "of_b"),
    [
        ("b,1700000100,1700000300,5\na,1700000200,1700000260,1\n", [[1700000300, np.nan, 5], [1700000400, 9, np.nan]]),
        ("b,1700000100,,5\na,1700000200,,1\n", [[1700000400, 9, 5]]),
    ],
)
def test_a_count_of_the_videos_table_alone_is_known_at_the_moment_of_its_row_or_at_the_last_reading(tmp_path, videos, of_b):
    counts = "id,collected_at,view_count\na,1700000260,7\nb,1700000400,9\nb,1700000160,3\n"
    written(tmp_path, videos="id,create_time,collected_at,like_count\n" + videos, counts=counts)
    with pytest.warns(InputWarning, match="counts.csv: lacks like_count, which the videos table says at one moment of each video"):
        dataset = read_dataset(tmp_path)
    of_a = [1700000260, 7, 1]
    assert same(read(dataset), [["b", 1700000160, 3, np.nan], *(["b", *one] for one in of_b), ["a", *of_a]])
    assert same(dataset.videos[["collected_at", "view_count", "like_count"]].to_numpy().tolist(), [of_b[-1], of_a])
    minute = looks_at(dataset, horizon=60 / 86_400)
    assert same(minute.videos[["view_count", "like_count"]].to_numpy().tolist(), [[3, np.nan], [7, 1]])


def test_a_table_without_readings_has_none(tmp_path):
    assert read_dataset(written(tmp_path, videos="id,view_count\na,1\nb,2\n")).readings is None


@pytest.mark.parametrize("form", ["counts.csv.gz", "counts.parquet", "counts.jsonl"])
def test_counts_are_read_in_every_form(tmp_path, form):
    written(tmp_path, videos=VIDEOS)
    table = pd.DataFrame(READ, columns=["id", "collected_at", "view_count", "like_count"])
    if form.endswith("jsonl"):
        rows = [{key: value for key, value in row.items() if value == value} for row in table.to_dict("records")]
        (tmp_path / form).write_text("\n".join(map(json.dumps, rows)))
    else:
        table.to_parquet(tmp_path / form) if form.endswith("parquet") else table.to_csv(tmp_path / form, index=False)
    assert same(read(read_dataset(tmp_path)), READ)


def test_rows_keep_their_readings(tmp_path):
    dataset = read_dataset(written(tmp_path, videos=VIDEOS, counts=COUNTS))
    assert same(read(dataset.take(np.array([2, 1, 0]))), [READ[3], *READ[:3]])
    assert read(dataset.take(np.array([2]))) == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("d,1700000400,1,1", "row 5 reads the video 'd', which is not in the videos table"),
        ("c,1700000299,1,1", "row 5 was read before its video 'c' was published (collected_at, create_time)"),
        ("a,1700000400,-1,1", "row 5, column view_count: '-1' is negative"),
        ("b,1700000160,4,4", "row 5 reads the video 'b' a second time at the same collected_at 1700000160"),
        (",1700000400,1,1", "row 5 has no id"),
        ("a,,1,1", "row 5 has no collected_at"),
        ("a,x,1,1", "row 5, column collected_at: 'x' is not a time (seconds since 1970, or ISO 8601 such as 2024-03-01 12:00)"),
    ],
)
def test_bad_readings_are_refused_in_one_sentence(tmp_path, row, sentence):
    written(tmp_path, videos=VIDEOS, counts=COUNTS + row + "\n")
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'counts.csv'}: {sentence}"


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ("id,view_count\na,1\n", "no column collected_at"),
        ("collected_at,view_count\n1700000400,1\n", "no column id"),
        ("id,collected_at,plays\na,1700000400,1\n", "no column of counts (view_count, like_count, comment_count, share_count)"),
    ],
)
def test_counts_need_their_columns(tmp_path, counts, sentence):
    written(tmp_path, videos=VIDEOS, counts=counts)
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'counts.csv'}: {sentence}"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("a,1700000100,1700000200,1\na,1700000100,1700000200,2\n", "row 2 repeats the id 'a'"),
        ("a,1700000100,1700000200,1\na,1700000100,,2\n", "row 2 repeats the id 'a'"),
        (
            "a,1700000100,1700000200,1\na,1700000100,1700000099,2\n",
            "row 2 was read before its video 'a' was published (collected_at, create_time)",
        ),
        *(
            (
                f"a,{own},1700000099,1\na,1700000100,1700000200,2\n",
                "row 1 was read before its video 'a' was published (collected_at, create_time)",
            )
            for own in ("", "1700000050")
        ),
    ],
)
def test_a_bad_second_row_of_a_video_is_refused(tmp_path, rows, sentence):
    written(tmp_path, videos="id,create_time,collected_at,view_count\n" + rows)
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'videos.csv'}: {sentence}"


def test_readings_of_a_row_that_was_left_out_are_left_out_with_it_and_counted(tmp_path):
    written(tmp_path, videos=VIDEOS.replace("a,1700000200", "a,never"), counts=COUNTS + "b,,1,1\n")
    foreign = "2 of 5 readings were left out (--lenient): row 1 reads the video 'a', which is not in the videos table"
    with pytest.warns(InputWarning, match=re.escape(foreign)), pytest.warns(InputWarning, match="1 of 3 rows were left out"):
        dataset = read_dataset(tmp_path, lenient=True)
    assert same(read(dataset), READ[:3])


def test_readings_of_other_videos_alone_are_refused_whatever_is_left_out(tmp_path):
    written(tmp_path, videos=VIDEOS.replace("\n", "\n00").removesuffix("00"), counts=COUNTS)
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path, lenient=True)
    said = "not one reading can be used (--lenient): row 1 reads the video 'a', which is not in the videos table"
    assert str(caught.value) == f"{tmp_path / 'counts.csv'}: {said}"


def test_a_target_that_only_earlier_readings_say_is_warned_of(tmp_path):
    written(tmp_path, videos=VIDEOS, counts="id,collected_at,view_count,like_count\nb,1700000160,3,2\nb,1700000400,9,\na,1700000260,7,\n")
    with pytest.warns(InputWarning, match="not one of the last readings of 2 videos says like_count, as earlier ones do"):
        dataset = read_dataset(tmp_path)
    assert dataset.videos["like_count"].isna().all()
    read_dataset(tmp_path, targets=("view_count",))


def test_a_later_row_that_knows_nothing_of_what_is_followed_is_no_newer_reading(tmp_path):
    (tmp_path / "videos.csv").write_text("id,create_time,collected_at,comment_count\na,1700000000,1703456000,9\n")
    (tmp_path / "counts.csv").write_text("id,collected_at,view_count\na,1700086400,50\na,1702592000,100\n")
    with pytest.warns(InputWarning, match="lacks comment_count"):
        found = read_dataset(tmp_path)
    assert found.videos[["view_count", "comment_count", "collected_at"]].iloc[0].tolist() == [100.0, 9.0, 1702592000.0]


def test_of_contradictions_the_counts_beside_the_videos_count_where_that_is_wished(tmp_path):
    (tmp_path / "videos.csv").write_text("id,create_time,collected_at,view_count\na,1700000000,1700086400,101\n")
    (tmp_path / "counts.csv").write_text("id,collected_at,view_count\na,1700086400,100\n")
    with pytest.raises(InputError, match="read at collected_at 1700086400 in the videos table too"):
        read_dataset(tmp_path)
    with pytest.warns(InputWarning, match="1 readings are in the videos table too, with other counts"):
        assert read_dataset(tmp_path, lenient=True).videos["view_count"].tolist() == [100.0]


def test_the_last_reading_is_the_newest_row_that_knows_a_target(tmp_path):
    rows = "id,collected_at,username,view_count,mine\na,1700000300,,,4\na,1700000200,me,7,\n"
    rows += "b,1700000300,you,,\nb,1700000200,me,,\nc,1700000300,me,3,\n"
    for targets, moment, views in (((), 1700000200, 7), (("mine",), 1700000300, -1)):
        found = read_dataset(written(tmp_path, videos=rows), targets=("view_count", *targets)).videos
        assert found["collected_at"].tolist() == [moment, 1700000300, 1700000300]
        assert found["view_count"].fillna(-1).tolist() == [views, -1, 3]
        assert found["username"].tolist() == ["me", "you", "me"]


@pytest.mark.parametrize(("target", "moment", "views"), [("view_count", 1700000200, 7), ("like_count", 1700000300, -1)])
def test_another_count_than_the_targets_makes_no_last_reading(tmp_path, target, moment, views):
    rows = "id,collected_at,view_count,like_count\na,1700000200,7,2\na,1700000300,,3\n"
    found = read_dataset(written(tmp_path, videos=rows), targets=(target,)).videos
    assert found[["collected_at", "view_count"]].fillna(-1).iloc[0].tolist() == [moment, views]


def test_a_row_that_was_read_before_publication_is_no_reading_beside_others(tmp_path):
    early = "id,create_time,collected_at,view_count,like_count\nb,1700000100,1699995100,5000,7\na,1700000200,,,\nc,1700000300,,,\n"
    folder = written(tmp_path, videos=early, counts=COUNTS)
    with (
        pytest.warns(InputWarning, match="their age is taken as 0"),
        pytest.raises(InputError, match="the video 'b' was read before it was"),
    ):
        read_dataset(folder)
    with pytest.warns(InputWarning, match="their age is taken as 0"), pytest.warns(InputWarning, match="1 rows of the videos table are no"):
        assert same(read(read_dataset(folder, lenient=True)), READ)


@pytest.mark.parametrize("lenient", [False, True])
def test_a_row_from_before_publication_without_readings_is_as_without_any(tmp_path, lenient):
    rows = "id,create_time,collected_at,view_count,like_count\nc,1700000300,1699995100,5000,7\na,1700000200,,,\nb,1700000100,,,\n"
    with pytest.warns(InputWarning, match="their age is taken as 0"):
        found = read_dataset(written(tmp_path, videos=rows, counts=COUNTS), lenient=lenient)
    assert found.videos[["id", "collected_at", "view_count"]].iloc[0].tolist() == ["c", 1699995100, 5000]
    assert "c" not in set(found.readings["id"])
