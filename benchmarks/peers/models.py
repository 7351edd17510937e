"""Trees and linear models.

A tree takes a task and a target, stops on the held rows or takes as many rounds as it is told, and returns its forecast of the
test rows and the rounds. What is fitted in closed form returns its forecast alone. Libraries are imported inside the peers: each is
optional, and none may count in another's memory.
"""

import numpy as np
import pandas as pd

from benchmarks.peers.columns import Task
from benchmarks.peers.forecasts import LEVELS, Forecast, Normal, Quantiles

Rounds = list[int]  # trees of each model
PATIENCE = 100


def catboost(task: Task, target: str, rounds: Rounds | None = None) -> tuple[Forecast, Rounds]:
    """CatBoost with a Normal whose loc and scale are both learned; categories as they are and target-encoded."""
    model = _catboost(task, target, "RMSEWithUncertainty", rounds)
    loc, variance = model.predict(task.test.native, prediction_type="RMSEWithUncertainty").T
    return Normal(loc, np.sqrt(variance)), [model.tree_count_]


def catboost_quantiles(task: Task, target: str, rounds: Rounds | None = None) -> tuple[Forecast, Rounds]:
    """CatBoost with all quantiles in one model; categories as they are and target-encoded."""
    model = _catboost(task, target, "MultiQuantile:alpha=" + ",".join(map(str, LEVELS)), rounds)
    return Quantiles(model.predict(task.test.native)), [model.tree_count_]


def lightgbm(task: Task, target: str, rounds: Rounds | None = None) -> tuple[Forecast, Rounds]:
    """LightGBM, one model a quantile; categories target-encoded."""
    from lightgbm import Dataset, early_stopping
    from lightgbm import train as boost

    settings = {"objective": "quantile", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 20, "lambda_l2": 1.0, "verbosity": -1}
    settings |= {"feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "num_threads": task.threads, "seed": task.seed}
    x, y = task.train.known(target)
    rows = Dataset(_plain(x), y, free_raw_data=False)
    if rounds is None:
        x_held, y_held = task.held.known(target)
        held = Dataset(_plain(x_held), y_held, reference=rows, free_raw_data=False)
        stop = early_stopping(PATIENCE // 2, verbose=False)
        models = [boost(settings | {"alpha": level}, rows, 1000, valid_sets=[held], callbacks=[stop]) for level in LEVELS]
    else:
        models = [boost(settings | {"alpha": level}, rows, count) for level, count in zip(LEVELS, rounds, strict=True)]
    test = _plain(task.test.encoded)
    return Quantiles(np.column_stack([model.predict(test) for model in models])), [model.best_iteration for model in models]


def ngboost(task: Task, target: str, rounds: Rounds | None = None) -> tuple[Forecast, Rounds]:
    """NGBoost with a Normal; categories target-encoded."""
    from ngboost import NGBRegressor
    from sklearn.tree import DecisionTreeRegressor

    x, y = task.train.known(target)
    middle = x.median()
    model = NGBRegressor(
        Base=DecisionTreeRegressor(max_depth=6, min_samples_leaf=10, max_features=0.5),
        n_estimators=600 if rounds is None else rounds[0],
        learning_rate=0.05,
        minibatch_frac=0.5,
        random_state=task.seed,
        verbose=False,
    )
    stop = {}
    if rounds is None:
        x_held, y_held = task.held.known(target)
        stop = {"X_val": x_held.fillna(middle).to_numpy(), "Y_val": y_held, "early_stopping_rounds": PATIENCE // 4}
    model.fit(x.fillna(middle).to_numpy(), y, **stop)
    fitted = model.pred_dist(task.test.encoded.fillna(middle).to_numpy())
    # the best iteration is counted from 0
    return Normal(fitted.params["loc"], fitted.params["scale"]), rounds or [model.best_val_loss_itr + 1]


def ridge(task: Task, target: str) -> Forecast:
    """Bayesian ridge on splines of the numbers; categories target-encoded."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import BayesianRidge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, SplineTransformer, StandardScaler

    x, y = task.train.known(target)
    uniform = QuantileTransformer(n_quantiles=min(1000, len(x)), random_state=task.seed)
    splines = SplineTransformer(n_knots=5, degree=2)
    columns = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), uniform, splines, StandardScaler())
    model = BayesianRidge().fit(columns.fit_transform(x), y)
    return Normal(*model.predict(columns.transform(task.test.encoded), return_std=True))


def last_value(task: Task, target: str) -> Forecast:
    """What was read last, and growth as the training rows had it, whatever the video (for followed videos)."""
    _, y = task.train.known(target)
    return Quantiles(np.tile(np.quantile(y, LEVELS), (len(task.test.targets), 1)))


def log_linear(task: Task, target: str) -> Forecast:
    """Growth linear in the logarithms of age and lead (Szabo and Huberman 2010), its errors as the training rows had them."""

    def terms(columns: pd.DataFrame) -> np.ndarray:
        found = columns.reindex(columns=["log_age_read", "log_lead"]).fillna(0.0).to_numpy()
        return np.column_stack([np.ones(len(found)), found, found.prod(axis=1)])

    x, y = task.train.known(target)
    law = np.linalg.lstsq(terms(x), y, rcond=None)[0]
    strayed = np.quantile(y - terms(x) @ law, LEVELS)
    return Quantiles((terms(task.test.encoded) @ law)[:, None] + strayed)


def _plain(columns: pd.DataFrame) -> np.ndarray:
    return columns.to_numpy(np.float32)


def _catboost(task: Task, target: str, loss: str, rounds: Rounds | None):
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(
        loss_function=loss,
        iterations=1500 if rounds is None else rounds[0],
        learning_rate=0.06,
        depth=6,
        l2_leaf_reg=10,
        cat_features=list(task.train.categories),
        random_seed=task.seed,
        thread_count=task.threads,
        allow_writing_files=False,
        verbose=False,
    )
    stop = {"eval_set": task.held.known(target, native=True), "early_stopping_rounds": PATIENCE} if rounds is None else {}
    return model.fit(*task.train.known(target, native=True), **stop)
