"""Trees and linear models. A peer takes a task and returns one forecast a target, for the test rows.

Libraries are imported inside the peers: each is optional, and none may count in another's memory.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.peer_columns import Task
from benchmarks.peer_forecasts import LEVELS, Forecast, Normal, Quantiles

Known = tuple[pd.DataFrame, np.ndarray]  # columns and one target (n), of the rows where it is known
PATIENCE = 100


def catboost(task: Task) -> dict[str, Forecast]:
    """CatBoost with a Normal whose loc and scale are both learned; categories as they are and target-encoded."""

    def fit(train: Known, validation: Known, test: pd.DataFrame) -> Forecast:
        model = _catboost(task, "RMSEWithUncertainty", train, validation)
        loc, variance = model.predict(test, prediction_type="RMSEWithUncertainty").T
        return Normal(loc, np.sqrt(variance))

    return _each_target(task, _native, fit)


def catboost_quantiles(task: Task) -> dict[str, Forecast]:
    """CatBoost with all quantiles in one model; categories as they are and target-encoded."""

    def fit(train: Known, validation: Known, test: pd.DataFrame) -> Forecast:
        loss = "MultiQuantile:alpha=" + ",".join(map(str, LEVELS))
        return Quantiles(_catboost(task, loss, train, validation).predict(test))

    return _each_target(task, _native, fit)


def lightgbm(task: Task) -> dict[str, Forecast]:
    """LightGBM, one model a quantile; categories target-encoded."""
    from lightgbm import Dataset, early_stopping
    from lightgbm import train as boost

    settings = {"objective": "quantile", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 20, "lambda_l2": 1.0, "verbosity": -1}
    settings |= {"feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "num_threads": task.threads, "seed": task.seed}

    def fit(train: Known, validation: Known, test: pd.DataFrame) -> Forecast:
        rows = Dataset(_plain(train[0]), train[1], free_raw_data=False)
        held = Dataset(_plain(validation[0]), validation[1], reference=rows, free_raw_data=False)
        stop = early_stopping(PATIENCE // 2, verbose=False)
        models = [boost(settings | {"alpha": level}, rows, 1000, valid_sets=[held], callbacks=[stop]) for level in LEVELS]
        return Quantiles(np.column_stack([model.predict(_plain(test)) for model in models]))

    return _each_target(task, _encoded, fit)


def ngboost(task: Task) -> dict[str, Forecast]:
    """NGBoost with a Normal; categories target-encoded."""
    from ngboost import NGBRegressor
    from sklearn.tree import DecisionTreeRegressor

    def fit(train: Known, validation: Known, test: pd.DataFrame) -> Forecast:
        middle = train[0].median()
        (x, y), (x_held, y_held) = ((columns.fillna(middle).to_numpy(), target) for columns, target in (train, validation))
        model = NGBRegressor(
            Base=DecisionTreeRegressor(max_depth=6, min_samples_leaf=10, max_features=0.5),
            n_estimators=600,
            learning_rate=0.05,
            minibatch_frac=0.5,
            random_state=task.seed,
            verbose=False,
        ).fit(x, y, X_val=x_held, Y_val=y_held, early_stopping_rounds=PATIENCE // 4)
        fitted = model.pred_dist(test.fillna(middle).to_numpy(), max_iter=model.best_val_loss_itr)
        return Normal(fitted.params["loc"], fitted.params["scale"])

    return _each_target(task, _encoded, fit)


def ridge(task: Task) -> dict[str, Forecast]:
    """Bayesian ridge on splines of the numbers; categories target-encoded."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import BayesianRidge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, SplineTransformer, StandardScaler

    def fit(train: Known, validation: Known, test: pd.DataFrame) -> Forecast:
        uniform = QuantileTransformer(n_quantiles=min(1000, len(train[0])), random_state=task.seed)
        splines = SplineTransformer(n_knots=5, degree=2)
        columns = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), uniform, splines, StandardScaler())
        model = BayesianRidge().fit(columns.fit_transform(train[0]), train[1])
        loc, scale = model.predict(columns.transform(test), return_std=True)
        return Normal(loc, scale)

    return _each_target(task, _encoded, fit)


def last_value(task: Task) -> dict[str, Forecast]:
    """What was read last, and growth as the training rows had it, whatever the video (for followed videos)."""

    def fit(train: Known, validation: Known, test: pd.DataFrame) -> Forecast:
        return Quantiles(np.tile(np.quantile(train[1], LEVELS), (len(test), 1)))

    return _each_target(task, _encoded, fit)


def log_linear(task: Task) -> dict[str, Forecast]:
    """Growth linear in the logarithms of age and lead (Szabo and Huberman 2010), its errors as the training rows had them."""

    def fit(train: Known, validation: Known, test: pd.DataFrame) -> Forecast:
        def terms(columns: pd.DataFrame) -> np.ndarray:
            found = columns.reindex(columns=["log_age_read", "log_lead"]).fillna(0.0).to_numpy()
            return np.column_stack([np.ones(len(found)), found, found.prod(axis=1)])

        law = np.linalg.lstsq(terms(train[0]), train[1], rcond=None)[0]
        strayed = np.quantile(train[1] - terms(train[0]) @ law, LEVELS)
        return Quantiles((terms(test) @ law)[:, None] + strayed)

    return _each_target(task, _encoded, fit)


def _each_target(task: Task, columns: Callable, fit: Callable[[Known, Known, pd.DataFrame], Forecast]) -> dict[str, Forecast]:
    train, validation, test = (columns(share) for share in (task.train, task.validation, task.test))
    return {
        name: fit(_known(train, task.train.targets[name]), _known(validation, task.validation.targets[name]), test)
        for name in task.train.targets
    }


def _known(columns: pd.DataFrame, target: pd.Series) -> Known:
    known = target.notna()
    return columns[known], target[known].to_numpy()


def _native(share) -> pd.DataFrame:
    return share.encoded.join(share.categories)


def _encoded(share) -> pd.DataFrame:
    return share.encoded


def _plain(columns: pd.DataFrame) -> np.ndarray:
    return columns.to_numpy(np.float32)


def _catboost(task: Task, loss: str, train: Known, validation: Known):
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(
        loss_function=loss,
        iterations=1500,
        learning_rate=0.06,
        depth=6,
        l2_leaf_reg=10,
        cat_features=list(task.train.categories),
        early_stopping_rounds=PATIENCE,
        random_seed=task.seed,
        thread_count=task.threads,
        allow_writing_files=False,
        verbose=False,
    )
    return model.fit(*train, eval_set=validation)
