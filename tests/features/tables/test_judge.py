"""Columns judged as a whole: moments, numbers of targets, counts of authors."""

import json

import pandas as pd
import pytest

from features.tables.judge import judge_ids
from features.tables.table import read_videos
from machine.errors import InputError, InputWarning


def test_moments_are_checked_against_each_other_and_the_ids(tmp_path):
    path = tmp_path / "videos.csv"

    def table(created, collected, ids=(7_300_000_001_234_567_891, 7_310_000_002_469_135_782)):
        rows = zip(ids, created, collected, strict=True)
        path.write_text("\n".join(["id,create_time,collected_at", *(f"{one},{at},{read}" for one, at, read in rows)]))
        return read_videos(path)

    carried = [7_300_000_001_234_567_891 >> 32, 7_310_000_002_469_135_782 >> 32]
    later = [moment + 86_400 for moment in carried]
    assert table(carried, later)["create_time"].tolist() == carried
    with pytest.warns(InputWarning, match="2 of 2 rows .*the first is row 1.* have no create_time: it is taken from their TikTok id"):
        assert table(["", ""], later)["create_time"].tolist() == carried
    with pytest.warns(InputWarning, match=r"create_time \+8 h from the second"):
        table([moment + 8 * 3600 for moment in carried], later)
    with pytest.warns(InputWarning, match="2 of 2 rows .* have collected_at before create_time"):
        table([1_700_000_000] * 2, [1_699_900_000] * 2, ids=("a", "b"))


def test_targets_are_counts_amounts_or_numbers(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("id,saves_count,rate,score\na,1.234,0.5,-2\nb,56.789,1.234,3\n")
    table = read_videos(path, targets=["saves_count", "rate"])
    assert [table[name].tolist() for name in ("saves_count", "rate")] == [[1_234, 56_789], [0.5, 1.234]]
    assert read_videos(path, targets=["score"], count_targets=False)["score"].tolist() == [-2, 3]
    with pytest.raises(InputError, match="row 1, column score: '-2' is negative"):
        read_videos(path, targets=["score"])


def test_an_author_count_that_differs_between_the_videos_of_an_author_is_doubted(tmp_path):
    path = tmp_path / "videos.csv"
    steady = [f"v{row},user{row % 4},{1000 * (row % 4)},{7 ** (row // 4)}" for row in range(16)]
    path.write_text("\n".join(["id,username,likes_count,digg_count", *steady]))
    with pytest.warns(InputWarning, match="digg_count is taken for likes the author gave, but differs") as said:
        read_videos(path)
    assert len(said) == 1
    assert read_videos(path, targets=["digg_count"])["digg_count"].max() == 343


@pytest.mark.parametrize("column", ["view_count", "follower_count", "create_time", "video_duration", "username", "id"])
def test_an_integer_of_hundreds_of_digits_is_no_number(tmp_path, column):
    path = tmp_path / "videos.jsonl"
    rows = [{"id": "a", "view_count": 3, column: 10**400}, {"id": "b", "view_count": 4}]
    path.write_text("\n".join(map(json.dumps, rows)))
    if column in ("view_count", "create_time"):
        with pytest.raises(InputError, match=f"row 1, column {column}: '1000"):
            read_videos(path)
    elif column == "id":
        with pytest.raises(InputError, match="row 1 has an id of more than 200 characters"):
            read_videos(path)
    elif column == "username":
        assert read_videos(path)[column][0] == str(10**400)
    else:
        with pytest.warns(InputWarning, match=f"1 value of {column} taken as missing: row 1"):
            assert read_videos(path)[column].isna().all()


@pytest.mark.parametrize(
    ("rounded", "others", "refused"),
    [(4, 6, True), (2, 8, True), (1, 9, False), (2, 98, False), (3, 97, True), (12, 99_988, False), (60, 99_940, True)],
)
def test_more_ids_end_in_zeros_than_chance_allows(rounded, others, refused):
    ids = [str(7_340_670_605_920_000_001 + 98_765_432_123 * row) for row in range(rounded + others)]
    ids = pd.Series([one[:15] + "0000" for one in ids[:rounded]] + [one[:-1] + "7" for one in ids[rounded:]], name="id")
    assert [fault.count for fault in judge_ids(ids)[1]] == [rounded] * refused
    assert judge_ids(pd.Series([ids.iloc[0]] * 5 + [*ids[rounded:]], name="id"))[1] == []  # one id many times is one
