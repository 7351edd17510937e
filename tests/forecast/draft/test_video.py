import numpy as np
import pytest
import torch

from features.extended import extended
from features.featurizer import Featurizer
from features.pair import FeaturizerPair
from features.tables.dataset import Dataset
from forecast.draft.video import Draft, fan_horizons, featurize, knows_time
from forecast.run.directory import RunDirectory
from forecast.saved import load_features
from machine.errors import InputError

HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture(scope="module")
def featurizer(run_directory):
    return load_features(RunDirectory(run_directory))[0]


def test_what_is_not_given_is_missing(featurizer):
    videos, _, _ = featurize(Draft(1.7e9), [HOUR, DAY], featurizer)
    assert len(videos) == 2
    assert videos.popularity is None
    assert {name: part.present.tolist() for name, part in videos.items() if name != "social"} == {
        name: [False, False] for name in videos if name != "social"
    }


def test_a_horizon_is_the_age_of_the_video(featurizer):
    videos, _, _ = featurize(Draft(1.7e9, {"follower_count": 1000.0}), [HOUR, DAY, 7 * DAY], featurizer)
    place = featurizer.columns["social"].index("log_age")
    scaler = featurizer.scalers["social"]
    age = videos["social"].numbers[:, place].double().numpy() * scaler.scale[place] + scaler.loc[place]
    np.testing.assert_allclose(
        np.expm1(age), [24 * featurizer.youngest, 24.0, 168.0], rtol=1e-4
    )  # an hour is younger than all learned from


def test_history_is_what_the_author_published_before(featurizer, world):
    author = world.videos["username"].mode()[0]
    mine = world.videos.loc[world.videos["username"] == author, "create_time"]
    before, after = (
        featurize(Draft(time, {"username": author}), [DAY], featurizer.for_drafts())[0] for time in (mine.min() - 1, mine.max() + 1)
    )
    assert not before["history"].present.any()
    assert after["history"].present.all()


def test_half_characters_are_replaced_as_in_tables(featurizer):
    draft = Draft(1.7e9, {"video_description": "word1 \udcff", "username": "\ud800", "music_title": "\udfff"})
    videos, _, _ = featurize(draft, [DAY], featurizer)
    assert videos["textual"].present.all()
    assert not videos["history"].present.any()


def test_features_of_the_clip_become_its_part(featurizer):
    clip = {"visual": np.full(24, 0.5, np.float32), "smell": np.zeros(3, np.float32)}
    videos, _, _ = featurize(Draft(1.7e9, clip=clip), [DAY], featurizer)
    assert videos["visual"].present.all()
    expected = featurizer.scalers["visual"].transform(np.full((1, 24), 0.5))
    torch.testing.assert_close(videos["visual"].numbers, torch.from_numpy(expected))


def test_features_of_another_network_are_refused(featurizer):
    with pytest.raises(InputError, match="gives 3 visual features, but the run was trained on 24 others"):
        featurize(Draft(1.7e9, clip={"visual": np.zeros(3, np.float32)}), [DAY], featurizer)


def test_the_simulated_world_knows_time(featurizer):
    assert knows_time(featurizer)
    youngest, oldest = featurizer.ages_seen
    assert youngest < 1 < 7 < oldest <= 60  # days; the world was read at up to 60


def test_a_fan_runs_from_the_first_to_the_last_horizon():
    assert fan_horizons([10.0, 1000.0], 3) == pytest.approx([10.0, 100.0])
    assert fan_horizons([1000.0], 3)[0] == pytest.approx(100.0)


def test_a_run_that_was_moved_to_rows_with_ages_knows_time(world):
    ageless = Dataset(world.videos.drop(columns="collected_at"))
    fitted = Featurizer.fit(ageless)
    assert not knows_time(fitted)
    moved = extended(fitted, world)
    assert knows_time(moved)
    assert knows_time(FeaturizerPair.of(fitted, Featurizer.fit(world)))
