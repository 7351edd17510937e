"""The estimator does what scikit-learn expects of one, and its scores are those of evaluate.py."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.utils import estimator_checks

from features.simulated.world import simulate
from machine.errors import InputError
from training.estimator import PopularityRegressor

SETTINGS = {"latent": 4, "width": 16, "members": 1, "epochs": 2, "batch_size": 128}
COUNTS = ["view_count", "like_count"]
# Checks of scikit-learn that need no data. All others call fit with arrays of unnamed numbers, which this estimator refuses: what they
# check (cloning, untouched input, unfitted predictions, shapes, repeated fits) is checked below with a data frame.
APPLICABLE = (
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_valid_tag_types",
    "check_estimator_tags_renamed",
    "check_mixin_order",
)


@pytest.fixture(scope="module")
def frame() -> tuple[pd.DataFrame, pd.DataFrame]:
    videos = simulate(300, seed=2)[0].videos
    return videos.drop(columns=["view_count", "like_count", "comment_count", "share_count"]), videos[COUNTS]


def small() -> PopularityRegressor:
    return PopularityRegressor(samples=200, settings=SETTINGS)


@pytest.mark.parametrize("check", [name for name in APPLICABLE if hasattr(estimator_checks, name)])  # they come and go with versions
def test_checks_of_scikit_learn(check: str) -> None:
    getattr(estimator_checks, check)("PopularityRegressor", PopularityRegressor())


def test_fit_predict_sample(frame) -> None:
    X, y = frame
    before = X.copy()
    model = small().fit(X, y)
    pd.testing.assert_frame_equal(X, before)
    assert model.predict(X[:7]).shape == (7, 2)
    low, high = model.predict(X[:7], quantiles=[0.1, 0.9])
    assert (low <= high).all()
    assert model.sample(X[:7], 30).shape == (30, 7, 2)
    levels, model = [0.1, 0.5, 0.9], model.set_params(samples=201)  # each of these levels is that of one draw: no scale between two
    np.testing.assert_array_equal(model.predict(X[:7], quantiles=levels), np.quantile(model.sample(X[:7], 201), levels, axis=0))
    np.testing.assert_array_equal(model.predict(X[:7]), np.median(model.sample(X[:7], 201), axis=0))
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.predict(X[:7]), model.predict(X[:7]))
    one = small().fit(X, y["view_count"])
    assert one.predict(X[:7]).shape == (7,)
    assert one.predict(X.drop(columns="id")[:7], quantiles=[0.5]).shape == (1, 7)


def test_scores_are_those_of_evaluate(frame) -> None:
    X, y = frame
    model = small().fit(X[:250], y[:250])
    metrics = model.forecaster_.evaluate(X[250:].assign(**y[250:]), samples=200)
    errors = np.abs(np.log1p(model.predict(X[250:])) - np.log1p(y[250:].to_numpy())).mean(0)
    for place, name in enumerate(COUNTS):
        # a median of 200 draws lies between two counts, and predictions are whole
        assert errors[place] == pytest.approx(metrics["targets"][name]["mae"], rel=2e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*no row has the part history")
def test_cross_validation_by_author(frame) -> None:
    X, y = frame
    scores = cross_val_score(small(), X, y["view_count"], groups=X["username"], cv=GroupKFold(3), scoring="neg_median_absolute_error")
    assert np.isfinite(scores).all()


def test_what_it_refuses(frame) -> None:
    X, y = frame
    with pytest.raises(NotFittedError):
        small().predict(X)
    with pytest.raises(InputError, match="X is a ndarray"):
        small().fit(X.to_numpy(), y)
    with pytest.raises(InputError, match="y has 5 rows, X has 300"):
        small().fit(X, y[:5])
    for given, said in ((None, "y is None"), (np.zeros((300, 1, 1)), "3 dimensions"), (["a"] * 300, "y: could not convert")):
        with pytest.raises(InputError, match=said):
            small().fit(X, given)
    for table, truth in ((pd.concat([X, X[["username"]]], axis=1), y), (X, y.set_axis(["username"] * 2, axis=1))):
        with pytest.raises(InputError, match="several columns named username"):
            small().fit(table, truth)
    for settings, said in (({"epoch": 1}, r"setting epoch: there is none \(is it epochs\?\)"), (3, "settings: 3 is no dict of settings")):
        with pytest.raises(InputError, match=said):
            PopularityRegressor(settings=settings).fit(X, y)
    for name in ("target_scale", "seed", "targets"):
        with pytest.raises(InputError, match=f"settings: {name} is told by y or by an argument"):
            PopularityRegressor(settings={name: 0}).fit(X, y)


def test_draws_are_told_in_the_scale_that_was_fitted(frame) -> None:
    X, y = frame
    model = PopularityRegressor(samples=200, settings=SETTINGS, seed=np.int64(3)).fit(X, y)
    before = model.sample(X[:5], 20)
    np.testing.assert_array_equal(model.set_params(target_scale="identity").sample(X[:5], 20), before)
    with pytest.raises(InputError, match="seed: -1 is no whole number"):
        model.forecaster_.forecast(X[:5], seed=-1)
    for levels in (0.5, [], [1.5], [float("nan")], ["a"]):
        with pytest.raises(InputError, match="no list of levels"):
            model.predict(X[:5], quantiles=levels)


def test_readings_of_one_video_are_no_rows_to_predict(frame) -> None:
    X, y = frame
    model = small().fit(X[:200], y[:200])
    twice = pd.concat([X[:3], X[:2].assign(collected_at=X["collected_at"] - 60)])
    for forecast in (model.predict, model.sample):
        with pytest.raises(InputError, match="X has 5 rows of 3 ids: rows that repeat an id are readings of one video"):
            forecast(twice)


def test_rows_without_an_id_are_known_by_what_stands_in_them(frame) -> None:
    X, y = frame
    X = X.drop(columns="id")
    model = small().fit(X[:200], y[:200])
    new = X[200:220]
    np.testing.assert_array_equal(model.predict(new), model.predict(new.reset_index(drop=True)))  # the numbers of training rows
    assert model.predict(pd.concat([new, new])).shape == (40, 2)
