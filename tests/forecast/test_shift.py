import warnings
from dataclasses import replace

import numpy as np
import pytest

from features.extended import extended
from features.featurizer import Featurizer
from features.simulated.world import simulate
from forecast.shift import Shift, shift, shift_of, tally
from machine.errors import InputWarning


@pytest.fixture(scope="module")
def world():
    """Training rows under other ids, as of videos that are just like them, and what was fitted to them."""
    dataset, _ = simulate(400)
    return renamed(dataset, "like-"), Featurizer.fit(dataset)


def renamed(dataset, prefix):
    return replace(dataset, videos=dataset.videos.assign(id=prefix + dataset.videos["id"]))


def test_videos_that_the_run_was_trained_on_are_counted(world):
    dataset, featurizer = world
    trained = dataset.videos["id"].str.removeprefix("like-")
    some = trained.where(np.arange(400) % 4 == 0, dataset.videos["id"])
    videos = dataset.videos.assign(id=some)
    sentence = "25% of the rows are videos that the run was trained on, which it forecasts better than others"
    assert shift(featurizer, replace(dataset, videos=videos)).warnings == [sentence]
    elsewhere = videos.assign(create_time=videos["create_time"] + 2 * 86_400)  # the same id is no proof
    assert shift(featurizer, replace(dataset, videos=elsewhere)).learned == 0
    assert shift(featurizer, replace(dataset, videos=videos.assign(username="renamed"))).learned > 0.2  # by their words


def test_rows_that_are_like_the_training_rows_give_no_warning(world):
    dataset, featurizer = world
    found = shift(featurizer, dataset)
    assert found.warnings == []
    assert found.present["social"] == 1.0
    assert found.present["visual"] == pytest.approx(1 - dataset.ready["visual"].isna().all(axis=1).mean())
    assert found.unseen == {"username": 0.0}
    assert max(found.outside.values()) <= 0.01


def test_a_part_that_no_row_has_is_named(world):
    dataset, featurizer = world
    found = shift(featurizer, replace(dataset, ready={"acoustic": dataset.ready["acoustic"]}))
    assert found.present["visual"] == 0.0
    assert found.warnings == ["no row has the part visual, which the run was trained with"]


def test_columns_that_no_row_has_are_named(world):
    dataset, featurizer = world
    visual = dataset.ready["visual"].assign(visual_3=np.nan)
    found = shift(
        featurizer, replace(dataset, videos=dataset.videos.drop(columns="follower_count"), ready=dataset.ready | {"visual": visual})
    )
    assert found.lacking == {"social": ["follower_count"], "visual": ["visual_3"]}
    assert any("follower_count" in sentence for sentence in found.warnings)
    assert any("visual_3" in sentence for sentence in found.warnings)


def test_authors_never_seen_are_counted(world):
    dataset, featurizer = world
    strangers = dataset.videos["username"].where(np.arange(400) % 4 == 0, dataset.videos["username"] + "-unknown")
    found = shift(featurizer, replace(dataset, videos=dataset.videos.assign(username=strangers)))
    assert found.unseen["username"] == pytest.approx(0.75)
    assert found.warnings == ["75% of the rows that name a username name one that training has not, or hardly, seen"]


