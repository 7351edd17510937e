"""Single values, by value: as sites, collectors, spreadsheets and people write them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from features.tables.given import given, moment
from features.tables.values import is_missing, parse_count, parse_hashtags, parse_id, parse_seconds, parse_tags, parse_text, parse_time
from machine.errors import InputError


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1.2M", 1_200_000),
        ("1.2m", 1_200_000),
        ("10K", 10_000),
        ("4.5K+", 4_500),
        ("3B", 3e9),
        ("1,234,567", 1_234_567),
        ("12,34,567", 1_234_567),
        ("12 345", 12_345),
        ("12\u202f345", 12_345),
        ("1\u00a0520", 1_520),
        ("1’520", 1_520),
        ("12.345", 12_345),
        ("1.234.567", 1_234_567),
        ("1.234.567,00", 1_234_567),
        ("1,234.00", 1_234),
        (" 17 ", 17),
        (17, 17),
        (17.0, 17),
        (np.int64(17), 17),
        (Decimal("17"), 17),
        ("17.0", 17),
        ("1e6", 1_000_000),
        ("1.1M", 1_100_000),
        ("1,1M", 1_100_000),
        ("1,200K", 1_200_000),
        (".5K", 500),
        ("1.2万", 12_000),
        ("1,2 Mio.", 1_200_000),
        ("1.2M views", 1_200_000),
        ("12,345 views", 12_345),
    ],
)
def test_written_counts(written, number):
    assert parse_count(written) == number


NO_COUNTS = ["", "many", "1.2X", "1e", "K", None, True, np.True_, float("nan"), float("inf"), [], "1M2", "1,5", "1,2,3", ".", "9" * 30]


@pytest.mark.parametrize("written", [*NO_COUNTS, "1.5", 1.5, "0.345", "12abc", "0x1F", "1_0", "--", "2024-03-01", date(2024, 3, 1)])
def test_what_is_no_count(written):
    assert parse_count(written) is None


def test_points_are_no_groups_where_the_column_says_so():
    assert parse_count("12.345", points=False) is None
    assert parse_count("12.3M", points=False) == 12_300_000


@pytest.mark.parametrize(
    "written",
    [
        1_700_000_000,
        "1700000000",
        "1700000000.0",
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20.000Z",
        "2023-11-14 22:13:20",
        "2023-11-14 22:13:20 UTC",
        "2023-11-14 22:13:20+00:00",
        "2023-11-15T00:13:20+02:00",
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        pd.Timestamp("2023-11-14 22:13:20"),
        np.datetime64("2023-11-14T22:13:20"),
    ],
)
def test_moments(written):
    assert parse_time(written) == 1_700_000_000


def test_days_begin_at_midnight():
    assert parse_time("2023-11-14") == parse_time(date(2023, 11, 14)) == 1_700_000_000 - 22 * 3600 - 13 * 60 - 20


@pytest.mark.parametrize("written", ["soon", "2/28/24 13:33", "28.02.2024", True, pd.NaT, np.datetime64("NaT"), None])
def test_what_is_no_moment(written):
    assert parse_time(written) is None


@pytest.mark.parametrize(
    ("written", "seconds"), [("15", 15), (15.5, 15.5), ("0:15", 15), ("1:02:03", 3723), ("PT1M15S", 75), ("P", None), ("long", None)]
)
def test_lengths(written, seconds):
    assert parse_seconds(written) == seconds


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("007", "007"),
        (7.0, "7"),
        ("7.0", "7"),
        (7_300_000_001_234_567_891, "7300000001234567891"),
        ('="73"', "73"),
        ("'73", "73"),
        (" 73\u00a0", "73"),
        ("  ", None),
        ("v1.0", "v1.0"),
    ],
)
def test_identifiers(written, name):
    assert parse_id(written) == name


@pytest.mark.parametrize(
    "word", ["", " ", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None", "-", "\\N", "<NA>", None, np.nan, pd.NA, pd.NaT]
)
def test_words_for_missing(word):
    assert is_missing(word)
    assert parse_count(word) is None
    assert parse_time(word) is None
    assert (parse_text(word) or " ").strip() == ""


@pytest.mark.parametrize(
    ("written", "tags"),
    [
        ("cat fyp", "cat fyp"),
        (["cat", "fyp"], "cat fyp"),
        (np.array(["cat", "fyp"]), "cat fyp"),
        ([{"name": "cat"}, {"title": "fyp"}], "cat fyp"),
        ("['cat', 'fyp']", "cat fyp"),
        ('["cat", "fyp"]', "cat fyp"),
        ("['cat' 'fyp']", "cat fyp"),
        ("{cat,fyp}", "cat fyp"),
        ("[{'name': 'cat'}]", "cat"),
        ("[]", None),
        ([], None),
        ("NA", None),
        ("[live]", "[live]"),
    ],
)
def test_tags(written, tags):
    assert parse_tags(written) == tags


@pytest.mark.parametrize(
    "written",
    ["cat fyp", "cat,fyp", "cat, fyp", "#cat #fyp", "#cat,#fyp", "#cat#fyp", "cat,#fyp", "cat|fyp", "['#cat', 'fyp']", ["cat", "fyp"]],
)
def test_hashtags(written):
    assert parse_hashtags(written) == "cat fyp"
    assert parse_hashtags("#C# a#b,C#") == "C# a#b C#"


def test_what_a_person_gives_is_read_as_a_cell_is():
    assert given("follower_count", "1.2M") == 1_200_000
    assert given("follower_count", " ") is None
    assert given("username", "N/A") is None
    assert given("username", " alice\t") == "alice"
    assert given("video_duration", "0:15") == 15
    assert given("hashtag_names", "['cat', 'fyp']") == "cat fyp"
    assert moment("2023-11-14 22:13:20") == 1_700_000_000
    for column, written, why in (
        ("follower_count", "many", "is not a count"),
        ("video_count", "-1", "is not a count"),
        ("video_duration", "x", "a length"),
    ):
        with pytest.raises(InputError, match=why):
            given(column, written)
    for written, why in (
        ("20240301", "a date written as a number"),
        ("45352.5", "spreadsheet"),
        ("1700000000000", "milliseconds"),
        ("soon", "not a time"),
    ):
        with pytest.raises(InputError, match=why):
            moment(written)
