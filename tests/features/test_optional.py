"""What a draft may lack of a part that it has: a gap for it, also where every training row has it."""

import numpy as np
import pandas as pd

from features.featurizer import Featurizer
from features.parts import social
from features.tables.dataset import Dataset

COUNT = 60
VIDEOS = pd.DataFrame(
    {
        "id": [str(row) for row in range(COUNT)],
        "follower_count": np.arange(COUNT) * 7.0,
        "likes_count": np.arange(COUNT) * 90.0 + 3,
        "video_duration": 5.0 + np.arange(COUNT) % 9,
        "create_time": 1_700_000_000.0 + 3600 * np.arange(COUNT),
        "video_description": [f"one two {row % 7}" for row in range(COUNT)],
        "view_count": 10.0 + np.arange(COUNT),
    }
)


def test_features_that_need_the_same_count_go_together() -> None:
    features = ["log_follower_count", "log_likes_count", "log_likes_per_follower", "hour_sine", "log_duration"]
    assert social.optional(features) == [[0, 2], [1, 2], [4]]


def test_gaps_name_the_columns_and_the_flags_of_what_is_missing() -> None:
    featurizer = Featurizer.fit(Dataset(VIDEOS), targets=("view_count",))
    whole = featurizer.transform(Dataset(VIDEOS))
    for part, column in (("social", "follower_count"), ("social", "video_duration"), ("textual", "video_description")):
        draft = VIDEOS.drop(columns=column) if part == "social" else VIDEOS.rename(columns={column: "hashtag_names"})
        lacking = featurizer.transform(Dataset(draft))[part].numbers
        changed = (lacking != whole[part].numbers).any(0).nonzero().flatten().tolist()
        [gap] = [gap for gap in featurizer.shapes[part].gaps if set(changed) <= {*gap.zeros, *gap.ones} and {*gap.ones} <= set(changed)]
        assert (lacking[:, list(gap.zeros)] == 0).all()
        assert (lacking[:, list(gap.ones)] == 1).all()
        assert (whole[part].numbers[:, list(gap.ones)] == 0).all()
