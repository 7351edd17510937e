"""One expert network a part: p(z | x_j) = Normal(loc_j, scale_j) (Wang and Li, Eq. 2)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from features.videos import PRIOR, Part, PartShape, Videos
from guide.product import precisions

LOG_SCALE = (-6.9, 6.9)  # of one expert's scale, so that precisions and their gradients stay finite


class Forget(nn.Module):
    """In training, leaves out what a video may lack of a part, so that a gap in a forecast is nothing new. (N, F) to (N, F).

    Args:
        shape: of the part; its gaps are what may be left out.
        share: of the rows that lose something: each gap with a probability that is drawn for the row, so that all numbers of gaps occur.
    """

    zeros: Tensor
    ones: Tensor

    def __init__(self, shape: PartShape, share: float) -> None:
        super().__init__()
        self.share = share if shape.gaps else 0.0
        for kind in ("zeros", "ones"):
            marks = [[float(column in getattr(gap, kind)) for column in range(shape.numbers)] for gap in shape.gaps]
            self.register_buffer(kind, torch.tensor(marks), persistent=False)

    def lacking(self, numbers: Tensor) -> Tensor:
        """(N,) bool: rows with some gap."""
        return (numbers * self.ones.amax(0) > 0).any(-1)

    def forward(self, numbers: Tensor) -> Tensor:
        """(N, F) to (N, F)."""
        if not self.training or self.share == 0.0:
            return numbers
        draws = torch.rand(2 + len(self.zeros), len(numbers), device=numbers.device)
        loses = draws[0] < self.share  # (N,) whether the row loses anything
        probability = draws[1]  # (N,) with which it then loses each gap
        gone = (loses & (draws[2:] < probability)).T.to(numbers.dtype)  # (N, gaps)
        zeroed, marked = gone @ self.zeros > 0, gone @ self.ones > 0  # (N, F) each
        return numbers.masked_fill(zeroed, 0.0).masked_fill(marked, 1.0)


class Periodic(nn.Module):
    """Sines and cosines of learned frequencies beside the number itself (Gorishniy et al. 2022, "PLR" embeddings).

    (N, F) to (N, F * width); every feature has frequencies and a small linear layer of its own.
    """

    def __init__(self, features: int, frequencies: int = 12, width: int = 8, spread: float = 0.3) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.randn(features, frequencies) * spread)
        self.weight = nn.Parameter(torch.randn(features, 2 * frequencies, width) / (2 * frequencies) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(features, width))

    def forward(self, numbers: Tensor) -> Tensor:
        """(N, F) to (N, F * width)."""
        angle = 2 * torch.pi * self.frequency * numbers[..., None]
        waves = torch.cat([angle.sin(), angle.cos()], dim=-1)
        return nn.functional.relu(torch.einsum("nfk,fkw->nfw", waves, self.weight) + self.bias).flatten(1)


class Residual(nn.Module):
    """A pre-norm residual block: x + W2 dropout(act(W1 norm(x)))."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.LeakyReLU(), nn.Dropout(dropout), nn.Linear(width, width), nn.Dropout(dropout)
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """(N, width) to (N, width)."""
        return hidden + self.network(hidden)


def layers(width: int, depth: int, dropout: float, residual: bool) -> nn.Sequential:
    """`depth` hidden layers from `width` to `width`: residual blocks, or the plain LeakyReLU layers of the paper."""
    if residual:
        return nn.Sequential(*(Residual(width, dropout) for _ in range(depth)), nn.LayerNorm(width), nn.LeakyReLU())
    return nn.Sequential(
        *(layer for _ in range(depth - 1) for layer in (nn.LeakyReLU(), nn.Dropout(dropout), nn.Linear(width, width))), nn.LeakyReLU()
    )


