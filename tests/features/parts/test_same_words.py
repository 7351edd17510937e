"""Words of other authors' videos, by hand."""

import numpy as np
import pandas as pd
import pytest

from features.featurizer import Featurizer
from features.parts import same_words, social
from features.parts.same_author import excess
from features.tables.dataset import Dataset

SALT = "00" * 16
VIDEOS = pd.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e"],
        "username": ["anna", "anna", "ben", "cleo", None],
        "video_description": ["Cat dog", "#cat secret", "cat", "dog dog", "cat"],
    }
)
REACHED = np.array([[1.0], [2.0], [3.0], [-4.0], [0.5]])


def found(query: pd.DataFrame, before: np.ndarray | None = None, time: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    time = np.arange(5.0) if time is None else time
    histories = same_words.fit(VIDEOS, SALT, time, social.video_keys(VIDEOS, SALT), REACHED, np.ones(5, bool))
    return same_words.numbers(query, SALT, histories, np.zeros(len(query)), social.video_keys(query, SALT), before)[:2]


def test_a_word_is_worth_what_other_authors_reached_with_it() -> None:
    numbers, present = found(VIDEOS)
    assert present.all()
    cat, dog = (3.0 + 0.5) / (2 + 4), -4.0 / (1 + 4)
    # mean, greatest, least, mean of the rarest, how many words are known
    np.testing.assert_allclose(numbers[0], [(cat + dog) / 2, cat, dog, (cat + dog) / 2, np.log(3)])
    # "secret" is one author's own word
    np.testing.assert_allclose(numbers[1], [cat, cat, cat, cat, np.log(2)])
    np.testing.assert_allclose(numbers[2, 0], (1.0 + 2.0 + 0.5) / (3 + 4))
    np.testing.assert_allclose(numbers[3, 0], 1.0 / (1 + 4))
    # a video without an author does not see itself
    np.testing.assert_allclose(numbers[4, 0], (1.0 + 2.0 + 3.0) / (3 + 4))


def test_a_new_video_and_one_without_known_words() -> None:
    query = pd.DataFrame({"id": ["x", "y", "z"], "username": ["dora", "dora", "anna"], "video_description": ["CAT!cat cat", "", "cat"]})
    numbers, present = found(query)
    np.testing.assert_allclose(numbers[0, 0], (1.0 + 2.0 + 3.0 + 0.5) / (4 + 4))
    assert present.tolist() == [True, False, True]
    assert np.isnan(numbers[1]).all()
    np.testing.assert_allclose(numbers[2, 0], (3.0 + 0.5) / (2 + 4))


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("My cat, my #Cat!", ["my", "cat,", "cat!"]),
        ("猫の動画 #猫 cat動画2本", ["猫の", "の動", "動画", "猫", "cat", "2", "本"]),
        ("고양이 영상 แมวน่ารัก", ["고양이", "영상", "แมวน่ารัก"]),
        ("人々", ["人々"]),
        ("", []),
    ],
)
def test_a_caption_is_split_at_blanks_or_into_pairs_where_none_are_written(caption, words) -> None:
    assert same_words.split(caption) == words


def test_only_what_came_before_counts() -> None:
    numbers, present = found(VIDEOS, before=np.arange(5.0))
    assert present.tolist() == [False, False, True, True, True]
    np.testing.assert_allclose(numbers[2, 0], (1.0 + 2.0) / (2 + 4))


