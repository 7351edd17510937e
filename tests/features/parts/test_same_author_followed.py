"""The author's other videos, each at its reading nearest in age to what is forecast: against a loop that does the same plainly."""

import numpy as np

from features.parts.same_author import FOLDS
from features.parts.same_author_followed import WIDEST, FollowedHistory

DAY = 86_400.0


def made(random, videos=60, authors=4):
    group, time = random.integers(-1, authors, videos), random.uniform(0, 90, videos) * DAY
    owner = np.sort(random.integers(0, videos, 4 * videos))
    moment = time[owner] + np.concatenate([np.sort(random.uniform(0, 40, (owner == one).sum())) for one in range(videos)]) * DAY
    return group, time, np.arange(videos), owner, moment, random.normal(size=(len(owner), 2))


def plainly(group, time, video, owner, moment, counts, query, age, before):
    """{other video: its reading} of one query."""
    found = {}
    own_fold = video % FOLDS == video[query] % FOLDS if before == np.inf else video == video[query]  # authors are few
    for other in np.flatnonzero((group == group[query]) & ~own_fold & (time < before)):
        readings = np.flatnonzero((owner == other) & (moment < before))
        if len(readings):
            off = np.abs(moment[readings] - (time[other] + age * DAY)) if age == age else -readings
            found[other] = readings[np.argmin(off)]
    return found


def test_the_reading_nearest_in_age_and_never_a_later_one_than_the_forecast():
    random = np.random.default_rng(0)
    group, time, video, _, _, counts = table = made(random)
    history = FollowedHistory.fit_readings(*table)
    age = np.where(random.random(len(time)) < 0.1, np.nan, random.uniform(0, 40, len(time)))
    for before in (None, time + 5 * DAY):
        reached, days = history.each(group, time, video, age, before)
        for query in np.flatnonzero(group >= 0):
            expected = plainly(*table, query, age[query], np.inf if before is None else before[query])
            there = ~np.isnan(days[query])
            assert there.sum() == min(len(expected), WIDEST)
            others = {round((time[other] - time[query]) / DAY, 6): counts[reading] for other, reading in expected.items()}
            for day, values in zip(days[query][there], reached[query][there], strict=True):
                np.testing.assert_array_equal(values, others[round(day, 6)])
            assert (np.diff(np.abs(days[query][there])) >= 0).all()


def test_totals_never_hold_a_reading_that_was_taken_later():
    random = np.random.default_rng(3)
    group, time, video, _, _, counts = table = made(random)
    history, before = FollowedHistory.fit_readings(*table), time + 5 * DAY
    known, count, total, square = history.totals(group, time, video, before)
    for query in np.flatnonzero(group >= 0):
        last = counts[list(plainly(*table, query, np.nan, before[query]).values())]  # none has more than `WIDEST` others
        assert known[query, 0] == count[query, 0] == len(last)
        np.testing.assert_allclose(total[query], last.sum(0), atol=1e-12)
        np.testing.assert_allclose(square[query], (last**2).sum(0), atol=1e-12)
    np.testing.assert_array_equal(history.totals(group, time, video, before)[0], known)


def test_a_reading_of_quite_another_age_is_unknown_where_that_is_asked():
    time, moment = np.zeros(4), np.array([0.5, 2.0, 20.0, 0.0]) * DAY  # nobody knows when the last one was read
    history = FollowedHistory.fit_readings(np.zeros(4, int), time, np.arange(4), np.arange(4), moment, np.arange(4.0)[:, None])
    for age, told in ((1.0, {0.0, 1.0, 3.0}), (6.0, {1.0, 2.0, 3.0}), (np.nan, {0.0, 1.0, 2.0, 3.0})):
        found, days = history.each(np.zeros(1, int), np.full(1, 9.0), np.full(1, 99), np.full(1, age), np.full(1, 90 * DAY), within=4.0)
        assert set(found[~np.isnan(found)]) == told
        assert (~np.isnan(days)).sum() == 4


def test_of_one_author_as_many_others_are_told_to_a_video_that_was_learned_from_as_to_another():
    videos = np.arange(20)
    history = FollowedHistory.fit_readings(np.zeros(20, int), videos * DAY, videos, videos, videos * DAY + 1, np.ones((20, 1)))
    query = np.append(videos, 99)
    known, count, *_ = history.others(np.zeros(21, int), np.append(videos, 5.0) * DAY, query, np.ones(21))
    np.testing.assert_array_equal(known[:, 0], [19] * 20 + [20])
    np.testing.assert_array_equal(count[:, 0], [20 - 4] * 20 + [20])  # a fold is skipped
    known, count, *_ = history.others(np.zeros(1, int), 5 * DAY * np.ones(1), np.array([99]), np.ones(1), np.full(1, 5 * DAY))
    assert known == count == 5


def test_joined_histories_hold_both_and_a_video_once():
    random = np.random.default_rng(1)
    group, time, video, owner, moment, counts = table = made(random)
    whole = FollowedHistory.fit_readings(*table)

    def part(first, stop):
        kept = (owner >= first) & (owner < stop)
        rows = slice(first, stop)
        return FollowedHistory.fit_readings(group[rows], time[rows], video[rows], owner[kept] - first, moment[kept], counts[kept])

    joined = part(0, 35).joined(part(30, 60))
    for name in ("group", "time", "video", "reached", "start", "moment", "counts"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_further_readings_of_a_video_join_those_that_there_were_and_the_same_reading_is_there_once():
    random = np.random.default_rng(2)
    group, time, video, owner, moment, counts = table = made(random)
    whole = FollowedHistory.fit_readings(*table)
    known = random.random(len(owner)) < 0.5
    early, late = (FollowedHistory.fit_readings(group, time, video, owner[kept], moment[kept], counts[kept]) for kept in (known, ~known))
    for joined in (early.joined(late), early.joined(whole), whole.joined(early)):
        for name in ("group", "time", "video", "reached", "start", "moment", "counts"):
            np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_readings_of_another_authors_video_with_the_same_key_stay_apart():
    first, second = (
        FollowedHistory.fit_readings(np.array([author]), np.zeros(1), np.array([7]), np.zeros(1, int), np.array([DAY]), np.array([[count]]))
        for author, count in ((1, 0.5), (2, 2.0))
    )
    joined = first.joined(second)
    assert joined.group.tolist() == [1, 2]
    assert joined.start.tolist() == [0, 1, 2]
    assert joined.counts.tolist() == [[0.5], [2.0]]


def test_a_reading_without_a_time_does_not_join_those_of_a_known_video():
    table = np.zeros(1, int), np.zeros(1), np.array([7]), np.zeros(1, int)
    history = FollowedHistory.fit_readings(*table, np.array([2 * DAY]), np.array([[0.5]]))
    undated, late = (FollowedHistory.fit_readings(*table, np.array([day * DAY]), np.array([[2.0]])) for day in (0.0, 9.0))
    assert history.joined(undated).counts.tolist() == [[0.5]]
    assert history.joined(late).counts.tolist() == [[0.5], [2.0]]
