"""The linear forecast of a member and its share."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from features.targets import Targets
from features.videos import PartShape
from forecast.member import Member
from forecast.run.configuration import Configuration
from guide import guide
from model import model
from program import Program
from program.networks import build
from training.linear import OF_LOC, add_linear, best_share, mixture, regression, widths


def data(rows: int, telling: int, silent: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    columns = random.normal(size=(rows, telling + silent)) + 3.0
    weight = np.zeros((telling + silent, 2))
    weight[:telling] = random.normal(size=(telling, 2))
    reached = 5.0 + columns @ weight + random.normal(size=(rows, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    return columns, reached, weight, np.repeat([0, 1], [telling, silent])


def test_one_strength_of_shrinkage_is_ridge_regression() -> None:
    columns, reached, _, _ = data(40, 6, 0)
    weight, loc, covariance, leverage = regression(columns, reached, np.zeros(6, int), columns[:0])
    # at the fitted strength: the weights solve (X'X + s) W = X'Y for one s
    x, y = columns - columns.mean(0), reached - reached.mean(0)
    rest = x.T @ (y - x @ weight)
    strength = (rest * weight).sum() / (weight**2).sum()
    assert strength > 0
    np.testing.assert_allclose(rest, strength * weight, atol=1e-6 * np.abs(x.T @ y).max())
    np.testing.assert_allclose(loc, reached.mean(0) - columns.mean(0) @ weight)
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance) > 0, True)
    np.testing.assert_allclose(leverage, np.einsum("np,pq,nq->n", x, np.linalg.inv(x.T @ x + strength * np.eye(6)), x), rtol=1e-4)


def test_more_columns_than_rows_give_what_the_normal_equations_say() -> None:
    """The way by the rows, against the way by the columns: (X'X + S) W = X'Y, with the strengths that its own weights ask for."""
    columns, reached, _, groups = data(30, 4, 25)
    columns, groups = np.concatenate([columns, np.zeros((30, 10))], axis=1), np.concatenate([groups, np.ones(10, int)])
    weight, loc, covariance, leverage = regression(columns, reached, groups, columns)
    x, y = columns - columns.mean(0), reached - reached.mean(0)
    rest = x.T @ (y - x @ weight)
    strength = np.array([(rest * weight)[groups == group].sum() / (weight[groups == group] ** 2).sum() for group in (0, 1)])
    np.testing.assert_allclose(rest, strength[groups, None] * weight, atol=1e-6 * np.abs(x.T @ y).max())
    inverse = np.linalg.inv(x.T @ x + np.diag(strength[groups]))
    np.testing.assert_allclose(weight, inverse @ x.T @ y, atol=1e-6)
    np.testing.assert_allclose(weight[-10:], 0.0, atol=1e-9)
    np.testing.assert_allclose(loc, reached.mean(0) - columns.mean(0) @ weight)
    np.testing.assert_allclose(leverage, np.einsum("np,pq,nq->n", x, inverse, x), rtol=1e-4)
    left = y - x @ weight
    one = (left.T @ left + (weight * strength[groups, None]).T @ weight) / 30 + 1e-4 * np.eye(2)
    np.testing.assert_allclose(covariance, one * (1 + leverage.mean() + 1 / 30), rtol=1e-2)  # steps end at changes of a thousandth
    told = np.einsum("pk,kl,pl->p", weight, np.linalg.inv(one), weight) / 2 + inverse.diagonal()
    wanted = (np.bincount(groups) + OF_LOC.weights) / (np.bincount(groups, told) + OF_LOC.weights * OF_LOC.explained / 39)
    np.testing.assert_allclose(strength, wanted, rtol=1e-2)


def test_rows_that_say_the_same_count_once() -> None:
    columns, reached, _, groups = data(80, 5, 20)
    once = regression(columns, reached, groups, columns)
    again = regression(np.repeat(columns, 4, axis=0), np.repeat(reached, 4, axis=0), groups, columns, 4.0)
    for found, expected in zip(again, (*once[:3], np.repeat(once.leverage, 4)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_a_group_that_says_nothing_is_shrunken_to_nothing() -> None:
    columns, reached, weight, groups = data(60, 5, 60)
    found, _, covariance, _ = regression(columns, reached, groups, columns)
    assert np.abs(found[5:]).max() < 0.1
    assert np.abs(found[:5] - weight[:5]).max() < 0.7
    np.testing.assert_allclose(covariance, [[1.0, 0.8], [0.8, 1.0]], atol=0.6)


def test_unknown_targets_take_no_part() -> None:
    columns, reached, weight, groups = data(400, 5, 5)
    reached[::2, 1] = np.nan
    found, _, covariance, _ = regression(columns, reached, groups, columns[:0])
    assert np.abs(found[:5] - weight[:5]).max() < 0.35
    np.testing.assert_allclose(covariance, [[1.0, 0.8], [0.8, 1.0]], atol=0.4)


def test_errors_have_the_shape_of_training_and_the_covariance_of_the_regression() -> None:
    random = np.random.default_rng(0)
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    normal = random.normal(size=(500, 2))
    skewed = np.stack([random.exponential(size=500), random.normal(size=500)], axis=1)
    for errors, alike in ((normal, True), (skewed, False), (skewed[:50], True), (np.zeros((80, 2)), True), (np.zeros((0, 2)), True)):
        weights, means, factors = mixture(errors, covariance)
        np.testing.assert_allclose(weights.sum(), 1.0)
        np.testing.assert_allclose(weights @ means, 0.0, atol=1e-9)
        spread = factors @ factors.transpose(0, 2, 1)
        np.testing.assert_allclose(np.einsum("c,ckl->kl", weights, spread) + (means.T * weights) @ means, covariance)
        assert np.allclose(means, 0.0) == alike
        # E e^3 of each number: a narrow component lies below, a wide one above
        skew = (weights[:, None] * (means**3 + 3 * means * spread.diagonal(axis1=1, axis2=2))).sum(0) / covariance.diagonal() ** 1.5
        if not alike:
            assert 1.0 < skew[0] < 3.0


def test_errors_are_as_wide_as_their_columns_say() -> None:
    random = np.random.default_rng(0)
    columns = random.normal(size=(4000, 6)) + 1.0
    wide = np.exp(0.5 * columns[:, 0])
    errors = wide[:, None] * random.normal(size=(4000, 2)) * [1.0, 3.0]
    errors[::3, 1] = np.nan
    weight, loc = widths(columns, errors, np.repeat([0, 1], 3))
    np.testing.assert_allclose(weight, [0.5, 0, 0, 0, 0, 0], atol=0.06)
    left = errors / np.exp(columns @ weight + loc)[:, None]
    np.testing.assert_allclose(np.nanmean(left**2, axis=0), np.nanmean(errors**2, axis=0), rtol=0.2)
    assert np.nanstd(left[columns[:, 0] > 1.0, 0]) / np.nanstd(left[columns[:, 0] < 1.0, 0]) < 1.1


def test_errors_that_are_all_alike_have_one_width() -> None:
    random = np.random.default_rng(0)
    columns = random.normal(size=(300, 30))
    weight, loc = widths(columns, random.normal(size=(300, 2)), np.zeros(30, int))
    assert np.abs(columns @ weight + loc).max() < 0.3
    assert widths(columns, np.zeros((300, 2)), np.zeros(30, int))[1] == 0.0
    half = random.normal(size=(300, 2)) * [1.0, np.nan]  # no row knows the second target
    assert (columns @ widths(columns, half, np.zeros(30, int))[0]).std() < 0.3


def test_few_rows_of_numbers_that_say_nothing_are_hardly_believed() -> None:
    random = np.random.default_rng(0)
    columns, reached, groups = random.normal(size=(100, 40)), random.normal(size=(100, 2)), np.repeat([0, 1], 20)
    new = random.normal(size=(1000, 40))
    assert (new @ regression(columns, reached, groups, new).weight).std() < 0.12  # 0.17, were half as much as is left explained a priori
    assert (new @ widths(columns, reached, groups)[0]).std() < 0.05  # likewise 0.15


def test_the_share_is_that_of_the_least_crps() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(3000, 1))
    near = truth + random.normal(size=truth.shape)
    right = np.stack([near / 2 + np.sqrt(0.5) * random.normal(size=truth.shape) for _ in range(60)])
    blind = random.normal(size=(60, 3000, 1))
    assert best_share(right, blind, truth) < 0.2
    assert best_share(blind, right, truth) == 1.0
    share = best_share(right - 0.6, right + 0.6, truth)
    assert 0.4 < share < 0.65
    assert best_share(right[:, :1], blind[:, :1], truth[:1]) == 1.0


def test_of_videos_that_were_read_growth_is_learned(make_videos) -> None:
    """Videos measured from an origin in a unit give the same linear forecast as their popularity measured so beforehand."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    targets = Targets.fit(pd.DataFrame({"a": [1.0, 5.0, 30.0], "b": [2.0, 9.0, 4.0]}), ("a", "b"), "log1p")
    videos = make_videos(200, {"social": 4}, targets=2, missing=0.0)
    origin, unit = 10 * torch.rand(200, 2, generator=random), 0.1 + torch.rand(200, 2, generator=random)
    read = replace(videos, popularity=origin + unit * videos.popularity, origin=origin, unit=unit, floor=torch.zeros(200, 2))
    found = []
    for one in (read, videos):
        networks = build({"social": PartShape(4)}, targets, Configuration(width=8, latent=2))
        member = Member(Program(model, guide), networks).setup(one)
        add_linear(member, one.rows(slice(0, 150)), one.rows(slice(150, 200)), {"social": PartShape(4)}, targets)
        found.append(member.linear)
    for name in ("weight", "loc", "logits", "shift", "factor", "width_weight", "width_loc"):
        np.testing.assert_allclose(getattr(found[0], name), getattr(found[1], name), rtol=1e-4, atol=1e-4)


def test_errors_of_growth_count_as_they_are_scored(make_videos, monkeypatch) -> None:
    """In units of the expected growth, a video that hardly grows any more would count as much as one that is just published."""
    targets = Targets.fit(pd.DataFrame({"a": [1.0, 5.0, 30.0], "b": [2.0, 9.0, 4.0]}), ("a", "b"), "log1p")
    videos = make_videos(60, {"social": 4}, targets=2, missing=0.0)
    unit = torch.full((60, 2), 0.5)
    unit[:30] = 0.001
    read = replace(videos, popularity=unit * videos.popularity, origin=torch.zeros(60, 2), unit=unit, floor=torch.zeros(60, 2))
    weighed = []
    monkeypatch.setattr("training.linear.best_share", lambda *found: weighed.append(found[:3]) or 0.0)
    for one in (read, videos):
        torch.manual_seed(0)
        member = Member(Program(model, guide), build({"social": PartShape(4)}, targets, Configuration(width=8, latent=2))).setup(one)
        add_linear(member, one.rows(slice(0, 20)), one.rows(slice(20, 60)), {"social": PartShape(4)}, targets)
    for found, plain in zip(*weighed, strict=True):
        np.testing.assert_allclose(found, plain * unit[20:].numpy(), rtol=1e-4, atol=1e-6)


def test_without_a_validation_row_the_linear_forecast_stands_alone(make_videos) -> None:
    torch.manual_seed(0)
    targets = Targets.fit(pd.DataFrame({"a": [1.0, 5.0, 30.0], "b": [2.0, 9.0, 4.0]}), ("a", "b"), "log1p")
    videos = make_videos(40, {"social": 4}, targets=2)
    for held in (0, 1):
        member = Member(Program(model, guide), build({"social": PartShape(4)}, targets, Configuration(width=8, latent=2))).setup(videos)
        add_linear(member, videos.rows(slice(held, 40)), videos.rows(slice(0, held)), {"social": PartShape(4)}, targets)
        assert member.linear is not None
        assert float(member.linear.share) == 1.0


def test_errors_of_growth_are_normal(make_videos) -> None:
    torch.manual_seed(0)
    targets = Targets.fit(pd.DataFrame({"a": [1.0, 5.0, 30.0], "b": [2.0, 9.0, 4.0]}), ("a", "b"), "log1p")
    videos = make_videos(300, {"social": 4}, targets=2)
    videos = replace(videos, popularity=videos.popularity.exp())
    shapes = {"social": PartShape(4)}
    for growth in (False, True):
        member = Member(Program(model, guide), build(shapes, targets, Configuration(width=8, latent=2))).setup(videos)
        add_linear(member, videos.rows(slice(0, 240)), videos.rows(slice(240, 300)), shapes, targets, growth=growth)
        assert member.linear is not None
        assert (float(member.linear.shift.abs().max()) < 0.1) == growth


def test_one_row_is_not_enough_for_a_line(make_videos) -> None:
    torch.manual_seed(0)
    targets = Targets.fit(pd.DataFrame({"a": [1.0, 5.0, 30.0], "b": [2.0, 9.0, 4.0]}), ("a", "b"), "log1p")
    videos = make_videos(1, {"social": 4}, targets=2)
    member = Member(Program(model, guide), build({"social": PartShape(4)}, targets, Configuration(width=8, latent=2))).setup(videos)
    add_linear(member, videos, videos.rows(slice(0, 0)), {"social": PartShape(4)}, targets, growth=True)
    assert member.linear is not None
    forecast = member.linear(videos)
    np.testing.assert_allclose(forecast.mean[0], targets.loc, rtol=1e-5)
    np.testing.assert_allclose(forecast.variance[0], targets.spread**2, rtol=1e-5)
