"""Networks and videos to draws, scores and pictures."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.forecaster import Forecaster
    from forecast.saved import load

PLACES = {"Forecaster": "forecast.forecaster", "load": "forecast.saved"}

__all__ = ["Forecaster", "load"]


def __getattr__(name: str) -> Any:
    """Import the forecaster when it is asked for (PEP 562): `--help` reads the settings and must not wait for torch."""
    if name not in PLACES:
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")
    return getattr(import_module(PLACES[name]), name)
