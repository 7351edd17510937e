"""The rows a run learns from: what validates never trains the same member, and nothing of test rows is written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from features.featurizer import Featurizer
from features.rows.few_known import known_videos
from features.rows.folds import Folds, map_folds
from features.rows.splits import newest, split, whole_authors
from features.tables.dataset import Dataset
from features.targets import truth
from machine.errors import InputError


def made(world: Dataset, how: str, path: Path, folds: int = 2) -> tuple[Folds, list, Featurizer]:
    splits = [split(world.videos, how, seed=0, fold=fold, validation_share=0.2) for fold in range(folds)]
    featurizer = Featurizer.fit(world.take(np.sort(np.concatenate(splits[0][:2]))), past_only=how == "time")
    return map_folds(path / "rows", featurizer, world, splits, strangers=how == "author"), splits, featurizer


def popularity(world: Dataset, featurizer: Featurizer, rows: np.ndarray) -> list:
    return sorted(map(tuple, truth(world.videos.iloc[rows], featurizer.targets.names, "log1p").astype(np.float32).tolist()))


@pytest.mark.parametrize("how", ["random", "author"])
def test_shares_are_those_of_the_splits(world: Dataset, tmp_path: Path, how: str) -> None:
    folds, splits, featurizer = made(world, how, tmp_path)
    assert len(folds) == 2
    for fold, rows in enumerate(splits):
        for videos, share in ((folds.train(fold), rows.train), (folds.validation(fold), rows.validation)):
            assert videos.popularity is not None
            assert sorted(map(tuple, videos.popularity.tolist())) == popularity(world, featurizer, share)
    # on the split by author, nothing is known of the authors of validation rows
    assert bool(folds.validation(0)["history"].present.any()) == (how == "random")
    assert bool(folds.train(0)["history"].present.any())


def test_the_last_member_holds_out_the_newest_and_the_others_take_turns(world: Dataset, tmp_path: Path) -> None:
    splits = [split(world.videos, seed=0, fold=fold, validation_share=0.2) for fold in range(2)]
    learning = np.sort(np.concatenate(splits[0][:2]))
    featurizer, last = Featurizer.fit(world.take(learning)), newest(world.videos, learning, 0.2)
    folds = map_folds(tmp_path / "rows", featurizer, world, splits, strangers=False, newest=last)
    wanted = [(rows.train, rows.validation) for rows in (*splits, splits[0])] + [(np.setdiff1d(learning, last), last)]
    for member, shares in enumerate(wanted):
        for videos, share in zip(folds.of_member(member, 4), shares, strict=True):
            assert videos.popularity is not None
            assert sorted(map(tuple, videos.popularity.tolist())) == popularity(world, featurizer, share)
    assert folds.of_member(3, 4)[1].few_known is None
    nobody = map_folds(tmp_path / "rows", featurizer, world, splits, strangers=False, newest=last[:0])
    assert nobody.newest is None
    assert torch.equal(nobody.of_member(3, 4)[1]["social"].numbers, nobody.validation(1)["social"].numbers)


def test_networks_beside_the_members_never_see_some_authors(world: Dataset, tmp_path: Path) -> None:
    splits = [split(world.videos, seed=0, fold=fold, validation_share=0.2) for fold in range(2)]
    learning = np.sort(np.concatenate(splits[0][:2]))
    featurizer, new = Featurizer.fit(world.take(learning)), whole_authors(world.videos, learning, 3, seed=0)
    folds = map_folds(tmp_path / "rows", featurizer, world, splits, strangers=False, newcomers=new)
    assert folds.networks(4) == 7
    for number, rows in enumerate(new):
        for videos, share in zip(folds.of_member(4 + number, 4), (np.setdiff1d(learning, rows), rows), strict=True):
            assert sorted(map(tuple, videos.popularity.tolist())) == popularity(world, featurizer, share)
    for member in range(4):
        assert len(folds.of_member(member, 4)[1]) == len(splits[member % 2].validation)
    known, few = folds.met(1)
    assert sorted(map(tuple, known.popularity.tolist())) == popularity(world, featurizer, new[1])
    assert torch.equal(known.popularity, few.popularity)
    assert bool(known["history"].present.any())
    assert known_videos(featurizer, few).mean() < 0.7 * known_videos(featurizer, known).mean()
    assert replace(folds, newcomers=()).networks(4) == 4


def test_the_last_fold_is_trained_on_a_view(world: Dataset, tmp_path: Path) -> None:
    folds, _, _ = made(world, "random", tmp_path)
    whole, view, copy = (videos["social"].numbers for videos in (folds.videos, folds.train(1), folds.train(0)))
    assert view.data_ptr() == whole.data_ptr()
    assert copy.data_ptr() != whole.data_ptr()


def test_by_time_validation_rows_see_no_later_row(world: Dataset, tmp_path: Path) -> None:
    folds, splits, featurizer = made(world, "time", tmp_path, folds=1)
    validation = world.take(splits[0].validation)
    only_trained = Featurizer.fit(world.take(splits[0].train), past_only=True)
    until = float(validation.videos["create_time"].min())
    count = 2 * len(featurizer.targets.names)
    known, wanted, seen = (
        np.nan_to_num(values["history"][0][:, count])
        for values in (featurizer.raw(validation, until), only_trained.raw(validation), featurizer.raw(validation))
    )
    np.testing.assert_allclose(known, wanted)
    assert seen.sum() > known.sum()
    assert torch.equal(folds.validation(0)["history"].present, only_trained.transform(validation)["history"].present)


def test_rows_without_any_target_are_refused_by_share(world: Dataset, tmp_path: Path) -> None:
    splits = [split(world.videos, seed=0)]
    featurizer = Featurizer.fit(world.take(splits[0].train))
    videos = world.videos.copy()
    videos.loc[splits[0].validation, ["view_count", "like_count", "comment_count", "share_count"]] = np.nan
    with pytest.raises(InputError, match="no validation row has a known target"):
        map_folds(tmp_path / "rows", featurizer, Dataset(videos, world.ready), splits, strangers=False)
