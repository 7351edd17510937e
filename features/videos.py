"""Videos as tensors: parts by name, what is present, and (in training only) how popular they became."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

BESIDE = ("popularity", "age", "origin", "unit", "floor", "ceiling", "unread", "few_known", "met")  # fields of `Videos`
EARLY = "early"  # the part that tells what was read of a video before the forecast
PRIOR = "prior"  # how the prior is called where it stands beside the parts


class Gap(NamedTuple):
    """Features that go missing together: columns of `Part.numbers` that are then 0, and those that are then 1 to say so."""

    zeros: tuple[int, ...]
    ones: tuple[int, ...]


@dataclass(frozen=True)
class PartShape:
    """How wide a part is, and what of it may be missing, which is all that an expert needs to know.

    Attributes:
        numbers: F, count of continuous features.
        codes: C, count of categorical codes a video.
        vocabulary: codes lie in [0, vocabulary); 0 means none or unseen.
        gaps: what a video that has the part may still lack of it.
    """

    numbers: int
    codes: int = 0
    vocabulary: int = 0
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Part:
    """One part (modality) of N videos.

    Attributes:
        numbers: (N, F) float, standardised on training rows.
        codes: (N, C) int64 or int32, see `PartShape`.
        present: (N,) bool; where False, the rest of the row means nothing and may even be NaN.
    """

    numbers: Tensor
    codes: Tensor
    present: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(F, C)."""
        return self.numbers.shape[-1], self.codes.shape[-1]

    def __getitem__(self, rows: Tensor | slice) -> "Part":
        return Part(self.numbers[rows], self.codes[rows], self.present[rows])

    def to(self, device: torch.device | str) -> "Part":
        """The same part on another device."""
        return Part(self.numbers.to(device), self.codes.to(device), self.present.to(device))

    def where(self, rows: Tensor, other: "Part") -> "Part":
        """Its rows where `rows` (N,) is True, and the other's elsewhere."""
        chosen = rows[:, None]
        numbers, codes = torch.where(chosen, self.numbers, other.numbers), torch.where(chosen, self.codes, other.codes)
        return Part(numbers, codes, torch.where(rows, self.present, other.present))

    def seen(self, keep: Tensor) -> "Part":
        """The same part, absent from the rows where `keep` (N,) is False."""
        return replace(self, present=self.present & keep)


