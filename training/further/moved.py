"""What a few rows teach a run that was trained on others: a Gaussian process over how far its medians are off, and the spread of its draws.

    truth - median = f(x) + effect of the author + noise
    f ~ GP(0, sum over groups g of alpha_g k_g)       k_g: a constant, the medians, each part linearly and by waves, all parts by waves

The signal of every group beside the noise, alpha_g, is that of the greatest marginal likelihood, for all targets together (the covariance
of the targets is profiled out), under log-normal priors: few rows move little but the level. How much of f is taken (nothing, where
nothing moved), intervals, and the share of the marginal distribution are judged on rows, or authors, left out in turn, in closed form.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from features.missing import OF_THE_AUTHOR
from features.tables.dataset import evenly
from features.videos import Videos
from forecast.adjustments.calibration import ENDS, FEWEST, Calibration, conformal, needed
from forecast.adjustments.moved import Moved, groups, inputs, pooled
from forecast.member import Member
from forecast.mixture import mixture_summary
from forecast.scoring.scores import error_scale
from machine.randomness import own_randomness
from training.further.amount import likely_amount
from training.linear import pool_parabolas

DRAWS = 32  # of z
MOST = 2000  # rows, evenly spread
JUDGED = 800  # rows from which the signals are found, evenly spread
WAVES = 64  # of each part; four times as many of all together
PRIOR = {"constant": 0.0, "medians": -1.0, "part": -2.5, "waves": -2.5, "author": -2.5}  # medians of log alpha
WIDE = 1.5  # standard deviation of log alpha
LOG_SIGNAL = (-12.0, 8.0)  # of log alpha: the search for the best may look far beyond what can be factorised
STEPS = 40  # of L-BFGS
QUANTILES = 400  # of the marginal distribution, and draws of left-out rows
POWERS = np.linspace(0.0, 1.0, 5)


class Kernel(NamedTuple):
    """Groups of columns of the features, each with a weight that gives its kernel a mean variance of 1, and its prior."""

    columns: list[np.ndarray]
    weight: np.ndarray
    prior: np.ndarray


def learn(members: tuple[Member, ...], videos: Videos, authors: np.ndarray, *, strangers: bool, seed: int = 0) -> tuple[Moved, Calibration]:
    """Learn from labelled rows that the members were not trained on.

    Args:
        members: the M members.
        videos: N rows, each with a known target.
        authors: (N,) keys, -1 where unknown.
        strangers: what will be forecast is by authors who are in none of the rows.
        seed: of the waves.
    """
    rows = evenly(len(videos), MOST)
    videos, authors = videos.rows(torch.from_numpy(rows)), authors[rows]
    authors = np.where(authors >= 0, authors, -1 - np.arange(len(authors)))
    blind = videos.without(*OF_THE_AUTHOR)
    with own_randomness(videos.device, seed):
        unknown = mixture_summary(members, blind, DRAWS, levels=ENDS)
        known = unknown if strangers else mixture_summary(members, videos, DRAWS, levels=ENDS)
    if strangers:
        videos = blind
    assert videos.popularity is not None  # noqa: S101  (labelled by contract)
    truth = videos.popularity.cpu().numpy().astype(np.float64)
    moved = _waves(known["median"], videos, seed)
    told, residual, scale = _residuals(truth - known["median"])
    features = moved.features(known["median"], videos)
    kernel = _kernel(moved, features, videos, truth.shape[1])
    some = evenly(len(rows), JUDGED)
    signal, effect = _signals(kernel, features[some], residual[some], authors[some])
    prior = np.zeros(features.shape[1])
    for columns, weight, alpha in zip(kernel.columns, kernel.weight, signal, strict=True):
        prior[columns] += weight * alpha
    same = authors[:, None] == authors[None, :]
    precision = np.linalg.inv(np.eye(len(rows)) + effect * same + (features * prior) @ features.T)
    dual = precision @ residual
    weights = np.zeros((features.shape[1], truth.shape[1]))
    weights[:, told] = (prior[:, None] * (features.T @ dual)) * scale
    weights[:, ~told] = weights[:, told].mean(1, keepdims=True)

    def left_out(summary: dict[str, np.ndarray], rows_of: Videos, group: np.ndarray) -> np.ndarray:
        """(N, K) how far the medians of rows move whose group is left out."""
        cross = (moved.features(summary["median"], rows_of) * prior) @ features.T
        shift = np.zeros_like(truth)
        shift[:, told] = _without_group(precision, dual, cross, group) * scale
        shift[:, ~told] = shift[:, told].mean(1, keepdims=True)
        return shift

    shift = left_out(known, videos, authors if strangers else np.arange(len(rows)))
    standard = shift[:, told] / scale
    # one standard error is taken off, because the signals were found on these rows
    amount = likely_amount((standard * residual).mean(1), (standard**2).mean(1), errors=1.0, seed=seed)
    weights, alone = amount * weights, known["median"] + amount * shift
    half = (known["upper_95"] - known["lower_95"]) / 2
    factor, power = _spread(truth - alone, half)
    factor[~told], power[~told] = factor[told].mean(), power[told].mean()
    moved = replace(moved, weights=weights, factor=factor, power=power)
    share = share_of_marginal(_draws(moved, known, alone)[..., told], truth[:, told], seed)
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    marginal = np.where(told, np.nanquantile(np.where(told, truth, 0.0), levels, axis=0), 0.0)
    moved = replace(moved, share=np.where(told, share, 0.0), marginal=marginal)
    of_known = _stretch(moved, known, alone, truth)
    if strangers:
        return moved, Calibration(of_known, of_known)
    alone = unknown["median"] + amount * left_out(unknown, blind, authors)
    return moved, Calibration(of_known, _stretch(moved, unknown, alone, truth))


def _waves(medians: np.ndarray, videos: Videos, seed: int) -> Moved:
    """Standardisation on these rows and random waves, without weights yet."""
    raw, random = inputs(medians, videos), np.random.default_rng(seed)
    count = np.maximum((~np.isnan(raw)).sum(0), 1)
    loc: np.ndarray = np.asarray(np.nansum(raw, axis=0)) / count
    scale = np.sqrt(np.nansum((raw - loc) ** 2, axis=0) / count)
    varies = scale > 1e-6 * np.maximum(1.0, np.abs(loc))
    parts, blocks = groups(medians.shape[1], videos)[1:], []
    for place, many in (*((part, WAVES) for part in parts), (slice(0, len(loc)), 4 * WAVES)):
        block = np.zeros((len(loc), many))
        block[place] = random.normal(size=(len(loc[place]), many)) / np.sqrt(max(varies[place].sum(), 1))
        blocks.append(block)
    frequencies = np.concatenate(blocks, axis=1)
    phases: np.ndarray = 2 * np.pi * np.asarray(random.random(frequencies.shape[1]))
    nothing = np.zeros(medians.shape[1])
    empty = np.zeros((1 + len(loc) + len(phases), medians.shape[1]))
    return Moved(loc, np.where(varies, scale, 1e12), frequencies, phases, empty, nothing, nothing, nothing, nothing[None])


def _residuals(off: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which of K targets are known at all, (K,) bool; how far they are off in units of their scale; and that scale.

    An unknown one is as far off as the known ones of its row on average.
    """
    told = ~np.isnan(off).all(0)
    off = off[:, told]
    scale = np.maximum(np.sqrt(np.nanmean(off**2, axis=0)), 1e-6)
    standard = off / scale
    return told, np.where(np.isnan(standard), np.nanmean(standard, axis=1, keepdims=True), standard), scale


