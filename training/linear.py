"""The linear forecast of a member, in closed form, and its share in the member's, from validation rows.

Weights of a group of columns (a part, its categories) have the prior Normal(0, covariance / strength of the group); the strengths and the
covariance are those that the training rows make likeliest, by expectation maximisation (empirical Bayes; MacKay 1992). A part that says
nothing is shrunken to nothing, one that says much hardly at all. Errors have the covariance that follows from the regression and, but for
those of growth, the shape of the training rows' errors. A second regression, of the logarithm of their size, says how wide they are.
"""

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from features.targets import Targets
from features.videos import PartShape, Videos
from forecast.draws import draw
from forecast.member import Member
from machine.randomness import own_randomness
from program.linear import COMPONENTS, WIDE, Linear
from training.watch import WATCHED

ROWS = 20_000  # training rows looked at, evenly spread: more change the weights of so few columns by little
STEPS = 60
FEW_STEPS = 15  # where a step is a large matrix's inverse
LARGE = 600  # columns
FEWEST_ERRORS = 60  # fewer are taken as Normal
FEWEST = 2  # training rows that a line is fitted to
DRAWS = 100
LEAST_LEFT = 0.05  # share of a training row's variance that the regression leaves in its error
SMALLEST = 1e-3  # standard deviations: smaller errors have the logarithm of this


class Prior(NamedTuple):
    """What is believed of each group of weights before rows are seen: from few rows alone strengths are far off.

    Attributes:
        explained: variance that all columns together explain, relative to what is left.
        weights: how many weights of that size each group has beside its own.
    """

    explained: float
    weights: float


OF_LOC, OF_WIDTH = Prior(0.1, 1.0), Prior(0.02, 3.0)  # how wide errors are differs much less between videos than what they reach


class Regression(NamedTuple):
    """What `regression` finds: weights (P, K), loc (K,), covariance (K, K) of a forecast, and how much of itself each row tells, (N,)."""

    weight: np.ndarray
    loc: np.ndarray
    covariance: np.ndarray
    leverage: np.ndarray


def add_linear(
    member: Member,
    train: Videos,
    validation: Videos,
    shapes: Mapping[str, PartShape],
    targets: Targets,
    *,
    looks: float = 1.0,
    growth: bool = False,
) -> None:
    """Give a trained member its linear forecast, with the share in which it helps most.

    Args:
        member: changed in place.
        train: the rows that it learned from.
        validation: rows that it did not; without any, the linear forecast stands alone.
        shapes: of the parts.
        targets: their loc and spread standardise.
        looks: at each video: what it reaches is told once, however often it is looked at.
        growth: whether it is growth since a reading that is forecast.
    """
    linear = Linear(shapes, len(targets.names)).to(train.device)
    train, new = train.relative(), validation.relative().spread(WATCHED)
    some = train.spread(ROWS)
    if len(train) < FEWEST:  # as usual, which is all that there is to say
        linear.loc.copy_(torch.from_numpy(targets.loc))
        linear.factor.copy_(torch.from_numpy(np.diag(targets.spread)).expand(linear.factor.shape))
    else:
        _fit(linear, some, new, targets, max(1.0, looks * len(some) / len(train)), growth=growth)
    linear.share.fill_(_share(linear, member, new, targets, looks) if len(new) else 1.0)
    member.linear = linear


def _fit(linear: Linear, train: Videos, validation: Videos, targets: Targets, repeats: float, *, growth: bool) -> None:
    """Set the regression."""
    assert train.popularity is not None  # noqa: S101  (labelled by contract)
    groups = np.unique(linear.groups, return_inverse=True)[1]
    columns = linear.columns(train).double().cpu().numpy()
    reached = (train.popularity.double().cpu().numpy() - targets.loc) / targets.spread
    weight, loc, covariance, leverage = regression(columns, reached, groups, linear.columns(validation).double().cpu().numpy(), repeats)
    errors = (reached - columns @ weight - loc) / np.sqrt(np.maximum(1 - leverage, LEAST_LEFT))[:, None]
    width_weight, width_loc = widths(columns, errors, groups, repeats)
    errors = errors / np.exp(np.clip(columns @ width_weight + width_loc, -WIDE, WIDE))[:, None]
    # growth strays far for some videos and hardly for others: one shape for all would lend each the tails of a few
    told = ~np.isnan(errors).any(1) & (not growth)
    shares, shift, factor = mixture(errors[told], covariance)
    for name, value in (
        ("weight", weight * targets.spread),
        ("loc", targets.loc + targets.spread * loc),
        ("logits", np.log(shares)),
        ("shift", targets.spread * shift),
        ("factor", targets.spread[:, None] * factor),
        ("width_weight", width_weight),
        ("width_loc", np.asarray(width_loc)),
    ):
        getattr(linear, name).copy_(torch.from_numpy(value))


