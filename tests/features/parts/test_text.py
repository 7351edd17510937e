import numpy as np
import pandas as pd
import pytest

from features.parts.text import ALPHABET, TOKENS, WIDTH, Text, captions

WORLDS = [["cat", "kitten", "purr", "whisker", "paw"], ["goal", "match", "stadium", "league", "score"]]


def texts(count: int, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORLDS[row % 2], size=4, replace=False)) for row in range(count)]


@pytest.fixture(scope="module")
def fitted() -> Text:
    return Text.fit(texts(600), seed=0, epochs=12, batch=128)


def test_captions_join_columns_and_blank_people() -> None:
    videos = pd.DataFrame({"video_description": ["hi @some.one_1!", None], "hashtag_names": ["cats dogs", None]}, dtype=object)
    assert captions(videos) == ["hi @! cats dogs", ""]
    assert captions(pd.DataFrame({"id": ["a"]})) == [""]


def test_shapes_and_length_one(fitted: Text) -> None:
    numbers, tokens = fitted.transform(["cat purr", "", "goal"])
    assert numbers.shape == (3, WIDTH)
    assert tokens.shape == (3, TOKENS)
    np.testing.assert_allclose(np.linalg.norm(numbers, axis=1), 1.0, rtol=1e-5)
    assert (tokens[1] == 0).all()


def test_captions_of_one_kind_lie_together(fitted: Text) -> None:
    numbers, _ = fitted.transform(texts(200, seed=9))
    likeness = numbers @ numbers.T
    same = np.equal.outer(np.arange(200) % 2, np.arange(200) % 2)
    assert likeness[same].mean() > likeness[~same].mean() + 0.3


def test_same_seed_same_encoder_and_no_trace_in_the_random_state() -> None:
    import torch

    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, two = (Text.fit(texts(60), seed=4, epochs=2) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(one.transform(["cat goal"])[0], two.transform(["cat goal"])[0])


def test_more_equally_frequent_characters_than_are_known_leave_nothing_to_chance() -> None:
    strange = [" ".join(chr(0x4E00 + number) for number in range(start, start + 10)) for start in range(0, 2 * ALPHABET, 10)]
    one, two = (Text.fit(strange, seed=0, epochs=1).transform(strange)[1] for _ in range(2))
    assert np.array_equal(one, two)
    assert len(np.unique(one)) == ALPHABET + 1  # and the padding


def test_one_caption_is_enough_to_run() -> None:
    numbers, _ = Text.fit(["only one"], seed=0).transform(["only one", "other"])
    assert np.isfinite(numbers).all()
