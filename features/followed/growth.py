"""Growth since the last reading: what a forecast of a video that was read before is relative to.

    popularity at age b  =  origin + unit * p,      p as a video before publication has it, location and spread of the targets
    origin + unit * loc  =  log(1 + count so far) + the growth that a law by age, lead and level expects
    unit * spread        =  how far growth usually strays from that law, at most the spread of the targets

The law is linear in logarithms (Szabo and Huberman 2010): at each log age growth has a rate, which depends on the level, and the growth to
be expected between two ages is the integral of the rates. Networks say in which videos, and how, growth differs from that.

Where nothing was read unit is 1, and origin is how much more the law expects of a usual video at the horizon than on average.
"""

from dataclasses import dataclass, replace

import numpy as np

LEAST = 0.02, 0.1  # of the expected scatter, relative to the targets' spread: within these, `NARROW` over the number of looks
NARROW = 300.0  # few looks do not tell a small scatter from chance
STEP = 2.0  # between the log(1 + hours) at which rates are fitted: 0, 2, 4, 6, 8 (124 days), then constant; linear in between
RATES = 5
OF_LOC = slice(0, 2 * RATES + 2)  # the terms that tell the expected growth, see `_terms`
OF_SCATTER = slice(OF_LOC.stop, OF_LOC.stop + 6)  # those that tell how far growth strays from that
OLD = OF_SCATTER.start + 1  # the log age at the last reading
FEATURES = OF_SCATTER.stop
SOONEST = 1e-3  # least `later` whose logarithm is taken
ROUNDS = 3  # of weighted least squares: looks weigh by how far growth strays, which the residuals tell
CLOSE = 0.05  # least scatter, in log counts, that looks are weighed by
PENALTY = 3.0  # of the ridge, in looks of average weight: a law fitted to few looks expects little growth
FURTHEST = 2.0  # times the greatest growth that any look saw, in log counts: no forecast lies beyond
SELDOM = 0.025  # share of looks: a 95 % interval leaves as much below it


