"""History against a slow loop over videos that shares no code with it."""

import numpy as np
import pandas as pd
import pytest

from features.featurizer import Featurizer
from features.parts.same_author import DAY, FOLDS, NEIGHBOURS, SHRINKAGE, History, author_numbers, moments
from features.tables.dataset import Dataset


def rows(count: int = 90, groups: int = 5, seed: int = 0) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    group = random.integers(-1, groups, size=count)
    time = random.integers(0, 40, size=count) * DAY / 4  # many ties
    return group, time, random.permutation(count).astype(np.int64), random.normal(size=(count, 2))


def others(row: int, group: np.ndarray, time: np.ndarray, past_only: bool) -> list[int]:
    same = [other for other in range(len(group)) if other != row and group[other] == group[row] and group[row] >= 0]
    return [other for other in same if not past_only or time[other] < time[row]]


@pytest.mark.parametrize("past_only", [False, True])
def test_summary_is_that_of_all_other_videos(past_only: bool) -> None:
    group, time, video, reached = rows(2500, 200)
    totals = History.fit(group, time, video, reached).totals(group, time, video, time if past_only else None)
    numbers, present = moments(*totals), totals[0][:, 0] > 0
    for row in range(90):
        values = reached[others(row, group, time, past_only)]
        assert present[row] == (len(values) > 0)
        if not len(values):
            continue
        n = len(values)
        mean = values.sum(0) / (n + SHRINKAGE)
        variance = values.var(0, ddof=1) if n > 1 else np.zeros(2)
        spread = np.sqrt((variance * (n - 1) + SHRINKAGE) / (n + SHRINKAGE))
        np.testing.assert_allclose(numbers[row], np.concatenate([mean, spread, [np.log1p(n)]]), atol=1e-9)


@pytest.mark.parametrize("past_only", [False, True])
def test_neighbours_are_the_nearest_other_videos(past_only: bool) -> None:
    group, time, video, reached = rows(2500, 200)
    found, days = History.fit(group, time, video, reached).neighbours(group, time, video, time if past_only else None)
    for row in range(90):
        wanted = others(row, group, time, past_only)
        distances = sorted(abs(time[other] - time[row]) / DAY for other in wanted)[:NEIGHBOURS]
        kept = ~np.isnan(days[row])
        np.testing.assert_allclose(np.abs(days[row][kept]), distances)
        assert (found[row][~kept] == 0).all()
        # each neighbour's targets are those of some other video at that signed distance, and none is counted twice
        keys = [(time[other] - time[row], *reached[other]) for other in wanted]
        got = [(day * DAY, *values) for day, values in zip(days[row][kept], found[row][kept], strict=True)]
        assert len(set(got)) == len(got)
        assert all(min(np.abs(np.array(key) - one).max() for key in keys) < 1e-6 for one in got)


def test_a_video_never_sees_itself() -> None:
    group, time, video, reached = rows()
    moved = reached.copy()
    moved[7] += 100.0
    arguments = (group[7:8], time[7:8], video[7:8], np.zeros(1))
    one, _ = author_numbers(History.fit(group, time, video, reached), *arguments)
    two, _ = author_numbers(History.fit(group, time, video, moved), *arguments)
    np.testing.assert_allclose(one, two, atol=1e-9)


def test_a_new_video_sees_all_and_a_stranger_nothing() -> None:
    group, time, video, reached = rows()
    history = History.fit(group, time, video, reached)
    _, count, *_ = history.totals(np.array([2, 99, -1]), np.zeros(3), np.array([10**6, 10**6 + 1, 10**6 + 2]))
    assert count[:, 0].tolist() == [(group == 2).sum(), 0, 0]


