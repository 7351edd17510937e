"""Honest intervals: stretch every forecast about its median until 95 % of validation rows lie inside (conformal prediction).

1. What a row needs. The lower half of its 95 % interval must be stretched by (median - truth) / (median - lower end) to reach the truth;
   the upper half alike. A forecast of 10 with the interval 6 to 12 and a truth of 4 needs 6 / 4 = 1.5 below, and -6 / 2 = -3 above.
2. The stretch of a half is the ceil(0.975 (n + 1))-th smallest of what n validation rows need. With n = 399 rows that is the 390th. A new
   row that is exchangeable with them then lies below with a probability of at most 0.025, above likewise, and inside with at least 0.95
   (Vovk et al. 2005; Romano et al. 2019 for quantile scores). On fewer than 400 rows both halves share one stretch: the
   ceil(0.95 (n + 1))-th smallest of each row's larger need.
3. Each row is forecast only by members that were not trained on it (cross-conformal, Vovk 2015): by G of the M members. The average of G
   is a little worse than that of M. The gain of averaging n members falls like 1 / n, so the stretch of M follows from that of one member
   and that of G. With one fold all members hold out the same rows, and the guarantee is exact.
4. Groups have stretches of their own: each target; strangers, who are authors that training did not have; rows that lack a part, or its
   columns, which are made by taking it away. The last kind only ever widens. A network recognises an author with many videos even where
   nothing is said of the author; new authors, strangers or met since, are then calibrated by networks that never saw theirs.
5. What authors reach changes, so that rows from among those learned from are easier to forecast than what comes. Drafts of known authors
   have the stretch that the newest rows ask for, forecast as drafts by one member that was trained on older rows alone, if it is greater.
   It never narrows a half: after a time in which authors did worse than before, one may come in which they do better.
6. Knowing less never narrows. If intervals are narrower on average when a part is taken away, rows without that part have their stretch
   multiplied by the ratio of the two widths. Steps 1 and 2 are fitted with this factor in place.

7. No draw lies further out than twice the end of its interval, see `forecast.adjustments.tails`.

Draws are moved, not drawn anew, so the targets keep moving together.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from features.missing import OF_THE_AUTHOR, Absences, without_columns
from features.videos import EARLY, PartShape, Videos, unread_and_read
from forecast.adjustments.tails import LEVEL, ends, within_reach
from forecast.member import Member
from forecast.mixture import LEVELS, mixture_summary
from machine.errors import InputWarning
from machine.randomness import own_randomness

Rows = Mapping[str, np.ndarray]  # what `mixture_summary` tells

FEWEST = 40  # validation rows below which a stretch would be guesswork: known authors have the strangers', all others 1
HALVES = 400  # validation rows from which each half has a stretch of its own
DRAWS = 32  # of z, for each mixture: their noise is 3 % of a predictive standard deviation
ENDS = {name: LEVELS[name] for name in ("lower_95", "median", "upper_95")}  # all that a stretch needs
MOST = 3000  # validation rows looked at, over all folds
LACKING = 600  # validation rows from which a part is taken away
WIDER = 1.02  # mean width without a part, relative to that with it, that is asked for at least: noise shall not undo it
FEW_KNOWN, WELL_KNOWN = 5, 20  # videos of an author: what is usual where few are known, and what says as much as more would
SELDOM = 0.05  # share of rows without a part below which their stretch cannot be seen in the rows as they are


@dataclass(frozen=True)
class Calibration:
    """Stretches about the median, (2, K) each: below and above.

    Attributes:
        known: for videos of known authors.
        strangers: for those of strangers, whom training did not have.
        lacking: by part, the least stretches of videos that lack it.
        bare: by part, the least stretches of strangers whose videos lack most of its columns (`features.missing.Absences`).
        widening: by part, (K,) factors of at least 1 by which videos that lack it have the first two multiplied.
        read: for videos that were read before, whatever else they have; None where none was.
        met: for those of authors that training did not have, and of whom many videos are known since; None: as for known ones.
        hardly_known: for those of such authors of whom only few videos are known; None: as for those with many.
        coming: for those of known authors that are published after all that was learned from; None: as for known ones.
    """

    known: np.ndarray
    strangers: np.ndarray
    lacking: dict[str, np.ndarray] = field(default_factory=dict)
    bare: dict[str, np.ndarray] = field(default_factory=dict)
    widening: dict[str, np.ndarray] = field(default_factory=dict)
    read: np.ndarray | None = None
    met: np.ndarray | None = None
    hardly_known: np.ndarray | None = None
    coming: np.ndarray | None = None

    @classmethod
    def none(cls, targets: int) -> "Calibration":
        """No change."""
        return cls(np.ones((2, targets)), np.ones((2, targets)))

    def factor(self, stranger: np.ndarray, absent: Absences, met: np.ndarray | None = None, *, drafts: bool = False) -> np.ndarray:
        """(N, 2, K) stretches of N videos.

        Args:
            stranger: (N,) bool.
            absent: what else they lack.
            met: (N,) how many videos are known of an author whom training did not have; 0 of one whom it had. None: it had all authors.
            drafts: whether they are published after all that was learned from.
        """
        of_known = (self.known if self.coming is None or not drafts else self.coming)[None]
        if met is not None:
            many = self.known if self.met is None else self.met
            few = many if self.hardly_known is None else self.hardly_known
            share = np.clip(np.log(np.maximum(met, 1) / FEW_KNOWN) / np.log(WELL_KNOWN / FEW_KNOWN), 0.0, 1.0)[:, None, None]
            of_met = (few + share * (many - few)) * of_known / self.known  # drafts of authors met since are wider in the same ratio
            of_known = np.where((met > 0)[:, None, None], of_met, of_known)
        factor = np.where(stranger[:, None, None], self.strangers, of_known)
        for part, widening in self.widening.items():
            factor = np.where(absent.parts[part][:, None, None], factor * widening, factor)
        for least, gone in ((self.lacking, absent.parts), (self.bare, absent.columns)):
            for part, stretches in least.items():
                factor = np.where(gone[part][:, None, None], np.maximum(factor, stretches), factor)
        return factor if self.read is None else np.where(absent.parts[EARLY][:, None, None], factor, self.read)

    def apply(
        self, samples: Tensor, stranger: np.ndarray, absent: Absences, met: np.ndarray | None = None, *, drafts: bool = False
    ) -> Tensor:
        """Stretch samples (S, N, K) about their medians; further arguments as of `factor`."""
        below, above = samples.new_tensor(self.factor(stranger, absent, met, drafts=drafts)).unbind(1)
        lower, median, upper = ends(samples)
        stretched = median + torch.where(samples < median, below, above) * (samples - median)
        return within_reach(stretched, median - below * (median - lower), median, median + above * (upper - median))


def calibrate(
    members: Sequence[Member],
    held: Sequence[Videos],
    shapes: Mapping[str, PartShape] | None = None,
    *,
    known: Sequence[Videos] | None = None,
    hardly_known: Sequence[Videos] = (),
    coming: tuple[Member, Videos] | None = None,
    new: tuple[Sequence[Member], Sequence[Sequence[Videos]]] = ((), ()),
    seed: int = 0,
) -> Calibration:
    """Fit the stretches on validation rows: as they are, as strangers', and with one part after the other taken away.

    Args:
        members: the M members.
        held: the validation rows of each of F folds, labelled; member m was not trained on those of fold m modulo F.
        shapes: of the parts, which tell what columns of them may be missing.
        known: the same rows with what is known of their authors, where `held` has it not (default: it has).
        hardly_known: the same rows as if only few of their authors' videos were known (default: that is not told apart).
        coming: the newest rows, labelled, with what was known when they were published, and a member that was trained on older ones alone.
        new: networks, and for each of them labelled rows of authors whom it never saw: with all of these authors' videos known, then, where
            that is told apart, with a few. Where such rows are few or none, `held` and `hardly_known` stand for new authors.
        seed: of the draws of z.
    """
    known = known or held
    after: list[Videos] = []
    if EARLY in held[0]:
        known = [unread_and_read(videos)[0] for videos in known]
        held, after = map(list, zip(*map(unread_and_read, held), strict=True))
    asked, strangers, met, hardly = members, held, [], hardly_known
    rows_of_new = [[unread_and_read(videos)[0] if EARLY in videos else videos for videos in rows] for rows in new[1]]
    if sum(len(rows[0]) for rows in rows_of_new) >= FEWEST:
        asked, strangers = new[0], [rows[0] for rows in rows_of_new]
        met, hardly = strangers, [few for rows in rows_of_new for few in rows[1:]]
    parts = [part for part in held[0] if part not in (*OF_THE_AUTHOR, EARLY)]
    fewer = [videos.spread(-(-LACKING // len(held))) for videos in held]
    with own_randomness(held[0].device, seed), warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # a likelihood without a distribution function is drawn from
        read = _stretches(members, [videos.spread(-(-MOST // len(after))) for videos in after]) if any(map(len, after)) else None
        alone = len(held[0].parts) == 1
        blind = {part: [videos.without(part) for videos in fewer] for part in parts if not alone}
        told = {part: _summaries(members, videos) for part, videos in blind.items()}
        lacking = {
            part: _stretches(members, blind[part], averaged=told[part])
            for part in blind
            if np.mean([float(videos[part].present.double().mean()) for videos in held]) > 1 - SELDOM
        }
        bare = {}
        for part, shape in (shapes or {}).items():
            if shape.gaps and part in held[0]:
                bare_rows = [
                    replace(videos, parts=videos.parts | {part: without_columns(videos[part], shape.gaps)}).without(*OF_THE_AUTHOR)
                    for videos in (one.spread(-(-LACKING // len(strangers))) for one in strangers)
                ]
                bare[part] = _stretches(asked, bare_rows)
        widening = {} if alone else _widening(_summaries(members, fewer), told, fewer)
        strange_rows = [videos.spread(-(-MOST // len(strangers))).without(*OF_THE_AUTHOR) for videos in strangers]
        strange = _stretches(asked, strange_rows, widening)
        of_known = _of_known(members, known, widening, strange)
        of_met, of_few = (_of_known(asked, rows, widening, strange) if rows else None for rows in (met, hardly))
        of_coming = None if coming is None else np.maximum(of_known, _of_known([coming[0]], [coming[1]], widening, of_known))
        return Calibration(of_known, strange, lacking, bare, widening, read, of_met, of_few, of_coming)


def _of_known(members: Sequence[Member], held: Sequence[Videos], widening: Mapping[str, np.ndarray], otherwise: np.ndarray) -> np.ndarray:
    """(2, K): the stretches of rows whose author is known; `otherwise` where there are too few to tell."""
    if not any(part in held[0] for part in OF_THE_AUTHOR):
        return otherwise
    rows = [_of_known_authors(videos.spread(-(-MOST // len(held)))) for videos in held]
    return _stretches(members, rows, widening) if sum(map(len, rows)) >= FEWEST else otherwise


def _of_known_authors(videos: Videos) -> Videos:
    known = torch.stack([videos[part].present for part in OF_THE_AUTHOR if part in videos]).any(0)
    return videos.rows(known.nonzero().flatten())


def _summaries(members: Sequence[Member], held: Sequence[Videos]) -> list[Rows]:
    """Of each fold, what the members that were not trained on it say on average."""
    return [
        mixture_summary(members[fold :: len(held)], videos, DRAWS, levels=ENDS) if len(videos) else {} for fold, videos in enumerate(held)
    ]


def _widening(whole: Sequence[Rows], without: Mapping[str, Sequence[Rows]], held: Sequence[Videos]) -> dict[str, np.ndarray]:
    """(K,) by part, at least 1: what the intervals of rows that have it must be multiplied by when it is taken away."""

    def widths(found: Sequence[Rows]) -> np.ndarray:
        return np.concatenate([rows["upper_95"] - rows["lower_95"] for rows in found if rows])

    widening = {}
    for part, found in without.items():
        here = torch.cat([videos[part].present for videos in held]).cpu().numpy()
        if here.sum() >= FEWEST:
            ratio = widths(whole)[here].mean(0) / np.maximum(widths(found)[here].mean(0), 1e-12)
            widening[part] = np.clip(WIDER * ratio, 1.0, 2.0)
    return widening


def _stretches(
    members: Sequence[Member],
    held: Sequence[Videos],
    widening: Mapping[str, np.ndarray] | None = None,
    averaged: Sequence[Rows] | None = None,
) -> np.ndarray:
    """(2, K): the stretches of all members averaged, beside the `widening` of the parts that rows lack; a fold may have no such row."""
    of_one, of_group = [], []
    several = 1 < len(held) < len(members)  # whether more than one member was not trained on a row
    averaged = averaged or _summaries(members, held)
    for fold, videos in enumerate(held):
        if len(videos) == 0:
            continue
        assert videos.popularity is not None  # noqa: S101  (labelled by contract)
        truth, floor = videos.popularity.cpu().numpy().astype(np.float64), videos.relative_floor
        given = np.ones_like(truth)
        for part, factor in (widening or {}).items():
            given = np.where(videos[part].present.cpu().numpy()[:, None], given, given * factor)
        of_group.append(needed(averaged[fold], truth, floor) / given[:, None])
        if several:
            group = members[fold :: len(held)]
            of_one += [needed(mixture_summary([one], videos, DRAWS, levels=ENDS), truth, floor) / given[:, None] for one in group]
    found = conformal(np.concatenate(of_group))
    if not several:
        return found
    return extrapolate(conformal(np.concatenate(of_one)), found, len(members) / len(held), len(members))


def extrapolate(of_one: np.ndarray, of_group: np.ndarray, group: float, members: int) -> np.ndarray:
    """The value for `members` averaged of something that is a + b / n for n averaged, from those for 1 and for `group`."""
    limit = (group * of_group - of_one) / (group - 1)
    return np.clip(limit + (of_one - limit) / members, 0.5 * of_group, 2.0 * of_group)


def needed(rows: Mapping[str, np.ndarray], truth: np.ndarray, floor: np.ndarray | None = None) -> np.ndarray:
    """(N, 2, K): the stretch that the lower, and the upper, half of each interval needs to reach its truth; NaN where that is unknown.

    Args:
        rows: median, lower_95, upper_95, (N, K) each.
        truth: (N, K), NaN where unknown.
        floor: (N, K) below which draws are not left, so that no half reaches further down; None: there is none.
    """
    low = -np.inf if floor is None else floor
    median, lower, reached = (np.maximum(values, low) for values in (rows["median"], rows["lower_95"], truth))
    below = (median - reached) / np.maximum(median - lower, 1e-12)
    above = (truth - rows["median"]) / np.maximum(rows["upper_95"] - rows["median"], 1e-12)
    return np.stack([below, above], axis=1)


def conformal(stretches: np.ndarray) -> np.ndarray:
    """(2, K): of what the rows need, (N, 2, K), that which holds a new row with probability `LEVEL`."""
    found = np.empty(stretches.shape[1:])
    for target in range(stretches.shape[2]):
        known = stretches[~np.isnan(stretches[:, 0, target]), :, target]
        if len(known) < HALVES:
            found[:, target] = _quantile(known.max(1), LEVEL)
        else:
            found[:, target] = [_quantile(half, (1 + LEVEL) / 2) for half in known.T]
    return found


def _quantile(stretches: np.ndarray, level: float) -> float:
    rank = math.ceil(level * (len(stretches) + 1))
    if len(stretches) < FEWEST or rank > len(stretches):
        return 1.0
    # a constant target has intervals of no width; do not stretch noise by millions
    return float(np.clip(np.partition(stretches, rank - 1)[rank - 1], 0.1, 10.0))