@dataclass(frozen=True)
class Growth:
    """The law of each of K targets.

    Attributes:
        low: (FEATURES, K) of what the law has seen; beyond, it is that of the limit.
        high: likewise.
        loc: (FEATURES, K) coefficients of the expected growth.
        log_scatter: (FEATURES, K) coefficients of the logarithm of its standard deviation.
        usual: (K,) mean log(1 + count) of what was read.
        grown: (K,) growth that is expected of usual videos from `youngest` to the horizon: the mean over looks at which nothing was read.
        fell: (K,) share of the looks at which the count was below the one read before.
        most: (K,) greatest growth that any look saw, at least 0.
        least: (K,) that the expected scatter is taken to be, relative to the targets' spread.
    """

    low: np.ndarray
    high: np.ndarray
    loc: np.ndarray
    log_scatter: np.ndarray
    usual: np.ndarray
    grown: np.ndarray
    fell: np.ndarray
    most: np.ndarray
    least: np.ndarray

    @classmethod
    def fit(cls, counts: np.ndarray, age: np.ndarray, lead: np.ndarray, reached: np.ndarray) -> "Growth":
        """Fit to looks.

        Args:
            counts: (M, K) log(1 + n) so far, NaN where unknown, all of them where nothing was read.
            age: (M,) hours from publication to the last reading, 0 where nothing was read.
            lead: (M,) hours from there to the horizon.
            reached: (M, K) log(1 + n) there, NaN where unknown.
        """
        told = np.where(np.isnan(counts).all(0), reached, counts)  # a count that is in no reading: as it was in the end
        usual = np.where(np.isnan(told), 0.0, told).sum(0) / np.maximum((~np.isnan(told)).sum(0), 1)
        terms = _terms(_filled(counts, usual) - usual, age[:, None], lead[:, None])
        low, high, loc, log_scatter = np.zeros((4, FEATURES, counts.shape[1]))
        fell, most = np.zeros((2, counts.shape[1]))
        least = np.clip(NARROW / np.maximum((~np.isnan(reached + counts)).sum(0), 1), *LEAST)
        for k in range(counts.shape[1]):
            grown = reached[:, k] - counts[:, k]
            known = ~np.isnan(grown + terms[:, :, k].sum(1))
            if not known.any():
                continue
            seen, grown = terms[known, :, k], grown[known]
            fell[k], most[k] = (grown < 0).mean(), max(grown.max(), 0.0)
            low[:, k], high[:, k] = seen.min(0), seen.max(0)
            weight = np.ones(len(grown))
            for _ in range(ROUNDS):
                loc[OF_LOC, k] = _ridge(seen[:, OF_LOC], grown, weight)
                strayed = np.abs(grown - seen @ loc[:, k])
                # E log|e| of a Normal lies 0.635 below the logarithm of its standard deviation
                log_scatter[OF_SCATTER, k] = _ridge(seen[:, OF_SCATTER], np.log(np.maximum(strayed, 1e-3)) + 0.635, np.ones(len(grown)))
                weight = np.maximum(np.exp(seen @ log_scatter[:, k]), CLOSE) ** -2.0
                weight /= weight.mean()
        law = cls(low, high, loc, log_scatter, usual, np.zeros(len(usual)), fell, most, least)
        horizons = lead[np.isnan(counts).all(1) & ~np.isnan(lead)]
        return replace(law, grown=law.where_unread(horizons).mean(0)) if len(horizons) else law

    @property
    def youngest(self) -> np.ndarray:
        """(K,) hours, the youngest age at a reading that the law was fitted to."""
        return np.expm1(self.low[OLD])

    @property
    def falls(self) -> np.ndarray:
        """(K,) bool: targets whose counts also fall, and not only seldom (likes are withdrawn, bought views taken away)."""
        return self.fell > SELDOM

    def floor(self, counts: np.ndarray) -> np.ndarray:
        """(N, K) below which no forecast lies: what was read; 0 where counts fall or nothing was read; -inf for what a reading lacks."""
        partly = np.isnan(counts) & ~np.isnan(counts).all(1, keepdims=True)
        return np.where(partly, -np.inf, np.where(self.falls, 0.0, np.nan_to_num(counts)))

    def ceiling(self, counts: np.ndarray) -> np.ndarray:
        """(N, K) above which no forecast lies; infinite for a count that was not read, and where the law saw none grow."""
        return np.where(np.isnan(counts) | (self.most == 0), np.inf, counts + FURTHEST * self.most)

    def filled(self, counts: np.ndarray) -> np.ndarray:
        """(N, K) log(1 + n): a count that was not read is as much above the usual as those read with it, on average; NaN where none was."""
        return _filled(counts, self.usual)

    def relative_to(
        self, counts: np.ndarray, age: np.ndarray, lead: np.ndarray, loc: np.ndarray, spread: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Origin and unit, both (N, K), of looks at videos; `loc` and `spread` (K,) are those of the targets.

        They mean nothing for a count that was not read, though others were: networks of growth neither learn nor forecast it.
        """
        counts = self.filled(counts)
        level = np.nan_to_num(counts - self.usual)
        expected = self._expected(level, age[:, None], lead[:, None])
        scatter = np.exp((self._within(level, age[:, None], lead[:, None]) * self.log_scatter).sum(1))
        # a law fitted to few looks can be far off where it saw none
        unit = np.clip(scatter / spread, self.least, 1.0)
        read = ~np.isnan(counts + expected)
        return np.where(read, counts + expected - unit * loc, self.where_unread(age + lead)), np.where(read, unit, 1.0)

    def where_unread(self, horizon: np.ndarray) -> np.ndarray:
        """(N, K) origin where nothing was read, given the `horizon` (N,) in hours after publication; 0 where that is NaN."""
        level = np.zeros((len(horizon), len(self.usual)))
        youngest = np.minimum(self.youngest, horizon[:, None])
        expected = self._expected(level, youngest, horizon[:, None] - youngest)
        return np.nan_to_num(expected - self.grown)

    def _expected(self, level: np.ndarray, age: np.ndarray, lead: np.ndarray) -> np.ndarray:
        """(N, K) growth of videos whose counts are `level` (N, K) above the usual."""
        grown = (self._within(level, age, lead) * self.loc).sum(1)
        return np.where(self.falls, grown, np.maximum(grown, 0.0))

    def _within(self, level: np.ndarray, age: np.ndarray, lead: np.ndarray) -> np.ndarray:
        """`_terms`, within what the law has seen."""
        return np.clip(_terms(level, age, lead), self.low, self.high)


def _filled(counts: np.ndarray, usual: np.ndarray) -> np.ndarray:
    known = ~np.isnan(counts)
    many = known.sum(1, keepdims=True)
    beyond = np.where(known, counts - usual, 0.0).sum(1, keepdims=True) / np.maximum(many, 1)
    return np.where(known, counts, np.where(many > 0, usual + beyond, np.nan))


def _terms(level: np.ndarray, age: np.ndarray, lead: np.ndarray) -> np.ndarray:
    """(N, FEATURES, K) of looks at videos whose counts are `level` (N, K) above the usual; ages (N, 1) or (N, K); all from logarithms.

    Of the expected growth: what each rate contributes, the same times level, 1, level.
    Of its scatter, at first a power of the time ahead: 1, old, later, level, log(later), old log(later).
    """
    old, there = np.log1p(age)[:, None], np.log1p(age + lead)[:, None]
    level, later = level[:, None], there - old
    ahead, power = _passed(there) - _passed(old), np.log(np.maximum(later, SOONEST))
    found = (ahead, ahead * level, 1.0, level, 1.0, old, later, level, power, old * power)
    return np.concatenate([values + 0 * level for values in found], axis=1)


def _passed(place: np.ndarray) -> np.ndarray:
    """(N, RATES, K) integrals up to `place` (N, 1, K) of the hat functions that interpolate the rates (I-splines, Ramsay 1988)."""
    off = place / STEP - np.arange(RATES)[:, None]
    inside = np.clip(off, -1.0, 1.0)
    area = 0.5 + inside - inside * np.abs(inside) / 2
    area[:, -1] = np.where(off[:, -1] > 0, 0.5 + off[:, -1], area[:, -1])
    return STEP * area


def _ridge(terms: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    weighed = terms.T * weight
    return np.linalg.solve(weighed @ terms + PENALTY * np.eye(terms.shape[1]), weighed @ values)
