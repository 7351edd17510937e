"""The shared wild inputs, where they lie beside the checkout: each is read to the right values, or refused in the right sentence."""

import csv
import re
import warnings
from pathlib import Path

import pandas as pd
import pytest

from extraction.sources.read import read_source
from features.tables.dataset import read_dataset
from machine.errors import InputError, InputWarning

FIRST = {  # of most of the inputs, which were written from the same videos
    "id": "7300000001234567891",
    "create_time": 1_709_127_200,
    "view_count": 89,
    "like_count": 8,
    "comment_count": 0,
    "share_count": 1,
}
READ = {  # input: rows, authors, and what differs in the first row
    "02-null-fields": (6, 6, {"comment_count": None}),
    "04-ytdlp-dump-json-lines/dump.jsonl": (6, 6, {"collected_at": 1_709_300_000, "music_title": "song 0", "video_duration": 5}),
    "05-ytdlp-dump-single-json/playlist.json": (6, 6, {}),
    "07-info-json-name-trimmed": (2, 2, {"video_path": "Jim vs Stan. Epic clips of history [7300000001234567891].mp4"}),
    "08-display-name-is-no-author": (8, 8, {"username": "UC0"}),
    "11-same-id-twice-older-last": (2, 2, {"video_path": "a/x.mp4"}),
    "15-statsv2-only-strings/v.json": (4, 4, {"view_count": 1.2e6, "like_count": 34_500, "comment_count": 15_955, "share_count": 259}),
    "17-error-object-first/v.json": (4, 4, {"username": "user0"}),
    "19-folder-of-jsonl-and-media": (8, 8, {"video_path": "7300000001234567891.mp4"}),
    "25-list-written-as-text": (80, 8, {"hashtag_names": "cat0 fyp"}),
    "37-semicolons": (80, 8, {"video_description": "clip 0 of the day #cat0 #fyp"}),
    "40-thousands-comma": (80, 8, {}),
    "41-thousands-dot": (12, 8, {"follower_count": 1_300, "view_count": 1_089}),
    "42-thousands-nbsp/nb": (12, 8, {}),
    "42-thousands-nbsp/ap": (12, 8, {}),
    "43-missing-words-in-counts/NA": (80, 8, {"share_count": None}),
    "43-missing-words-in-counts/NaN": (80, 8, {"share_count": None}),
    "43-missing-words-in-counts/NULL": (80, 8, {"share_count": None}),
    "43-missing-words-in-counts/None": (80, 8, {"share_count": None}),
    "43-missing-words-in-counts/Nslash": (80, 8, {"share_count": None}),
    "43-missing-words-in-counts/bsN": (80, 8, {"share_count": None}),
    "43-missing-words-in-counts/dash": (80, 8, {"share_count": None}),
    "44-missing-words-in-text": (80, 4, {"username": "user0"}),
    "45-iso-dates-in-csv/iso": (80, 8, {"collected_at": 1_709_300_000}),
    "45-iso-dates-in-csv/z": (80, 8, {}),
    "48-trailing-empty-columns": (80, 8, {}),
    "52-parquet-unknown-list-column": (80, 8, {}),
    "53-parquet-timestamps": (80, 8, {}),
    "55-parquet-id-is-index": (80, 8, {}),
    "64-collected-before-published": (80, 8, {"collected_at": 1_709_102_000}),
    "80-tikwm-digg-count/feed.json": (80, 8, {"music_title": "song 0", "video_duration": 5}),
    "84-comments-beside-videos": (6, 6, {}),
    "87-mixed-collectors-in-folder": (12, 8, {}),
    "88-favorites-count-target/v.json": (80, 8, {"favorites_count": 7}),
    "98-counts-as-shown/v.json": (9, 8, {"view_count": 1.2e6}),
}
REFUSED = {
    "23-ids-rounded-by-javascript/v.json": "rounded",
    "23-ids-rounded-by-javascript/js.json": "rounded",
    "45-iso-dates-in-csv/us": "is not a time",
    "46-dates-as-numbers/ymd": "a date written as a number",
    "46-dates-as-numbers/serial": "a spreadsheet's number of days",
    "46-dates-as-numbers/mixed": "column collected_at: '20240305' is a date written as a number",
    "46-dates-as-numbers/ms": "in milliseconds",
}
SAID = {"64-collected-before-published": "80 of 80 rows .*collected_at before create_time"}
ELSEWHERE = ("33-youtube-data-api/yt.json", "33-youtube-data-api", "81-digg-count-csv-as-target", "70-media")


def quietly(path: Path, read=read_source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        return read(path)


@pytest.mark.parametrize("name", READ)
def test_what_is_meant_is_read(shared_wild, name):
    rows, authors, differs = READ[name]
    videos = quietly(shared_wild / name).videos
    assert len(videos) == rows
    assert videos["username"].nunique() == authors
    first = videos.iloc[0]
    for column, value in {**FIRST, **differs}.items():
        assert (first[column] == value) if value is not None else pd.isna(first.get(column)), column


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused(shared_wild, name):
    with pytest.raises(InputError, match=REFUSED[name]):
        quietly(shared_wild / name)


@pytest.mark.parametrize(
    "name", [name for name in READ if (name[:2] in ("25", "37", "48", "53", "55") or name[:2] in ("40", "41", "42", "43", "44"))]
)
def test_training_reads_what_extraction_reads(shared_wild, name):
    found, expected = quietly(shared_wild / name, read_dataset).videos, quietly(shared_wild / name).videos
    pd.testing.assert_frame_equal(found, expected[list(found)])


def test_what_is_only_said(shared_wild):
    for name, sentence in SAID.items():
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            read_source(shared_wild / name)
        assert any(re.search(sentence, str(one.message)) for one in said)


def test_an_interface_that_was_not_read_before(shared_wild):
    for name in ("33-youtube-data-api/yt.json", "33-youtube-data-api"):
        videos = quietly(shared_wild / name).videos
        assert videos["id"].tolist() == ["abc0", "abc1", "abc2", "abc3"]
        assert videos.loc[0, ["create_time", "video_duration", "view_count", "like_count"]].tolist() == [1_706_781_600, 15, 123, 4]


def test_every_input_of_the_manifest_has_a_test(shared_wild):
    with (shared_wild / "manifest.csv").open() as file:
        listed = {row["input"] for row in csv.DictReader(file)}
    assert listed <= {*READ, *REFUSED, *ELSEWHERE}
