"""What a video may lack: parts, the author's history, columns of a part. And training rows that lack it, so that it is nothing new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from features.videos import EARLY, Gap, Part, PartShape, Videos

HISTORY = "history"
OF_THE_AUTHOR = (HISTORY,)  # parts that a stranger, an author never seen in training, does not have


def leave_out(videos: Videos, part_share: float, author_share: float, few_share: float = 0.0, others_share: float = 0.0) -> Videos:
    """The same N videos, each part but `early` missing from a random share of rows, and some authors hardly known, or strangers.

    Args:
        videos: N training rows.
        part_share: probability, for each row and each part on its own, that the part is missing.
        author_share: probability, for each row, that all parts in `OF_THE_AUTHOR` are missing.
        few_share: probability, for each row, that only a few earlier videos of its author are known, where `videos.few_known` says which.
        others_share: probability, for each row that has the part `early`, that it has nothing else. One video is looked at many times, at
            different ages: networks that see whose it is remember it.
    """
    few, videos = videos.few_known, replace(videos, few_known=None)
    if few is not None and few_share > 0.0:
        hardly = torch.rand(len(videos), device=videos.device) < few_share
        videos = replace(videos, parts=videos.parts | {HISTORY: few.where(hardly, videos[HISTORY])})
    if part_share == author_share == others_share == 0.0:
        return videos
    known_author = torch.rand(len(videos), device=videos.device) >= author_share
    alone = torch.zeros_like(known_author)
    if EARLY in videos and others_share > 0.0:
        alone = videos[EARLY].present & (torch.rand(len(videos), device=videos.device) < others_share)
    parts = {}
    for name, part in videos.items():
        if name == EARLY:  # popularity is relative to what was read
            parts[name] = part
            continue
        keep = (torch.rand(len(videos), device=videos.device) >= part_share) & ~alone
        parts[name] = part.seen(keep & known_author if name in OF_THE_AUTHOR else keep)
    return replace(videos, parts=parts)


def strangers(videos: Videos) -> np.ndarray:
    """(N,) bool: videos whose author has no history. Without a history part nobody is a stranger."""
    return ~videos[HISTORY].present.cpu().numpy() if HISTORY in videos else np.zeros(len(videos), bool)


@dataclass(frozen=True)
class Absences:
    """What N videos lack.

    Attributes:
        parts: (N,) bool by part, the videos that lack it.
        columns: (N,) bool by part, the strangers' videos that have it, but lack most of its columns.
    """

    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)

    def rows(self, rows: slice) -> "Absences":
        """Those of these rows."""
        return Absences(*({part: gone[rows] for part, gone in kind.items()} for kind in (self.parts, self.columns)))


def absences(videos: Videos, shapes: Mapping[str, PartShape]) -> Absences:
    """What these videos lack; `shapes` say which columns of a part may be missing."""
    parts = {name: ~part.present.cpu().numpy() for name, part in videos.items()}
    unknown, columns = strangers(videos) if HISTORY in videos else np.ones(len(videos), bool), {}
    for name, shape in shapes.items():
        if shape.gaps and name in videos:
            flags = torch.stack([videos[name].numbers[:, list(gap.ones)].sum(-1) >= len(gap.ones) for gap in shape.gaps])
            most = flags.double().mean(0) > 0.5
            columns[name] = (most & videos[name].present).cpu().numpy() & unknown
    return Absences(parts, columns)


def without_columns(part: Part, gaps: Sequence[Gap]) -> Part:
    """The same part, of which every row lacks the columns in `gaps`."""
    numbers = part.numbers.clone()
    numbers[:, sorted({place for gap in gaps for place in gap.zeros})] = 0.0
    numbers[:, sorted({place for gap in gaps for place in gap.ones})] = 1.0
    return replace(part, numbers=numbers)