def test_the_rarest_words_are_averaged_apart() -> None:
    names = [f"w{number}" for number in range(8)]
    videos = pd.DataFrame(
        {"id": [str(row) for row in range(36)], "username": [f"author{row}" for row in range(36)], "video_description": ""}
    )
    # word n stands in n + 1 videos, each of which reached n
    rows = [name for number, name in enumerate(names) for _ in range(number + 1)]
    videos["video_description"] = rows
    reached = np.array([[float(name[1:])] for name in rows])
    histories = same_words.fit(videos, SALT, np.zeros(36), social.video_keys(videos, SALT), reached, np.ones(36, bool))
    query = pd.DataFrame({"id": ["new"], "video_description": [" ".join(reversed(names))]})
    numbers, _, _ = same_words.numbers(query, SALT, histories, np.zeros(1), social.video_keys(query, SALT), None)
    worth = [number * (number + 1) / (number + 1 + 4) for number in range(1, 8)]  # the first word is one author's own
    np.testing.assert_allclose(numbers[0], [np.mean(worth), max(worth), min(worth), np.mean(worth[:5]), np.log(8)])


@pytest.mark.parametrize("learned", [100_000, 250])
def test_a_common_word_says_nothing_however_many_rows_there_are(monkeypatch, learned: int) -> None:
    count = 1000
    videos = pd.DataFrame({"id": [str(row) for row in range(count)], "video_description": [f"fyp group{row % 40}" for row in range(count)]})
    monkeypatch.setattr(same_words, "LEARNED", learned)
    histories = same_words.fit(videos, SALT, np.zeros(count), social.video_keys(videos, SALT), np.ones((count, 1)), np.ones(count, bool))
    [fyp] = social.keys(pd.Series(["fyp"]), SALT)
    assert fyp not in histories["words"].group
    assert 0.9 * min(count, learned) < len(histories["words"].group) <= min(count, learned)


def test_the_authors_own_other_videos_with_the_words_are_told_apart() -> None:
    videos = pd.concat([VIDEOS, pd.DataFrame({"id": ["f"], "username": ["anna"], "video_description": ["secret cat"]})], ignore_index=True)
    histories = same_words.fit(
        videos, SALT, np.zeros(6), social.video_keys(videos, SALT), np.append(REACHED, [[7.0]], axis=0), np.ones(6, bool)
    )
    _, _, own = same_words.numbers(videos, SALT, histories, np.zeros(6), social.video_keys(videos, SALT), None)
    # anna's cats reached 1, 2 and 7, her secrets 2 and 7; none sees itself
    np.testing.assert_allclose(own[:, 0], own[:, 1])  # no fold is skipped
    np.testing.assert_allclose(own[:, 1:], [[2, 2.0 + 7.0], [3, 1.0 + 7.0 + 7.0], [0, 0], [0, 0], [0, 0], [3, 1.0 + 2.0 + 2.0]])
    # 3 videos of 15 in sum where 2 are usual: 9 more over 3 + 2
    np.testing.assert_allclose(excess(own[1:2, :1], own[1:2, 1:2], own[1:2, 2:], np.array([[2.0]])), [[9 / 5, np.log(4)]])


def test_keys_are_salted_and_words_of_one_author_are_not_stored() -> None:
    histories = same_words.fit(VIDEOS, SALT, np.zeros(5), social.video_keys(VIDEOS, SALT), REACHED, np.ones(5, bool))
    cat, dog = social.keys(pd.Series(["cat", "dog"]), SALT)
    assert set(histories["words"].group) == {cat, dog}
    assert len(histories["own_words"].group) == len(histories["words"].group) == 6


def test_it_is_a_part_of_its_own() -> None:
    count = 200
    random = np.random.default_rng(0)
    videos = pd.DataFrame(
        {
            "id": [str(row) for row in range(count)],
            "username": [f"author{row % 20}" for row in range(count)],
            "video_description": [f"word{row % 19} alone{row}" for row in range(count)],
            "view_count": np.round(np.exp(random.normal(8, 1, size=count))),
        }
    )
    featurizer = Featurizer.fit(Dataset(videos), targets=("view_count",))
    assert featurizer.shapes["words"].numbers == 5
    numbers, _, present = featurizer.raw(Dataset(videos))["words"]
    assert present.all()
    np.testing.assert_allclose(np.expm1(numbers[:, -1]), 1.0)  # "alone" is nobody else's