def test_rows_far_outside_are_counted_by_part(world):
    dataset, featurizer = world
    visual = dataset.ready["visual"].copy()
    there = np.flatnonzero(visual.notna().all(axis=1))
    visual.iloc[there[: len(there) // 2], 0] = 1e6 * visual.iloc[:, 0].std()
    found = shift(featurizer, replace(dataset, ready=dataset.ready | {"visual": visual}))
    assert found.outside["visual"] == pytest.approx((len(there) // 2) / len(there))
    assert found.outside["acoustic"] <= 0.01
    assert found.far == {"visual": ["visual_0"]}
    assert any(
        sentence.startswith("part visual: ") and sentence.endswith("training rows' mean, in visual_0") for sentence in found.warnings
    )


def test_of_one_video(world):
    dataset, featurizer = world
    one = dataset.take(np.array([0]))
    lacking = one.videos.assign(username="nobody", likes_count=np.nan, video_count=np.nan)
    found = shift(featurizer, replace(one, videos=lacking, ready={"visual": one.ready["visual"].fillna(0.0) + 1e9}))
    assert found.of_one_video == [
        "part history is not given, which the run was trained with",
        "part acoustic is not given, which the run was trained with",
        "likes_count and video_count not given, which the run was trained with (part social)",
        "its username is one that training has not, or hardly, seen",
        "part visual lies more than 8 standard deviations from the training rows' mean, in visual_0, visual_1, visual_2 and others",
    ]


def test_a_far_horizon_is_told_by_the_draft_itself(world):
    dataset, featurizer = world
    one = dataset.take(np.array([0]))
    late = one.videos["create_time"] + 1e4 * 86400
    usual = shift(featurizer, one).of_one_video
    assert shift(featurizer, replace(one, videos=one.videos.assign(collected_at=late))).of_one_video == usual
    found = shift(featurizer, replace(one, videos=one.videos.assign(collected_at=late, follower_count=1e30))).of_one_video
    assert found[len(usual) :] == [
        "part social lies more than 8 standard deviations from the training rows' mean, in follower_count, collected_at"
    ]


def test_each_warning_is_given_with_the_name_of_the_dataset(world):
    dataset, featurizer = world
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shift(featurizer, replace(dataset, ready={})).warn("my-data")
    assert [warning.category for warning in caught] == [InputWarning, InputWarning]
    assert all(str(warning.message).startswith("my-data: no row has the part") for warning in caught)


def test_a_dataset_counted_in_pieces_is_as_unlike_as_counted_at_once(world):
    dataset, featurizer = world
    pieces = [dataset.take(np.arange(start, min(start + 70, len(dataset)))) for start in range(0, len(dataset), 70)]
    tallies = [tally(featurizer, piece, featurizer.raw(piece)) for piece in pieces]
    together, apart = shift(featurizer, dataset), shift_of(featurizer, tallies)
    assert together.lacking == apart.lacking
    for name in ("present", "unseen", "outside"):
        assert getattr(together, name) == pytest.approx(getattr(apart, name))


def test_means_that_lie_far_off_are_told_in_standard_deviations(world):
    dataset, featurizer = world
    moved = replace(dataset, videos=dataset.videos.assign(follower_count=np.expm1(np.log1p(dataset.videos["follower_count"]) + 5.0)))
    found, at_home = shift(featurizer, moved), shift(featurizer, dataset)
    scaler, place = featurizer.scalers["social"], featurizer.columns["social"].index("log_follower_count")
    assert found.distance["follower_count"] == pytest.approx(5.0 / scaler.scale[place])
    assert max(map(abs, at_home.distance.values())) < 1e-6
    assert any(line.startswith("the follower_count lies 2.") and "above" in line for line in found.warnings)


def test_columns_that_a_run_was_moved_to_are_named_where_no_row_has_them(world):
    dataset, featurizer = world
    speaking = replace(dataset, videos=dataset.videos.assign(language=["en", "de"] * 200))
    found = shift(extended(featurizer, speaking), renamed(dataset, "un"))
    assert found.warnings == ["no row has language (part further), which the run was trained with"]
    assert shift(extended(featurizer, speaking), renamed(speaking, "un")).warnings == []


def test_of_two_tables_the_nearer_one_counts():
    one = Shift(
        {"social": 1.0}, {"social": ["digg_count"]}, {"username": 0.9}, {"social": 0.5, "faces": 0.2}, younger=0.3, distance={"age": -2.0}
    )
    other = Shift({"social": 0.5}, {}, {"username": 0.2}, {"social": 0.0}, younger=0.1, learned=0.4, distance={"age": 1.5, "view": 9.0})
    found = one.or_like(other)
    assert (found.present, found.lacking) == (one.present, one.lacking)
    assert found.unseen == {"username": 0.2}
    assert found.outside == {"social": 0.0, "faces": 0.2}
    assert (found.younger, found.learned, found.distance) == (0.1, 0.4, {"age": 1.5})


@pytest.mark.parametrize(("authors", "told"), [(4, False), (100, True)])
def test_the_mean_over_a_few_authors_may_be_far_by_chance(authors, told):
    found = Shift({}, {}, {}, {}, distance={"age": 2.0}, independent=authors).warnings
    assert found == (["the age lies 2.0 standard deviations above the training rows' (logarithms)"] if told else [])


def test_numbers_that_the_run_computes_are_no_reason_to_warn(world):
    dataset, featurizer = world
    assert featurizer.text is not None
    assert {"history", "textual"} <= set(featurizer.scalers)
    assert set(shift(featurizer, dataset).outside) == set(featurizer.scalers) - {"history", "sound", "words", "textual"}
    ready = replace(dataset, ready={"textual": dataset.ready["visual"]})
    assert "textual" in shift(Featurizer.fit(ready), ready).outside  # a user's own numbers


def test_videos_count_by_author(world):
    dataset, featurizer = world
    pieces = [dataset.take(np.arange(start, start + 100)) for start in (0, 100, 0)]
    found = shift_of(featurizer, [tally(featurizer, piece, featurizer.raw(piece)) for piece in pieces])
    assert found.independent == dataset.videos["username"].iloc[:200].nunique()
    nobody = replace(dataset, videos=dataset.videos.drop(columns="username"))
    assert shift(featurizer, nobody).independent == 400


def test_videos_without_an_author_are_known_by_id_and_time(world):
    dataset, _ = world
    videos = dataset.videos.drop(columns="username")
    featurizer = Featurizer.fit(replace(dataset, videos=videos))
    written = videos["video_description"].str.len() > 0
    assert shift(featurizer, replace(dataset, videos=videos)).learned > 0.9 * written.mean()
    later = videos.assign(create_time=videos["create_time"] + 1)
    for others in (renamed(dataset, "x").videos.drop(columns="username"), later):
        assert shift(featurizer, replace(dataset, videos=others)).learned == 0