def _kernel(moved: Moved, features: np.ndarray, videos: Videos, targets: int) -> Kernel:
    """The groups of the features."""
    first, *parts = groups(targets, videos)
    inputs_of = [np.arange(place.start, place.stop) + 1 for place in (first, *parts)]
    start = 1 + len(moved.loc)
    waves = [np.arange(start + number * WAVES, start + (number + 1) * WAVES) for number in range(len(parts))]
    waves.append(np.arange(start + len(parts) * WAVES, features.shape[1]))
    kinds = ["constant", "medians", *["part"] * len(parts), *["waves"] * len(waves)]
    columns = [np.zeros(1, int), *inputs_of, *waves]
    strength = np.array([(features[:, group] ** 2).sum(1).mean() for group in columns])
    kept = strength > 1e-9
    return Kernel(
        [group for group, keep in zip(columns, kept, strict=True) if keep],
        1 / strength[kept],
        np.array([PRIOR[kind] for kind in kinds])[kept],
    )


def _signals(kernel: Kernel, features: np.ndarray, residual: np.ndarray, authors: np.ndarray) -> tuple[np.ndarray, float]:
    """The signal of each group, and of the author, of the greatest posterior density."""
    grams = [weight * features[:, group] @ features[:, group].T for group, weight in zip(kernel.columns, kernel.weight, strict=True)]
    gram = torch.from_numpy(np.stack([*grams, (authors[:, None] == authors[None, :]).astype(np.float64)]))
    prior, targets = torch.from_numpy(np.append(kernel.prior, PRIOR["author"])), torch.from_numpy(residual)
    count, unit = len(residual), torch.eye(len(residual), dtype=torch.float64)
    logs = prior.clone().requires_grad_()

    def loss() -> Tensor:
        factor = torch.linalg.cholesky(unit + torch.einsum("g,gij->ij", logs.clamp(*LOG_SIGNAL).exp(), gram))
        white = torch.linalg.solve_triangular(factor, targets, upper=False)
        ridge = 1e-6 * torch.eye(targets.shape[1], dtype=torch.float64)
        of_targets = torch.logdet(white.T @ white / count + ridge)
        evidence = -targets.shape[1] * factor.diagonal().log().sum() - count / 2 * of_targets
        return -evidence + (((logs - prior) / WIDE) ** 2).sum() / 2

    optimizer = torch.optim.LBFGS([logs], max_iter=STEPS, line_search_fn="strong_wolfe", tolerance_change=1e-4)

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[arg-type]
    found = logs.detach().clamp(*LOG_SIGNAL).exp().numpy()
    return found[:-1], float(found[-1])


