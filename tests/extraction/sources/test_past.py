"""Outcomes of other videos, from whatever extract.py reads."""

import contextlib
import json

import pandas as pd
import pytest

from extraction.sources.past import read_past
from tests.extraction.sources.collected import same_videos, tiktokapi, videos

READING = {"targets": ("view_count",), "target_scale": "log1p"}


@pytest.mark.parametrize(
    ("name", "folder"),
    [("export.csv", False), ("export.parquet", False), ("export.jsonl", False), ("videos.csv", True), ("videos.jsonl", True)],
)
def test_what_a_collector_wrote_is_read_in_any_format(tmp_path, name, folder):
    rows = pd.json_normalize([tiktokapi(video) for video in videos()])
    if name.endswith(".csv"):
        rows.to_csv(tmp_path / name, index=False)
    elif name.endswith(".parquet"):
        rows.to_parquet(tmp_path / name)
    else:
        (tmp_path / name).write_text("\n".join(json.dumps(tiktokapi(video)) for video in videos()))
    same_videos(read_past(tmp_path if folder else tmp_path / name, **READING).videos, videos(), set())


@pytest.mark.parametrize("name", ["videos.csv", "videos.jsonl"])
@pytest.mark.parametrize("folder", [False, True])
def test_of_a_table_by_the_contract_only_the_targets_must_be_right(tmp_path, name, folder):
    rows = [{"id": "a", "view_count": 5, "mine": 2}, {"id": "b", "view_count": 7, "mine": 3}]
    if name.endswith(".csv"):
        pd.DataFrame(rows).assign(like_count="many").to_csv(tmp_path / name, index=False)
    else:
        (tmp_path / name).write_text("\n".join(map(json.dumps, rows)))
    with pytest.warns(match="like_count") if name.endswith(".csv") else contextlib.nullcontext():
        past = read_past(tmp_path if folder else tmp_path / name, targets=("mine",), target_scale="log1p")
    assert past.videos["mine"].tolist() == [2, 3]
    assert past.ready == {}


def test_a_table_with_a_target_of_ones_own_is_no_collectors(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("id,username,my_score,title,channel,duration,upload_date\n1,me,0.5,a,b,10,20260101\n")
    found = read_past(path, targets=("my_score",), target_scale="identity")
    assert found.videos[["username", "my_score"]].iloc[0].tolist() == ["me", 0.5]
