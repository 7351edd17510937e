"""Videos as tensors: parts by name, what is present, and (in training only) how popular they became."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

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
    """

    parts: dict[str, Part]
    popularity: Tensor | None = field(default=None)
    age: Tensor | None = field(default=None)

    def __getitem__(self, part: str) -> Part:
        return self.parts[part]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return next(iter(self.parts.values())).present.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return next(iter(self.parts.values())).present.device

    def rows(self, rows: Tensor | slice) -> "Videos":
        """These rows."""
        popularity, age = (None if values is None else values[rows] for values in (self.popularity, self.age))
        return Videos({name: part[rows] for name, part in self.parts.items()}, popularity, age)

    def split(self, size: int) -> Iterator["Videos"]:
        """`size` videos at a time, in order."""
        return (self.rows(slice(start, start + size)) for start in range(0, len(self), size))

    def to(self, device: torch.device | str) -> "Videos":
        """The same videos on another device."""
        popularity, age = (None if values is None else values.to(device) for values in (self.popularity, self.age))
        return Videos({name: part.to(device) for name, part in self.parts.items()}, popularity, age)

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
        """The same videos with these parts missing from every row."""
        nowhere = torch.zeros(len(self), dtype=torch.bool, device=self.device)
        return replace(self, parts={name: part.seen(nowhere) if name in names else part for name, part in self.parts.items()})


def concatenated(pieces: Sequence[Videos]) -> Videos:
    """Videos with the same parts one after another, all with popularity and age or none."""
    parts = {
        name: Part(*(torch.cat([getattr(piece[name], kind) for piece in pieces]) for kind in ("numbers", "codes", "present")))
        for name in pieces[0]
    }
    beside = (
        None if getattr(pieces[0], name) is None else torch.cat([getattr(piece, name) for piece in pieces])
        for name in ("popularity", "age")
    )
    return Videos(parts, *beside)