def _without_group(precision: np.ndarray, dual: np.ndarray, cross: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(N, T) predictions `cross` (N, N) @ dual of each row, had its group not been learned from."""
    found = np.empty((len(cross), dual.shape[1]))
    for key in np.unique(group):
        own = np.flatnonzero(group == key)
        rest = dual - precision[:, own] @ np.linalg.solve(precision[np.ix_(own, own)], dual[own])
        rest[own] = 0.0
        found[own] = cross[own] @ rest
    return found


def _spread(off: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factor and power, (K,) each, of a spread factor * half ^ (power - 1), by the likelihood of `off` under a Laplace distribution."""
    factor, power = np.ones(off.shape[1]), np.ones(off.shape[1])
    for target, (distance, width) in enumerate(zip(off.T, half.T, strict=True)):
        known = ~np.isnan(distance)
        if not known.any():
            continue
        distance, width = np.abs(distance[known]), np.maximum(width[known], 1e-6)
        scale = [np.mean(distance / width**one) for one in POWERS]
        best = int(np.argmin([np.log(size) + one * np.log(width).mean() for size, one in zip(scale, POWERS, strict=True)]))
        # of a Normal, the mean distance is 0.798 and half the interval 1.96 standard deviations
        factor[target], power[target] = scale[best] * 1.96 / 0.798, POWERS[best]
    return factor, power


def _draws(moved: Moved, summary: dict[str, np.ndarray], medians: np.ndarray) -> np.ndarray:
    """(S, N, K) moved draws about `medians`, of two half Normals with the ends that the members forecast."""
    spread = moved.spread((summary["upper_95"] - summary["lower_95"]) / 2)
    normal = stats.norm.ppf((np.arange(QUANTILES) + 0.5) / QUANTILES)[:, None, None] / stats.norm.ppf(0.975)
    return medians + spread * normal * np.where(
        normal < 0, summary["median"] - summary["lower_95"], summary["upper_95"] - summary["median"]
    )


def share_of_marginal(draws: np.ndarray, truth: np.ndarray, seed: int) -> float:
    """The share in which what other rows reached, whatever the video, helps draws (S, N, K) of left-out rows most."""
    random = np.random.default_rng(seed)
    others, scale = np.empty_like(draws), error_scale(truth)
    for target, column in enumerate(truth.T):
        known = np.flatnonzero(~np.isnan(column))
        if len(known) < 2:
            others[..., target] = draws[..., target]
            continue
        place = np.where(np.isnan(column), len(known), np.searchsorted(known, np.arange(len(column))))
        other = random.integers(len(known) - 1, size=draws.shape[:2])
        others[..., target] = column[known[other + (other >= place)]]
    mixed = random.permuted(draws, axis=0)  # neighbours in rank are no independent draws
    lead, bend, curvature = pool_parabolas(mixed / scale, others / scale, truth / scale)
    return likely_amount(bend - lead, curvature, seed=seed)


def _stretch(moved: Moved, summary: dict[str, np.ndarray], medians: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(2, K): what moved intervals about `medians` need to hold their share of truths."""
    draws = pooled(*map(torch.from_numpy, (_draws(moved, summary, medians), moved.marginal, moved.share))).numpy()
    required = needed(dict(zip(ENDS, np.quantile(draws, list(ENDS.values()), axis=0), strict=True)), truth)
    found = conformal(required)
    for target in range(truth.shape[1]):
        known = required[~np.isnan(required[:, 0, target]), :, target].max(1)
        if 0 < len(known) < FEWEST:  # too few for a quantile: that of the greatest, drawn towards what was found of the spread
            found[:, target] = max(1.0, (np.sort(known)[-2:].mean() + 1.0) / 2)
    return found
