"""Whose a media file is: what a name leaves open gives no video a clip."""

import json

import pytest

from extraction.sources.media import Media
from extraction.sources.read import read_source
from tests.extraction.sources.collected import videos, ytdlp


def files_below(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("files", "asked", "found"),
    [
        (["a/1.mp4", "b/1.mp4"], [("x", ["/home/me/a/1.mp4"], None), ("y", [r"C:\dl\b\1.mp4"], None)], ["a/1.mp4", "b/1.mp4"]),
        (["a/1.mp4", "b/1.mp4"], [("x", ["1.mp4"], None)], [None]),
        (["1.mp4", "b/1.mp4"], [("x", ["1.mp4"], None)], ["1.mp4"]),
        (["a/1.mp4"], [("x", ["a/1.mp4"], None), ("y", ["b/1.mp4"], None)], ["a/1.mp4", None]),  # that of y was not downloaded
        (["a/1.mp4"], [("x", [], "a/1"), ("y", ["a/1.mp4"], None)], ["a/1.mp4", None]),
        (["a/1.mp4", "b/1.mp4", "b/2.mp4"], [("1", [], None), ("2", [], None)], [None, "b/2.mp4"]),
        (["a/1.mp4", "a/1.m4a"], [("1", [], None)], ["a/1.mp4"]),
        (["1.mp4", "Title [1].mp4"], [("1", [], None)], ["1.mp4"]),  # a whole name
        (["a/1.mp4", "b/1.mp4", "Title [1].mp4"], [("1", [], None)], [None]),
        (["a [1].mp4", "b [1].mp4"], [("1", [], None)], [None]),
        (["a/abcDEF_-001.mp4", "b/abcDEF_-001.mp4"], [("abcDEF_-001", [], None)], ["a/abcDEF_-001.mp4"]),  # on two days
        (["to_7300000001_7300000002.mp4"], [("7300000001", [], None), ("7300000002", [], None)], [None, None]),
        (["7300000001.mp4", "to_7300000001_7300000002.mp4"], [("7300000002", [], None)], ["to_7300000001_7300000002.mp4"]),
    ],
)
def test_a_clip_is_that_of_the_video_that_its_path_fits_best(tmp_path, files, asked, found):
    media = Media(files_below(tmp_path, *files))
    assert media.of(asked) == found


@pytest.mark.parametrize(
    ("files", "asked", "found"),
    [
        (["a/7300000001.mp4", "b/7300000001.mp4"], ("7300000001", ["7300000001.mp4"], None), "a/7300000001.mp4"),
        (["a/c.mp4", "b/c.mp4"], ("1", ["c.mp4", "/home/me/b/c.mp4"], None), "b/c.mp4"),
        (["a/c.mp4", "b/c.mp4", "1.mp4"], ("1", ["c.mp4"], None), "1.mp4"),
    ],
)
def test_what_another_name_settles_is_not_noted(tmp_path, files, asked, found):
    media = Media(files_below(tmp_path, *files))
    assert media.of([asked]) == [found]
    assert media.notes() == []


def test_names_that_leave_open_whose_they_are_are_noted(tmp_path):
    files_below(tmp_path, "a/1.mp4", "b/1.mp4", "c/2.mp4")
    (tmp_path / "dump.jsonl").write_text("\n".join(json.dumps(ytdlp(video, filename="1.mp4")) for video in videos(2)))
    source = read_source(tmp_path)
    assert source.videos["video_path"].tolist() == [None, None]
    assert source.notes == [
        "1 names of clips leave open whose they are, and so give no video a clip (say it in video_path): the first is 1.mp4, which is "
        "a/1.mp4 and b/1.mp4"
    ]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("1,clips/2.mp4\n2,\n3,clips\\1.mp4\n", ["clips/2.mp4", None, "clips/1.mp4"]),  # ids are numbers of rows
        ("3,./clips/2.mp4\n2,\n1,\n", ["./clips/2.mp4", None, "clips/1.mp4"]),
        ("1,old.mp4\n1,\n2,\n2,\n", ["old.mp4", "clips/2.mp4"]),  # an empty cell of the newer row
    ],
)
@pytest.mark.parametrize("checking", [False, True])
def test_a_clip_that_is_found_by_id_replaces_none_that_the_table_gives(tmp_path, rows, found, checking):
    files_below(tmp_path, "clips/1.mp4", "clips/2.mp4", "old.mp4")
    rows = "\n".join(f"{row},{1_700_000_000 + number}" for number, row in enumerate(rows.split()))
    (tmp_path / "videos.csv").write_text(f"id,video_path,collected_at\n{rows}\n")
    assert read_source(tmp_path, checking=checking).videos["video_path"].tolist() == found


def test_empty_cells_of_video_path_are_found_by_id_and_windows_paths_are_paths(tmp_path):
    files_below(tmp_path, "clips/a.mp4", "clips/2.mp4", "clips/odd\\name.mp4")
    (tmp_path / "videos.csv").write_text("id,video_path\n1,clips\\a.mp4\n2,\n3,clips/odd\\name.mp4\n")
    assert read_source(tmp_path).videos["video_path"].tolist() == ["clips/a.mp4", "clips/2.mp4", "clips/odd\\name.mp4"]
    files_below(tmp_path, "more/a.mp4")
    (tmp_path / "videos.csv").write_text("id,video_path\na,clips/a.mp4\n")
    assert read_source(tmp_path).notes == []  # whose it is was said
