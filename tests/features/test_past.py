"""Outcomes of other videos that join a run's histories, against values worked by hand."""

import numpy as np
import pandas as pd
import pytest

from features.featurizer import Featurizer
from features.parts.same_author import NEIGHBOURS
from features.parts.social import keys
from features.saved import from_state, to_state
from features.tables.dataset import Dataset
from features.targets import filled
from machine.errors import InputError

DAY = 86_400.0


def table(*rows: tuple, views: str = "view_count") -> Dataset:
    """Rows of (id, author, published, read, views), days and counts."""
    names = ["id", "username", "create_time", "collected_at", views]
    videos = pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows])
    videos[["create_time", "collected_at"]] *= DAY
    return Dataset(videos.astype({views: float}), name="past.csv")


@pytest.fixture(scope="module")
def trained() -> Dataset:
    random = np.random.default_rng(0)
    return table(*((f"t{row}", f"author{row % 5}", float(row), 200.0, int(random.integers(1, 10_000))) for row in range(60)))


@pytest.fixture(scope="module")
def featurizer(trained) -> Featurizer:
    return Featurizer.fit(trained)


def history(featurizer: Featurizer, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    values, _, present = featurizer.raw(dataset)["history"]
    return values, present


def standardised(featurizer: Featurizer, *views: float) -> np.ndarray:
    return (np.log1p(views) - featurizer.targets.loc) / featurizer.targets.spread


def test_a_stranger_becomes_known(featurizer):
    past = table(("p1", "new", 210.0, 220.0, 100), ("p2", "new", 214.0, 220.0, 3000), ("p3", "new", 215.0, 220.0, np.nan))
    query = table(("q", "new", 218.0, 230.0, np.nan))
    assert not history(featurizer, query)[1][0]
    values, present = history(featurizer.with_past(past), query)
    reached = standardised(featurizer, 100, 3000)
    assert present[0]
    np.testing.assert_allclose(values[0, [0, 2]], [reached.sum() / (2 + 2), np.log1p(2)])
    np.testing.assert_allclose(values[0, 3], (reached / [9.0, 5.0]).sum() / (1 / 9 + 1 / 5))  # nearer in time, weightier
    np.testing.assert_allclose(values[0, 4 : 4 + NEIGHBOURS][:2], reached[::-1])


def test_nothing_fitted_moves_and_the_run_is_as_before(featurizer, trained):
    past = table(("p1", "author1", 210.0, 220.0, 100))
    before = history(featurizer, trained)[0]
    joined = featurizer.with_past(past)
    assert (joined.targets, joined.scalers, joined.salt) == (featurizer.targets, featurizer.scalers, featurizer.salt)
    np.testing.assert_array_equal(history(featurizer, trained)[0], before)
    assert len(joined.histories["history"].group) == len(featurizer.histories["history"].group) + 1


def test_rows_that_training_had_count_once_and_a_video_never_sees_itself(featurizer, trained):
    again = featurizer.with_past(trained)
    for name, held in featurizer.histories.items():
        for field in ("group", "time", "video", "reached"):
            np.testing.assert_array_equal(getattr(again.histories[name], field), getattr(held, field))
    assert not again.transform(trained).met.any()
    again = Dataset(pd.concat([trained.videos, table(("p1", "new", 210.0, 220.0, 7)).videos], ignore_index=True), name="past.csv")
    joined = featurizer.with_past(again)
    np.testing.assert_allclose(history(joined, trained)[0], history(featurizer, trained)[0])
    assert not history(joined, table(("p1", "new", 210.0, 220.0, 7)))[1][0]
    assert history(joined, table(("p2", "new", 211.0, 220.0, 7)))[1][0]


def test_a_video_with_the_id_of_another_authors_joins_and_does_not_see_itself(featurizer, trained):
    past = table(("t1", "new", 210.0, 220.0, 100), ("t2", "new", 211.0, 220.0, 3000), ("t6", "new", 212.0, 220.0, 7))
    joined = featurizer.with_past(past)
    author, own = (keys(past.videos[name], featurizer.salt) for name in ("username", "id"))
    known, count, total, _ = joined.histories["history"].totals(author, past.videos["create_time"].to_numpy(), own)
    reached = standardised(featurizer, 100, 3000, 7)
    assert (known == 2).all()
    assert (count == 2).all()
    np.testing.assert_allclose(total[:, 0], reached.sum() - reached)
    np.testing.assert_allclose(history(joined, trained)[0], history(featurizer, trained)[0])


def test_further_readings_of_a_followed_video_join_and_count_since_they_were_read(trained):
    def read(videos, *days):
        readings = pd.concat([videos.assign(collected_at=videos["create_time"] + day * DAY, view_count=10.0**day) for day in days])
        readings = readings[["id", "collected_at", "view_count"]].sort_values(["id", "collected_at"], ignore_index=True)
        return Dataset(videos.sort_values("id", ignore_index=True), readings=readings, name="past.csv")

    videos = trained.videos
    featurizer = Featurizer.fit(read(videos, 1.0, 2.0), past_only=True)
    assert featurizer.growth is not None
    joined = featurizer.with_past(read(videos.assign(view_count=1e6), 1.0, 6.0))
    assert len(joined.histories["history"].group) == len(videos)
    author, own = joined.histories["history"].group[:1], np.array([7])
    for day, views in ((1.5, 1.0), (4.0, 2.0), (7.0, 6.0)):
        moment = np.array([day * DAY + joined.histories["history"].time[0]])
        reached, days = joined.histories["history"].each(author, moment, own, np.array([9.0]), moment)
        np.testing.assert_allclose(reached[0, np.nanargmin(np.abs(days[0] + day)), 0], standardised(featurizer, 10.0**views))


def test_where_only_the_past_counts_a_row_does_from_when_it_was_read(trained):
    featurizer = Featurizer.fit(trained, past_only=True)
    joined = featurizer.with_past(table(("p1", "new", 210.0, 220.0, 100), ("p2", "new", 211.0, 213.0, 50)))
    moments = [(f"q{day}", "new", day, 300.0, np.nan) for day in (210.0, 213.0, 213.5, 220.5)]
    values, present = history(joined, table(*moments))
    assert present.tolist() == [False, False, True, True]
    np.testing.assert_allclose(values[2:, 2], np.log1p([1, 2]))
    sides = values[3, 4 + NEIGHBOURS : 4 + NEIGHBOURS + 2]  # days since publication, not since reading
    np.testing.assert_allclose(np.sort(sides), -np.log1p([10.5, 9.5]))


def test_an_unknown_target_counts_as_the_known_ones_of_its_row(trained):
    both = Dataset(trained.videos.assign(like_count=np.floor(trained.videos["view_count"] ** 0.8)))
    featurizer = Featurizer.fit(both)
    joined = featurizer.with_past(table(("p1", "new", 210.0, 220.0, 100)))
    place = np.flatnonzero(~np.isin(joined.histories["history"].video, featurizer.histories["history"].video))
    reached = joined.histories["history"].reached[place[0]]
    assert reached[0] == reached[1] == pytest.approx((np.log1p(100) - featurizer.targets.loc[0]) / featurizer.targets.spread[0])


def test_what_is_usual_is_not_told_of_a_target_that_was_not_read_of_the_author(trained):
    both = Dataset(trained.videos.assign(like_count=trained.videos["view_count"].where(np.arange(len(trained)) % 5 > 0)))
    featurizer = Featurizer.fit(both)  # author0's likes are unknown
    past = [("p1", "new", 210.0, 220.0, 100), ("p2", "new", 214.0, 220.0, 30), ("p3", "new", 215.0, 220.0, 4)]
    joined = featurizer.with_past(table(*past))
    again = from_state(*to_state(joined), "run")
    likes = featurizer.with_past(Dataset(table(*past).videos.assign(like_count=[7.0, 8.0, 9.0])))
    query = table(("q", "new", 218.0, 230.0, np.nan), ("r", "author0", 218.0, 230.0, np.nan), ("s", "author1", 218.0, 230.0, np.nan))
    usual, later, known = (one.usual(query) for one in (joined, again, likes))
    np.testing.assert_array_equal(np.isnan(usual), [[False, True], [False, True], [False, False]])
    np.testing.assert_array_equal(later, usual)
    np.testing.assert_allclose([usual[0, 0], *known[0]], np.log1p([30, 30, 8]))
    np.testing.assert_array_equal(known[1:], usual[1:])
    text, arrays = to_state(joined)
    with pytest.raises(InputError, match="which targets were read"):
        from_state(text, arrays | {"history.history.read": np.ones((3, 2), bool)}, "run")
    assert "history.history.read" not in to_state(Featurizer.fit(trained))[1]  # nor does it change what else a run holds


def test_sound_and_words_join_and_what_is_usual_is_told_by_both(trained):
    random = np.random.default_rng(1)
    told = trained.videos.assign(music_title="waltz", video_description=[f"word{n}" for n in random.integers(0, 9, len(trained))])
    told.loc[told.index[::2], "music_title"] = "polka"
    featurizer = Featurizer.fit(Dataset(told))
    past = table(("p1", "new", 210.0, 220.0, 100), ("p2", "new", 214.0, 220.0, 3000))
    past.videos["music_title"] = ["waltz", "tango"]
    past.videos["video_description"] = "word3"
    joined = featurizer.with_past(past)
    reached = standardised(featurizer, 100, 3000)
    sound = joined.histories["sound"]
    place = np.flatnonzero(~np.isin(sound.video, featurizer.histories["sound"].video))
    np.testing.assert_allclose(np.sort(sound.reached[place, 0]), np.sort(reached - reached[::-1] / (1 + 2)))
    assert len(joined.histories["words"].group) == len(featurizer.histories["words"].group) + 2


@pytest.mark.parametrize(
    ("past", "why"),
    [
        (Dataset(table(("a", "b", 1.0, 2.0, 5)).videos.drop(columns="username"), name="past.csv"), "no column username"),
        (table(("a", None, 1.0, 2.0, 5)), "no column username"),
        (table(("a", "b", 1.0, 2.0, 5), views="plays"), "none of the run's targets"),
        (table(("a", "b", 1.0, 2.0, np.nan)), "no row has an outcome"),
        (table(("a", "b", 1.0, 2.0, 7.31)), "not in whole counts"),
        (table(("a", "b", 1.0, 2.0, 1e18)), "standard deviations from the training rows"),
    ],
)
def test_a_past_that_tells_nothing_is_one_sentence(featurizer, past, why):
    with pytest.raises(InputError, match=f"^past.csv: .*{why}"):
        featurizer.with_past(past)


def test_a_run_without_histories_says_so(trained):
    with pytest.raises(InputError, match="trained without histories"):
        Featurizer.fit(trained, without=("history", "sound", "words")).with_past(trained)


def test_sounds_and_words_of_such_a_video_join_too(trained):
    def told(dataset: Dataset, **columns: str) -> Dataset:
        return Dataset(dataset.videos.assign(**columns), name=dataset.name)

    said = {"music_title": "song", "video_description": "cats dogs"}
    featurizer = Featurizer.fit(told(trained, **said))
    rows = [("new", 210.0 + day, 230.0, 10_000 + day) for day in range(8)]
    alike, unlike = (
        featurizer.with_past(told(table(*((f"{letter}{n}", *row) for n, row in enumerate(rows))), **said)) for letter in ("t", "p")
    )
    for name, history in unlike.histories.items():
        assert len(alike.histories[name].video) == len(history.video) > len(featurizer.histories[name].video)
    draft = told(table(("draft", "other", 240.0, 250.0, np.nan)), **said)
    np.testing.assert_allclose(alike.raw(draft)["words"][0], unlike.raw(draft)["words"][0])
    # what is usual for the author, which is taken off, leaves out a fold of their videos: which one the id decides
    assert alike.raw(draft)["sound"][0][0, -1] == unlike.raw(draft)["sound"][0][0, -1]


@pytest.mark.parametrize("renamed", ["somebody else", None])
def test_a_video_whose_author_was_renamed_does_not_see_itself(trained, renamed):
    """Its id and the second of its publication are those of a training row, whose author has no other video."""
    names, own = [f"cat{row % 6}" for row in range(len(trained))], (trained.videos["id"] == "t3").to_numpy()
    videos = trained.videos.assign(music_title=names, video_description=names).astype({"music_title": object, "username": object})
    videos.loc[own, ["username", "view_count"]] = ["single", 7e6]
    fitted = Featurizer.fit(Dataset(videos))
    row = videos[own].reset_index(drop=True)
    before, after = (fitted.raw(Dataset(one)) for one in (row, row.assign(username=pd.Series([renamed], dtype=object))))
    for part in ("sound", "words"):
        np.testing.assert_allclose(after[part][0], before[part][0])
        stranger = fitted.raw(Dataset(row.assign(id="another", username="somebody else")))[part][0]
        assert abs(stranger - before[part][0]).max() > 0.01  # another video does see it


@pytest.fixture(scope="module")
def singing(trained) -> tuple[Featurizer, Dataset]:
    """A run, and a past of two authors whose ids are those of training rows; each row has a sound and a word that many others have."""
    names = [f"cat{row % 6}" for row in range(len(trained))]
    featurizer = Featurizer.fit(Dataset(trained.videos.assign(music_title=names, video_description=names)))
    rows = [(f"t{n + 1}", f"new{n % 2}", 300.3 + 5 * n, 400.0, 10 ** (n + 1)) for n in range(6)]
    return featurizer, Dataset(table(*rows).videos.assign(music_title=names[:6], video_description=names[:6]), name="past.csv")


def later(videos: pd.DataFrame, seconds: float) -> pd.DataFrame:
    return videos.assign(create_time=videos["create_time"] + seconds)


def without_time(videos: pd.DataFrame) -> pd.DataFrame:
    return videos.drop(columns=["create_time", "collected_at"])


RETOLD = {
    "a second later": lambda videos: later(videos, 1.0),
    "to the day": lambda videos: videos.assign(create_time=videos["create_time"] // DAY * DAY),
    "without a time": without_time,
    "of the same author at another time": lambda videos: later(videos, 90 * DAY),
    "a second later, renamed": lambda videos: later(videos, 1.0).assign(username="somebody else"),
    "without a time, renamed": lambda videos: without_time(videos).assign(username="somebody else"),
    "a second later, of nobody": lambda videos: later(videos, 1.0).drop(columns="username"),
    "without a time, of nobody": lambda videos: without_time(videos).drop(columns="username"),
    "row numbers, of nobody": lambda videos: later(videos, 90 * DAY).drop(columns="username"),
    "row numbers, of another author": lambda videos: later(videos, 90 * DAY).assign(username="somebody else"),
}


@pytest.mark.parametrize("retold", RETOLD)
@pytest.mark.parametrize("told_by", ["query", "past"])
def test_what_a_row_of_the_past_reached_moves_nothing_of_the_video_if_two_tables_tell_it_otherwise(singing, retold, told_by):
    featurizer, past = singing
    query, rows = past.videos, past.videos
    if told_by == "query":
        query = RETOLD[retold](query)
    elif "nobody" in retold:
        return  # outcomes have authors
    else:
        rows = RETOLD[retold](rows)
    was = featurizer.with_past(Dataset(rows)).raw(Dataset(query))
    for row in range(len(rows)):
        moved = rows.assign(view_count=rows["view_count"].where(np.arange(len(rows)) != row, 5.0))
        found = featurizer.with_past(Dataset(moved)).raw(Dataset(query))
        off = {part: np.abs(np.nan_to_num(found[part][0]) - np.nan_to_num(was[part][0])).max(1)[row] for part in found}
        if retold.startswith("row numbers"):
            assert off["sound"] > 1e-3
            assert off["words"] > 1e-3
        else:
            assert max(off.values()) < 1e-9, off


def test_a_past_that_tells_other_times_of_videos_does_not_join_twice_and_one_of_other_authors_joins_whole(singing):
    featurizer, past = singing
    joined = featurizer.with_past(past)
    again = joined.with_past(Dataset(later(past.videos, 1.0), name="past.csv"))
    others = joined.with_past(Dataset(later(past.videos, 1.0).assign(username="another"), name="past.csv"))
    for name, history in joined.histories.items():
        for field in ("group", "time", "video", "reached"):
            np.testing.assert_array_equal(getattr(again.histories[name], field), getattr(history, field))
        assert len(others.histories[name].video) == len(history.video) + len(past)


def test_unknown_targets_are_as_far_from_usual_as_the_known_ones():
    nan = np.nan
    found = filled(np.array([[1.0, nan, 3.0], [nan, nan, nan], [0.5, 0.5, 0.5]]))
    np.testing.assert_array_equal(found, [[1.0, 2.0, 3.0], [nan, nan, nan], [0.5, 0.5, 0.5]])


def test_a_past_that_holds_the_video_itself_tells_the_same_as_one_without(featurizer):
    """Authors are few, so that a row of training skips a fifth of its author's others; one that is forecast does not."""
    rows = [(f"p{row}", "new", 210.0 + row, 250.0, 100.0 * (row + 1)) for row in range(20)]
    query = table(*rows[:5])
    with_itself, without = (featurizer.with_past(table(*past)) for past in (rows, rows[5:]))
    for number in range(5):
        alone = query.take(np.array([number]))
        others = featurizer.with_past(table(*(row for row in rows if row[0] != f"p{number}")))
        np.testing.assert_allclose(history(with_itself, alone)[0], history(others, alone)[0])
    assert not np.allclose(history(with_itself, query)[0], history(without, query)[0])