def _share(linear: Linear, member: Member, validation: Videos, targets: Targets, repeats: float) -> float:
    """The share of the linear forecast in the pool."""
    assert validation.popularity is not None  # noqa: S101  (labelled by contract)
    with own_randomness(validation.device, 0), torch.no_grad():
        ours = draw([member], validation, DRAWS).cpu().numpy()
        theirs = linear(validation).sample(torch.Size([DRAWS])).cpu().numpy()
    truth = validation.popularity.cpu().numpy()
    scale = validation.error_unit.cpu().numpy() / targets.spread
    ours, theirs, truth = (np.nan_to_num(values * scale, nan=np.nan) for values in (ours, theirs, truth))
    return best_share(ours, theirs, truth, repeats)


def regression(
    columns: np.ndarray, reached: np.ndarray, groups: np.ndarray, new: np.ndarray, repeats: float = 1.0, prior: Prior = OF_LOC
) -> Regression:
    """Multivariate Bayesian linear regression with one strength of shrinkage a group.

    Args:
        columns: (N, P).
        reached: (N, K), NaN where unknown.
        groups: (P,) numbers of the groups, from 0.
        new: (M, P) columns of other rows, over which the uncertainty of the weights is averaged.
        repeats: how many rows together count as one, since they say the same.
        prior: of the weights.
    """
    count, width = columns.shape
    known, size = ~np.isnan(reached), np.bincount(groups)
    share = np.maximum(known.mean(0), 1 / count)
    centre, loc = columns.mean(0), np.where(known, reached, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    x, y = (columns - centre) / repeats**0.5, np.where(known, reached - loc, 0.0) / repeats**0.5
    told = count / repeats
    product = x.T @ x if width <= count else None
    strength = 2.0 * size
    usual = prior.explained / max(width, 1)  # a weight's variance a priori
    for _ in range(STEPS if min(width, count) <= LARGE else FEW_STEPS):
        weight, variance = _posterior(x, y, strength[groups], product)
        forecast = x @ weight
        left = np.where(known, y - forecast, 0.0)
        # an unknown target is as forecast
        y = np.where(known, y, forecast)
        covariance = (left.T @ left / np.sqrt(np.outer(share, share)) + (weight * strength[groups, None]).T @ weight) / told
        covariance += 1e-4 * np.eye(len(loc))
        signal = np.einsum("pk,kl,pl->p", weight, np.linalg.inv(covariance), weight) / len(loc)
        told_of = np.bincount(groups, weights=signal + variance)
        before, strength = strength, (size + prior.weights) / (told_of + prior.weights * usual)
        if np.abs(np.log(strength / before)).max() < 1e-3:
            break
    weight, _ = _posterior(x, y, strength[groups], product)
    leverage = _leverage(x, strength[groups], new - centre, product).mean() if len(new) else 0.0
    own = _leverage(x, strength[groups], columns - centre, product)
    return Regression(weight, loc - centre @ weight, covariance * (1 + leverage + 1 / told), own)


def widths(columns: np.ndarray, errors: np.ndarray, groups: np.ndarray, repeats: float = 1.0) -> tuple[np.ndarray, float]:
    """How wide errors are: the logarithm of the width is columns @ weights (P,) + loc. Errors over their widths keep their mean square.

    Args:
        columns: (N, P).
        errors: (N, K), NaN where unknown, as they are of rows that nothing was learned from.
        groups: (P,) as in `regression`.
        repeats: likewise.
    """
    known = ~np.isnan(errors)
    strayed = np.where(known, np.abs(errors), 0.0)
    size = strayed / np.maximum(np.sqrt((strayed**2).sum(0) / np.maximum(known.sum(0), 1)), 1e-12)
    told = np.where(known, np.log(np.maximum(size, SMALLEST)), 0.0).sum(1) / np.maximum(known.sum(1), 1)
    weight = regression(columns, told[:, None], groups, columns[:0], repeats, OF_WIDTH).weight[:, 0]
    narrowed = size / np.exp(np.clip(columns @ weight, -2 * WIDE, 2 * WIDE))[:, None]
    square = (narrowed**2).sum() / max(known.sum(), 1)
    return weight, 0.5 * float(np.log(square)) if square > 0 else 0.0


def mixture(errors: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """C Normals together of mean 0 and of the given covariance, otherwise of the shape that errors have.

    The Bayesian information criterion chooses among one to C Normals. If it chooses fewer than C, some of them are repeated.

    Args:
        errors: (N, K).
        covariance: (K, K).

    Returns:
        Weights (C,), means (C, K) and Cholesky factors of the covariances (C, K, K).
    """
    from sklearn.exceptions import ConvergenceWarning  # slow to import
    from sklearn.mixture import GaussianMixture

    if len(errors) < FEWEST_ERRORS:
        weights, means, covariances = np.ones(1), np.zeros((1, len(covariance))), covariance[None]
    else:
        fits = [GaussianMixture(count, init_params="k-means++", reg_covar=1e-3, random_state=0) for count in range(1, COMPONENTS + 1)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            best = min((fit.fit(errors) for fit in fits), key=lambda fit: fit.bic(errors))
        weights, means, covariances = best.weights_, best.means_ - best.weights_ @ best.means_, best.covariances_
    # the linear map that gives the whole its covariance
    inside = np.einsum("c,ckl->kl", weights, covariances) + (means.T * weights) @ means
    turn = np.linalg.cholesky(covariance) @ np.linalg.inv(np.linalg.cholesky(inside))
    of = np.arange(COMPONENTS) % len(weights)
    return weights[of] / np.bincount(of)[of], means[of] @ turn.T, np.linalg.cholesky(turn @ covariances[of] @ turn.T)


def _posterior(x: np.ndarray, y: np.ndarray, strength: np.ndarray, product: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Means of the weights (P, K), and the variances (P,) in units of the covariance."""
    if product is not None:
        inverse = np.linalg.inv(product + np.diag(strength))
        return inverse @ (x.T @ y), inverse.diagonal()
    scaled = x / strength
    inverse = np.linalg.inv(np.eye(len(x)) + scaled @ x.T)
    return scaled.T @ (inverse @ y), 1 / strength - np.einsum("np,np->p", scaled, inverse @ scaled)


def _leverage(x: np.ndarray, strength: np.ndarray, new: np.ndarray, product: np.ndarray | None) -> np.ndarray:
    """(M,) variances of the forecasts' loc, in units of the covariance."""
    if product is not None:
        return np.einsum("mp,mp->m", new, np.linalg.solve(product + np.diag(strength), new.T).T)
    scaled, cross = new / strength, (new / strength) @ x.T
    return np.einsum("mp,mp->m", scaled, new) - np.einsum(
        "mn,mn->m", cross, np.linalg.solve(np.eye(len(x)) + (x / strength) @ x.T, cross.T).T
    )


def best_share(first: np.ndarray, second: np.ndarray, truth: np.ndarray, repeats: float = 1.0) -> float:
    """The share of the second in the pool of two forecasts that has the least CRPS, which is a parabola of it (stacking, Yao et al. 2018).

        CRPS = E|Y - y| - E|Y - Y'| / 2,        Y drawn from the second with probability share, else from the first

    The first was stopped where it did best on these rows, which flatters it: its lead counts less one standard error.

    Args:
        first: (S, N, K) draws.
        second: (S, N, K) draws.
        truth: (N, K), NaN where unknown.
        repeats: how many rows together count as one.
    """
    lead, bend, curvature = pool_parabolas(first, second, truth)
    if len(lead) < 2:
        return 1.0
    slope = lead.mean() - lead.std(ddof=1) / (len(lead) / repeats) ** 0.5 - bend.mean()
    return float(np.clip(-slope / curvature.mean(), 0.0, 1.0)) if curvature.mean() > 1e-9 else float(slope < 0)


def pool_parabolas(first: np.ndarray, second: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(R,) each, of the R rows with a known target: what the CRPS of a pool is at a share of the second, but for a constant.

        CRPS(share) = share (lead - bend) + share^2 curvature / 2

    Arguments as of `best_share`; `lead` is how much worse the second is on average over its draws.
    """
    known = ~np.isnan(truth)
    rows = known.any(1)

    def by_row(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.nanmean(np.where(known, values, np.nan)[rows], axis=1))

    lead = by_row((np.abs(second - truth) - np.abs(first - truth)).mean(0))
    inside, other = (by_row(np.abs(draws - np.roll(draws, len(draws) // 2, axis=0)).mean(0)) for draws in (first, second))
    between = by_row(np.abs(first - second).mean(0))
    return lead, between - inside, 2 * between - inside - other
