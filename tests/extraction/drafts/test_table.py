import contextlib
import json
from types import SimpleNamespace

import numpy as np
import pytest

from extraction.drafts import table
from extraction.settings import Problem
from extraction.store import Result
from features.scale import Scale

TARGETS = SimpleNamespace(names=("view_count",), scale=Scale("log1p"))
SEES = SimpleNamespace(targets=TARGETS, columns={"visual": ["visual_0", "visual_1"], "social": ["log_follower_count"]})
BLIND = SimpleNamespace(targets=TARGETS, columns={"social": ["log_follower_count"]})


@pytest.fixture
def drafts(tmp_path):
    (tmp_path / "b.mp4").write_bytes(b"clip")
    (tmp_path / "c.mp4").write_bytes(b"no clip")
    (tmp_path / "videos.csv").write_text("id,follower_count,video_path\none,12K,\ntwo,30,b.mp4\nthree,5,gone.mp4\nfour,,c.mp4\n")
    return tmp_path


def test_clips_are_measured_and_stand_in_their_rows(drafts, monkeypatch):
    class Reader(contextlib.nullcontext):
        def __enter__(self):
            return self

        def read(self, path):
            if path.name == "c.mp4":
                return Result(problems=[Problem("open", "nothing in it can be read")]), True
            return Result({"visual": np.array([1.0, 2.0])}, [Problem("acoustic", "has no sound")]), True

    readers = []
    monkeypatch.setattr(table, "settings", lambda *arguments: arguments[1:])
    monkeypatch.setattr(table, "settled", lambda like: like)
    monkeypatch.setattr(table, "ClipReader", lambda like: readers.append(like) or Reader())
    found, problems = table.read_drafts(drafts, SEES, drafts, "weights", "cuda")
    assert readers == [(drafts, "weights", "cuda")]  # one network for all clips
    assert found.videos["id"].tolist() == ["one", "two", "three", "four"]
    assert found.ready["visual"].to_numpy()[1].tolist() == [1.0, 2.0]
    assert np.isnan(found.ready["visual"].to_numpy()[[0, 2, 3]]).all()
    assert problems == [
        f"{drafts / 'b.mp4'}: has no sound",
        f"{drafts / 'gone.mp4'}: no such file",
        f"{drafts / 'c.mp4'}: nothing in it can be read",
    ]


def test_a_run_without_a_visual_part_says_so(drafts):
    found, problems = table.read_drafts(drafts, BLIND, drafts)
    assert "visual" not in found.ready
    assert problems == ["the run was trained without a visual part, so clips are not looked at"]


def test_ready_made_features_beside_the_table_count(drafts):
    videos = (drafts / "videos.csv").read_text().replace("12K", "12000")  # by the contract
    (drafts / "videos.csv").write_text(videos)
    (drafts / "visual.csv").write_text("id,visual_0,visual_1\ntwo,3,4\n")
    found, problems = table.read_drafts(drafts, SEES, drafts)
    assert found.ready["visual"].to_numpy()[1].tolist() == [3.0, 4.0]
    assert problems == []


def test_what_a_collector_wrote(tmp_path):
    page = {"data": {"videos": [{"id": 7, "username": "me", "create_time": 1_700_000_000, "video_description": "cat", "view_count": 5}]}}
    (tmp_path / "page.json").write_text(json.dumps(page))
    found, _ = table.read_drafts(tmp_path / "page.json", BLIND, tmp_path)
    assert found.videos["id"].tolist() == ["7"]
    assert found.videos["username"].tolist() == ["me"]
