"""Tables, by value: what is read, and the sentence with which the rest is refused."""

from datetime import date

import pandas as pd
import pytest

from features.tables.dataset import read_dataset
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
        ("id,view_count\na,1\nb,nan\n", "row 2, column view_count: 'nan' is not a finite number"),
        ("id,view_count\na,-1\n", "row 1, column view_count: '-1' is negative"),
        ("id,view_count\na,1e19\n", "row 1, column view_count: '1e19' is larger than 1e+18"),
        ("id,create_time\na,253402300800\n", "row 1, column create_time: '253402300800' is later than the year 9999"),
        ('id,video_description\na,"open\nb,2\n', "row 1 opens a quote that is never closed"),
        ("id\na\na\n", "row 2 repeats the id 'a'"),
        ("id,x\n,1\n", "row 1 has no id"),
        ("id\n" + "a" * 201 + "\n", "row 1 has an id of more than 200 characters"),
        ("id\na\0\n", "row 1 has an id with a null character"),
        ("x\n1\n", "no column id"),
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


@pytest.mark.parametrize("cell", [True, [1], {"a": 1}, date(2020, 1, 1), pd.Timestamp(2020, 1, 1)])
def test_other_types_are_refused_in_parquet(tmp_path, cell):
    path = tmp_path / "videos.parquet"
    pd.DataFrame({"id": ["a", "b"], "view_count": [cell, cell]}).to_parquet(path)
    with pytest.raises(InputError, match=r"row 1, column view_count: .* is not a"):
        read_videos(path)


def test_half_characters_become_question_marks(tmp_path):
    path = tmp_path / "videos.jsonl"
    path.write_text('{"id": 6887654321098765433, "video_description": "a\\ud800b", "username": 7.0}\n')
    table = read_videos(path)
    assert list(table.iloc[0][["id", "video_description", "username"]]) == ["6887654321098765433", "a?b", "7"]


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
