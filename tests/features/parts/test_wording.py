"""Captions as tf-idf, reduced by singular value decomposition: against scikit-learn's own, and what is not known."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from features import featurizer
from features.extended import extended
from features.featurizer import Featurizer
from features.parts.wording import Wording
from features.saved import from_state, to_state
from features.tables.dataset import Dataset, read_dataset
from machine.errors import InputError

SALT = "00" * 16
WORDS = np.array([f"word{number}" for number in range(30)])


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, size=random.integers(1, 9))) for _ in range(rows)]
    return pd.DataFrame({"id": [f"v{row}" for row in range(rows)], "video_description": texts, "view_count": random.integers(1, 99, rows)})


def test_as_scikit_learn_has_it() -> None:
    videos, others = table(60), table(20, seed=1)
    found = Wording.fit(videos, SALT, seed=0)
    assert found is not None
    tfidf = TfidfVectorizer(binary=True, min_df=2, token_pattern=r"[^\s#]+")  # noqa: S106
    wanted = TruncatedSVD(20, random_state=0).fit(tfidf.fit_transform(videos["video_description"]))
    for one in (videos, others):
        numbers, present = found.numbers(one, SALT)
        assert present.all()
        oracle = wanted.transform(tfidf.transform(one["video_description"]))
        # the leading directions are exact but for their sign
        np.testing.assert_allclose(np.abs(numbers[:, :5]), np.abs(oracle[:, :5]), atol=1e-5)
    np.testing.assert_allclose(found.direction.T @ found.direction, np.eye(20), atol=1e-9)


def test_a_caption_without_a_known_word_has_no_numbers() -> None:
    videos = table(60)
    found = Wording.fit(videos, SALT, seed=0)
    assert found is not None
    numbers, present = found.numbers(pd.DataFrame({"id": list("abc"), "video_description": ["never seen", None, "#word3 never"]}), SALT)
    assert present.tolist() == [False, False, True]
    assert (numbers == 0).all(1).tolist() == [True, True, False]
    assert len(found.names) == numbers.shape[1]


@pytest.mark.parametrize("texts", [["one", "two", "three"], ["same", "same", "same"], [None, None, None]])
def test_too_few_shared_words_are_no_part(texts) -> None:
    assert Wording.fit(pd.DataFrame({"id": list("abc"), "video_description": texts}), SALT, seed=0) is None


def test_few_rows_have_it_in_the_textual_part_and_keep_it_in_the_run() -> None:
    torch.manual_seed(0)
    dataset = Dataset(table(80))
    fitted = Featurizer.fit(dataset, targets=("view_count",), seed=3)
    assert fitted.columns["textual"][-20:] == fitted.wording["textual"].names
    text, arrays = to_state(fitted)
    again = from_state(text, arrays, "here")
    one, other = (each.transform(dataset)["textual"] for each in (fitted, again))
    assert one.numbers.shape == (80, 20 + 2 + 20)  # a length, and whether it is known
    assert (one.numbers == other.numbers).all()
    assert arrays["wording.textual.word"].dtype == np.int64  # hashes, not words
    arrays["wording.textual.rarity"] = arrays["wording.textual.rarity"][1:]
    with pytest.raises(InputError, match="damaged"):
        from_state(text, arrays, "here")


def test_many_rows_leave_it_to_the_encoder(monkeypatch) -> None:
    monkeypatch.setattr(featurizer, "MOST", 79)
    assert not Featurizer.fit(Dataset(table(80)), targets=("view_count",)).wording


def test_a_moved_run_has_a_part_for_the_words_it_was_moved_to() -> None:
    fitted = Featurizer.fit(Dataset(table(80)), targets=("view_count",))
    videos = table(50, seed=1)
    videos["video_description"] = videos["video_description"].str.replace("word", "mot")
    moved = extended(fitted, Dataset(videos))
    parts = moved.transform(Dataset(videos))
    assert parts["wording"].present.all()
    assert not moved.transform(Dataset(table(80)))["wording"].present.any()
    before = fitted.transform(Dataset(videos))["textual"]
    assert (parts["textual"].numbers == before.numbers).all()
    assert moved.wording["textual"] is fitted.wording["textual"]
    assert extended(moved, Dataset(table(80))).wording == moved.wording  # what is fitted stays
    assert "wording" not in extended(fitted, Dataset(videos), without=("textual",)).wording


def test_the_name_is_taken(tmp_path) -> None:
    table(5).to_csv(tmp_path / "videos.csv", index=False)
    pd.DataFrame({"id": ["v0"], "a": [1.0]}).to_csv(tmp_path / "wording.csv.gz", index=False)
    with pytest.raises(InputError, match=r"wording\.csv\.gz: the name wording is taken"):
        read_dataset(tmp_path)


def test_a_run_whose_own_part_has_that_name_is_moved_without_another() -> None:
    ready = pd.DataFrame({"a": np.arange(80.0)})
    fitted = Featurizer.fit(Dataset(table(80), {"wording": ready}), targets=("view_count",))
    moved = extended(fitted, Dataset(table(50, seed=1)))
    assert moved.columns == fitted.columns
    assert moved.wording == fitted.wording
