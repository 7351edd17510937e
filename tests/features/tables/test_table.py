"""Tables, by value: what is read, and the sentence with which the rest is refused."""

import csv
import gzip
import io
import re
import zipfile
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from features.tables.dataset import as_dataset, read_dataset
from features.tables.formats import read_table
from features.tables.table import read_features, read_videos
from machine.errors import InputError, InputWarning


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_are_read(tmp_path, end, mark):
    path = tmp_path / "videos.csv"
    path.write_bytes((mark + end.join(["id,view_count,username", "a,1,me", "b, 2 ,", "c,  ,x"]) + end).encode())
    table = read_videos(path)
    assert list(table["id"]) == ["a", "b", "c"]
    assert list(table["view_count"].fillna(-1)) == [1.0, 2.0, -1.0]
    assert list(table["username"]) == ["me", None, "x"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id,view_count\na,1\nb,2,3\n", "row 2 has 3 cells, not 2"),
        ("id,view_count\na,1\nb\n", "row 2 has 1 cells, not 2"),
        ("id,view_count\na,1\nb,many\n", "row 2, column view_count: 'many' is not a count"),
        ("id,view_count\na,-1\n", "row 1, column view_count: '-1' is negative"),
        ("id,view_count\na,1e19\n", "row 1, column view_count: '1e19' is larger than 1e+18"),
        ("id,view_count\na,1\nb,inf\n", "row 2, column view_count: 'inf' is not a finite number"),
        ("id,view_count\na,1520.5\n", "row 1, column view_count: '1520.5' is not whole"),
        ("id,create_time\na,253402300800\n", "row 1, column create_time: '253402300800' is later than the year 9999"),
        ('id,video_description\na,"open\nb,2\n', "row 1 opens a quote that is never closed"),
        ("id\na\na\n", "row 2 repeats the id 'a'"),
        ("id,x\n,1\n", "row 1 has no id"),
        ("id\n" + "a" * 201 + "\n", "row 1 has an id of more than 200 characters"),
        ("id\na\0\n", "row 1 has an id with a null character"),
        ("x\n1\n", "no column id (but 'x'); extract.py reads collectors' tables"),
        ("id,id\na,b\n", "column id appears twice"),
        ("id,view_count\n", "the table is empty"),
        ("", "cannot be read as a table"),
    ],
)
def test_what_is_wrong_in_a_csv_is_named(tmp_path, text, sentence):
    path = tmp_path / "videos.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_videos(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)


