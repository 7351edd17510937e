"""Honest intervals: stretch every forecast about its median until 95 % of validation rows lie inside (conformal prediction).

With e_i = the factor by which row i's 95 % interval must be stretched about its median to reach its truth, the stretch is the
ceil(0.95 (n + 1))-th smallest e_i. For a new row that is exchangeable with the validation rows, the stretched interval then holds the
truth with probability at least 0.95 (Vovk et al. 2005; Romano et al. 2019 for quantile scores).

With several folds each row is forecast by the members that were not trained on it (cross-conformal, Vovk 2015): G of the M members,
whose average is a little worse than that of all. What averaging n members gains falls like 1 / n, so from the stretches of single
members and of G averaged the stretch of M follows. With one fold all members hold out the same rows, and the guarantee is exact.

Each target has a stretch of its own and samples are moved, not redrawn, so that the targets keep moving together. Strangers (authors
without history) have stretches of their own; so has every part that validation rows seldom lack, measured on rows from which it was
taken away, and so have the columns of a part, taken away from strangers. Those only ever widen. And knowing less never narrows: where
intervals would be narrower on average without a part, its absence multiplies the stretch by what makes up for that; the other stretches
are fitted with this done.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from features.absence import OF_THE_AUTHOR, columns_of, without_columns
from features.errors import InputWarning
from features.videos import PartShape, Videos
from forecast.mixture import mixture_summary
from forecast.samples import Program

FEWEST = 40  # validation rows below which a stretch would be guesswork: 1 is used
DRAWS = 32  # of z, for each mixture: their noise is 3 % of a predictive standard deviation
MOST = 3000  # validation rows looked at, over all folds
LACKING = 600  # validation rows from which a part is taken away
WIDER = 1.02  # mean width without a part, relative to that with it, that is asked for at least: noise shall not undo it
SELDOM = 0.05  # share of rows without a part below which their stretch cannot be seen in the rows as they are


@dataclass(frozen=True)
class Calibration:
    """Stretches about the median, (K,) each.

    Attributes:
        known: for videos of known authors.
        strangers: for those of strangers.
        lacking: at least, for those that lack a part, or are strangers and lack its columns (`features.absence.absences`).
        widening: factors of at least 1, multiplied into the first two, for those that lack a part.
    """

    known: np.ndarray
    strangers: np.ndarray
    lacking: dict[str, np.ndarray] = field(default_factory=dict)
    widening: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def none(cls, targets: int) -> "Calibration":
        """No change."""
        return cls(np.ones(targets), np.ones(targets))

    def factor(self, stranger: np.ndarray, absent: Mapping[str, np.ndarray]) -> np.ndarray:
        """(N,) bool, alone and by part, to (N, K)."""
        factor = np.where(stranger[:, None], self.strangers, self.known)
        for part, widening in self.widening.items():
            factor = np.where(absent[part][:, None], factor * widening, factor)
        for part, stretches in self.lacking.items():
            factor = np.where(absent[part][:, None], np.maximum(factor, stretches), factor)
        return factor

    def apply(self, samples: Tensor, stranger: np.ndarray, absent: Mapping[str, np.ndarray]) -> Tensor:
        """Stretch samples (S, N, K) about their medians."""
        factor = samples.new_tensor(self.factor(stranger, absent))
        if bool((factor == 1).all()):
            return samples
        median = samples.quantile(0.5, dim=0) if samples.numel() < 10_000_000 else samples.median(dim=0).values
        return median + factor * (samples - median)


def calibrate(
    programs: Sequence[Program], held: Sequence[Videos], shapes: Mapping[str, PartShape] | None = None, *, seed: int = 0
) -> Calibration:
    """Fit the stretches on validation rows: as they are, as strangers', and with one part after the other taken away.

    Args:
        programs: the M members.
        held: the validation rows of each of F folds, labelled; member m was not trained on those of fold m modulo F.
        shapes: of the parts, which tell what columns of them may be missing.
        seed: of the draws of z.
    """
    parts = [part for part in held[0] if part not in OF_THE_AUTHOR]
    few = [_evenly(videos, -(-MOST // len(held))) for videos in held]
    fewer = [_evenly(videos, -(-LACKING // len(held))) for videos in held]
    with torch.random.fork_rng(devices=[held[0].device] if held[0].device.type == "cuda" else []), warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # a likelihood without a distribution function is drawn from
        torch.manual_seed(seed)
        lacking = {
            part: _stretches(programs, [videos.without(part) for videos in fewer])
            for part in parts
            if len(held[0].parts) > 1 and np.mean([float(videos[part].present.double().mean()) for videos in held]) > 1 - SELDOM
        }
        for part, shape in (shapes or {}).items():
            if shape.gaps and part in held[0]:
                blind = [
                    replace(videos, parts=videos.parts | {part: without_columns(videos[part], shape.gaps)}).without(*OF_THE_AUTHOR)
                    for videos in fewer
                ]
                lacking[columns_of(part)] = _stretches(programs, blind)
        widening = _widening(programs, fewer, parts) if len(held[0].parts) > 1 else {}
        strange = _stretches(programs, [videos.without(*OF_THE_AUTHOR) for videos in few], widening)
        if not any(part in held[0] and bool(videos[part].present.any()) for part in OF_THE_AUTHOR for videos in held):
            return Calibration(strange, strange, lacking, widening)
        return Calibration(_stretches(programs, [_of_known_authors(videos) for videos in few], widening), strange, lacking, widening)


def _of_known_authors(videos: Videos) -> Videos:
    known = torch.stack([videos[part].present for part in OF_THE_AUTHOR if part in videos]).any(0)
    return videos.rows(known.nonzero().flatten())


def _evenly(videos: Videos, count: int) -> Videos:
    return videos.rows(torch.linspace(0, len(videos) - 1, min(len(videos), count), dtype=torch.float64).long().to(videos.device))


def _widening(programs: Sequence[Program], held: Sequence[Videos], parts: Sequence[str]) -> dict[str, np.ndarray]:
    """(K,) by part, at least 1: what the intervals of rows that have it must be multiplied by when it is taken away."""

    def widths(held: Sequence[Videos]) -> np.ndarray:
        found = [mixture_summary(programs[fold :: len(held)], videos, DRAWS) for fold, videos in enumerate(held)]
        return np.concatenate([rows["upper_95"] - rows["lower_95"] for rows in found])

    whole, widening = widths(held), {}
    for part in parts:
        here = torch.cat([videos[part].present for videos in held]).cpu().numpy()
        if here.sum() >= FEWEST:
            without = widths([videos.without(part) for videos in held])
            ratio = whole[here].mean(0) / np.maximum(without[here].mean(0), 1e-12)
            widening[part] = np.clip(WIDER * ratio, 1.0, 2.0)
    return widening


def _stretches(programs: Sequence[Program], held: Sequence[Videos], widening: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
    """(K,): the stretch of all members averaged, beside the `widening` of the parts that rows lack."""
    alone, averaged = [], []
    for fold, videos in enumerate(held):
        group = programs[fold :: len(held)]
        assert videos.popularity is not None  # noqa: S101  (labelled by contract)
        truth = videos.popularity.cpu().numpy().astype(np.float64)
        given = np.ones_like(truth)
        for part, factor in (widening or {}).items():
            given = np.where(videos[part].present.cpu().numpy()[:, None], given, given * factor)
        averaged.append(needed(mixture_summary(group, videos, DRAWS), truth) / given)
        if len(held) > 1:
            alone += [needed(mixture_summary([program], videos, DRAWS), truth) / given for program in group]
    of_groups = conformal(np.concatenate(averaged))
    if len(held) == 1 or len(programs) == len(held):
        return of_groups
    return extrapolate(conformal(np.concatenate(alone)), of_groups, len(programs) / len(held), len(programs))


def extrapolate(of_one: np.ndarray, of_group: np.ndarray, group: float, members: int) -> np.ndarray:
    """The value for `members` averaged of something that is a + b / n for n averaged, from those for 1 and for `group`."""
    limit = (group * of_group - of_one) / (group - 1)
    return np.clip(limit + (of_one - limit) / members, 0.5 * of_group, 2.0 * of_group)


def needed(rows: Mapping[str, np.ndarray], truth: np.ndarray) -> np.ndarray:
    """(N, K): the stretch about the median that each interval needs to reach its truth; NaN where that is unknown.

    Args:
        rows: median, lower_95, upper_95, (N, K) each.
        truth: (N, K), NaN where unknown.
    """
    above = truth >= rows["median"]
    room = np.where(above, rows["upper_95"] - rows["median"], rows["median"] - rows["lower_95"])
    return np.abs(truth - rows["median"]) / np.maximum(room, 1e-12)


def conformal(stretches: np.ndarray, level: float = 0.95) -> np.ndarray:
    """(K,): of what the rows need, (N, K), that which holds a new row with probability `level`."""
    return np.array([_quantile(column[~np.isnan(column)], level) for column in stretches.T])


def _quantile(stretches: np.ndarray, level: float) -> float:
    rank = math.ceil(level * (len(stretches) + 1))
    if len(stretches) < FEWEST or rank > len(stretches):
        return 1.0
    # a constant target has intervals of no width; do not stretch noise by millions
    return float(np.clip(np.partition(stretches, rank - 1)[rank - 1], 0.1, 10.0))
