"""scikit-learn's way in: fit, predict and sample over data frames with the contract's columns."""

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from features.tables.dataset import as_dataset
from forecast.forecaster import Forecasts
from forecast.run.configuration import Configuration
from machine.errors import InputError
from training.ensemble import train


class PopularityRegressor(RegressorMixin, BaseEstimator):
    """Forecasts of popularity as a regressor.

    X is a data frame with columns of the contract, all of them optional, also `id`. y is a series or a frame of counts (or scores).
    Predictions are in the units of y.

    Args:
        target_scale: `log1p` for counts, `identity` for scores.
        samples: draws behind a prediction.
        settings: further settings of `Configuration` by name, but for those that are arguments of their own. A search is given whole
            dicts: `GridSearchCV(PopularityRegressor(), {"settings": [{"epochs": 5}, {"epochs": 10}]})`.
        seed: of everything random.

    Attributes:
        forecaster_: the trained `forecast.Forecaster`.
        targets_: names of the columns of y.
    """

    def __init__(self, target_scale: str = "log1p", samples: int = 1000, settings: dict[str, Any] | None = None, seed: int = 0) -> None:
        self.target_scale = target_scale
        self.samples = samples
        self.settings = settings
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: pd.Series | pd.DataFrame) -> "PopularityRegressor":
        """Train on every row of X (N rows) and y (N,) or (N, K).

        Raises:
            InputError: X is no data frame, y has another length or no numbers, a setting is unknown or an argument of its own, or
                whatever `training.train` refuses.
        """
        if not isinstance(self.settings, dict | None):
            raise InputError(f"settings: {self.settings!r} is no dict of settings of `Configuration` by name")
        if twice := {"targets", "target_scale", "seed"} & {*(self.settings or {})}:
            raise InputError(f"settings: {min(twice)} is told by y or by an argument of its own")
        truth = _frame(y)
        self.targets_ = tuple(map(str, truth.columns))
        self._one = np.ndim(y) == 1
        videos = self._videos(X)
        if len(truth) != len(videos):
            raise InputError(f"y has {len(truth)} rows, X has {len(videos)}")
        repeated = [*X.columns[X.columns.duplicated()], *truth.columns[truth.columns.duplicated()]]
        if repeated:
            raise InputError(f"X or y has several columns named {repeated[0]}")
        try:
            videos[list(self.targets_)] = truth.to_numpy(np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise InputError(f"y: {error}") from error
        # no row is kept back for tests: who calls fit has done that
        settings: dict[str, Any] = {"targets": self.targets_, "target_scale": self.target_scale, "seed": self.seed, "test_share": 0.0}
        self.forecaster_ = train(videos, Configuration(**settings | (self.settings or {})))
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame, quantiles: Sequence[float] | None = None) -> np.ndarray:
        """Medians (N,) or (N, K); with Q `quantiles` (Q, N) or (Q, N, K).

        Raises:
            InputError: X is no data frame or repeats an id, no list of levels, or one outside of [0, 1], or whatever
                `features.tables.table` refuses.
        """
        levels = [0.5] if quantiles is None else list(quantiles) if np.ndim(quantiles) == 1 else []
        if not levels or not all(isinstance(level, numbers.Real) and 0 <= level <= 1 for level in levels):
            raise InputError(f"quantiles: {quantiles!r} is no list of levels from 0 to 1")
        forecasts = self._forecasts(X, self.samples)
        found = np.stack([forecasts.quantile(level).to_numpy() for level in levels])
        found = found[..., 0] if self._one else found
        return found[0] if quantiles is None else found

    def sample(self, X: pd.DataFrame, n: int = 1000) -> np.ndarray:
        """`n` joint draws of N rows: (n, N), or (n, N, K).

        Raises:
            InputError: as of `predict`.
        """
        forecasts = self._forecasts(X, n)
        found = forecasts.scale.told(forecasts.samples.astype(np.float64))
        return found[..., 0] if self._one else found

    def _forecasts(self, X: pd.DataFrame, samples: int) -> Forecasts:
        check_is_fitted(self)
        videos = self._videos(X)
        dataset = as_dataset(videos, **self.forecaster_.configuration.columns)
        if len(dataset) < len(videos):  # scikit-learn needs one prediction a row
            told = "rows that repeat an id are readings of one video, which has one forecast: give one row a video"
            raise InputError(f"X has {len(videos)} rows of {len(dataset)} ids: {told}")
        return self.forecaster_.forecast(dataset, samples, seed=self.seed)

    def _videos(self, X: pd.DataFrame) -> pd.DataFrame:
        """A copy of X without the targets, with an id for every row that has none."""
        if not isinstance(X, pd.DataFrame):
            raise InputError(f"X is a {type(X).__name__}, not a data frame with the contract's columns")
        videos = X.drop(columns=[name for name in self.targets_ if name in X]).reset_index(drop=True)
        if "id" in videos:
            return videos
        # a row is known by what stands in it, so that another table's row of the same number is another video
        content = pd.util.hash_pandas_object(videos.astype(str), index=False)
        number = content.groupby(content).cumcount()
        return videos.assign(id=[f"row {key:016x} {again}" for key, again in zip(content, number, strict=True)])


def _frame(y: Any) -> pd.DataFrame:
    if isinstance(y, pd.DataFrame):
        return y
    if isinstance(y, pd.Series):
        return y.to_frame("y" if y.name is None else str(y.name))
    values = np.asarray(y)
    if y is None or values.ndim not in (1, 2):
        raise InputError(f"y is {'None' if y is None else f'an array of {values.ndim} dimensions'}, not a column or a table of numbers")
    return pd.DataFrame(values, columns=["y"] if values.ndim == 1 else [f"y{place}" for place in range(values.shape[1])])
