import numpy as np
import pandas as pd
import pytest

from features.rows.splits import newest, split, whole_authors
from forecast.run.configuration import Configuration
from machine.errors import InputError

VIDEOS = pd.DataFrame(
    {
        "id": [str(row) for row in range(200)],
        "username": [None if row % 50 == 0 else f"author{row * row % 23}" for row in range(200)],
        "create_time": [float(row * 7919 % 200) for row in range(200)],
        "fold": [row % 4 for row in range(200)],
    }
)


@pytest.mark.parametrize("how", ["random", "author", "time", "fold=2"])
def test_shares_are_disjoint_sorted_and_complete(how: str) -> None:
    rows = split(VIDEOS, how, seed=3)
    assert sorted(np.concatenate(rows)) == list(range(200))
    assert all((np.diff(share) > 0).all() for share in rows)
    assert all(np.array_equal(one, other) for one, other in zip(rows, split(VIDEOS, how, seed=3), strict=True))


def test_random_shares_have_their_sizes_and_depend_on_the_seed() -> None:
    assert [len(share) for share in split(VIDEOS, "random")] == [162, 18, 20]
    assert not np.array_equal(split(VIDEOS, "random", seed=0).test, split(VIDEOS, "random", seed=1).test)


def test_the_share_that_tests_is_asked_for() -> None:
    rows = split(VIDEOS, **Configuration(split="time", test_share=0.15).division)
    assert len(rows.test) == 30
    assert set(split(VIDEOS, "time").test) < set(rows.test)


def test_no_author_is_in_two_shares() -> None:
    rows = split(VIDEOS, "author", seed=1)
    authors = [set(VIDEOS["username"].iloc[share].dropna()) for share in rows]
    assert sum(map(len, authors)) == len(set.union(*authors))
    assert all(len(share) > 5 for share in rows)


def test_the_newest_of_some_rows() -> None:
    rows = np.arange(0, 200, 2)
    found = newest(VIDEOS, rows, 0.1)
    assert set(found) == set(rows[np.argsort(VIDEOS["create_time"].to_numpy()[rows])[-10:]])
    assert (np.diff(found) > 0).all()
    assert len(newest(VIDEOS.drop(columns="create_time"), rows, 0.1)) == 0
    unknown = VIDEOS.assign(create_time=VIDEOS["create_time"].where(VIDEOS.index != 4))
    assert len(newest(unknown, rows, 0.1)) == 0
    assert len(newest(unknown, rows[3:], 0.1)) == 10


def test_time_tests_on_the_newest() -> None:
    rows = split(VIDEOS, "time")
    times = [VIDEOS["create_time"].to_numpy()[share] for share in rows]
    assert times[0].max() < times[1].min()
    assert times[1].max() < times[2].min()


@pytest.mark.parametrize("how", ["random", "author", "fold=2"])
def test_folds_are_disjoint_and_share_their_test_rows(how: str) -> None:
    folds = [split(VIDEOS, how, seed=3, fold=fold, validation_share=0.2) for fold in range(3)]
    validation = np.concatenate([rows.validation for rows in folds])
    assert len(np.unique(validation)) == len(validation)
    for rows in folds:
        assert np.array_equal(rows.test, folds[0].test)
        assert sorted(np.concatenate(rows)) == list(range(200))
    if how == "author":
        for rows in folds:
            named = VIDEOS["username"].iloc[rows.validation].dropna()
            assert not named.isin(VIDEOS["username"].iloc[rows.train]).any()


def test_by_time_only_the_first_fold_is_the_newest() -> None:
    folds = [split(VIDEOS, "time", fold=fold, validation_share=0.2) for fold in range(3)]
    times = VIDEOS["create_time"].to_numpy()
    assert times[folds[0].train].max() < times[folds[0].validation].min()
    for rows in folds[1:]:
        assert np.isin(folds[0].validation, rows.train).all()
        assert times[rows.train].max() < times[rows.test].min()
        assert not np.isin(rows.validation, np.concatenate([rows.train, rows.test])).any()
    assert not np.intersect1d(folds[1].validation, folds[2].validation).size


def test_published_folds() -> None:
    assert (VIDEOS["fold"].to_numpy()[split(VIDEOS, "fold=2").test] == 2).all()
    assert len(split(VIDEOS, "fold=2").test) == 50


@pytest.mark.parametrize(
    ("how", "table"),
    [
        ("folds", VIDEOS),
        ("author", VIDEOS.drop(columns="username")),
        ("time", VIDEOS.drop(columns="create_time")),
        ("time", VIDEOS.assign(create_time=np.nan)),
        ("nothing=1", VIDEOS),
        ("fold=9", VIDEOS),
        ("random", VIDEOS.head(2)),
        ("author", VIDEOS.assign(username="one")),
    ],
)
def test_refused(how: str, table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="--split"):
        split(table, how)


def test_each_author_lies_whole_in_one_of_several_groups_of_like_size() -> None:
    rows = np.arange(20, 200)
    found = whole_authors(VIDEOS, rows, 3, seed=5)
    author = VIDEOS["username"].fillna(VIDEOS["id"]).to_numpy()
    assert sorted(np.concatenate(found)) == rows.tolist()
    for group in found:
        assert group.tolist() == [row for row in rows if author[row] in author[group]]
        assert 50 <= len(group) <= 70
    again, other = whole_authors(VIDEOS, rows, 3, seed=5), whole_authors(VIDEOS, rows, 3, seed=6)
    assert all(np.array_equal(one, same) for one, same in zip(found, again, strict=True))
    assert not all(np.array_equal(one, same) for one, same in zip(found, other, strict=True))


def test_a_group_of_more_than_half_of_the_rows_is_left_out() -> None:
    videos = pd.DataFrame({"username": ["great"] * 60 + [f"author{row % 4}" for row in range(40)]})
    for seed in range(8):
        found = whole_authors(videos, np.arange(100), 3, seed=seed)
        assert len(found) == 2
        assert min(map(min, found)) >= 60
    assert whole_authors(videos.assign(username="one"), np.arange(100), 3, seed=0) == []
    assert whole_authors(videos.drop(columns="username"), np.arange(100), 3, seed=0) == []
