"""All histories together."""

import numpy as np
import pandas as pd
import pytest

from features.parts import histories
from features.parts.same_author import SHRINKAGE
from features.parts.same_author_followed import Readings
from features.parts.social import published_at

SALT = "00" * 16
DAY = 86_400.0


def table(count: int, authors: int) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    videos = pd.DataFrame(
        {
            "id": [str(row) for row in range(count)],
            "username": [f"author{number}" for number in random.integers(0, authors, count)],
            "music_title": [f"sound{number}" for number in random.integers(0, 3, count)],
            "video_description": [f"word{number} word{7 * number % 10}" for number in random.integers(0, 10, count)],
            "create_time": random.integers(0, 100, count) * DAY,
        }
    )
    return videos, random.normal(size=(count, 2))


@pytest.mark.parametrize("past_only", [False, True])
@pytest.mark.parametrize("authors", [4, 150])
def test_what_a_video_reached_moves_none_of_its_own_numbers(authors: int, past_only: bool) -> None:
    videos, reached = table(600, authors)
    before = published_at(videos) if past_only else None

    def numbers(outcomes: np.ndarray) -> dict[str, np.ndarray]:
        fitted = histories.fit(videos, SALT, outcomes, past_only=past_only)
        found = histories.numbers(videos, SALT, fitted, np.ones(len(videos)), before, 2)
        return {part: np.nan_to_num(values) for part, (values, _) in found.items()}

    was = numbers(reached)
    for row in range(0, 600, 60):
        moved = reached.copy()
        moved[row] += 10.0
        found = numbers(moved)
        for part, values in was.items():
            np.testing.assert_allclose(found[part][row], values[row], atol=1e-9, err_msg=part)
        assert any(np.abs(found[part] - values).max() > 1e-3 for part, values in was.items())  # it does move those of others


def followed(videos: pd.DataFrame, reached: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, Readings]:
    """When each video was read last, up to 40 days old, and its three readings."""
    count = len(videos)
    owner, moment = np.repeat(np.arange(count), 3), np.sort(random.uniform(0, 40, (count, 3)), axis=1) * DAY
    moment += published_at(videos)[:, None]
    return moment[:, -1], Readings(owner, moment.ravel(), np.repeat(reached, 3, axis=0) * np.tile([[0.5], [0.8], [1.0]], (count, 1)))


@pytest.mark.parametrize("authors", [4, 150])
def test_of_followed_videos_neither_a_videos_own_readings_nor_later_ones_of_others_move_its_numbers(authors: int) -> None:
    videos, reached = table(600, authors)
    before = published_at(videos)
    since, readings = followed(videos, reached, np.random.default_rng(1))

    def numbers(counts: np.ndarray) -> dict[str, np.ndarray]:
        last = counts[2::3]
        every = readings._replace(counts=counts)
        fitted = histories.fit(videos, SALT, last, past_only=True, known_at=since, readings=every)
        found = histories.numbers(videos, SALT, fitted, np.ones(len(videos)), before, 2)
        return {part: np.nan_to_num(values) for part, (values, _) in found.items()}

    was = numbers(readings.counts)
    for row in range(0, 600, 60):
        later = (readings.owner == row) | (readings.moment >= before[row])
        found = numbers(readings.counts + 10.0 * later[:, None])
        for part, values in was.items():
            np.testing.assert_allclose(found[part][row], values[row], atol=1e-9, err_msg=part)
        assert any(np.abs(found[part] - values).max() > 1e-3 for part, values in was.items())


def test_the_authors_own_videos_with_the_sound_are_told_beyond_what_is_usual() -> None:
    videos = pd.DataFrame({"id": ["a", "b", "c", "d", "e"], "username": ["anna"] * 4 + ["ben"], "music_title": ["x", "x", "x", "y", "x"]})
    fitted = histories.fit(videos, SALT, np.array([[1.0], [2.0], [4.0], [-3.0], [5.0]]), past_only=False)
    query = pd.DataFrame({"id": ["new"], "username": ["anna"], "music_title": ["x"]})
    found, _ = histories.numbers(query, SALT, fitted, np.ones(1), None, 1)["history"]
    usual = (1.0 + 2.0 + 4.0 - 3.0) / (4 + SHRINKAGE)
    np.testing.assert_allclose(found[0, -2:], [(1.0 + 2.0 + 4.0 - 3 * usual) / (3 + SHRINKAGE), np.log(4)])


def test_of_one_author_a_new_video_knows_hardly_more_others_than_those_learned_from() -> None:
    videos = pd.DataFrame({"id": [str(row) for row in range(20)], "username": "anna", "music_title": "x", "video_description": "a song"})
    fitted = histories.fit(videos, SALT, np.zeros((20, 1)), past_only=False)
    both = pd.concat([videos, videos[:1].assign(id="new")], ignore_index=True)
    found = histories.numbers(both, SALT, fitted, np.ones(21), None, 1)["history"][0]
    for column in (2, -3, -1):  # in all, with the sound, and with either word
        np.testing.assert_allclose(found[:20, column], np.log(20) if column != -1 else np.log(1 + 2 * 19))
        np.testing.assert_allclose(found[20, column], np.log(21) if column != -1 else np.log(1 + 2 * 20))


def test_of_few_authors_nothing_tells_what_a_video_reached() -> None:
    """An author's total without one video would tell that video, once networks know whose total it is."""
    count, random = 400, np.random.default_rng(0)
    videos = pd.DataFrame(
        {
            "id": [str(row) for row in range(count)],
            "username": "anna",
            "music_title": ["often" if row % 2 else f"sound{row}" for row in range(count)],
            "video_description": ["word" if row % 11 == 0 else "" for row in range(count)],
        }
    )
    reached = random.normal(size=(count, 1))
    fitted = histories.fit(videos, SALT, reached, past_only=False)
    assert not fitted["sound"].few
    found, _ = histories.numbers(videos, SALT, fitted, np.ones(count), None, 1)["history"]
    known = {-4: 200, -2: 37}  # how many have the sound, and the word
    for column, rows in ((-4, slice(1, None, 2)), (-2, slice(0, None, 11))):  # more than usual with the sound, and with the word
        np.testing.assert_allclose(found[rows, column + 1], np.log(known[column]))
        assert abs(np.corrcoef(found[rows, column], reached[rows, 0])[0, 1]) < 0.6


def test_a_video_is_known_again_by_author_and_id_though_the_second_of_publication_differs() -> None:
    videos, reached = table(60, 4)
    fitted = histories.fit(videos, SALT, reached, past_only=False)
    later, unknown, elsewhere = (videos["create_time"] + seconds for seconds in (1.0, np.nan, 2 * DAY))
    assert histories.learned(videos.assign(create_time=later), SALT, fitted).all()
    assert histories.learned(videos.assign(create_time=unknown), SALT, fitted).all()
    assert not histories.learned(videos.assign(create_time=elsewhere), SALT, fitted).any()  # ids may be numbers of rows
    assert not histories.learned(videos.assign(create_time=later, username="another"), SALT, fitted).any()


def test_a_word_of_one_row_that_joins_is_kept_and_one_of_training_is_not() -> None:
    videos, reached = table(60, 4)
    rare = videos["video_description"].where(videos.index != 7, "zebra")
    fitted = histories.fit(videos.assign(video_description=rare), SALT, reached, past_only=False)
    joining = histories.fit(videos.assign(video_description=rare, id=videos["id"] + "x"), SALT, reached, past_only=False, beside=fitted)
    assert len(np.unique(joining["words"].group)) == len(np.unique(fitted["words"].group)) + 1