def test_nothing_from_a_date_on_counts() -> None:
    group, time, video, reached = rows()
    until = np.minimum(time, np.median(time))
    earlier = time < np.median(time)
    kept = History.fit(group[earlier], time[earlier], video[earlier], reached[earlier])
    for found, wanted in (
        (History.fit(group, time, video, reached).totals(group, time, video, until), kept.totals(group, time, video, until)),
        (History.fit(group, time, video, reached).neighbours(group, time, video, until), kept.neighbours(group, time, video, until)),
    ):
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_sound_is_judged_by_other_authors_videos() -> None:
    count = 60
    random = np.random.default_rng(0)
    videos = pd.DataFrame(
        {
            "id": [str(row) for row in range(count)],
            "username": [f"author{row % 3}" for row in range(count)],
            "music_title": [f"sound{row % 4}" for row in range(count)],
            "view_count": np.round(np.exp(random.normal(8, 1, size=count))),
        }
    )
    featurizer = Featurizer.fit(Dataset(videos), targets=("view_count",))
    numbers, _, present = featurizer.raw(Dataset(videos))["sound"]
    assert present.all()
    # 15 videos a sound, 5 of them by the same author: the other 10 are known, of which those learned from skip their fold
    new = featurizer.raw(Dataset(videos.assign(id=[f"new{row}" for row in range(count)])))["sound"][0]
    np.testing.assert_allclose(np.expm1(new[:, -1]), 10.0)
    np.testing.assert_allclose(np.expm1(numbers[:, -1]), 10.0)
    assert (np.abs(new[:, 0] - numbers[:, 0]) > 1e-6).mean() > 0.5


def test_a_frequent_sound_is_known_better_not_less() -> None:
    count = 600
    random = np.random.default_rng(0)
    sound = random.integers(0, 3, size=count)
    videos = pd.DataFrame(
        {
            "id": [str(row) for row in range(count)],
            "username": [f"author{row}" for row in range(count)],
            "music_title": [f"sound{number}" for number in sound],
            "view_count": np.round(np.exp(random.normal(6 + 2 * sound, 1))),
        }
    )
    featurizer = Featurizer.fit(Dataset(videos), targets=("view_count",))
    numbers, _, present = featurizer.raw(Dataset(videos))["sound"]
    assert present.all()
    # a third of the rows each, by as many authors: for a new video, the shrunken mean of them all
    new = videos.assign(**{name: [f"new{row}" for row in range(count)] for name in ("id", "username")})
    numbers, _, _ = featurizer.raw(Dataset(new))["sound"]
    reached = (np.log1p(videos["view_count"]) - featurizer.targets.loc[0]) / featurizer.targets.spread[0]
    for number in range(3):
        here = sound == number
        np.testing.assert_allclose(numbers[here, 0], reached[here].sum() / (here.sum() + SHRINKAGE), atol=1e-9)


def test_rows_of_a_fold_do_not_see_each_other() -> None:
    group, time, video, reached = rows(count=60, groups=2)
    history = History.fit(group, time, video, reached)
    assert history.few
    _, count, total, square = history.totals(group, time, video, skip_fold=history.skip_fold(group))
    _, days = history.neighbours(group, time, video, skip_fold=history.skip_fold(group))
    for row in range(len(group)):
        seen = [other for other in others(row, group, time, False) if video[other] % FOLDS != video[row] % FOLDS]
        assert count[row, 0] == len(seen)
        np.testing.assert_allclose(total[row], reached[seen].sum(0), atol=1e-9)
        np.testing.assert_allclose(square[row], (reached[seen] ** 2).sum(0), atol=1e-9)
        distances = sorted(abs(time[other] - time[row]) / DAY for other in seen)[:NEIGHBOURS]
        kept = np.sort(np.abs(days[row][~np.isnan(days[row])]))
        assert len(kept) >= min(8, len(seen))  # of those that are looked at
        np.testing.assert_allclose(kept, distances[: len(kept)])


@pytest.mark.parametrize("others_there_are", [0, 400])
def test_the_mean_of_many_other_videos_of_one_author_does_not_tell_the_video(others_there_are: int) -> None:
    random, count = np.random.default_rng(0), 200
    group = np.concatenate([np.zeros(count, np.int64), 1 + np.arange(others_there_are) // 2])
    reached, video = random.normal(size=(len(group), 1)), random.permutation(len(group)).astype(np.int64)
    arguments = (group, np.arange(len(group)) * DAY, video)
    history = History.fit(group, arguments[1], video, reached)
    _, seen, total, _ = history.totals(*arguments, skip_fold=history.skip_fold(group))
    without_one = (reached[:count].sum() - reached[:count, 0]) / (count - 1)
    assert abs(np.corrcoef(without_one, reached[:count, 0])[0, 1]) > 0.999  # leaving one out tells all
    assert abs(np.corrcoef((total / seen)[:count, 0], reached[:count, 0])[0, 1]) < 0.35
    assert (seen[count:] == 1).all()  # where two are all that there are, one sees the other
    _, days = history.neighbours(*arguments, skip_fold=history.skip_fold(group))
    assert (~np.isnan(days)).any(1).all()
