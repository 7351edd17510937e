"""The textual part: caption, hashtags and suggested words become 20 numbers, by contrastive learning on the training rows.

Two random halves of one caption's tokens are two views of it; an encoder learns to tell its own other half from those of other
captions (InfoNCE; SimCLR, Chen et al. 2020, with token dropout as in SimCSE, Gao et al. 2021). It is told nothing about popularity.
"""

import functools
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from features.tables.columns import CAPTION
from machine.randomness import own_randomness

if TYPE_CHECKING:
    import tokenizers

WIDTH = 20
TOKENS = 48  # tokens kept of one caption
LENGTH = "log_words_of_"  # begins the names of the numbers that say how long a caption column is
LONGEST = 2_000  # characters read of one caption
VOCABULARY = 8_192
ALPHABET = 1_000  # characters known
TEMPERATURE = 0.1


def captions(videos: pd.DataFrame) -> list[str]:
    """One text a video from the caption columns that exist; mentions of people are blanked, empty where there is no text."""
    found = [videos[name] for name in CAPTION if name in videos]
    if not found:
        return [""] * len(videos)

    @functools.cache  # a followed video comes many times
    def text(*cells: object) -> str:
        joined = " ".join(cell[:LONGEST] for cell in cells if isinstance(cell, str))
        return re.sub(r"@[\w.]+", "@", joined).encode("utf-8", "replace").decode("utf-8")

    return [text(*row) for row in zip(*found, strict=True)]


def lengths(videos: pd.DataFrame) -> dict[str, np.ndarray]:
    """(N,) float64 log(1 + words) by caption column that exists: how much there is of each, and whether the platform suggests words."""

    @functools.cache  # a followed video comes many times
    def words(cell: object) -> int:
        return len(cell[:LONGEST].split()) if isinstance(cell, str) else 0

    return {f"{LENGTH}{name}": np.log1p([words(cell) for cell in videos[name]]) for name in CAPTION if name in videos}


def textual(text: "Text", videos: pd.DataFrame, columns: list[str] | None) -> tuple[np.ndarray, list[str], np.ndarray]:
    """The part's numbers (N, F), NaN where absent, their names, and presence (N,); lengths are those in `columns` (None: all)."""
    place, different = pd.factorize(np.array(captions(videos), dtype=object))
    values, tokens = (of[place] for of in text.transform(list(different)))
    counted, here = lengths(videos), [f"text_{place}" for place in range(WIDTH)]
    known = list(counted) if columns is None else [name for name in columns if name.startswith(LENGTH)]
    extra = [counted.get(name, np.full(len(videos), np.nan)) for name in known]
    present = np.asarray((tokens > 0).any(1))
    return np.where(present[:, None], np.column_stack([values, *extra]), np.nan), [*here, *known], present


class CaptionEncoder(nn.Module):
    """Tokens to a direction in 20 dimensions: mean of token embeddings, one hidden layer."""

    def __init__(self, vocabulary: int, hidden: int = 128) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocabulary, hidden, mode="mean", padding_idx=0)
        self.network = nn.Sequential(nn.LeakyReLU(), nn.Linear(hidden, hidden), nn.LeakyReLU(), nn.Linear(hidden, WIDTH))

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, T) int64, 0 for padding, to (N, 20) of length 1."""
        return functional.normalize(self.network(self.embedding(tokens)), dim=-1)


@dataclass(frozen=True)
class Text:
    """A fitted textual part: tokenizer and encoder."""

    tokenizer: "tokenizers.Tokenizer"
    encoder: CaptionEncoder

    @classmethod
    def fit(cls, texts: list[str], *, seed: int, epochs: int = 8, batch: int = 512) -> "Text":
        """Fit both to the texts of training rows."""
        texts = [text for text in texts if text.strip()]
        tokenizer = _fit_tokenizer(texts)
        with own_randomness(seed=seed):
            encoder = CaptionEncoder(tokenizer.get_vocab_size())
            tokens = torch.from_numpy(tokenize(tokenizer, texts))
            tokens = tokens[(tokens > 0).sum(1) >= 2]
            if len(tokens) >= 2:
                _fit_encoder(encoder, tokens, epochs, batch)
        return cls(tokenizer, encoder.eval())

    def transform(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """(N, 20) float32 numbers and (N, T) int64 tokens; a text without a known token has tokens all 0."""
        tokens = tokenize(self.tokenizer, texts)
        with torch.inference_mode():
            chunks = [self.encoder(torch.from_numpy(tokens[start : start + 8192])) for start in range(0, len(tokens), 8192)]
        return torch.cat(chunks).numpy(), tokens


def tokenize(tokenizer: "tokenizers.Tokenizer", texts: list[str]) -> np.ndarray:
    """(N, T) int64 tokens, each kept once a text, padded with 0."""
    tokens = np.zeros((len(texts), TOKENS), np.int64)
    for row, encoding in enumerate(tokenizer.encode_batch(texts)):
        distinct = list(dict.fromkeys(token for token in encoding.ids if token > 1))[:TOKENS]
        tokens[row, : len(distinct)] = distinct
    return tokens


def _fit_tokenizer(texts: list[str]) -> "tokenizers.Tokenizer":
    from tokenizers import trainers

    tokenizer = rebuild_tokenizer([], [])
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=5,
        special_tokens=["[padding]", "[unknown]"],
        initial_alphabet=_alphabet(texts, tokenizer),
        limit_alphabet=ALPHABET,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _alphabet(texts: list[str], tokenizer: "tokenizers.Tokenizer") -> list[str]:
    """The most frequent characters, the most frequent first; left to itself, the trainer chooses among equally frequent ones by chance."""
    counts = Counter(character for text in texts for character in tokenizer.normalizer.normalize_str(text) if not character.isspace())
    return sorted(counts, key=lambda character: (-counts[character], character))[:ALPHABET]


def rebuild_tokenizer(vocabulary: list[str], merges: list[list[str]]) -> "tokenizers.Tokenizer":
    """The tokenizer with this vocabulary (in order of its codes) and these merges; everything else about it stands here."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    codes = {token: code for code, token in enumerate(vocabulary)}
    pairs = [(first, second) for first, second in merges]
    tokenizer = Tokenizer(models.BPE(codes, pairs, unk_token="[unknown]"))  # noqa: S106  (a token, not a secret)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(vocabulary[:2])
    return tokenizer


def _fit_encoder(encoder: CaptionEncoder, tokens: Tensor, epochs: int, batch: int) -> None:
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=2e-3, fused=True)
    place = torch.arange(batch, device=tokens.device)
    for _ in range(epochs):
        for rows in torch.randperm(len(tokens), device=tokens.device).split(batch):
            if len(rows) < 2:
                continue
            one = torch.rand(tokens[rows].shape, device=tokens.device) < 0.5
            first, second = encoder(tokens[rows] * one), encoder(tokens[rows] * ~one)
            likeness = first @ second.T / TEMPERATURE
            loss = functional.cross_entropy(likeness, place[: len(rows)]) + functional.cross_entropy(likeness.T, place[: len(rows)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