class Network(nn.Module):
    """Numbers (N, F) and codes (N, C) of a part to (N, outputs); arguments as of `Expert`."""

    def __init__(self, shape: PartShape, outputs: int, *, width: int, depth: int, dropout: float, residual: bool, periodic: bool) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(shape.vocabulary, width, mode="sum", padding_idx=0) if shape.codes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=0.02)
        self.periodic = Periodic(shape.numbers) if periodic and shape.numbers else None
        self.numbers = nn.Linear(shape.numbers * (9 if self.periodic is not None else 1), width)
        self.hidden = layers(width, depth, dropout, residual)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(N, F) and (N, C) to (N, outputs)."""
        embedded = numbers if self.periodic is None else torch.cat([numbers, self.periodic(numbers)], dim=-1)
        hidden = self.numbers(embedded)
        if self.embedding is not None:
            hidden = hidden + self.dropout(self.embedding(codes))
        return self.head(self.hidden(hidden))


class Expert(nn.Module):
    """(loc, scale) of z from one part.

    Args:
        shape: how wide the part is.
        latent: D, width of z.
        width: of the hidden layers.
        depth: number of hidden layers (plain), or of residual blocks.
        dropout: share of hidden units left out in training.
        residual: residual blocks instead of plain layers.
        periodic: periodic embeddings of the numbers beside the numbers.
        forget: share of the rows that lose something in training, see `Forget`. A second network reads the rows that lack something, so
            that the first is trained on complete rows alone.
    """

    def __init__(
        self,
        shape: PartShape,
        latent: int,
        *,
        width: int = 256,
        depth: int = 2,
        dropout: float = 0.1,
        residual: bool = True,
        periodic: bool = True,
        forget: float = 0.0,
    ) -> None:
        super().__init__()
        settings: dict[str, Any] = {"width": width, "depth": depth, "dropout": dropout, "residual": residual, "periodic": periodic}
        self.latent = latent
        self.forget = Forget(shape, forget)
        self.whole = Network(shape, 2 * latent, **settings)
        self.lacking = Network(shape, 2 * latent, **settings) if self.forget.share > 0 else None

    def silence(self) -> None:
        """Have no opinion on any video: loc 0 and the greatest scale."""
        for network in (self.whole, self.lacking):
            if network is not None:
                nn.init.zeros_(network.head.weight)
                nn.init.zeros_(network.head.bias[: self.latent])
                nn.init.constant_(network.head.bias[self.latent :], LOG_SCALE[1])

    def forward(self, part: Part) -> tuple[Tensor, Tensor]:
        """`part` of N videos to loc and scale, both (N, D); rows where it is missing give finite numbers that mean nothing."""
        present = part.present[:, None]
        numbers, codes = self.forget(torch.where(present, part.numbers, 0.0)), torch.where(present, part.codes, 0)
        found = self.whole(numbers, codes)
        if self.lacking is not None:
            lacking = self.forget.lacking(numbers)
            if numbers.device.type != "cpu":  # choosing rows by number would wait for the device
                found = torch.where(lacking[:, None], self.lacking(numbers, codes), found)
            else:
                rows = lacking.nonzero().flatten()
                found = found.index_copy(0, rows, self.lacking(numbers[rows], codes[rows]))
        loc, log_scale = found.chunk(2, dim=-1)
        return loc, log_scale.clamp(*LOG_SCALE).exp()


class Experts(nn.ModuleDict):
    """Experts by the name of their part.

    Attributes:
        prior_expert: whether the prior N(0, I) is one more expert of the product (Eq. 3 as derived) or not (as printed).
    """

    def __init__(self, experts: Mapping[str, nn.Module], *, prior_expert: bool = True) -> None:
        super().__init__(experts)
        self.prior_expert = prior_expert

    @property
    def latent(self) -> int:
        """D, width of z."""
        return int(next(iter(self.values())).latent)  # type: ignore[arg-type]

    def precisions(self, videos: Videos) -> dict[str, Tensor]:
        """Precision (N, D) of each part's opinion, and of the prior if it is an expert; exactly 0 where a part is absent."""
        opinions = {part: expert(videos[part]) for part, expert in self.items()}
        found, _ = precisions(opinions, {part: videos[part].present for part in self})
        return found | ({PRIOR: torch.ones_like(next(iter(found.values())))} if self.prior_expert else {})
