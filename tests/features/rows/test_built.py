"""What a run says that it was built from."""

import numpy as np
import pandas as pd
import pytest
import torch

from features.featurizer import Featurizer
from features.followed.looks import looks_to_learn
from features.rows.built import built
from features.simulated.growth import simulate_followed
from features.tables.dataset import Dataset
from features.videos import Part, Videos

COUNT = 40


def said(left_out: tuple[str, ...] = (), **columns: list) -> dict[str, str]:
    """What is said of a table with these columns."""
    videos = pd.DataFrame({"id": [str(row) for row in range(COUNT)], "view_count": np.arange(COUNT, dtype=float)} | columns)
    dataset = Dataset(videos)
    featurizer = Featurizer.fit(dataset, targets=("view_count",), without=left_out)
    return built(dataset, featurizer.transform(dataset), left_out)


def test_each_part_tells_its_rows() -> None:
    authors = [f"author{row // 15}" if row < 30 else f"alone{row}" for row in range(COUNT)]
    found = said(username=authors, follower_count=np.arange(COUNT, dtype=float).tolist())
    assert found["history"].startswith("30 of 40 rows, ")
    assert found["social"].startswith("40 of 40 rows, 2 numbers")  # and whether it is missing


def test_looks_at_followed_videos_are_told_as_such() -> None:
    dataset = simulate_followed(30)[0]
    featurizer, looks = Featurizer.fit(dataset), looks_to_learn(dataset, 0)[0]
    found = built(dataset, featurizer.transform(looks))
    assert found["social"].startswith(f"{len(looks):,} of {len(looks):,} looks at 30 videos, ")


def test_each_missing_part_tells_why() -> None:
    alone = [f"somebody{row}" for row in range(COUNT)]
    found = said(follower_count=np.arange(COUNT, dtype=float).tolist(), username=alone)
    assert found["history"] == "none: no author has two videos"
    assert found["sound"] == "none: no column music_title"
    assert found["textual"] == found["words"] == "none: no column video_description or hashtag_names or suggested_words"
    found = said(follower_count=np.arange(COUNT, dtype=float).tolist(), music_title=alone, hashtag_names=[None] * COUNT)
    assert found["history"] == "none: no column username"
    assert found["sound"] == "none: no two authors used one sound"
    assert found["words"] == "none: no text in hashtag_names"
    assert said(left_out=("social",), username=[*alone[1:], alone[2]])["social"] == "none: left out, as asked for"


@pytest.mark.parametrize(
    ("days", "published", "counts", "why"),
    [
        (1, True, True, "no video was read more than once"),
        (2, False, True, "no column create_time"),
        (2, True, False, "only counts are followed"),
        (2, True, True, "the run that it goes on from was trained without readings"),
    ],
)
def test_why_readings_tell_nothing(days, published, counts, why):
    videos = pd.DataFrame({"id": ["a"], "follower_count": [5.0]} | ({"create_time": [0.0]} if published else {}))
    readings = pd.DataFrame({"id": ["a"] * days, "collected_at": np.arange(days) * 86_400.0, "view_count": 1.0})
    social = Part(torch.zeros(1, 1), torch.zeros(1, 0, dtype=torch.int64), torch.ones(1, dtype=torch.bool))
    assert (
        built(Dataset(videos, readings=readings), Videos({"social": social}, torch.zeros(1, 1)), counts=counts)["early"] == f"none: {why}"
    )