def test_bytes_that_are_not_text_are_named(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_bytes(b"id,video_description\na,fine\nb,\xff\n")
    with pytest.raises(InputError, match="row 2, column video_description: not UTF-8 text"):
        read_videos(path)
    for name, written in (("videos.csv", "id,備考\na,x\n".encode("cp932")), ("videos.jsonl", '{"id": "a"}'.encode("utf-16"))):
        (tmp_path / name).write_bytes(written)
        with pytest.raises(InputError, match=r"not UTF-8 text \(save it as UTF-8\)"):
            read_videos(tmp_path / name)


def test_a_folder_without_a_videos_file_is_sent_to_extract(tmp_path):
    with pytest.raises(InputError, match=r"no videos file .* extract\.py --videos .* --out DATA makes one"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("cell", [True, [1], {"a": 1}, date(2020, 1, 1), pd.Timestamp(2020, 1, 1)])
def test_other_types_are_refused_in_parquet(tmp_path, cell):
    path = tmp_path / "videos.parquet"
    pd.DataFrame({"id": ["a", "b"], "view_count": [cell, cell]}).to_parquet(path)
    with pytest.raises(InputError, match=r"row 1, column view_count: .* is not a"):
        read_videos(path)


def test_half_characters_become_question_marks(tmp_path):
    path = tmp_path / "videos.jsonl"
    path.write_text('{"id": 9887654321098765433, "video_description": "a\\ud800b", "username": 7.0}\n')
    table = read_videos(path)
    assert list(table.iloc[0][["id", "video_description", "username"]]) == ["9887654321098765433", "a?b", "7"]


def test_author_counts_that_wrapped_around_are_repaired_with_a_warning(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("id,likes_count\na,-2147483648\nb,5\n")
    with pytest.warns(InputWarning, match="1 negative values of likes_count"):
        table = read_videos(path)
    assert list(table["likes_count"]) == [2**31, 5.0]


@pytest.mark.parametrize("name", ["training.csv.gz", "keys.parquet", "a.b.parquet", "latent.parquet", "sound.parquet"])
def test_a_file_whose_name_cannot_name_a_part_is_refused(tmp_path, name):
    (tmp_path / "videos.csv").write_text("id\na\n")
    table = pd.DataFrame({"id": ["a"], "x": [1.0]})
    table.to_parquet(tmp_path / name) if name.endswith("parquet") else table.to_csv(tmp_path / name, index=False)
    with pytest.raises(InputError, match=name):
        read_dataset(tmp_path)


def test_features_without_numbers_are_refused(tmp_path):
    path = tmp_path / "visual.csv"
    path.write_text("id,a\nx,\n")
    with pytest.raises(InputError, match="no row has any number"):
        read_features(path)


def test_text_cannot_be_a_target(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("id,username\n1,2\n")
    with pytest.raises(InputError, match="--targets username: the column holds text, not numbers"):
        read_videos(path, targets=["username"])


HEADER = ["id", "username", "follower_count", "view_count", "video_description"]
ROWS = [["a", "me", "12", "1520", "one, two"], ["b", "you", "", "7", 'line\nand "quote"']]


def as_csv(separator=",", encoding="utf-8", first="", header=HEADER, rows=ROWS, end=""):
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows([header, *rows])
    return (first + out.getvalue().replace("\r\n", end + "\r\n")).encode(encoding)


@pytest.mark.parametrize(
    "content",
    [
        as_csv(),
        as_csv(";"),
        as_csv("\t"),
        as_csv(";", "utf-8-sig", "sep=;\r\n"),
        as_csv("|", first="sep=|\r\n"),
        as_csv("\t", "utf-16"),
        as_csv(header=["ID", "Username", "Follower Count", "view-count", "VIDEO_DESCRIPTION"]),
        as_csv(header=[*HEADER, "", ""], rows=[[*row, "", ""] for row in ROWS] + [[""] * 7]),
        gzip.compress(as_csv(";")),
    ],
)
def test_csv_as_spreadsheets_write_it(tmp_path, content):
    path = tmp_path / "videos.csv"
    path.write_bytes(content)
    table = read_videos(path)
    assert list(table) == HEADER
    assert table["view_count"].tolist() == [1520, 7]
    assert table["follower_count"].fillna(-1).tolist() == [12, -1]
    assert table["video_description"].tolist() == ["one, two", 'line\nand "quote"'.replace("\n", "\r\n" if b"\r\nand" in content else "\n")]


def test_a_row_that_is_ragged_is_named_behind_a_line_that_names_the_separator(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("sep=;\nid;view_count\na;1\nb;2;3\n")
    with pytest.raises(InputError, match="row 2 has 3 cells, not 2"):
        read_videos(path)


@pytest.mark.parametrize(
    ("written", "counts"),
    [
        (["12.345", "1.089", "899"], [12_345, 1_089, 899]),
        (["12,345", "1,089", "899"], [12_345, 1_089, 899]),
        (["12\u00a0345", "1\u202f089", "899"], [12_345, 1_089, 899]),
        (["1.2M", "12.345", "8"], [1_200_000, 12_345, 8]),
        (["12.0", "1089.0", "899.0"], [12, 1_089, 899]),
    ],
)
def test_grouping_marks_are_what_the_whole_column_shows(tmp_path, written, counts):
    path = tmp_path / "videos.csv"
    path.write_text("\n".join(["id;view_count", *(f"v{row};{cell}" for row, cell in enumerate(written))]))
    assert read_videos(path)["view_count"].tolist() == counts


@pytest.mark.parametrize("other", ["1520", "12.5", "1200.0"])
def test_a_point_that_other_cells_contradict_is_refused(tmp_path, other):
    path = tmp_path / "videos.csv"
    path.write_text(f"id,view_count\na,12.345\nb,{other}\n")
    with pytest.raises(InputError, match=r"row [12], column view_count: '(12\.345|12\.5)' is not"):
        read_videos(path)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["20240228", "20240301"], "row 1, column create_time: '20240228' is a date written as a number"),
        (["45350.56", "45351"], "is a spreadsheet's number of days"),
        (["1709127200000"], "is in milliseconds"),
        (["1709127200", "86400"], "row 2, column create_time: '86400' is"),
        (["1709127200", "4000000000"], "row 2, column create_time: '4000000000' is later than tomorrow"),
        (["1709127200", "2/28/24 13:33"], "row 2, column create_time: '2/28/24 13:33' is not a time"),
    ],
)
def test_numbers_that_are_no_moments_are_refused(tmp_path, cells, why):
    path = tmp_path / "videos.csv"
    path.write_text("\n".join(["id,create_time", *(f"v{row},{cell}" for row, cell in enumerate(cells))]))
    with pytest.raises(InputError, match=re.escape(why)):
        read_videos(path)


def test_a_moment_of_zero_is_missing_and_said(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("id,create_time\na,0\nb,2024-02-28 13:33:20\n")
    with pytest.warns(InputWarning, match="1 value of create_time taken as missing: row 1 has 0"):
        assert read_videos(path)["create_time"].fillna(-1).tolist() == [-1, 1_709_127_200]


@pytest.mark.parametrize(
    "ids", [[7.300000001234568e18, 7.300000002469136e18], ["7.3E+18", "7.4E+18"], ["7300000001234568000", "7300000002469136000"]]
)
def test_rounded_ids_are_refused(tmp_path, ids):
    path = tmp_path / "videos.parquet"
    pd.DataFrame({"id": ids, "view_count": [1, 2]}).to_parquet(path)
    with pytest.raises(InputError, match=r"row 1, column id: .* was rounded on its way"):
        read_videos(path)


def test_a_bad_value_of_a_feature_is_missing_and_said(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("id,follower_count,view_count\na,5,1\nb,-610,2\nc,x,3\n")
    with pytest.warns(InputWarning) as said:
        assert read_videos(path)["follower_count"].fillna(-1).tolist() == [5, -1, -1]
    assert [str(one.message) for one in said] == [
        f"{path}: 1 value of follower_count taken as missing: row 3, column follower_count: 'x' is not a count",
        f"{path}: 1 value of follower_count taken as missing: row 2, column follower_count: '-610' is negative",
    ]


def test_lenient_leaves_out_rows_that_are_refused_otherwise(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("id,create_time,view_count\na,1709127200,1\n,1709127200,2\nc,20240301,3\nd,1709127200,many\ne,1709127200,5\n")
    with pytest.raises(InputError):
        read_videos(path)
    with pytest.warns(InputWarning, match="3 of 5 rows were left out"):
        assert read_videos(path, lenient=True)["id"].tolist() == ["a", "e"]


def test_words_for_missing_are_missing_and_namibia_is_a_country(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("id,username,music_title,region_code\na,NA,nan,US\nb,me,NULL,NA\n")
    table = read_videos(path)
    assert [table[name].tolist() for name in ("username", "music_title", "region_code")] == [[None, "me"], [None, None], ["US", None]]
    path.write_text("id,username,region_code\na,,US\nb,me,NA\n")
    assert read_videos(path)["region_code"].tolist() == ["US", "NA"]


def test_parquet_as_pandas_writes_it(tmp_path):
    path = tmp_path / "videos.parquet"
    moments = pd.to_datetime(["2024-02-28 13:33:20", "2024-02-29 00:00:00"], utc=True)
    table = pd.DataFrame({"id": ["a", "b"], "create_time": moments, "hashtag_names": [["x", "y"], []], "view_count": [Decimal(3), None]})
    table.assign(other=[[{"deep": 1}], None], collected_at=[pd.Timestamp("2024-03-05"), None]).set_index("id").to_parquet(path)
    read = read_videos(path)
    assert read["create_time"].tolist() == [1_709_127_200, 1_709_164_800]
    assert read["collected_at"].fillna(-1).tolist() == [1_709_596_800, -1]
    assert read["hashtag_names"].tolist() == ["x y", None]
    assert read["view_count"].fillna(-1).tolist() == [3, -1]
    assert read["other"][0][0] == {"deep": 1}


def test_tables_that_are_packed_or_something_else(tmp_path):
    for name in ("videos.jsonl.gz", "videos.zip", "book.csv", "page.csv"):
        path = tmp_path / name
        if name.endswith("gz"):
            path.write_bytes(gzip.compress(b'{"id": "a"}\n'))
        elif name.startswith(("videos", "book")):
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("xl/workbook.xml" if name.startswith("book") else "videos.csv", "id\na\n")
        else:
            path.write_text("<!DOCTYPE html>")
        if name.startswith("videos"):
            assert read_videos(path)["id"].tolist() == ["a"]
        else:
            with pytest.raises(InputError, match="is an Excel workbook" if name.startswith("book") else "is a web page"):
                read_videos(path)


def test_a_repeated_column_is_named():
    table = pd.DataFrame([["a", "b", "c"]], columns=["id", "username", "username"])
    with pytest.raises(InputError, match="several columns named username"):
        as_dataset(table)


@pytest.mark.parametrize("name", ["videos.csv.gz", "videos.csv.zip"])
def test_a_little_file_that_unpacks_to_much_is_refused(tmp_path, monkeypatch, name):
    path, content = tmp_path / name, b"id\n" + b"1" * (1 << 21)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("videos.csv", content)
    assert len(read_table(path)) == 1
    monkeypatch.setattr("features.tables.formats.LARGEST", 1 << 20)
    with pytest.raises(InputError, match=rf"{name}: unpacks to more than 0\.000977 GiB$"):
        read_table(path)