@dataclass(frozen=True)
class Videos(Mapping):
    """N videos: a mapping from the name of a part to the `Part`.

    Attributes:
        parts: the parts by name; a fifth one is one more key.
        popularity: (N, K) float in the training scale, NaN where unknown; None when it is to be forecast.
        age: (N,) days since release, NaN where unknown; None where nobody asks.
        origin: (N, K) what popularity is learned and forecast relative to, see `features.followed.growth`; None where to nothing.
        unit: (N, K) in which it is measured from there; None where in that of the training scale.
        floor: (N, K) log(1 + count) of the last reading, 0 where there is none or counts also fall, -inf where it has others only;
            None where no video was read.
        ceiling: (N, K) likewise, above which no draw lies, infinite where there is none; None where no video was read.
        unread: (N, K) `origin` as if nothing had been read; None where no video was.
        few_known: the part `history` as if only a few earlier videos of each author were known; None except in rows to learn from.
        met: (N,) bool, whether their author was met since training; None where no author was.
        second: the same videos as a second run sees them; None where there is none.
    """

    parts: dict[str, Part]
    popularity: Tensor | None = field(default=None)
    age: Tensor | None = field(default=None)
    origin: Tensor | None = field(default=None)
    unit: Tensor | None = field(default=None)
    floor: Tensor | None = field(default=None)
    ceiling: Tensor | None = field(default=None)
    unread: Tensor | None = field(default=None)
    few_known: Part | None = field(default=None)
    met: Tensor | None = field(default=None)
    second: "Videos | None" = field(default=None, kw_only=True)

    def __getitem__(self, part: str) -> Part:
        return self.parts[part]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return next(iter(self.parts.values())).present.shape[0]

    @property
    def beside(self) -> tuple[Any, ...]:
        """What there is of each video beside its parts, in the order of the fields."""
        return tuple(getattr(self, name) for name in BESIDE)

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return next(iter(self.parts.values())).present.device

    def rows(self, rows: Tensor | slice) -> "Videos":
        """These rows."""
        beside = (None if one is None else one[rows] for one in self.beside)
        second = None if self.second is None else self.second.rows(rows)
        return Videos({name: part[rows] for name, part in self.parts.items()}, *beside, second=second)

    def spread(self, most: int) -> "Videos":
        """`most` of the rows, evenly spread; all where there are fewer."""
        if len(self) <= most:
            return self
        return self.rows(torch.linspace(0, len(self) - 1, most, dtype=torch.float64, device=self.device).long())

    def split(self, size: int) -> Iterator["Videos"]:
        """`size` videos at a time, in order."""
        return (self.rows(slice(start, start + size)) for start in range(0, len(self), size))

    def to(self, device: torch.device | str) -> "Videos":
        """The same videos on another device."""
        beside = (None if one is None else one.to(device) for one in self.beside)
        second = None if self.second is None else self.second.to(device)
        return Videos({name: part.to(device) for name, part in self.parts.items()}, *beside, second=second)

    def unlabelled(self) -> "Videos":
        """The same videos without their popularity: the only form that forecasting code ever sees."""
        return replace(self, popularity=None)

    def labelled(self) -> "Videos":
        """The rows with at least one known target."""
        if self.popularity is None:
            raise ValueError("these videos carry no popularity")
        known = ~self.popularity.isnan().all(-1)
        return self if bool(known.all()) else self.rows(known.nonzero().flatten())

    def without(self, *names: str) -> "Videos":
        """The same videos with these parts missing from every row; without `early` nothing was read of them."""
        nowhere = torch.zeros(len(self), dtype=torch.bool, device=self.device)
        parts = {name: part.seen(nowhere) if name in names else part for name, part in self.parts.items()}
        videos = replace(self, parts=parts, second=None if self.second is None else self.second.without(*names))
        if EARLY not in names or self.unit is None or self.floor is None:
            return videos
        unbounded = torch.full_like(self.floor, torch.inf)
        return replace(videos, origin=self.unread, unit=torch.ones_like(self.unit), floor=torch.zeros_like(self.floor), ceiling=unbounded)

    def relative(self) -> "Videos":
        """The same videos, their popularity as the networks learn it: measured in `unit` from `origin`, unknown where not `told`."""
        if self.popularity is None or self.origin is None or self.unit is None:
            return self
        popularity = (self.popularity - self.origin) / self.unit
        return replace(self, popularity=popularity if self.told is None else popularity.masked_fill(~self.told, torch.nan))

    @property
    def told(self) -> Tensor | None:
        """(N, K) bool: False for a target that the last reading lacks, though it has others; None where no video was read."""
        return None if self.floor is None else self.floor > -torch.inf

    @property
    def error_unit(self) -> Tensor:
        """(N, K), or one number for all: by which errors of `relative` popularity are multiplied, so that they count as they are scored."""
        return torch.ones(1, device=self.device) if self.unit is None else self.unit

    @property
    def relative_floor(self) -> np.ndarray | None:
        """(N, K) float64 `floor` as `relative` popularity is measured; None where no video was read."""
        if self.floor is None or self.origin is None or self.unit is None:
            return None
        floor, origin, unit = (one.cpu().numpy().astype(np.float64) for one in (self.floor, self.origin, self.unit))
        return (floor - origin) / unit

    def absolute(self, samples: Tensor) -> Tensor:
        """Draws (S, N, K) of the networks in the training scale, not below what was read last, nor far above."""
        if self.origin is None or self.unit is None or self.floor is None:
            return samples
        draws = torch.maximum(self.origin + self.unit * samples, self.floor)
        return draws if self.ceiling is None else torch.minimum(draws, self.ceiling)


def unread_and_read(videos: Videos) -> tuple[Videos, Videos]:
    """The videos that nothing had been read of, and those that were read."""
    read = videos[EARLY].present
    return videos.rows((~read).nonzero().flatten()), videos.rows(read.nonzero().flatten())


def concatenated(pieces: Sequence[Videos]) -> Videos:
    """Videos with the same parts one after another, all with the same tensors beside their parts."""
    parts = {
        name: Part(*(torch.cat([getattr(piece[name], kind) for piece in pieces]) for kind in ("numbers", "codes", "present")))
        for name in pieces[0]
    }
    beside: list[Any] = [
        None if getattr(pieces[0], name) is None else torch.cat([getattr(piece, name) for piece in pieces]) for name in BESIDE
    ]
    seconds = [piece.second for piece in pieces if piece.second is not None]
    return Videos(parts, *beside, second=concatenated(seconds) if seconds else None)
